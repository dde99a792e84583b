/* SPDX-License-Identifier: MIT */
/* What leads to a file: each link on the way, and the file. */
#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[UMH_PATH_BYTES];

static const char *at(const char *name)
{
    static char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(folder, name, path), 0);
    return path;
}

/* Its real path: what leads to the folder itself is the machine's business. */
static int set_up(void **state)
{
    char made[UMH_PATH_BYTES];
    char *real;

    (void)state;
    assert_int_equal(umh_file_make_temporary("umh-test-", made), 0);
    real = realpath(made, NULL);
    assert_non_null(real);
    assert_true(umh_text_put(folder, sizeof folder, real));
    free(real);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return umh_file_remove_tree(folder);
}

static void make_folder(const char *name)
{
    assert_int_equal(umh_file_make_folder(at(name)), 0);
}

static void make_link(const char *name, const char *target)
{
    assert_int_equal(symlink(target, at(name)), 0);
}

static void expect_places(const char *name, const char *const *places, size_t count)
{
    UMH_AUTO(umh_file_names) found = UMH_FILE_NAMES_INIT;

    assert_int_equal(umh_file_trace(at(name), &found), 0);
    assert_int_equal(found.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(found.names[i], at(places[i]));
}
#define EXPECT_PLACES(name, ...)                                                                   \
    expect_places(name, (const char *const[]){__VA_ARGS__},                                        \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void test_a_file_without_links(void **state)
{
    (void)state;
    make_folder("a");
    assert_int_equal(umh_file_write(at("a/file"), umh_bytes_of_text("x")), 0);
    EXPECT_PLACES("a/file", "a/file");
    EXPECT_PLACES("a/./../a//file", "a/file");
}

static void test_what_is_missing_first(void **state)
{
    (void)state;
    make_folder("a");
    EXPECT_PLACES("a/none", "a/none");
    EXPECT_PLACES("a/none/below/it", "a/none");
    make_link("lost", "a/gone/file");
    EXPECT_PLACES("lost", "lost", "a/gone");
}

static void test_links_to_files_and_folders(void **state)
{
    char absolute[UMH_PATH_BYTES];

    (void)state;
    make_folder("a/b");
    assert_int_equal(umh_file_write(at("a/b/file"), umh_bytes_of_text("x")), 0);
    make_link("a/data", "b");
    make_link("a/file", "data/file");
    assert_true(umh_text_put(absolute, sizeof absolute, at("a")));
    make_link("here", absolute);
    EXPECT_PLACES("a/file", "a/file", "a/data", "a/b/file");
    EXPECT_PLACES("here/file", "here", "a/file", "a/data", "a/b/file");
    make_link("a/b/up", "..");
    EXPECT_PLACES("a/data/up/b/file", "a/data", "a/b/up", "a/b/file");
}

static void test_a_link_to_itself_ends(void **state)
{
    UMH_AUTO(umh_file_names) found = UMH_FILE_NAMES_INIT;

    (void)state;
    make_link("turn", "turn");
    assert_int_equal(umh_file_trace(at("turn"), &found), 0);
    assert_int_equal(found.count, UMH_FILE_PLACES_MAX);
}

static void test_too_long_a_way(void **state)
{
    UMH_AUTO(umh_file_names) found = UMH_FILE_NAMES_INIT;
    char path[2 * UMH_PATH_BYTES];

    (void)state;
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_true(umh_file_trace(path, &found) < 0);
    assert_int_equal(found.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_without_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_missing_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_to_files_and_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_to_itself_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_long_a_way, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
