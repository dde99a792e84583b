/* SPDX-License-Identifier: MIT */
/* The usual places of .NET: a list that ends, of absolute paths, with the user's own at its end. */
#include "platform/dotnet.h"

#include "platform/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PLACES_MAX 64

static void test_places_are_absolute_or_not_known(void **state)
{
    char root[UMH_PATH_BYTES];
    size_t known = 0;
    size_t i = 0;

    (void)state;
    for (; umh_dotnet_get_place(i, root); i++) {
        assert_in_range(i, 0, PLACES_MAX);
        if (root[0]) {
            known++;
            assert_int_equal(root[0], '/');
        }
    }
    assert_true(known > 1);
    assert_false(umh_dotnet_get_place(i + 1, root));
}

/* What the last place is; empty: it is not known. */
static void find_last(char *ret_root)
{
    for (size_t i = 0; umh_dotnet_get_place(i, ret_root); i++)
        continue;
}

static void test_the_users_own_is_the_last(void **state)
{
    char root[UMH_PATH_BYTES];
    char long_home[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_environment_set("HOME", "/home/somebody"), 0);
    find_last(root);
    assert_string_equal(root, "/home/somebody/.dotnet");
    memset(long_home, 'x', sizeof long_home);
    long_home[0] = '/';
    long_home[sizeof long_home - 2] = '\0';
    assert_int_equal(umh_environment_set("HOME", long_home), 0);
    find_last(root);
    assert_string_equal(root, "");
    assert_int_equal(umh_environment_set("HOME", ""), 0);
    find_last(root);
    assert_string_equal(root, "");
}

static void test_the_resolver_is_a_file_name(void **state)
{
    (void)state;
    assert_null(strchr(umh_dotnet_resolver(), '/'));
    assert_non_null(strstr(umh_dotnet_resolver(), "hostfxr"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_absolute_or_not_known),
        cmocka_unit_test(test_the_users_own_is_the_last),
        cmocka_unit_test(test_the_resolver_is_a_file_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
