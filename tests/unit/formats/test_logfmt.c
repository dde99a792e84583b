/* SPDX-License-Identifier: MIT */
/* Log records to lines and back. */
#include "formats/logfmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_text(umh_bytes found, const char *wanted)
{
    umh_bytes text = umh_bytes_of_text(wanted);

    if (!umh_bytes_are_equal(found, text))
        print_error("'%.*s', not '%s'\n", (int)found.size, (const char *)found.data, wanted);
    assert_true(umh_bytes_are_equal(found, text));
}

static void check_line(const umh_logfmt_record *record, const char *wanted)
{
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;

    assert_int_equal(umh_logfmt_encode(record, &line), 0);
    check_text(umh_bytes_of(line.data, line.size), wanted);
}

static umh_logfmt_field field(const char *key, const char *value)
{
    return (umh_logfmt_field){.key = key, .value = umh_bytes_of_text(value)};
}

static void test_encodes(void **state)
{
    umh_logfmt_record record = {.level = UMH_LOG_INFO, .message = umh_bytes_of_text("started")};

    (void)state;
    check_line(&record, "level=info msg=started\n");
    record.module = umh_bytes_of_text("Alerts");
    record.message = umh_bytes_of_text("disk is \"full\"\nsee ...");
    record.fields[0] = field("key", "value");
    record.fields[1] = field("empty", "");
    record.fields[2] = field("path", "C:\\temp");
    record.fields[3] = field("spaced path", "C:\\my temp");
    record.fields[4] = field("a=\"\xC3\xA4\n", "x=y");
    record.fields[5] = field("", "tab\tcr\rbell\a\x7F");
    record.fields[6] = field(NULL, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    record.field_count = 7;
    check_line(
        &record,
        "level=info module=Alerts msg=\"disk is \\\"full\\\"\\nsee ...\" key=value empty=\"\" "
        "path=C:\\temp spaced_path=\"C:\\\\my temp\" a_____=\"x=y\" "
        "_=\"tab\\tcr\\rbell\\u0007\\u007f\" _=\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\n");
}

static void test_encodes_any_bytes(void **state)
{
    umh_logfmt_record record = {.level = UMH_LOG_ERROR};

    (void)state;
    record.message = umh_bytes_of("a\0b", 3);
    check_line(&record, "level=error msg=\"a\\u0000b\"\n");
    record.message = umh_bytes_of_text("\xFF"
                                       "a\xC3");
    check_line(&record, "level=error msg=\xEF\xBF\xBD"
                        "a\xEF\xBF\xBD\n");
    record.message = umh_bytes_of_text("\xED\xA0\x80 \xE2\x82");
    check_line(
        &record,
        "level=error msg=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\"\n");
    record.message = umh_bytes_of_text("\xC2\x9B"
                                       "31m"); /* a terminal's escape sequence, in one character */
    check_line(&record, "level=error msg=\"\\u009b31m\"\n");
    record.message = umh_bytes_of_text("\xC2\xA0");
    check_line(&record, "level=error msg=\xC2\xA0\n");
}

static void test_encodes_into_a_limit(void **state)
{
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;
    umh_logfmt_record record = {.level = UMH_LOG_INFO, .message = umh_bytes_of_text("two words")};
    size_t whole = strlen("level=info msg=\"two words\"\n");

    (void)state;
    for (line.max_bytes = 4; line.max_bytes < 4 + whole; line.max_bytes++) {
        umh_buffer_clear(&line);
        assert_int_equal(umh_buffer_append(&line, "old\n", 4), 0);
        assert_int_equal(umh_logfmt_encode(&record, &line), UMH_BUFFER_FULL);
        assert_string_equal((const char *)line.data, "old\n");
        assert_int_equal(line.size, 4);
    }
    assert_int_equal(umh_logfmt_encode(&record, &line), 0);
    assert_int_equal(line.size, 4 + whole);
}

static void test_cuts_a_long_record(void **state)
{
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    umh_logfmt_record record = {.level = UMH_LOG_INFO};
    size_t frame = strlen("level=info msg=\n");
    char *text = malloc(UMH_LOGFMT_LINE_BYTES_MAX * 2);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', UMH_LOGFMT_LINE_BYTES_MAX * 2);
    for (size_t size = UMH_LOGFMT_LINE_BYTES_MAX - 40; size < UMH_LOGFMT_LINE_BYTES_MAX + 40;
         size++) {
        bool is_cut = size + frame > UMH_LOGFMT_LINE_BYTES_MAX;
        umh_logfmt_record back;

        umh_buffer_clear(&line);
        record.message = umh_bytes_of(text, size);
        assert_int_equal(umh_logfmt_encode(&record, &line), 0);
        assert_true(line.size <= UMH_LOGFMT_LINE_BYTES_MAX);
        assert_int_equal(line.data[line.size - 1], '\n');
        assert_int_equal(umh_logfmt_decode(umh_bytes_of(line.data, line.size - 1), &storage, &back),
                         0);
        assert_int_equal(back.field_count, is_cut);
        if (is_cut)
            assert_string_equal(back.fields[0].key, "cut");
        else
            assert_int_equal(back.message.size, size);
    }

    /* A cut never divides a character, an escape or a quoted text. */
    for (size_t shift = 0; shift < 12; shift++) {
        umh_logfmt_record back;

        memset(text, 'x', UMH_LOGFMT_LINE_BYTES_MAX * 2);
        for (size_t i = shift; i + 4 < UMH_LOGFMT_LINE_BYTES_MAX * 2; i += 4)
            memcpy(text + i, "\"\n\xC3\xA4", 4);
        umh_buffer_clear(&line);
        record.message = umh_bytes_of(text, UMH_LOGFMT_LINE_BYTES_MAX * 2);
        assert_int_equal(umh_logfmt_encode(&record, &line), 0);
        assert_true(line.size <= UMH_LOGFMT_LINE_BYTES_MAX);
        assert_true(line.size > UMH_LOGFMT_LINE_BYTES_MAX - 16);
        assert_memory_equal(line.data + line.size - 11, "\" cut=true\n", 11);
        assert_int_equal(umh_logfmt_decode(umh_bytes_of(line.data, line.size - 1), &storage, &back),
                         0);
        assert_memory_equal(back.message.data, text, back.message.size - 1);
        assert_int_equal(back.field_count, 1);
    }

    /* A key that does not fit is left out with all that follows. */
    text[UMH_LOGFMT_LINE_BYTES_MAX * 2 - 1] = '\0';
    memset(text, 'k', UMH_LOGFMT_LINE_BYTES_MAX * 2 - 1);
    record.message = umh_bytes_of_text("m");
    record.fields[0] = field(text, "v");
    record.fields[1] = field("short", "v");
    record.field_count = 2;
    check_line(&record, "level=info msg=m cut=true\n");
    free(text);
}

static void test_decodes(void **state)
{
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    umh_logfmt_record record;

    (void)state;
    assert_int_equal(
        umh_logfmt_decode(
            umh_bytes_of_text(
                "level=WARN  module=Alerts msg=\"disk is \\\"full\\\"\\nsee\" a=1 "
                "bare b=\"\" c= d=\"\\u0041\\u20ac\\u0000\\ud800\\q\\u12\" =x e\xC3\xA4=y=z "
                "module=again msg=again last"),
            &storage, &record),
        0);
    assert_int_equal(record.level, UMH_LOG_WARNING);
    check_text(record.module, "Alerts");
    check_text(record.message, "disk is \"full\"\nsee");
    assert_int_equal(record.field_count, 10);
    assert_string_equal(record.fields[0].key, "a");
    check_text(record.fields[0].value, "1");
    assert_string_equal(record.fields[1].key, "bare");
    check_text(record.fields[1].value, "");
    check_text(record.fields[2].value, "");
    check_text(record.fields[3].value, "");
    assert_string_equal(record.fields[4].key, "d");
    assert_true(umh_bytes_are_equal(record.fields[4].value,
                                    umh_bytes_of("A\xE2\x82\xAC\0\xEF\xBF\xBD\\q\\u12", 14)));
    assert_string_equal(record.fields[5].key, "_");
    check_text(record.fields[5].value, "x");
    assert_string_equal(record.fields[6].key, "e__");
    check_text(record.fields[6].value, "y=z");
    assert_string_equal(record.fields[7].key, "module");
    assert_string_equal(record.fields[8].key, "msg");
    assert_string_equal(record.fields[9].key, "last");
}

static void test_rejects_what_is_no_record(void **state)
{
    static const char *const lines[] = {"",
                                        "level",
                                        "level=",
                                        "level=loud msg=x",
                                        " level=info",
                                        "Level=info",
                                        "Segmentation fault",
                                        "levels=info",
                                        "level=\"in fo\"",
                                        "level=informationinformation"};
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    umh_logfmt_record record = {.level = UMH_LOG_CRITICAL, .field_count = 99};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(lines); i++)
        assert_int_equal(umh_logfmt_decode(umh_bytes_of_text(lines[i]), &storage, &record),
                         UMH_LOGFMT_NOT_A_RECORD);
    assert_int_equal(umh_logfmt_decode(umh_bytes_of(NULL, 0), &storage, &record),
                     UMH_LOGFMT_NOT_A_RECORD);
    assert_int_equal(umh_logfmt_decode(umh_bytes_of("level=info\0x", 12), &storage, &record), 0);
    assert_int_equal(record.level, UMH_LOG_INFO);
}

static void test_decodes_unfinished_lines(void **state)
{
    static const char *const lines[] = {"level=info msg=\"",   "level=info msg=\"abc",
                                        "level=info msg=\"\\", "level=info msg=\"\\u00",
                                        "level=info msg",      "level=info msg="};
    static const char *const messages[] = {"", "abc", "\\", "\\u00", "", ""};
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    umh_logfmt_record record;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(lines); i++) {
        assert_int_equal(umh_logfmt_decode(umh_bytes_of_text(lines[i]), &storage, &record), 0);
        check_text(record.message, messages[i]);
        assert_int_equal(record.field_count, 0);
    }
}

static void test_counts_dropped_fields(void **state)
{
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    umh_logfmt_record record;

    (void)state;
    assert_int_equal(umh_buffer_append_text(&line, "level=info"), 0);
    for (int i = 0; i < UMH_LOGFMT_FIELDS_MAX; i++)
        assert_int_equal(umh_buffer_append_format(&line, " k%d=%d", i, i), 0);
    assert_int_equal(umh_logfmt_decode(umh_bytes_of(line.data, line.size), &storage, &record), 0);
    assert_int_equal(record.field_count, UMH_LOGFMT_FIELDS_MAX);
    assert_string_equal(record.fields[UMH_LOGFMT_FIELDS_MAX - 1].key, "k31");

    assert_int_equal(umh_buffer_append_text(&line, " one two msg=late bare"), 0);
    assert_int_equal(umh_logfmt_decode(umh_bytes_of(line.data, line.size), &storage, &record), 0);
    assert_int_equal(record.field_count, UMH_LOGFMT_FIELDS_MAX);
    assert_string_equal(record.fields[UMH_LOGFMT_FIELDS_MAX - 2].key, "k30");
    assert_string_equal(record.fields[UMH_LOGFMT_FIELDS_MAX - 1].key, "dropped_fields");
    check_text(record.fields[UMH_LOGFMT_FIELDS_MAX - 1].value, "4");
    check_text(record.message, "late");
}

static void test_round_trip_of_all_bytes(void **state)
{
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    umh_logfmt_record record = {.level = UMH_LOG_TRACE};
    umh_logfmt_record back;
    uint8_t text[384];
    size_t size = 0;

    (void)state;
    for (unsigned code = 0; code < 0x100; code++) {
        if (code >= 0x80)
            text[size++] = (uint8_t)(0xC0 | code >> 6);
        text[size++] = (uint8_t)(code < 0x80 ? code : 0x80 | (code & 0x3F));
    }
    for (size_t length = 0; length <= size; length++) {
        if (length < size && (text[length] & 0xC0) == 0x80)
            continue;
        umh_buffer_clear(&line);
        record.message = umh_bytes_of(text, length);
        record.module = umh_bytes_of(text, length);
        record.fields[0] =
            (umh_logfmt_field){.key = "f", .value = umh_bytes_of(text + length, size - length)};
        record.field_count = 1;
        assert_int_equal(umh_logfmt_encode(&record, &line), 0);
        assert_null(memchr(line.data, '\n', line.size - 1));
        assert_int_equal(umh_logfmt_decode(umh_bytes_of(line.data, line.size - 1), &storage, &back),
                         0);
        assert_true(umh_bytes_are_equal(back.message, record.message));
        assert_true(umh_bytes_are_equal(back.module, record.module));
        assert_true(umh_bytes_are_equal(back.fields[0].value, record.fields[0].value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes),
        cmocka_unit_test(test_encodes_any_bytes),
        cmocka_unit_test(test_encodes_into_a_limit),
        cmocka_unit_test(test_cuts_a_long_record),
        cmocka_unit_test(test_decodes),
        cmocka_unit_test(test_rejects_what_is_no_record),
        cmocka_unit_test(test_decodes_unfinished_lines),
        cmocka_unit_test(test_counts_dropped_fields),
        cmocka_unit_test(test_round_trip_of_all_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
