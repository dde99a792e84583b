/* SPDX-License-Identifier: MIT */
/* Which file a module's name leads to, what is said of a wrong one, and where .NET is. */
#include "config/modules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ELF_64_BYTES 64
#define MACHINE_AT 18
#define TYPE_AT 16

/* A folder with modules, a configuration that looks there, and a host to load into. */
typedef struct fixture {
    char folder[UMH_PATH_BYTES];
    umh_config config;
    umh_host_config host;
    umh_module_file file;
    umh_why why;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    assert_int_equal(umh_file_make_temporary("umh-modules-", f->folder), 0);
    f->config.path = umh_text_format("%s/broker.json", f->folder);
    f->config.folder = umh_text_copy(f->folder);
    f->config.module_folders = calloc(2, sizeof(char *));
    assert_non_null(f->config.module_folders);
    f->config.module_folders[0] = umh_text_format("%s/first", f->folder);
    f->config.module_folders[1] = umh_text_format("%s/second", f->folder);
    f->config.module_folder_count = 2;
    f->host.line = 12;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    assert_int_equal(umh_file_remove_tree(f->folder), 0);
    umh_config_deinit(&f->config);
    free(f);
    return 0;
}

static void put_file(const fixture *f, const char *name, const void *content, size_t size)
{
    char path[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(f->folder, name, path), 0);
    umh_file_parent(path, folder);
    assert_int_equal(umh_file_make_folder(folder), 0);
    assert_int_equal(umh_file_write(path, umh_bytes_of(content, size)), 0);
}

/* Just enough of an ELF file: no segments. */
static void make_elf(uint8_t *elf, int bits, uint8_t type, uint8_t machine)
{
    memset(elf, 0, ELF_64_BYTES);
    memcpy(elf,
           "\x7F"
           "ELF",
           4);
    elf[4] = bits == 64 ? 2 : 1;
    elf[5] = 1;
    elf[6] = 1;
    elf[TYPE_AT] = type;
    elf[MACHINE_AT] = machine;
}

static uint8_t own_machine(void)
{
#if defined(__aarch64__)
    return 183;
#else
    return 62;
#endif
}

static void put_native(const fixture *f, const char *name)
{
    uint8_t elf[ELF_64_BYTES];

    make_elf(elf, 64, 3, own_machine());
    put_file(f, name, elf, sizeof elf);
}

/* A PE file with a CLI header, IL only. */
static void put_managed(const fixture *f, const char *name, bool is_program)
{
    uint8_t pe[1024] = "MZ";

    pe[0x3C] = 0x80;
    memcpy(pe + 0x80, "PE\0\0", 4);
    pe[0x84] = 0x4C; /* i386: any */
    pe[0x85] = 0x01;
    pe[0x86] = 0;    /* sections */
    pe[0x94] = 224;  /* optional header */
    pe[0x96] = 0x02; /* executable image */
    pe[0x97] = is_program ? 0x00 : 0x20;
    pe[0x98] = 0x0B;
    pe[0x99] = 0x01;
    pe[0x98 + 92] = 16;    /* directories */
    pe[0x98 + 208] = 0x08; /* the CLI header's address and size */
    pe[0x98 + 209] = 0x20;
    pe[0x98 + 212] = 72;
    put_file(f, name, pe, sizeof pe);
}

static int find(fixture *f, const char *name, const char *path)
{
    char name_copy[128];
    char path_copy[UMH_PATH_BYTES];
    umh_module_config module = {.name = name_copy, .path = path ? path_copy : NULL};

    umh_text_put(name_copy, sizeof name_copy, name);
    umh_text_put(path_copy, sizeof path_copy, path ? path : "");
    f->why = (umh_why)UMH_WHY_INIT;
    memset(&f->file, 0x5A, sizeof f->file);
    return umh_modules_find(&f->config, &f->host, &module, &f->file, &f->why);
}

static void assert_found(fixture *f, const char *name, const char *path, const char *file)
{
    char wanted[UMH_PATH_BYTES];
    int r = find(f, name, path);

    if (r)
        print_error("%s\n", f->why.text);
    assert_int_equal(r, 0);
    assert_int_equal(umh_file_join(f->folder, file, wanted), 0);
    assert_string_equal(f->file.path, wanted);
    umh_file_parent(wanted, wanted);
    assert_string_equal(f->file.folder, wanted);
}

static void assert_fault(fixture *f, const char *name, const char *path, const char *part)
{
    assert_int_equal(find(f, name, path), UMH_MODULES_UNUSABLE);
    if (!strstr(f->why.text, part))
        print_error("%s\n", f->why.text);
    assert_non_null(strstr(f->why.text, part));
    assert_int_equal(f->why.line, 12);
    assert_non_null(strstr(f->why.file, "broker.json"));
    assert_int_equal(f->file.path[0], 0x5A); /* written only on success */
}

static void test_finds_by_name_in_order(void **state)
{
    fixture *f = *state;

    put_managed(f, "second/x/x.dll", false);
    assert_found(f, "x", NULL, "second/x/x.dll");
    assert_int_equal(f->file.image.kind, IMAGE_CLI_SHARED);
    assert_true(f->file.copy_folder);
    put_native(f, "second/x/x.so");
    assert_found(f, "x", NULL, "second/x/x.so");
    put_native(f, "second/x/x64.so");
    assert_found(f, "x", NULL, "second/x/x64.so");
    assert_true(f->file.copy_folder);
    put_native(f, "first/x/x.so");
    assert_found(f, "x", NULL, "first/x/x.so");
    assert_int_equal(f->file.image.kind, IMAGE_ELF_SHARED);
}

static void test_finds_by_path(void **state)
{
    fixture *f = *state;
    char absolute[UMH_PATH_BYTES];

    put_native(f, "some/where.so");
    put_managed(f, "some/managed.dll", false);
    assert_found(f, "x", "some/where.so", "some/where.so");
    assert_false(f->file.copy_folder);
    assert_int_equal(umh_file_join(f->folder, "some/where.so", absolute), 0);
    assert_found(f, "x", absolute, "some/where.so");
    assert_found(f, "x", "some/managed.dll", "some/managed.dll");
    assert_true(f->file.copy_folder);
}

static void test_says_where_it_looked(void **state)
{
    fixture *f = *state;

    put_native(f, "second/Alerts/Alerts.so");
    put_file(f, "first/Alertz/readme", "x", 1); /* nearer, but no module */
    assert_fault(f, "Alertzz", NULL, "there is no module 'Alertzz' (did you mean 'Alerts'?)");
    assert_non_null(strstr(f->why.text, "Alertzz/Alertzz64.so, Alertzz.so and Alertzz.dll in "));
    assert_non_null(strstr(f->why.text, f->config.module_folders[0]));
    assert_non_null(strstr(f->why.text, f->config.module_folders[1]));
    assert_fault(f, "Unlike", NULL, "there is no module 'Unlike'; looked for");
    assert_fault(f, "x", "some/where.so", "there is no such file: ");
    assert_fault(f, "x", "second/Alerts", "a folder; Path is that of the module's file: ");
}

static void test_says_what_a_file_is(void **state)
{
    fixture *f = *state;
    uint8_t elf[ELF_64_BYTES];

    put_file(f, "first/text/text.so", "hello\n", 6);
    assert_fault(f, "text", NULL, "neither a shared library nor a .NET assembly");
    put_file(f, "first/empty/empty.so", "", 0);
    assert_fault(f, "empty", NULL, "not a module for this host");
    put_file(f, "first/cut/cut.so",
             "\x7F"
             "ELF\x02\x01",
             6);
    assert_fault(f, "cut", NULL, "cut off");
    make_elf(elf, 64, 2, own_machine());
    put_file(f, "first/program/program.so", elf, sizeof elf);
    assert_fault(f, "program", NULL, "a program, where a shared library is needed");
    make_elf(elf, 64, 3, 8);
    put_file(f, "first/mips/mips.so", elf, sizeof elf);
    assert_fault(f, "mips", NULL, "made for another processor");
    make_elf(elf, 32, 3, 3);
    put_file(f, "first/small/small.so", elf, sizeof elf);
    assert_fault(f, "small", NULL, "32-bit, where this host is 64-bit");
}

static void test_managed_programs_need_a_ui_host(void **state)
{
    fixture *f = *state;

    put_managed(f, "first/window/window.dll", true);
    assert_fault(f, "window", NULL, "only a host with \"Ui\": true");
    f->host.ui = true;
    assert_found(f, "window", NULL, "first/window/window.dll");
    assert_int_equal(f->file.image.kind, IMAGE_CLI_PROGRAM);
}

static void test_wow64_needs_its_host_program(void **state)
{
    fixture *f = *state;

    put_native(f, "first/x/x.so");
    f->host.wow64 = true;
    assert_fault(f, "x", NULL, "Wow64 needs the 32-bit host program (umh-host32)");
}

static void test_finds_a_configured_dotnet(void **state)
{
    fixture *f = *state;
    char root[UMH_PATH_BYTES];
    char found[UMH_PATH_BYTES] = "untouched";
    umh_dotnet_config dotnet = {.root = root};

    assert_int_equal(umh_file_join(f->folder, "net", root), 0);
    put_file(f, "net/host/fxr/10.0.1/libhostfxr.so", "x", 1);
    put_file(f, "net/shared/Microsoft.NETCore.App/9.0.1/x", "x", 1);
    assert_int_equal(umh_modules_find_dotnet(&dotnet, found, &f->why), UMH_MODULES_UNUSABLE);
    assert_string_equal(found, "untouched");
    assert_non_null(strstr(f->why.text, "DotNet.Root has no .NET 10 runtime"));
    assert_non_null(strstr(f->why.text, root));
    assert_non_null(strstr(f->why.text, "(it has 9.0.1)"));
    put_file(f, "net/shared/Microsoft.NETCore.App/10.0.1/x", "x", 1);
    assert_int_equal(umh_modules_find_dotnet(&dotnet, found, &f->why), 0);
    assert_string_equal(found, root);
}

static void test_looks_for_dotnet_in_the_usual_places(void **state)
{
    umh_dotnet_config dotnet = {.root = NULL};
    char found[UMH_PATH_BYTES] = "";
    umh_why why = UMH_WHY_INIT;
    int r = umh_modules_find_dotnet(&dotnet, found, &why);

    (void)state;
    /* Whether there is one is the machine's business. */
    if (r == 0) {
        assert_int_equal(found[0], '/');
    } else {
        assert_int_equal(r, UMH_MODULES_UNUSABLE);
        assert_non_null(strstr(why.text, "/usr/share/dotnet"));
        assert_non_null(strstr(why.text, "dotnet-runtime-10.0"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_finds_by_name_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finds_by_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_says_where_it_looked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_says_what_a_file_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_managed_programs_need_a_ui_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wow64_needs_its_host_program, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finds_a_configured_dotnet, setup, teardown),
        cmocka_unit_test(test_looks_for_dotnet_in_the_usual_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
