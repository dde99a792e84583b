/* SPDX-License-Identifier: MIT */
/* Managed modules in a host process. What needs a CLR is skipped where there is none. */
#include "fake_broker.h"

#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../support/modules/services.h"

#define MANAGED_SLOT 1
#define NATIVE_SLOT 2

typedef struct parts {
    fake_broker broker;
    char dotnet[UMH_PATH_BYTES]; /* empty: no .NET here */
    char host[UMH_PATH_BYTES];
    char module[UMH_PATH_BYTES];
} parts;

static void in_build(const char *name, char *ret_path)
{
    char folder[UMH_PATH_BYTES];

    assert_int_equal(umh_file_program_folder(folder), 0);
    for (int i = 0; i < 3; i++)
        umh_file_parent(folder, folder);
    assert_int_equal(umh_file_join(folder, name, ret_path), 0);
}

static bool has(const char *folder, const char *name)
{
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(folder, name, path), 0);
    return umh_file_inspect(path).kind != FILE_KIND_NONE;
}

static void find_dotnet(char *ret_root)
{
    static const char *const roots[] = {"/usr/share/dotnet", "/usr/lib/dotnet", "/root/.dotnet"};

    *ret_root = '\0';
    for (size_t i = 0; i < UMH_COUNT_OF(roots); i++)
        if (!*ret_root && has(roots[i], "host/fxr"))
            umh_text_put(ret_root, UMH_PATH_BYTES, roots[i]);
}

static int set_up(void **state)
{
    parts *self = calloc(1, sizeof(*self));

    assert_non_null(self);
    find_dotnet(self->dotnet);
    in_build("managed/publish/host", self->host);
    in_build("managed/publish/examples/minimal-csharp/Echo/Echo.dll", self->module);
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void skip_without_dotnet(const parts *self)
{
    if (!*self->dotnet || !has(self->host, "ManagedHost.dll") || !has(self->module, ""))
        skip();
}

/* The host as a broker starts it, with other folders for .NET. */
static void start_host(parts *self, const char *dotnet_root, const char *managed_folder)
{
    fake_frame hello;

    fake_broker_start(&self->broker);
    fake_broker_command(&self->broker, SERVICE_HOST_INIT, UMH_SLOT_NONE, "init",
                        json_pack("{s:s,s:i,s:s,s:i,s:i,s:i,s:s,s:s,s:s}", "name", "tested",
                                  "number", 7, "guid", "7e570000-0000-4000-8000-00000000000f",
                                  "session", 0, "max_message_bytes", UMH_MESSAGE_BYTES_DEFAULT,
                                  "window_bytes", UMH_WINDOW_BYTES, "log_level", "info",
                                  "dotnet_root", dotnet_root, "managed_folder", managed_folder));
    fake_broker_await(&self->broker, FRAME_ANSWER, &hello);
}

static void ask_load(parts *self, const char *path, umh_answer *ret_answer)
{
    fake_broker_ask(&self->broker, MANAGED_SLOT, "load",
                    json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", "Echo", "path", path, "folder", "/",
                              "original_folder", "/", "config", "{\"Prefix\":\"heard \"}"),
                    ret_answer);
}

static void load_managed(parts *self)
{
    umh_answer answer;

    ask_load(self, self->module, &answer);
    assert_string_equal(answer.why.text, "");
    assert_string_equal(umh_jsonc_get_text(answer.body, "loader", ""), "managed");
    assert_string_equal(umh_jsonc_get_text(answer.body, "name", ""), "Echo");
    umh_answer_deinit(&answer);
    fake_broker_expect_ok(&self->broker, MANAGED_SLOT, "start");
}

static void assert_load_says(parts *self, const char *words)
{
    umh_answer answer;

    ask_load(self, self->module, &answer);
    assert_false(answer.is_ok);
    if (!strstr(answer.why.text, words))
        fail_msg("\"%s\" does not say \"%s\"", answer.why.text, words);
    umh_answer_deinit(&answer);
}

static void unload(parts *self, uint16_t slot)
{
    umh_answer answer;

    fake_broker_expect_ok(&self->broker, slot, "stop");
    fake_broker_ask(&self->broker, slot, "unload", NULL, &answer);
    assert_string_equal(umh_jsonc_get_text(answer.body, "why", ""), "");
    assert_string_equal(umh_jsonc_get_text(answer.body, "outcome", ""), "unloaded");
    umh_answer_deinit(&answer);
}

static void assert_answer(parts *self, uint16_t slot, const char *text, const char *expected)
{
    static const umh_guid_v1 asked = ECHO_ASKED;
    umh_guid service;
    char answer[256];

    memcpy(&service, &asked, sizeof(service));
    fake_broker_exchange(&self->broker, &service, slot, text, answer, sizeof(answer));
    assert_string_equal(answer, expected);
}

/* ---- Without a CLR ---- */

/* Any assembly's header is enough: nothing of it is run. */
static void write_assembly_header(char *ret_folder, char *ret_path)
{
    static const char magic[] = "MZ";
    uint8_t image[1024] = {0};

    memcpy(image, magic, 2);
    image[0x3C] = 0x80;
    memcpy(image + 0x80, "PE\0\0", 4);
    image[0x84] = 0x4C; /* machine: i386, as IL-only assemblies say */
    image[0x85] = 0x01;
    image[0x86] = 1;    /* sections */
    image[0x94] = 0xE0; /* size of the optional header */
    image[0x97] = 0x21; /* executable, DLL */
    image[0x96] = 0x02;
    image[0x98] = 0x0B; /* PE32 */
    image[0x99] = 0x01;
    image[0x98 + 92] = 16;             /* data directories */
    image[0x98 + 96 + 14 * 8 + 1] = 2; /* CLI header at 0x200 */
    image[0x98 + 96 + 14 * 8 + 4] = 72;
    image[0x178 + 8 + 1] = 2;  /* .text: virtual size 0x200 */
    image[0x178 + 12 + 1] = 2; /* at 0x200 */
    image[0x178 + 16 + 1] = 2; /* raw size 0x200 */
    image[0x178 + 20 + 1] = 2; /* in the file at 0x200 */
    image[0x200] = 72;
    image[0x200 + 16] = 1; /* IL only */
    assert_int_equal(umh_file_make_temporary("umh-test-", ret_folder), 0);
    assert_int_equal(umh_file_join(ret_folder, "module.dll", ret_path), 0);
    assert_int_equal(umh_file_write(ret_path, umh_bytes_of(image, sizeof(image))), 0);
}

static void test_says_where_no_dotnet_is(void **state)
{
    parts *self = *state;
    char folder[UMH_PATH_BYTES];

    write_assembly_header(folder, self->module);
    start_host(self, "/nowhere", "/nowhere");
    assert_load_says(self, "no .NET in '/nowhere'");
    /* Again, and at once: it is not tried twice. */
    assert_load_says(self, "no .NET in '/nowhere'");
    fake_broker_load(&self->broker, NATIVE_SLOT, "echo", true);
    assert_answer(self, NATIVE_SLOT, "native goes on", "native goes on");
    fake_broker_stop(&self->broker);

    start_host(self, "", "");
    assert_load_says(self, "no .NET was found");
    fake_broker_stop(&self->broker);
    assert_int_equal(umh_file_remove_tree(folder), 0);
}

/* ---- With it ---- */

static void test_says_that_its_own_part_is_missing(void **state)
{
    parts *self = *state;

    skip_without_dotnet(self);
    start_host(self, self->dotnet, "/nowhere");
    assert_load_says(self, "there is no '/nowhere/ManagedHost.dll'");
    fake_broker_stop(&self->broker);
}

/* A runtime that nobody has, so that hostfxr is what refuses. */
static void test_passes_on_what_hostfxr_says(void **state)
{
    static const char configuration[] =
        "{\"runtimeOptions\":{\"tfm\":\"net10.0\",\"framework\":"
        "{\"name\":\"Microsoft.NETCore.App\",\"version\":\"99.0.0\"}}}";
    const umh_copy_limits limits = {.max_bytes = 1 << 26, .max_files = 100, .max_depth = 2};
    parts *self = *state;
    umh_why why = UMH_WHY_INIT;
    char folder[UMH_PATH_BYTES];
    char copy[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];

    skip_without_dotnet(self);
    assert_int_equal(umh_file_make_temporary("umh-test-", folder), 0);
    assert_int_equal(umh_file_join(folder, "host", copy), 0);
    assert_int_equal(umh_file_copy(self->host, copy, &limits, &why), 0);
    assert_int_equal(umh_file_join(copy, "ManagedHost.runtimeconfig.json", path), 0);
    assert_int_equal(umh_file_write(path, umh_bytes_of_text(configuration)), 0);
    start_host(self, self->dotnet, copy);
    assert_load_says(self, "You must install or update .NET");
    fake_broker_stop(&self->broker);
    assert_int_equal(umh_file_remove_tree(folder), 0);
}

static void test_managed_and_native_side_by_side(void **state)
{
    parts *self = *state;

    skip_without_dotnet(self);
    start_host(self, self->dotnet, self->host);
    load_managed(self);
    fake_broker_load(&self->broker, NATIVE_SLOT, "echo", true);
    for (int i = 0; i < 20; i++) {
        assert_answer(self, MANAGED_SLOT, "you", "heard you");
        assert_answer(self, NATIVE_SLOT, "you", "you");
    }
    fake_broker_await_log(&self->broker, "level=info module=Echo");
    unload(self, NATIVE_SLOT);
    assert_answer(self, MANAGED_SLOT, "still", "heard still");
    unload(self, MANAGED_SLOT);
    assert_int_equal(fake_broker_await_end(&self->broker, true).exit_code, 0);
    fake_broker_stop(&self->broker);
}

static void test_managed_is_unloaded_each_time(void **state)
{
    parts *self = *state;

    skip_without_dotnet(self);
    start_host(self, self->dotnet, self->host);
    for (int i = 0; i < 20; i++) {
        load_managed(self);
        assert_answer(self, MANAGED_SLOT, "you", "heard you");
        unload(self, MANAGED_SLOT);
    }
    fake_broker_stop(&self->broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_says_where_no_dotnet_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_says_that_its_own_part_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_passes_on_what_hostfxr_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_managed_and_native_side_by_side, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_managed_is_unloaded_each_time, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
