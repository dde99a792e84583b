/* SPDX-License-Identifier: MIT */
/* The record of a failure, and what an int means. */
#include "base/err.h"

#include "base/auto.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_records_and_takes(void **state)
{
    umh_failure failure;

    (void)state;
    assert_int_equal(UMH_FAIL(UMH_E_CONFIG, "host '%s' has no module", "a"), UMH_E_CONFIG);
    failure = umh_failure_take();
    assert_int_equal(failure.code, UMH_E_CONFIG);
    assert_int_equal(failure.os_code, 0);
    assert_int_equal(failure.line, __LINE__ - 4);
    assert_non_null(strstr(failure.file, "test_err.c"));
    assert_string_equal(failure.text, "host 'a' has no module");
    assert_int_equal(umh_failure_take().code, 0);
}

static void test_last_failure_replaces(void **state)
{
    umh_failure failure;

    (void)state;
    umh_ignore(UMH_FAIL(UMH_E_MEMORY, "one"));
    umh_ignore(UMH_FAIL_OS(ENOENT, "two"));
    failure = umh_failure_take();
    assert_int_equal(failure.code, UMH_E_OS);
    assert_int_equal(failure.os_code, ENOENT);
    assert_string_equal(failure.text, "two");
    umh_ignore(UMH_FAIL_UV(-EMFILE, "three"));
    assert_int_equal(umh_failure_take().os_code, EMFILE);
}

static void test_cuts_text_at_a_character(void **state)
{
    char text[500];
    umh_failure failure;

    (void)state;
    for (size_t shift = 0; shift < 2; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xC3\xA4", 2);
        text[sizeof text - 1] = '\0';
        umh_ignore(UMH_FAIL(UMH_E_BUG, "%s", text));
        failure = umh_failure_take();
        assert_int_equal(strlen(failure.text), sizeof failure.text - 1 - (shift == 0));
        assert_memory_equal(failure.text, text, strlen(failure.text));
    }
}

static void test_code_is_negative(void **state)
{
    (void)state;
    assert_int_equal(UMH_FAIL(0, "no failure at all"), UMH_E_BUG);
    assert_int_equal(umh_failure_take().code, UMH_E_BUG);
}

static void test_formats_for_people(void **state)
{
    umh_failure failure = {.code = UMH_E_OS,
                           .os_code = EMFILE,
                           .line = 31,
                           .file = "src/platform/linux/pipe.c",
                           .text = "open pipe to host 'x'"};
    char line[200];
    char small[12];

    (void)state;
    umh_failure_format(&failure, line, sizeof line);
    assert_string_equal(line, "open pipe to host 'x': Too many open files (UMH_E_OS, pipe.c:31)");
    umh_failure_format(&failure, small, sizeof small);
    assert_string_equal(small, "open pipe t");
    umh_failure_format(&failure, small, 0);

    failure = (umh_failure){.code = UMH_E_LIMIT, .line = 7, .file = "C:\\umh\\queue.c"};
    umh_failure_format(&failure, line, sizeof line);
    assert_string_equal(line, "a limit was reached (UMH_E_LIMIT, queue.c:7)");
    failure =
        (umh_failure){.code = UMH_E_REFUSED, .line = 7, .file = "a.c", .text = "it runs already"};
    umh_failure_format(&failure, line, sizeof line);
    assert_string_equal(line, "it runs already");
    failure = (umh_failure){.code = UMH_E_USAGE, .line = 7, .file = "a.c"};
    umh_failure_format(&failure, line, sizeof line);
    assert_string_equal(line, "wrong usage (UMH_E_USAGE, a.c:7)");
    failure = (umh_failure){.code = 0};
    umh_failure_format(&failure, line, sizeof line);
    assert_string_equal(line, "no failure is recorded");
}

static void test_names_every_row(void **state)
{
#define ROW(name, number, text)                                                                    \
    assert_int_equal(name, number);                                                                \
    assert_string_equal(umh_error_name(name), #name);                                              \
    assert_string_equal(umh_error_text(name), text);

    (void)state;
    UMH_ERROR_TABLE(ROW)
#undef ROW
    assert_string_equal(umh_error_name(0), "UMH_E_?");
    assert_string_equal(umh_error_name(1), "UMH_E_?");
    assert_string_equal(umh_error_name(-1000), "UMH_E_?");
    assert_non_null(umh_error_text(-1000));
}

static void test_fold(void **state)
{
    umh_failure failure;

    (void)state;
    assert_int_equal(umh_fold(0), 0);
    assert_int_equal(umh_fold(UMH_E_OS), UMH_E_OS);
    assert_int_equal(umh_failure_take().code, 0);
    assert_int_equal(umh_fold(3), UMH_E_BUG);
    failure = umh_failure_take();
    assert_int_equal(failure.code, UMH_E_BUG);
    assert_non_null(strstr(failure.text, "3"));
    assert_int_equal(failure.line, __LINE__ - 4);
}

static jmp_buf after_abort;

static void on_abort(int signal_number)
{
    (void)signal_number;
    longjmp(after_abort, 1);
}

static void test_assert_ends_the_process(void **state)
{
    int one = 1;

    (void)state;
    umh_assert(one == 1);
    if (setjmp(after_abort) == 0) {
        signal(SIGABRT, on_abort);
        umh_assert(one == 2);
        fail();
    }
    signal(SIGABRT, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_and_takes),
        cmocka_unit_test(test_last_failure_replaces),
        cmocka_unit_test(test_cuts_text_at_a_character),
        cmocka_unit_test(test_code_is_negative),
        cmocka_unit_test(test_formats_for_people),
        cmocka_unit_test(test_names_every_row),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_assert_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
