/* SPDX-License-Identifier: MIT */
/* Versions have an order, and it is that of their numbers. */
#include "formats/version.h"

#include "base/auto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_compares_number_by_number(void **state)
{
    static const char *const ascending[] = {
        "8.0.22", "9.0.14",  "10.0.0-preview.3", "10.0.0-rc.1", "10.0.0",
        "10.0.9", "10.0.10", "10.1.0",           "10.2",        "11.0.0-preview.1",
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(ascending); i++) {
        for (size_t j = 0; j < UMH_COUNT_OF(ascending); j++)
            assert_int_equal(umh_version_is_higher(ascending[i], ascending[j]), i > j);
    }
}

static void test_missing_numbers_are_zero(void **state)
{
    (void)state;
    assert_false(umh_version_is_higher("10", "10.0.0"));
    assert_false(umh_version_is_higher("10.0.0", "10"));
    assert_true(umh_version_is_higher("0.1", "no version"));
    assert_false(umh_version_is_higher("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compares_number_by_number),
        cmocka_unit_test(test_missing_numbers_are_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
