/* SPDX-License-Identifier: MIT */
/* Whether another user could change a file or put a different one in its place. */
#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SOMEONE 65534

static char folder[UMH_PATH_BYTES];

static const char *at(const char *name)
{
    static char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(folder, name, path), 0);
    return path;
}

static void write_file(const char *name)
{
    assert_int_equal(umh_file_write(at(name), umh_bytes_of_text("{}")), 0);
    assert_int_equal(chmod(at(name), 0644), 0);
}

static void make_folder(const char *name)
{
    assert_int_equal(umh_file_make_folder(at(name)), 0);
}

static void expect_trusted(const char *name)
{
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_file_check_trusted(at(name), &why), 0);
    assert_string_equal(why.text, "");
}

static void expect_unsafe(const char *name, const char *culprit)
{
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_file_check_trusted(at(name), &why), UMH_FILE_UNSAFE);
    assert_non_null(strstr(why.text, culprit));
}

static int set_up(void **state)
{
    (void)state;
    return umh_file_make_temporary("umh-test-", folder);
}

static int tear_down(void **state)
{
    (void)state;
    return umh_file_remove_tree(folder);
}

static void test_trusts_what_only_this_user_writes(void **state)
{
    (void)state;
    make_folder("a/b");
    write_file("a/b/file");
    expect_trusted("a/b/file");
    expect_trusted("a/b");
    expect_trusted("a/../a/./b//file");
    assert_int_equal(umh_file_check_trusted(at("a/none"), NULL), UMH_FILE_NONE);
    assert_int_equal(umh_file_check_trusted(at("a/b/file/more"), NULL), UMH_FILE_NONE);
}

static void test_finds_what_others_may_write(void **state)
{
    (void)state;
    make_folder("a/b");
    write_file("a/b/file");
    assert_int_equal(chmod(at("a/b/file"), 0646), 0);
    expect_unsafe("a/b/file", "/a/b/file' (mode 0646)");
    assert_int_equal(chmod(at("a/b/file"), 0644), 0);
    assert_int_equal(chmod(at("a"), 0757), 0);
    expect_unsafe("a/b/file", "/a' (mode 0757)");
    /* As in the temporary folder: what is there already stays where it is. */
    assert_int_equal(chmod(at("a"), 01777), 0);
    expect_trusted("a/b/file");
    expect_unsafe("a", "/a' (mode 1777)");
}

static void test_a_group_of_others_may_not_write(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_folder("a");
    write_file("a/file");
    assert_int_equal(chmod(at("a"), 0770), 0);
    expect_unsafe("a/file", "/a' (mode 0770)");
    assert_int_equal(chown(at("a"), 0, SOMEONE), 0);
    expect_unsafe("a/file", "/a' (mode 0770)");
}

static void test_finds_other_owners(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_folder("a");
    write_file("a/file");
    assert_int_equal(chown(at("a/file"), SOMEONE, SOMEONE), 0);
    expect_unsafe("a/file", "/a/file' belongs to another user (65534)");
    assert_int_equal(chown(at("a/file"), 0, 0), 0);
    assert_int_equal(chown(at("a"), SOMEONE, SOMEONE), 0);
    expect_unsafe("a/file", "/a' belongs to another user (65534)");
}

static void test_judges_both_ends_of_a_link(void **state)
{
    (void)state;
    make_folder("safe");
    make_folder("open");
    write_file("safe/file");
    write_file("open/file");
    assert_int_equal(symlink("../safe", at("open/way")), 0);
    assert_int_equal(symlink("open/way/file", at("link")), 0);
    assert_int_equal(symlink(folder, at("safe/up")), 0);
    expect_trusted("link");
    expect_trusted("safe/up/safe/file");
    assert_int_equal(chmod(at("open"), 0777), 0);
    expect_unsafe("link", "/open' (mode 0777)");
    expect_unsafe("safe/up/open/file", "/open' (mode 0777)");
    assert_int_equal(symlink("turn", at("turn")), 0);
    expect_unsafe("turn", "too many links");
}

static void test_looks_through_a_tree(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    make_folder("open");
    write_file("open/file");
    make_folder("tree/below");
    write_file("tree/below/file");
    write_file("tree/file");
    assert_int_equal(umh_file_check_trusted_tree(at("tree"), &why), 0);
    assert_int_equal(umh_file_check_trusted_tree(at("tree/file"), &why), 0);
    assert_int_equal(umh_file_check_trusted_tree(at("none"), &why), UMH_FILE_NONE);
    assert_int_equal(chmod(at("tree/below/file"), 0646), 0);
    assert_int_equal(umh_file_check_trusted(at("tree"), &why), 0);
    assert_int_equal(umh_file_check_trusted_tree(at("tree"), &why), UMH_FILE_UNSAFE);
    assert_non_null(strstr(why.text, "/tree/below/file' (mode 0646)"));
    assert_int_equal(chmod(at("tree/below/file"), 0644), 0);
    assert_int_equal(symlink("../open/file", at("tree/link")), 0);
    assert_int_equal(umh_file_check_trusted_tree(at("tree"), &why), 0);
    assert_int_equal(chmod(at("open"), 0757), 0);
    assert_int_equal(umh_file_check_trusted_tree(at("tree"), &why), UMH_FILE_UNSAFE);
    assert_non_null(strstr(why.text, "/open' (mode 0757)"));
}

static void test_looks_through_an_installation(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_file_check_installation(folder, &why), 0);
    make_folder("bin");
    make_folder("libexec/umh");
    make_folder("lib/umh/managed");
    write_file("bin/umh");
    write_file("bin/other");
    write_file("lib/umh/managed/host.dll");
    assert_int_equal(symlink("host.dll", at("lib/umh/managed/link")), 0);
    assert_int_equal(symlink("nothing", at("lib/umh/managed/lost")), 0);
    assert_int_equal(chmod(at("bin/other"), 0666), 0);
    assert_int_equal(umh_file_check_installation(folder, &why), 0);
    assert_int_equal(chmod(at("lib/umh/managed/host.dll"), 0666), 0);
    assert_int_equal(umh_file_check_installation(folder, &why), UMH_FILE_UNSAFE);
    assert_non_null(strstr(why.text, "lib/umh/managed/host.dll' (mode 0666)"));
    assert_int_equal(chmod(at("lib/umh/managed/host.dll"), 0644), 0);
    assert_int_equal(chmod(at("lib/umh/managed"), 01777), 0);
    assert_int_equal(umh_file_check_installation(folder, &why), UMH_FILE_UNSAFE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trusts_what_only_this_user_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_finds_what_others_may_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_group_of_others_may_not_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_finds_other_owners, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_judges_both_ends_of_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looks_through_a_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looks_through_an_installation, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
