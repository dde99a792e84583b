/* SPDX-License-Identifier: MIT */
/* What is left of modules: as many as may be, and each until it has gone. */
#include "broker/leftovers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_keeps_them_in_order(void **state)
{
    umh_leftovers leftovers = UMH_LEFTOVERS_INIT;

    (void)state;
    for (int64_t number = 1; number <= 3; number++)
        assert_int_equal(umh_leftovers_add(&leftovers, number, "m", "held by a thread", NULL), 0);
    assert_true(umh_leftovers_remove(&leftovers, 2));
    assert_false(umh_leftovers_remove(&leftovers, 2));
    assert_int_equal(leftovers.count, 2);
    assert_int_equal(leftovers.rows[0].number, 1);
    assert_int_equal(leftovers.rows[1].number, 3);
    assert_string_equal(leftovers.rows[1].held_by, "held by a thread");
    assert_true(leftovers.rows[0].since_ns > 0);
    umh_leftovers_deinit(&leftovers);
    umh_leftovers_deinit(&leftovers);
    assert_int_equal(leftovers.count, 0);
}

static void test_has_a_limit(void **state)
{
    umh_leftovers leftovers = UMH_LEFTOVERS_INIT;
    int64_t number = 0;

    (void)state;
    while (number < UMH_LEFTOVERS_PER_HOST_MAX)
        assert_int_equal(umh_leftovers_add(&leftovers, ++number, "m", "", NULL), 0);
    assert_int_equal(umh_leftovers_add(&leftovers, ++number, "m", "", NULL), UMH_LEFTOVERS_FULL);
    assert_true(umh_leftovers_remove(&leftovers, UMH_LEFTOVERS_PER_HOST_MAX));
    assert_int_equal(umh_leftovers_add(&leftovers, number, "m", "", NULL), 0);
    umh_leftovers_deinit(&leftovers);
}

/* The texts are of a host: of any length. */
static void test_cuts_long_texts(void **state)
{
    umh_leftovers leftovers = UMH_LEFTOVERS_INIT;
    char text[2048];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(umh_leftovers_add(&leftovers, 1, text, text, NULL), 0);
    assert_int_equal(strlen(leftovers.rows[0].module), UMH_NAME_BYTES_MAX);
    assert_int_equal(strlen(leftovers.rows[0].held_by), sizeof(leftovers.rows[0].held_by) - 1);
    assert_false(umh_leftovers_remove(&leftovers, 0));
    umh_leftovers_deinit(&leftovers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_them_in_order),
        cmocka_unit_test(test_has_a_limit),
        cmocka_unit_test(test_cuts_long_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
