/* SPDX-License-Identifier: MIT */
/* Which modules cannot be in one host, and which of two that exclude each other stays. */
#include "config/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    char folder[UMH_PATH_BYTES];
    umh_config config;
    umh_why why;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    assert_int_equal(umh_file_make_temporary("umh-layout-", f->folder), 0);
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

/* A PE file with a CLI header, IL only, where a module of that name is looked for. */
static void put_managed(const fixture *f, const char *name, bool is_program)
{
    uint8_t pe[1024] = "MZ";
    char file[64];
    char path[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];

    pe[0x3C] = 0x80;
    memcpy(pe + 0x80, "PE\0\0", 4);
    pe[0x84] = 0x4C; /* i386: any */
    pe[0x85] = 0x01;
    pe[0x94] = 224;  /* optional header */
    pe[0x96] = 0x02; /* executable image */
    pe[0x97] = is_program ? 0x00 : 0x20;
    pe[0x98] = 0x0B;
    pe[0x99] = 0x01;
    pe[0x98 + 92] = 16;    /* directories */
    pe[0x98 + 208] = 0x08; /* the CLI header's address and size */
    pe[0x98 + 209] = 0x20;
    pe[0x98 + 212] = 72;
    snprintf(file, sizeof file, "%s/%s.dll", name, name);
    assert_int_equal(umh_file_join(f->folder, file, path), 0);
    umh_file_parent(path, folder);
    assert_int_equal(umh_file_make_folder(folder), 0);
    assert_int_equal(umh_file_write(path, umh_bytes_of(pe, sizeof pe)), 0);
}

static void put_all(const fixture *f)
{
    put_managed(f, "panel", true);
    put_managed(f, "other", true);
    put_managed(f, "library", false);
}

/* One host "h" of these modules. */
static void configure(fixture *f, bool is_ui, const char *modules)
{
    umh_why_list problems = UMH_WHY_LIST_INIT;
    char path[UMH_PATH_BYTES];
    char *text = umh_text_format(
        "{\"ChildProcesses\": [{\"GroupName\": \"h\", \"Ui\": %s, \"Modules\": [%s]}]}",
        is_ui ? "true" : "false", modules);

    umh_config_deinit(&f->config);
    assert_int_equal(umh_file_join(f->folder, "broker.json", path), 0);
    assert_int_equal(umh_config_parse(umh_bytes_of_text(text), path, NULL, &f->config, &problems),
                     0);
    assert_int_equal(problems.count, 0);
    assert_int_equal(f->config.host_count, 1);
    umh_text_free(text);
    umh_why_list_deinit(&problems);
}

static int check(fixture *f, size_t number)
{
    const umh_host_config *host = &f->config.hosts[0];
    const umh_module_config *module = &host->modules[number];
    umh_module_file file;

    f->why = (umh_why)UMH_WHY_INIT;
    assert_int_equal(umh_modules_find(&f->config, host, module, &file, &f->why), 0);
    return umh_layout_check(&f->config, host, module, &file, &f->why);
}

static void test_program_is_alone_with_dotnet(void **state)
{
    fixture *f = *state;

    put_all(f);
    configure(f, true, "\"library\", \"panel\", \"other\"");
    assert_int_equal(check(f, 0), UMH_MODULES_UNUSABLE);
    assert_string_equal(f->why.text, "host 'h' runs the program 'panel', which has .NET to itself: "
                                     "'library' needs another host");
    assert_int_equal(f->why.line, 1);
    assert_int_equal(check(f, 1), 0);
    assert_int_equal(check(f, 2), UMH_MODULES_UNUSABLE);
    assert_non_null(strstr(f->why.text, "'panel'"));
    assert_non_null(strstr(f->why.text, "'other'"));
}

/* Whoever looks for its file says so; the one that is there has the host. */
static void test_program_that_is_missing_excludes_nobody(void **state)
{
    fixture *f = *state;

    put_all(f);
    configure(f, true, "\"nowhere\", \"other\"");
    assert_int_equal(check(f, 1), 0);
}

static void test_libraries_are_together(void **state)
{
    fixture *f = *state;

    put_all(f);
    configure(f, true, "\"library\", {\"Name\": \"again\", \"Path\": \"library/library.dll\"}");
    assert_int_equal(check(f, 0), 0);
    assert_int_equal(check(f, 1), 0);
    configure(f, false, "\"library\"");
    assert_int_equal(check(f, 0), 0);
}

/* It was loaded by hand, or its entry is wrong and stays what it was. */
static void test_unknown_host_has_no_others(void **state)
{
    umh_host_config unknown = {.name = (char[]){"other"}, .ui = true};
    umh_module_config module = {.name = (char[]){"library"}};
    fixture *f = *state;
    umh_module_file file;

    put_all(f);
    configure(f, true, "\"panel\"");
    assert_int_equal(umh_modules_find(&f->config, &unknown, &module, &file, &f->why), 0);
    assert_int_equal(umh_layout_check(&f->config, &unknown, &module, &file, &f->why), 0);
}

static void test_arguments_are_a_programs(void **state)
{
    fixture *f = *state;

    put_all(f);
    configure(f, true, "{\"Name\": \"panel\", \"Arguments\": [\"a\", \"b\"]}");
    assert_int_equal(f->config.hosts[0].modules[0].argument_count, 2);
    assert_string_equal(f->config.hosts[0].modules[0].arguments[1], "b");
    assert_int_equal(check(f, 0), 0);
    configure(f, false, "{\"Name\": \"library\", \"Arguments\": [\"a\"]}");
    assert_int_equal(check(f, 0), UMH_MODULES_UNUSABLE);
    assert_string_equal(f->why.key, "Arguments");
    assert_non_null(strstr(f->why.text, "'library'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_program_is_alone_with_dotnet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_program_that_is_missing_excludes_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_libraries_are_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_host_has_no_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arguments_are_a_programs, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
