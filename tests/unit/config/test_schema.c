/* SPDX-License-Identifier: MIT */
/* The table of keys, what is found in it, and what is written from it. */
#include "config/config.h"
#include "config/names.h"
#include "config/reader.h"
#include "config/schema.h"
#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_BYTES_MAX (1024 * 1024)

static void check_rows_of(umh_schema_object object)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);

    assert_true(rows->count > 0);
    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];

        assert_true(row->owner == object && row->object < OBJECT_COUNT);
        assert_non_null(row->key);
        assert_non_null(row->text);
        assert_true(strlen(row->text) > 10 && row->text[strlen(row->text) - 1] == '.');
        assert_null(strchr(row->text, '|'));
        assert_true(row->lowest <= row->highest);
        assert_true((row->type == SCHEMA_ENUM) == (row->choices != NULL));
        assert_ptr_equal(umh_schema_find(row->owner, row->key), row);
    }
}

static void test_every_row_is_complete(void **state)
{
    (void)state;
    for (umh_schema_object object = OBJECT_ROOT; object < OBJECT_COUNT; object++)
        check_rows_of(object);
}

static void test_defaults_are_what_a_file_could_say(void **state)
{
    umh_config config = UMH_CONFIG_INIT;
    umh_host_config host = {.name = NULL};
    umh_module_config module = {.name = NULL};

    (void)state;
    /* Twice: what is there is replaced, not lost. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(umh_reader_set_defaults(OBJECT_ROOT, &config), 0);
        assert_int_equal(umh_reader_set_defaults(OBJECT_HOST, &host), 0);
        assert_int_equal(umh_reader_set_defaults(OBJECT_MODULE, &module), 0);
    }
    assert_int_equal(config.max_message_bytes, UMH_MESSAGE_BYTES_DEFAULT);
    assert_int_equal(host.restart.factor, 2);
    assert_int_equal(host.restart.healthy_after_ms, 10000);
    assert_int_equal(host.timeouts.unload_ms, 10000);
    assert_int_equal(host.hold.bytes, UMH_HOLD_BYTES_DEFAULT);
    assert_string_equal(module.config, "{}");
    assert_null(module.path);
    for (int i = 0; i < 2; i++) {
        umh_reader_release(OBJECT_ROOT, &config);
        umh_reader_release(OBJECT_HOST, &host);
        umh_reader_release(OBJECT_MODULE, &module);
    }
    assert_null(module.config);
}

static void test_finds_keys_by_case(void **state)
{
    (void)state;
    assert_non_null(umh_schema_find(OBJECT_HOST, "GroupName"));
    assert_null(umh_schema_find(OBJECT_HOST, "groupname"));
    assert_null(umh_schema_find(OBJECT_ROOT, "GroupName"));
    assert_null(umh_schema_find(OBJECT_HOST, ""));
}

static void test_suggests_what_was_meant(void **state)
{
    static const struct {
        umh_schema_object owner;
        const char *key;
        const char *meant;
    } cases[] = {
        {OBJECT_HOST, "groupname", "GroupName"},
        {OBJECT_HOST, "GropuName", "GroupName"},
        {OBJECT_HOST, "Group", NULL},
        {OBJECT_HOST, "Moduls", "Modules"},
        {OBJECT_HOST, "Timeout", "Timeouts"},
        {OBJECT_HOST, "UI", "Ui"},
        {OBJECT_HOST, "Xy", NULL},
        {OBJECT_HOST, "", NULL},
        {OBJECT_ROOT, "ChildProcess", "ChildProcesses"},
        {OBJECT_ROOT, "MaximumMessageBytes", "MaxMessageBytes"}, /* a third of its length */
        {OBJECT_ROOT, "StallSecs", "StallSeconds"},
        {OBJECT_TIMEOUTS, "StrtMs", "StartMs"},
        {OBJECT_HOST, "Modules\xC3\xA4", "Modules"},
        {OBJECT_HOST, "GroupNameGroupNameGroupNameGroupNameGroupNameGroupNameGroupNameGroup", NULL},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(cases); i++) {
        const char *meant = umh_schema_nearest(cases[i].owner, cases[i].key);

        if (cases[i].meant) {
            assert_non_null(meant);
            assert_string_equal(meant, cases[i].meant);
        } else {
            assert_null(meant);
        }
    }
}

static void test_knows_names(void **state)
{
    char longest[UMH_NAME_BYTES_MAX + 2];

    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[UMH_NAME_BYTES_MAX + 1] = '\0';
    assert_false(umh_schema_is_name(longest));
    longest[UMH_NAME_BYTES_MAX] = '\0';
    assert_true(umh_schema_is_name(longest));
    assert_true(umh_schema_is_name("a.B_c-9"));
    assert_true(umh_schema_is_name("_"));
    assert_false(umh_schema_is_name(""));
    assert_false(umh_schema_is_name(".a"));
    assert_false(umh_schema_is_name("-a"));
    assert_false(umh_schema_is_name("a@2"));
    assert_false(umh_schema_is_name("a/b"));
    assert_false(umh_schema_is_name("\xC3\xA4"));
}

static void test_names_repeat_in_any_case(void **state)
{
    umh_name names[] = {{.text = "b", .index = 0}, {.text = "a", .index = 1},
                        {.text = "B", .index = 2}, {.text = "ab", .index = 3},
                        {.text = "b", .index = 4}, {.text = "", .index = 5}};

    (void)state;
    assert_true(umh_names_are_equal("aZ.9", "Az.9"));
    assert_false(umh_names_are_equal("[", "{")); /* only letters have a case */
    assert_false(umh_names_are_equal("a", "ab"));
    umh_names_mark_repeated(names, UMH_COUNT_OF(names));
    for (size_t i = 0; i < UMH_COUNT_OF(names); i++)
        assert_int_equal(names[i].is_repeated, names[i].index == 2 || names[i].index == 4);
    umh_names_mark_repeated(NULL, 0);
}

static void assert_committed(const char *name, const umh_buffer *text)
{
    UMH_AUTO(umh_buffer) committed = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(UMH_SOURCE_FOLDER, name, path), 0);
    assert_int_equal(umh_file_read(path, FILE_BYTES_MAX, &committed), 0);
    if (!umh_bytes_are_equal(umh_bytes_of(text->data, text->size),
                             umh_bytes_of(committed.data, committed.size)))
        fail_msg("%s is not what the table says: build the target `reference`", name);
}

static void test_reference_page_is_committed(void **state)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    (void)state;
    assert_int_equal(umh_schema_write_reference(&text), 0);
    for (umh_schema_object object = OBJECT_ROOT; object < OBJECT_COUNT; object++) {
        const umh_schema_rows *rows = umh_schema_rows_of(object);

        for (size_t i = 0; i < rows->count; i++)
            assert_non_null(strstr((const char *)text.data, rows->items[i].text));
    }
    assert_committed("docs/configuration.md", &text);
}

static void test_json_schema_is_committed(void **state)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    UMH_AUTO_PTR(umh_json) schema = NULL;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_schema_write_json_schema(&text), 0);
    assert_int_equal(umh_jsonc_parse_strict(umh_bytes_of(text.data, text.size), &schema, &why), 0);
    assert_non_null(umh_jsonc_get_object(umh_jsonc_get_object(schema, "$defs"), "ChildProcess"));
    assert_committed("share/umh/broker.schema.json", &text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_complete),
        cmocka_unit_test(test_defaults_are_what_a_file_could_say),
        cmocka_unit_test(test_finds_keys_by_case),
        cmocka_unit_test(test_suggests_what_was_meant),
        cmocka_unit_test(test_knows_names),
        cmocka_unit_test(test_names_repeat_in_any_case),
        cmocka_unit_test(test_reference_page_is_committed),
        cmocka_unit_test(test_json_schema_is_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
