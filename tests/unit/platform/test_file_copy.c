/* SPDX-License-Identifier: MIT */
/* Copies and fingerprints of files and trees: what is followed, what is skipped, and the limits. */
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
static char from[UMH_PATH_BYTES];
static char to[UMH_PATH_BYTES];

static const umh_copy_limits ample = {.max_bytes = 1 << 20, .max_files = 100, .max_depth = 8};

static const char *below(const char *tree, const char *name)
{
    static char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(tree, name, path), 0);
    return path;
}

static void write_text(const char *name, const char *text)
{
    assert_int_equal(umh_file_write(below(from, name), umh_bytes_of_text(text)), 0);
}

static void expect_file(const char *path, const char *text, mode_t mode)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    struct stat about;

    assert_int_equal(umh_file_read(path, 1 << 20, &content), 0);
    assert_int_equal(content.size, strlen(text));
    assert_memory_equal(content.data, text, content.size);
    assert_int_equal(lstat(path, &about), 0);
    assert_true(S_ISREG(about.st_mode));
    assert_int_equal(about.st_mode & 07777, mode);
}

static uint64_t fingerprint(const char *path)
{
    uint64_t value = 0;

    assert_int_equal(umh_file_fingerprint(path, &ample, &value, NULL), 0);
    return value;
}

/* from/: a file, a program, a folder with a file, links of every kind, a pipe. */
static int set_up(void **state)
{
    (void)state;
    if (umh_file_make_temporary("umh-test-", folder) || umh_file_join(folder, "from", from) ||
        umh_file_join(folder, "to", to) || umh_file_make_folder(below(from, "sub/empty")))
        return -1;
    write_text("file", "content");
    write_text("program", "#!/bin/sh\n");
    write_text("sub/inner", "inner");
    assert_int_equal(umh_file_write(below(folder, "outside"), umh_bytes_of_text("outside")), 0);
    assert_int_equal(chmod(below(from, "program"), 0700), 0);
    assert_int_equal(chmod(below(from, "file"), 0600), 0);
    assert_int_equal(symlink("file", below(from, "link")), 0);
    assert_int_equal(symlink("../outside", below(from, "link-out")), 0);
    assert_int_equal(symlink("nowhere", below(from, "link-dangling")), 0);
    assert_int_equal(symlink("..", below(from, "sub/link-up")), 0);
    assert_int_equal(symlink("/", below(from, "link-root")), 0);
    assert_int_equal(mkfifo(below(from, "pipe"), 0600), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return umh_file_remove_tree(folder);
}

static void test_copies_a_tree(void **state)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    struct stat about;

    (void)state;
    assert_int_equal(umh_file_copy(from, to, &ample, NULL), 0);
    expect_file(below(to, "file"), "content", 0644);
    expect_file(below(to, "program"), "#!/bin/sh\n", 0755);
    expect_file(below(to, "sub/inner"), "inner", 0644);
    expect_file(below(to, "link"), "content", 0644);
    expect_file(below(to, "link-out"), "outside", 0644);
    assert_int_equal(stat(below(to, "sub/empty"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0755);
    assert_int_equal(umh_file_list(to, 100, &names), 0);
    assert_int_equal(names.count, 5); /* no dangling link, none to a folder, no pipe */
    umh_file_names_deinit(&names);
    assert_int_equal(umh_file_list(below(to, "sub"), 100, &names), 0);
    assert_int_equal(names.count, 2);
    assert_true(umh_file_inspect(below(to, "file")).changed_ns ==
                umh_file_inspect(below(from, "file")).changed_ns);
}

static mode_t mode_of(const char *path)
{
    struct stat about;

    assert_int_equal(lstat(path, &about), 0);
    return about.st_mode & 07777;
}

static void test_keeps_closed_what_others_may_not_read(void **state)
{
    umh_copy_limits limits = ample;

    (void)state;
    limits.keeps_closed = true;
    assert_int_equal(chmod(below(from, "sub"), 0700), 0);
    assert_int_equal(chmod(below(from, "sub/inner"), 0644), 0);
    assert_int_equal(chmod(from, 0755), 0);
    assert_int_equal(umh_file_copy(from, to, &limits, NULL), 0);
    expect_file(below(to, "file"), "content", 0600);
    expect_file(below(to, "program"), "#!/bin/sh\n", 0700);
    expect_file(below(to, "link"), "content", 0600);
    expect_file(below(to, "sub/inner"), "inner", 0644);
    assert_int_equal(mode_of(below(to, "sub")), 0700);
    assert_int_equal(mode_of(to), 0755);
    assert_int_equal(fingerprint(to), fingerprint(from));
}

static void test_copies_a_file(void **state)
{
    (void)state;
    assert_int_equal(umh_file_copy(below(from, "link"), to, &ample, NULL), 0);
    expect_file(to, "content", 0644);
}

static void test_copies_more_than_one_block(void **state)
{
    static char text[200001];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[70000] = 'y';
    write_text("large", text);
    assert_int_equal(umh_file_copy(from, to, &ample, NULL), 0);
    expect_file(below(to, "large"), text, 0644);
    assert_true(fingerprint(below(from, "large")) == fingerprint(below(to, "large")));
}

static void test_overwrites_nothing(void **state)
{
    (void)state;
    assert_int_equal(umh_file_make_folder(to), 0);
    assert_int_equal(umh_file_write(below(to, "kept"), umh_bytes_of_text("kept")), 0);
    assert_int_equal(umh_file_copy(from, to, &ample, NULL), UMH_E_OS);
    assert_int_equal(umh_file_copy(below(from, "file"), below(to, "kept"), &ample, NULL), UMH_E_OS);
    expect_file(below(to, "kept"), "kept", 0644);
}

static void test_knows_a_source_that_is_none(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(umh_file_copy(below(from, "none"), to, &ample, NULL), UMH_FILE_NONE);
    assert_int_equal(umh_file_copy(below(from, "file/x"), to, &ample, NULL), UMH_FILE_NONE);
    assert_int_equal(umh_file_copy(below(from, "pipe"), to, &ample, NULL), UMH_E_OS);
    assert_int_equal(umh_file_fingerprint(below(from, "none"), &ample, &value, NULL),
                     UMH_FILE_NONE);
    assert_int_equal(umh_file_inspect(to).kind, FILE_KIND_NONE);
}

static void expect_limit(const umh_copy_limits *limits, int outcome)
{
    umh_why why = UMH_WHY_INIT;
    uint64_t value = 7;

    assert_int_equal(umh_file_copy(from, to, limits, &why), outcome);
    assert_int_equal(umh_file_inspect(to).kind, FILE_KIND_NONE);
    assert_int_equal(umh_file_fingerprint(from, limits, &value, NULL), outcome);
    if (outcome) {
        assert_non_null(strstr(why.text, from));
        assert_true(value == 7);
    }
}

static void test_keeps_within_its_limits(void **state)
{
    /* 8 entries in the folder, 3 in its own; 7 + 10 + 5 + 7 + 7 bytes; one folder below another */
    umh_copy_limits limits = {.max_bytes = 36, .max_files = 11, .max_depth = 2};

    (void)state;
    assert_int_equal(umh_file_copy(from, to, &limits, NULL), 0);
    assert_int_equal(umh_file_remove_tree(to), 0);
    limits.max_bytes--;
    expect_limit(&limits, UMH_FILE_TOO_LARGE);
    limits.max_bytes++;
    limits.max_files--;
    expect_limit(&limits, UMH_FILE_TOO_MANY);
    limits.max_files = 0;
    expect_limit(&limits, UMH_FILE_TOO_MANY);
    limits.max_files = 11;
    limits.max_depth = 1;
    expect_limit(&limits, UMH_FILE_TOO_MANY);
}

static void test_fingerprint_is_of_what_a_copy_holds(void **state)
{
    (void)state;
    assert_int_equal(umh_file_copy(from, to, &ample, NULL), 0);
    assert_true(fingerprint(from) == fingerprint(to));
}

static void test_fingerprint_notices_changes(void **state)
{
    uint64_t before = fingerprint(from);
    uint64_t after;

    (void)state;
    assert_true(fingerprint(from) == before);
    write_text("file", "contenu");
    after = fingerprint(from);
    assert_true(after != before);
    write_text("file", "content");
    assert_true(fingerprint(from) == before);

    assert_int_equal(umh_file_write(below(folder, "outside"), umh_bytes_of_text("Outside")), 0);
    assert_true(fingerprint(from) != before);
    assert_int_equal(umh_file_write(below(folder, "outside"), umh_bytes_of_text("outside")), 0);

    assert_int_equal(chmod(below(from, "file"), 0755), 0);
    assert_true(fingerprint(from) != before);
    assert_int_equal(chmod(below(from, "file"), 0644), 0);
    assert_true(fingerprint(from) == before);

    assert_int_equal(umh_file_make_folder(below(from, "more")), 0);
    assert_true(fingerprint(from) != before);
    assert_int_equal(umh_file_remove_tree(below(from, "more")), 0);
    assert_int_equal(umh_file_remove_tree(below(from, "sub/inner")), 0);
    assert_true(fingerprint(from) != before);
}

static void test_fingerprint_keeps_names_and_contents_apart(void **state)
{
    static const char *const texts[] = {"", "a", "ab", "abcdefgh", "abcdefghi", "bcdefgh"};
    uint64_t values[UMH_COUNT_OF(texts)];

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++) {
        write_text("file", texts[i]);
        values[i] = fingerprint(below(from, "file"));
        for (size_t k = 0; k < i; k++)
            assert_true(values[i] != values[k]);
    }
    assert_int_equal(umh_file_write(below(from, "file"), umh_bytes_of("a\0", 2)), 0);
    assert_true(fingerprint(below(from, "file")) != values[1]);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TREE(test_copies_a_tree),
        WITH_TREE(test_keeps_closed_what_others_may_not_read),
        WITH_TREE(test_copies_a_file),
        WITH_TREE(test_copies_more_than_one_block),
        WITH_TREE(test_overwrites_nothing),
        WITH_TREE(test_knows_a_source_that_is_none),
        WITH_TREE(test_keeps_within_its_limits),
        WITH_TREE(test_fingerprint_is_of_what_a_copy_holds),
        WITH_TREE(test_fingerprint_notices_changes),
        WITH_TREE(test_fingerprint_keeps_names_and_contents_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
