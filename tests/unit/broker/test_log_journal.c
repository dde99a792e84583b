/* SPDX-License-Identifier: MIT */
/* What becomes of a log record in the journal. */
#include "broker/log_journal.h"

#include "ipc/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static umh_logfmt_record record_of(const char *module, const char *message)
{
    return (umh_logfmt_record){.level = UMH_LOG_WARNING,
                               .module = umh_bytes_of_text(module),
                               .message = umh_bytes_of_text(message)};
}

static void assert_pending(const umh_log_line *line, const char *wanted)
{
    UMH_AUTO(umh_buffer) pending = UMH_BUFFER_INIT;
    uint32_t size;

    assert_int_equal(umh_log_journal_append(line, &pending), 0);
    memcpy(&size, pending.data, sizeof size);
    assert_int_equal(size, pending.size - sizeof size);
    assert_string_equal((char *)pending.data + sizeof size, wanted);
}

static void test_the_broker_itself(void **state)
{
    umh_logfmt_record record = record_of(NULL, "stopping");
    umh_log_line line = {.record = &record};

    (void)state;
    assert_pending(&line, "PRIORITY=4\nMESSAGE=stopping\nSYSLOG_IDENTIFIER=umh\n");
}

static void test_says_who(void **state)
{
    umh_logfmt_record record = record_of("sysload", "hot");
    umh_log_line line = {.host = "sensors", .record = &record};

    (void)state;
    record.fields[record.field_count++] =
        (umh_logfmt_field){.key = "cpu.load", .value = umh_bytes_of_text("97")};
    assert_pending(&line, "PRIORITY=4\nMESSAGE=sensors/sysload: hot\nSYSLOG_IDENTIFIER=umh\n"
                          "UMH_HOST=sensors\nUMH_SESSION=0\nUMH_MODULE=sysload\n"
                          "UMH_F_CPU_LOAD=97\n");
    record = record_of(NULL, "Segmentation fault");
    line = (umh_log_line){.host = "tray@12", .record = &record, .is_library = true};
    assert_pending(&line, "PRIORITY=4\nMESSAGE=tray@12: Segmentation fault\n"
                          "SYSLOG_IDENTIFIER=umh\nUMH_HOST=tray@12\nUMH_SESSION=12\n"
                          "UMH_F_STREAM=text\n");
}

static void test_takes_every_field(void **state)
{
    umh_logfmt_record record = record_of("m", "x");
    umh_log_line line = {.host = "h", .record = &record, .is_library = true};
    UMH_AUTO(umh_buffer) pending = UMH_BUFFER_INIT;
    size_t count = 0;

    (void)state;
    while (record.field_count < UMH_LOGFMT_FIELDS_MAX)
        record.fields[record.field_count++] =
            (umh_logfmt_field){.key = "key", .value = umh_bytes_of_text("v")};
    assert_int_equal(umh_log_journal_append(&line, &pending), 0);
    for (const char *at = (char *)pending.data + 4; (at = strstr(at, "UMH_F_KEY=v\n")); at++)
        count++;
    assert_int_equal(count, UMH_LOGFMT_FIELDS_MAX);
}

static void test_appends_nothing_when_full(void **state)
{
    umh_logfmt_record record = record_of("m", "x");
    umh_log_line line = {.host = "h", .record = &record};
    UMH_AUTO(umh_buffer) pending = UMH_BUFFER_INIT;
    size_t size;

    (void)state;
    assert_int_equal(umh_log_journal_append(&line, &pending), 0);
    size = pending.size;
    pending.max_bytes = 2 * size - 1;
    assert_int_equal(umh_log_journal_append(&line, &pending), UMH_BUFFER_FULL);
    assert_int_equal(pending.size, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_broker_itself),
        cmocka_unit_test(test_says_who),
        cmocka_unit_test(test_takes_every_field),
        cmocka_unit_test(test_appends_nothing_when_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
