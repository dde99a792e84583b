/* SPDX-License-Identifier: MIT */
/* The layout both sides share, and a name for whatever stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/blackbox.h"

static void test_names_every_activity(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ACTIVITY_COUNT; i++) {
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(umh_activity_name(i), umh_activity_name(j));
        assert_string_not_equal(umh_activity_name(i), "?");
    }
    assert_string_equal(umh_activity_name(ACTIVITY_NONE), "None");
    assert_string_equal(umh_activity_name(ACTIVITY_ON_MESSAGE), "OnMessage");
}

/* The page is written by a host: any number can stand there. */
static void test_names_what_is_no_activity(void **state)
{
    (void)state;
    assert_string_equal(umh_activity_name(ACTIVITY_COUNT), "?");
    assert_string_equal(umh_activity_name(UINT32_MAX), "?");
}

static void test_layout_is_the_same_for_every_bitness(void **state)
{
    (void)state;
    assert_int_equal(sizeof(umh_blackbox_slot), 32);
    assert_int_equal(offsetof(umh_blackbox_slot, since_ns), 8);
    assert_int_equal(offsetof(umh_blackbox, slots), 16);
    assert_in_range(offsetof(umh_blackbox, slots[UMH_MODULES_PER_HOST_MAX]), 1, UMH_BLACKBOX_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_every_activity),
        cmocka_unit_test(test_names_what_is_no_activity),
        cmocka_unit_test(test_layout_is_the_same_for_every_bitness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
