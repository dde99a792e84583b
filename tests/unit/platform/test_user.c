/* SPDX-License-Identifier: MIT */
/* Accounts: found by number, copied, released. */
#include "platform/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY_HAS_IT 3999999999u

static void test_finds_the_first_account(void **state)
{
    umh_user user = UMH_USER_INIT;

    UMH_UNUSED(state);
    assert_int_equal(umh_user_find(0, &user), 0);
    assert_int_equal(user.uid, 0);
    assert_int_equal(user.gid, 0);
    assert_string_equal(user.name, "root");
    assert_string_equal(user.home, "/root");
    assert_true(user.shell[0] == '/');
    assert_true(user.group_count >= 1);
    assert_int_equal(user.groups[0], 0);
    umh_user_deinit(&user);
}

static void test_tells_that_there_is_none(void **state)
{
    umh_user user = UMH_USER_INIT;

    UMH_UNUSED(state);
    assert_int_equal(umh_user_find(NOBODY_HAS_IT, &user), UMH_USER_NONE);
    assert_null(user.name);
    umh_user_deinit(&user);
}

static void test_copy_is_its_own(void **state)
{
    uint32_t groups[] = {7, 8, 9};
    char name[] = "somebody";
    umh_user from = {.uid = 5,
                     .gid = 6,
                     .groups = groups,
                     .group_count = UMH_COUNT_OF(groups),
                     .name = name,
                     .home = name,
                     .shell = NULL};
    umh_user copy = UMH_USER_INIT;

    UMH_UNUSED(state);
    assert_int_equal(umh_user_copy(&from, &copy), 0);
    memset(name, 'x', sizeof(name) - 1);
    memset(groups, 0, sizeof(groups));
    assert_int_equal(copy.uid, 5);
    assert_int_equal(copy.gid, 6);
    assert_int_equal(copy.group_count, 3);
    assert_int_equal(copy.groups[2], 9);
    assert_string_equal(copy.name, "somebody");
    assert_string_equal(copy.home, "somebody");
    assert_string_equal(copy.shell, "");
    umh_user_deinit(&copy);
}

static void test_copies_one_without_groups(void **state)
{
    umh_user from = UMH_USER_INIT;
    umh_user copy = UMH_USER_INIT;

    UMH_UNUSED(state);
    assert_int_equal(umh_user_copy(&from, &copy), 0);
    assert_int_equal(copy.group_count, 0);
    assert_null(copy.groups);
    umh_user_deinit(&copy);
}

static void test_ends_twice(void **state)
{
    umh_user user = UMH_USER_INIT;

    UMH_UNUSED(state);
    umh_user_deinit(&user);
    assert_int_equal(umh_user_find(0, &user), 0);
    umh_user_deinit(&user);
    umh_user_deinit(&user);
    umh_user_deinit(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_the_first_account),
        cmocka_unit_test(test_tells_that_there_is_none),
        cmocka_unit_test(test_copy_is_its_own),
        cmocka_unit_test(test_copies_one_without_groups),
        cmocka_unit_test(test_ends_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
