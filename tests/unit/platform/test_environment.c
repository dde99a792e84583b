/* SPDX-License-Identifier: MIT */
/* The environment of this process and the list a child gets. */
#include "platform/environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *value_of(const umh_environment *environment, const char *name)
{
    size_t size = strlen(name);
    const char *value = NULL;

    for (size_t i = 0; i < environment->count; i++) {
        const char *entry = environment->entries[i];

        if (strncmp(entry, name, size) == 0 && entry[size] == '=') {
            assert_null(value); /* once only */
            value = entry + size + 1;
        }
    }
    return value;
}

static void test_gets_what_was_set(void **state)
{
    (void)state;
    assert_null(umh_environment_get("UMH_TEST_ABSENT"));
    assert_int_equal(umh_environment_set("UMH_TEST", "one"), 0);
    assert_int_equal(umh_environment_set("UMH_TEST", "two"), 0);
    assert_string_equal(umh_environment_get("UMH_TEST"), "two");
    assert_int_equal(umh_environment_set("UMH_TEST", ""), 0);
    assert_null(umh_environment_get("UMH_TEST"));
}

static void test_rejects_a_name_that_is_none(void **state)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;

    (void)state;
    assert_true(umh_environment_set("A=B", "x") < 0);
    assert_int_equal(umh_environment_put(&environment, "", "x"), UMH_E_USAGE);
    assert_int_equal(umh_environment_put(&environment, "A=B", "x"), UMH_E_USAGE);
    assert_int_equal(environment.count, 0);
}

static void test_filter_keeps_the_allowed_only(void **state)
{
    static const char *const refused[] = {
        "LD_PRELOAD_X", "DOTNET_ROOT", "CORECLR_PROFILER", "COMPlus_X", "PATHS", "UMH_STORE", "LC"};
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(refused); i++)
        assert_int_equal(umh_environment_set(refused[i], "x"), 0);
    assert_int_equal(umh_environment_set("PATH", "/bin:/usr/bin"), 0);
    assert_int_equal(umh_environment_set("TZ", ""), 0);
    assert_int_equal(umh_environment_set("LC_ALL", "C"), 0);
    assert_int_equal(umh_environment_set("LC_TIME", "de_DE"), 0);

    assert_int_equal(umh_environment_init_filtered(&environment), 0);
    assert_string_equal(value_of(&environment, "PATH"), "/bin:/usr/bin");
    assert_string_equal(value_of(&environment, "LC_ALL"), "C");
    assert_string_equal(value_of(&environment, "LC_TIME"), "de_DE");
    assert_string_equal(value_of(&environment, "TZ"), "");
    for (size_t i = 0; i < UMH_COUNT_OF(refused); i++)
        assert_null(value_of(&environment, refused[i]));
    assert_null(environment.entries[environment.count]);
}

static void test_put_adds_replaces_and_removes(void **state)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;

    (void)state;
    assert_int_equal(umh_environment_put(&environment, "A", NULL), 0);
    assert_int_equal(environment.count, 0);
    assert_int_equal(umh_environment_put(&environment, "A", "1"), 0);
    assert_int_equal(umh_environment_put(&environment, "AB", "2"), 0);
    assert_int_equal(umh_environment_put(&environment, "C", ""), 0);
    assert_int_equal(umh_environment_put(&environment, "A", "3=3"), 0);
    assert_int_equal(environment.count, 3);
    assert_string_equal(value_of(&environment, "A"), "3=3");
    assert_string_equal(value_of(&environment, "AB"), "2");
    assert_string_equal(value_of(&environment, "C"), "");

    assert_int_equal(umh_environment_put(&environment, "AB", NULL), 0);
    assert_int_equal(environment.count, 2);
    assert_null(value_of(&environment, "AB"));
    assert_null(environment.entries[2]);
    assert_int_equal(umh_environment_put(&environment, "C", NULL), 0);
    assert_int_equal(umh_environment_put(&environment, "A", NULL), 0);
    assert_int_equal(environment.count, 0);
    assert_null(environment.entries[0]);
}

static void test_filters_what_anyone_gives(void **state)
{
    const char *const entries[] = {"LD_PRELOAD=/tmp/evil.so",
                                   "LANG=C.UTF-8",
                                   "DOTNET_STARTUP_HOOKS=/tmp/evil.dll",
                                   "LANG=second",
                                   "PATHX=1",
                                   "PATH",
                                   "=nothing",
                                   "",
                                   "LC_=odd",
                                   "LC_ALL=C",
                                   NULL};
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;
    UMH_AUTO(umh_environment) none = UMH_ENVIRONMENT_INIT;

    (void)state;
    assert_int_equal(umh_environment_filter(entries, &environment), 0);
    assert_int_equal(environment.count, 3);
    assert_string_equal(umh_environment_find(&environment, "LANG"), "C.UTF-8");
    assert_string_equal(umh_environment_find(&environment, "LC_ALL"), "C");
    assert_null(umh_environment_find(&environment, "LD_PRELOAD"));
    assert_null(umh_environment_find(&environment, "LAN"));
    assert_int_equal(umh_environment_filter(NULL, &none), 0);
    assert_int_equal(none.count, 0);
    assert_null(umh_environment_find(&none, "LANG"));
}

static void test_copy_is_its_own(void **state)
{
    umh_environment from = UMH_ENVIRONMENT_INIT;
    UMH_AUTO(umh_environment) copy = UMH_ENVIRONMENT_INIT;

    (void)state;
    assert_int_equal(umh_environment_put(&from, "A", "1"), 0);
    assert_int_equal(umh_environment_put(&from, "B", ""), 0);
    assert_int_equal(umh_environment_copy(&from, &copy), 0);
    umh_environment_deinit(&from);
    assert_int_equal(copy.count, 2);
    assert_string_equal(umh_environment_find(&copy, "A"), "1");
    assert_string_equal(umh_environment_find(&copy, "B"), "");
    assert_null(copy.entries[2]);
}

static void test_deinit_runs_twice(void **state)
{
    umh_environment environment = UMH_ENVIRONMENT_INIT;

    (void)state;
    assert_int_equal(umh_environment_put(&environment, "A", "1"), 0);
    umh_environment_deinit(&environment);
    umh_environment_deinit(&environment);
    umh_environment_deinit(NULL);
    assert_null(environment.entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gets_what_was_set),
        cmocka_unit_test(test_rejects_a_name_that_is_none),
        cmocka_unit_test(test_filter_keeps_the_allowed_only),
        cmocka_unit_test(test_put_adds_replaces_and_removes),
        cmocka_unit_test(test_filters_what_anyone_gives),
        cmocka_unit_test(test_copy_is_its_own),
        cmocka_unit_test(test_deinit_runs_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
