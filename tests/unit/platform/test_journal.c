/* SPDX-License-Identifier: MIT */
/* Records for the journal: how they are encoded, and when there is one. */
#include "platform/journal.h"

#include "platform/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static umh_journal_field field(const char *name, const char *value)
{
    return (umh_journal_field){.name = name, .value = umh_bytes_of_text(value)};
}

static void assert_record(umh_log_level level, const char *message, const umh_journal_field *one,
                          const char *wanted, size_t wanted_size)
{
    UMH_AUTO(umh_buffer) record = UMH_BUFFER_INIT;

    assert_int_equal(
        umh_journal_encode(level, umh_bytes_of_text(message), one, one ? 1 : 0, &record), 0);
    assert_int_equal(record.size, wanted_size);
    assert_memory_equal(record.data, wanted, wanted_size);
}

#define ASSERT_RECORD(level, message, one, wanted)                                                 \
    assert_record(level, message, one, wanted, sizeof(wanted) - 1)

static void test_encodes_fields(void **state)
{
    umh_journal_field host = field("UMH_HOST", "sensors");

    (void)state;
    ASSERT_RECORD(UMH_LOG_INFO, "one", NULL, "PRIORITY=6\nMESSAGE=one\n");
    ASSERT_RECORD(UMH_LOG_ERROR, "", &host, "PRIORITY=3\nMESSAGE=\nUMH_HOST=sensors\n");
}

static void test_every_level_has_a_priority(void **state)
{
    static const char *const wanted[UMH_LOG_LEVEL_COUNT] = {"7", "7", "6", "4", "3", "2"};

    (void)state;
    for (unsigned i = 0; i < UMH_LOG_LEVEL_COUNT; i++) {
        UMH_AUTO(umh_buffer) record = UMH_BUFFER_INIT;

        assert_int_equal(
            umh_journal_encode((umh_log_level)i, umh_bytes_of_text("a"), NULL, 0, &record), 0);
        assert_memory_equal(record.data + sizeof "PRIORITY=" - 1, wanted[i], 1);
    }
}

static void test_a_line_break_is_sized(void **state)
{
    umh_journal_field lines = field("A", "b\nMESSAGE=forged");

    (void)state;
    ASSERT_RECORD(UMH_LOG_INFO, "x\ny", &lines,
                  "PRIORITY=6\nMESSAGE\n\x03\0\0\0\0\0\0\0x\ny\n"
                  "A\n\x10\0\0\0\0\0\0\0b\nMESSAGE=forged\n");
}

static void test_names_are_made_valid(void **state)
{
    umh_journal_field odd = field("umh_f_disk.free-%", "1");
    umh_journal_field trusted = field("_PID", "1");
    umh_journal_field digit = field("9LIVES", "1");
    umh_journal_field none = field("__", "1");
    umh_journal_field forged = field("A=1\nB", "1");

    (void)state;
    ASSERT_RECORD(UMH_LOG_INFO, "", &odd, "PRIORITY=6\nMESSAGE=\nUMH_F_DISK_FREE__=1\n");
    ASSERT_RECORD(UMH_LOG_INFO, "", &trusted, "PRIORITY=6\nMESSAGE=\nPID=1\n");
    ASSERT_RECORD(UMH_LOG_INFO, "", &digit, "PRIORITY=6\nMESSAGE=\nLIVES=1\n");
    ASSERT_RECORD(UMH_LOG_INFO, "", &none, "PRIORITY=6\nMESSAGE=\n");
    ASSERT_RECORD(UMH_LOG_INFO, "", &forged, "PRIORITY=6\nMESSAGE=\nA_1_B=1\n");
}

static void test_cuts_a_long_name(void **state)
{
    char name[100];
    umh_journal_field longest;
    UMH_AUTO(umh_buffer) record = UMH_BUFFER_INIT;
    const size_t before = sizeof "PRIORITY=6\nMESSAGE=\n" - 1;

    (void)state;
    memset(name, 'A', sizeof name);
    name[sizeof name - 1] = '\0';
    longest = field(name, "v");
    assert_int_equal(umh_journal_encode(UMH_LOG_INFO, umh_bytes_of(NULL, 0), &longest, 1, &record),
                     0);
    assert_int_equal(record.size, before + UMH_JOURNAL_NAME_BYTES_MAX + sizeof "=v\n" - 1);
}

static void test_appends_nothing_when_full(void **state)
{
    UMH_AUTO(umh_buffer) record = UMH_BUFFER_INIT;
    umh_journal_field host = field("UMH_HOST", "sensors");

    (void)state;
    record.max_bytes = 30;
    assert_int_equal(umh_buffer_append_text(&record, "before"), 0);
    assert_int_equal(
        umh_journal_encode(UMH_LOG_INFO, umh_bytes_of_text("message"), &host, 1, &record),
        UMH_BUFFER_FULL);
    assert_string_equal((char *)record.data, "before");
}

/* Standard error is something, but not what systemd named. */
static void test_there_is_none_without_its_stream(void **state)
{
    umh_pipe journal = UMH_PIPE_NONE;
    struct stat about;
    char stream[64];

    (void)state;
    assert_int_equal(fstat(2, &about), 0);
    assert_int_equal(umh_journal_open(&journal), UMH_JOURNAL_NONE);
    assert_int_equal(umh_environment_set("JOURNAL_STREAM", "nonsense"), 0);
    assert_int_equal(umh_journal_open(&journal), UMH_JOURNAL_NONE);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)about.st_dev,
             (unsigned long long)about.st_ino + 1);
    assert_int_equal(umh_environment_set("JOURNAL_STREAM", stream), 0);
    assert_int_equal(umh_journal_open(&journal), UMH_JOURNAL_NONE);
    assert_int_equal(journal.handle, UMH_PIPE_NONE.handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes_fields),
        cmocka_unit_test(test_every_level_has_a_priority),
        cmocka_unit_test(test_a_line_break_is_sized),
        cmocka_unit_test(test_names_are_made_valid),
        cmocka_unit_test(test_cuts_a_long_name),
        cmocka_unit_test(test_appends_nothing_when_full),
        cmocka_unit_test(test_there_is_none_without_its_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
