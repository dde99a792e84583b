/* SPDX-License-Identifier: MIT */
/* What is removed of an instance that is uninstalled, and what stays. */
#include "cli/remains.h"

#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[UMH_PATH_BYTES];

static const char *at(const char *name)
{
    static char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(folder, name, path), 0);
    return path;
}

static void put_file(const char *name)
{
    assert_int_equal(umh_file_write(at(name), umh_bytes_of_text("x")), 0);
}

static bool is_there(const char *name)
{
    return umh_file_inspect(at(name)).kind != FILE_KIND_NONE;
}

/* As a broker of a service leaves it after a crash. */
static int set_up(void **state)
{
    (void)state;
    assert_int_equal(umh_file_make_temporary("umh-test-", folder), 0);
    assert_int_equal(umh_file_make_folder(at("all/edge/modules/echo-1")), 0);
    assert_int_equal(umh_file_make_folder(at("all/edge/users/echo-2")), 0);
    assert_int_equal(umh_file_make_folder(at("all/edge/stale-modules-77/echo-3")), 0);
    put_file("all/edge/modules/echo-1/echo.so");
    put_file("all/edge/lock");
    assert_int_equal(chmod(at("all/edge"), 0711), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return umh_file_remove_tree(folder);
}

static void test_removes_what_a_broker_left(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_remains_remove(at("all/edge"), &why), 0);
    assert_string_equal(why.text, "");
    assert_false(is_there("all"));
    assert_int_equal(umh_remains_remove(at("all/edge"), &why), 0);
}

static void test_another_instance_stays(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_file_make_folder(at("all/default")), 0);
    assert_int_equal(umh_remains_remove(at("all/edge"), &why), 0);
    assert_false(is_there("all/edge"));
    assert_true(is_there("all/default"));
}

static void expect_stay(const char *words)
{
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_remains_remove(at("all/edge"), &why), UMH_REMAINS_STAY);
    if (!strstr(why.text, words))
        print_error("%s\n", why.text);
    assert_non_null(strstr(why.text, words));
    assert_non_null(strstr(why.text, "/all/edge stays: "));
}

static void test_what_is_not_ours_stays(void **state)
{
    (void)state;
    put_file("all/edge/notes");
    expect_stay("no broker put there: notes");
    assert_true(is_there("all/edge/notes"));
    assert_false(is_there("all/edge/modules"));
    assert_false(is_there("all/edge/stale-modules-77"));
}

static void test_follows_no_link(void **state)
{
    umh_why why = UMH_WHY_INIT;
    char target[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_file_make_folder(at("precious/modules")), 0);
    put_file("precious/modules/file");
    umh_ignore(!umh_text_put(target, sizeof target, at("precious")));
    assert_int_equal(symlink(target, at("all/edge/stale-link")), 0);
    assert_int_equal(umh_remains_remove(at("all/edge"), &why), 0);
    assert_true(is_there("precious/modules/file"));
    assert_int_equal(umh_file_make_folder(at("all")), 0);
    assert_int_equal(symlink(target, at("all/edge")), 0);
    expect_stay("behind a link");
    assert_true(is_there("precious/modules/file"));
}

static void test_a_broker_that_runs_keeps_its_own(void **state)
{
    intptr_t lock = -1;

    (void)state;
    assert_int_equal(umh_file_lock(at("all/edge/lock"), &lock), 0);
    expect_stay("a broker of this instance runs");
    assert_true(is_there("all/edge/modules/echo-1/echo.so"));
    umh_file_unlock(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_removes_what_a_broker_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_instance_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_ours_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_follows_no_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_broker_that_runs_keeps_its_own, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
