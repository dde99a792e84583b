/* SPDX-License-Identifier: MIT */
/* Who may send to whom, cell by cell. */
#include "ipc/reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_the_brokers_session_is_open(void **state)
{
    (void)state;
    assert_true(umh_reach_is_open(UMH_SESSION_OWN, UMH_SESSION_OWN));
    assert_true(umh_reach_is_open(UMH_SESSION_OWN, 1));
    assert_true(umh_reach_is_open(1, UMH_SESSION_OWN));
}

static void test_two_users_are_closed(void **state)
{
    (void)state;
    assert_true(umh_reach_is_open(1, 1));
    assert_false(umh_reach_is_open(1, 2));
    assert_false(umh_reach_is_open(2, 1));
    assert_false(umh_reach_is_open(1, 0xFFFFFFFEu));
}

static void test_every_session_is_never_refused(void **state)
{
    (void)state;
    assert_true(umh_reach_is_open(1, UMH_SESSION_EVERY));
    assert_true(umh_reach_is_open(UMH_SESSION_OWN, UMH_SESSION_EVERY));
}

static void test_says_ever_more_seldom(void **state)
{
    unsigned said = 0;

    (void)state;
    assert_false(umh_reach_is_worth_saying(0));
    for (uint64_t count = 1; count <= 1000; count++)
        said += umh_reach_is_worth_saying(count);
    assert_int_equal(said, 10);
    assert_true(umh_reach_is_worth_saying(512));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_brokers_session_is_open),
        cmocka_unit_test(test_two_users_are_closed),
        cmocka_unit_test(test_every_session_is_never_refused),
        cmocka_unit_test(test_says_ever_more_seldom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
