/* SPDX-License-Identifier: MIT */
/* How log records look, whatever a host wrote. */
#include "broker/log_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TIME "2026-11-22T17:36:08.123Z"

static umh_logfmt_record record_of(const char *module, const char *message)
{
    return (umh_logfmt_record){.level = UMH_LOG_INFO,
                               .module = umh_bytes_of_text(module),
                               .message = umh_bytes_of_text(message)};
}

static void add_field(umh_logfmt_record *record, const char *key, const char *value)
{
    record->fields[record->field_count++] =
        (umh_logfmt_field){.key = key, .value = umh_bytes_of_text(value)};
}

static void assert_line(umh_log_format *format, const umh_log_line *line, const char *wanted)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    assert_int_equal(umh_log_format_append(format, line, &text), 0);
    assert_string_equal((char *)text.data, wanted);
}

static void test_writes_logfmt(void **state)
{
    umh_log_format format = UMH_LOG_FORMAT_INIT;
    umh_logfmt_record record = record_of("sysload", "one two");
    umh_log_line line = {.time = TIME, .host = "sensors", .record = &record};

    (void)state;
    add_field(&record, "cpu", "12");
    assert_line(&format, &line,
                "time=" TIME " host=sensors level=info module=sysload msg=\"one two\" cpu=12\n");
    line.host = NULL;
    record = record_of(NULL, "a");
    assert_line(&format, &line, "time=" TIME " level=info msg=a\n");
}

static void test_marks_a_library_line(void **state)
{
    umh_log_format format = UMH_LOG_FORMAT_INIT;
    umh_logfmt_record record = record_of(NULL, "Segmentation fault");
    umh_log_line line = {.time = TIME, .host = "a", .record = &record, .is_library = true};

    (void)state;
    assert_line(&format, &line,
                "time=" TIME " host=a level=info msg=\"Segmentation fault\" stream=text\n");
}

static void test_keeps_own_keys_apart(void **state)
{
    umh_log_format format = UMH_LOG_FORMAT_INIT;
    umh_logfmt_record record = record_of("m", "t");
    umh_log_line line = {.time = TIME, .host = "a", .record = &record};

    (void)state;
    add_field(&record, "host", "other");
    add_field(&record, "time", "never");
    add_field(&record, "hostname", "x");
    assert_line(&format, &line,
                "time=" TIME
                " host=a level=info module=m msg=t host_=other time_=never hostname=x\n");
}

static void test_writes_columns_for_people(void **state)
{
    umh_log_format format = {.style = LOG_STYLE_PLAIN};
    umh_logfmt_record record = record_of("sysload", "text");
    umh_log_line line = {.time = TIME, .host = "sensors", .record = &record};

    (void)state;
    add_field(&record, "key", "value");
    add_field(&record, "empty", "");
    add_field(&record, "long", "two words");
    assert_line(&format, &line,
                "17:36:08.123 info  sensors/sysload  text  key=value  empty=\"\"  "
                "long=\"two words\"\n");

    /* The column stays as wide as the widest name so far. */
    record = record_of(NULL, "done");
    record.level = UMH_LOG_WARNING;
    line.host = NULL;
    assert_line(&format, &line, "17:36:08.123 warn  broker           done\n");
}

static void test_says_the_local_time(void **state)
{
    umh_log_format format = {.style = LOG_STYLE_PLAIN, .offset_minutes = 330};
    umh_logfmt_record record = record_of(NULL, "t");
    umh_log_line line = {.time = TIME, .record = &record};

    (void)state;
    assert_line(&format, &line, "23:06:08.123 info  broker        t\n");
    format.offset_minutes = 7 * 60;
    assert_line(&format, &line, "00:36:08.123 info  broker        t\n");
    format.offset_minutes = -18 * 60;
    assert_line(&format, &line, "23:36:08.123 info  broker        t\n");
}

static void test_colours_only_when_told(void **state)
{
    umh_log_format format = {.style = LOG_STYLE_COLOURED};
    umh_logfmt_record record = record_of(NULL, "t");
    umh_log_line line = {.time = TIME, .record = &record};
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    (void)state;
    record.level = UMH_LOG_ERROR;
    assert_int_equal(umh_log_format_append(&format, &line, &text), 0);
    assert_non_null(strstr((char *)text.data, "\x1b[31merror"));
    umh_buffer_clear(&text);
    format.style = LOG_STYLE_PLAIN;
    assert_int_equal(umh_log_format_append(&format, &line, &text), 0);
    assert_null(strchr((char *)text.data, '\x1b'));
}

static void test_no_terminal_obeys_a_host(void **state)
{
    static const char evil[] = "\x1b[2J\x07 \xc2\x9b"
                               "31m \xff\r\n\tnext \xe2\x82\xac";
    umh_log_format format = {.style = LOG_STYLE_PLAIN};
    umh_logfmt_record record = record_of("m\nn", evil);
    umh_log_line line = {.time = TIME, .host = "a", .record = &record};

    (void)state;
    add_field(&record, "k", "a\nb\x1b");
    assert_line(&format, &line,
                "17:36:08.123 info  a/m\\nn        \\u001b[2J\\u0007 \\u009b31m \xEF\xBF\xBD"
                "\n                 next \xe2\x82\xac  k=\"a\\nb\\u001b\"\n");
}

static void test_a_full_buffer_keeps_whole_lines(void **state)
{
    umh_logfmt_record record = record_of("m", "some text that is not that short");
    umh_log_line line = {.time = TIME, .host = "a", .record = &record};

    (void)state;
    for (int style = LOG_STYLE_LOGFMT; style <= LOG_STYLE_COLOURED; style++) {
        umh_log_format format = {.style = (umh_log_style)style};
        UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
        size_t size;

        assert_int_equal(umh_log_format_append(&format, &line, &text), 0);
        size = text.size;
        for (size_t room = 0; room < size; room++) {
            text.max_bytes = size + room;
            assert_int_equal(umh_log_format_append(&format, &line, &text), UMH_BUFFER_FULL);
            assert_int_equal(text.size, size);
            assert_int_equal(text.data[size], '\0');
        }
        text.max_bytes = size * 2;
        assert_int_equal(umh_log_format_append(&format, &line, &text), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_logfmt),
        cmocka_unit_test(test_marks_a_library_line),
        cmocka_unit_test(test_keeps_own_keys_apart),
        cmocka_unit_test(test_writes_columns_for_people),
        cmocka_unit_test(test_says_the_local_time),
        cmocka_unit_test(test_colours_only_when_told),
        cmocka_unit_test(test_no_terminal_obeys_a_host),
        cmocka_unit_test(test_a_full_buffer_keeps_whole_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
