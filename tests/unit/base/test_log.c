/* SPDX-License-Identifier: MIT */
/* Names of log levels. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < UMH_LOG_LEVEL_COUNT; i++) {
        umh_log_level level = UMH_LOG_LEVEL_COUNT;

        assert_true(umh_log_level_find(umh_log_level_name((umh_log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_string_equal(umh_log_level_name(UMH_LOG_WARNING), "warning");
    assert_string_equal(umh_log_level_name(UMH_LOG_LEVEL_COUNT), "?");
}

static void test_finds_other_spellings(void **state)
{
    umh_log_level level = UMH_LOG_TRACE;

    (void)state;
    assert_true(umh_log_level_find("WARN", &level));
    assert_int_equal(level, UMH_LOG_WARNING);
    assert_true(umh_log_level_find("Fatal", &level));
    assert_int_equal(level, UMH_LOG_CRITICAL);
    assert_true(umh_log_level_find("iNFO", &level));
    assert_int_equal(level, UMH_LOG_INFO);
}

static void test_rejects_others(void **state)
{
    static const char *const names[] = {"", "inf", "infos", "warnin", " info", "?"};
    umh_log_level level = UMH_LOG_ERROR;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(umh_log_level_find(names[i], &level));
    assert_false(umh_log_level_find(NULL, &level));
    assert_int_equal(level, UMH_LOG_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_come_back),
        cmocka_unit_test(test_finds_other_spellings),
        cmocka_unit_test(test_rejects_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
