/* SPDX-License-Identifier: MIT */
/* Files and folders: content, paths, places, private folders, listing, removing. */
#include "platform/environment.h"
#include "platform/file.h"
#include "platform/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

static char folder[UMH_PATH_BYTES];

static const char *at(const char *name)
{
    static char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(folder, name, path), 0);
    return path;
}

static void write_text(const char *name, const char *text)
{
    assert_int_equal(umh_file_write(at(name), umh_bytes_of_text(text)), 0);
}

static int set_up(void **state)
{
    (void)state;
    return umh_file_make_temporary("umh-test-", folder);
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(umh_file_remove_tree(folder), 0);
    assert_int_equal(umh_file_inspect(folder).kind, FILE_KIND_NONE);
    return 0;
}

/* ------------------------- content */

static void test_reads_what_was_written(void **state)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    umh_file_names names = UMH_FILE_NAMES_INIT;
    struct stat about;

    (void)state;
    write_text("a", "one");
    write_text("a", "two words");
    assert_int_equal(umh_file_read(at("a"), 9, &content), 0);
    assert_string_equal((char *)content.data, "two words");
    assert_int_equal(stat(at("a"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0644);
    /* No temporary file stays. */
    assert_int_equal(umh_file_list(folder, 10, &names), 0);
    assert_int_equal(names.count, 1);
    umh_file_names_deinit(&names);
}

static void test_reads_a_large_file_whole(void **state)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    size_t size = 3 * 16384;
    char *text = calloc(1, size);

    (void)state;
    assert_int_equal(umh_file_write(at("a"), umh_bytes_of(text, size)), 0);
    assert_int_equal(umh_file_read(at("a"), size, &content), 0);
    assert_int_equal(content.size, size);
    free(text);
}

static void test_read_knows_its_outcomes(void **state)
{
    umh_buffer content = UMH_BUFFER_INIT;

    (void)state;
    write_text("a", "four");
    assert_int_equal(umh_file_read(at("b"), 10, &content), UMH_FILE_NONE);
    assert_int_equal(umh_file_read(at("a/b"), 10, &content), UMH_FILE_NONE);
    assert_int_equal(umh_file_read(at("a"), 3, &content), UMH_FILE_TOO_LARGE);
    assert_int_equal(umh_file_read(folder, 10, &content), UMH_E_OS);
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(umh_file_read(at("pipe"), 10, &content), UMH_E_OS);
    assert_null(content.data);
    write_text("empty", "");
    assert_int_equal(umh_file_read(at("empty"), 10, &content), 0);
    assert_int_equal(content.size, 0);
    umh_buffer_deinit(&content);
}

static void test_reads_a_head(void **state)
{
    char head[4];
    size_t size;
    uint64_t file_bytes;

    (void)state;
    write_text("a", "12345");
    write_text("b", "12");
    assert_int_equal(umh_file_read_head(at("a"), head, sizeof head, &size, &file_bytes), 0);
    assert_int_equal(size, 4);
    assert_int_equal(file_bytes, 5);
    assert_memory_equal(head, "1234", 4);
    assert_int_equal(umh_file_read_head(at("b"), head, sizeof head, &size, &file_bytes), 0);
    assert_int_equal(size, 2);
    assert_int_equal(umh_file_read_head(at("c"), head, sizeof head, &size, &file_bytes),
                     UMH_FILE_NONE);
    assert_int_equal(umh_file_read_head(folder, head, sizeof head, &size, &file_bytes), UMH_E_OS);
}

static void test_inspects(void **state)
{
    umh_file_info one;
    umh_file_info other;

    (void)state;
    write_text("a", "four");
    write_text("b", "four");
    one = umh_file_inspect(at("a"));
    other = umh_file_inspect(at("b"));
    assert_int_equal(one.kind, FILE_KIND_FILE);
    assert_int_equal(one.bytes, 4);
    assert_true(one.changed_ns > 0);
    assert_true(one.identity != other.identity);
    assert_int_equal(symlink("a", at("link")), 0);
    assert_true(umh_file_inspect(at("link")).identity == one.identity);
    assert_int_equal(umh_file_inspect(folder).kind, FILE_KIND_FOLDER);
    assert_int_equal(umh_file_inspect("/dev/null").kind, FILE_KIND_OTHER);
    assert_int_equal(umh_file_inspect(at("none")).kind, FILE_KIND_NONE);
}

static void test_moves_and_refuses_a_full_folder(void **state)
{
    char from[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_file_make_folder(at("full/below")), 0);
    assert_int_equal(umh_file_make_folder(at("one/below")), 0);
    umh_ignore(!umh_text_put(from, sizeof from, at("one")));
    assert_int_equal(umh_file_move(from, at("full")), UMH_E_OS);
    assert_int_equal(umh_file_move(from, at("two")), 0);
    assert_int_equal(umh_file_inspect(at("two/below")).kind, FILE_KIND_FOLDER);
    assert_int_equal(umh_file_inspect(at("one")).kind, FILE_KIND_NONE);
}

static void test_lock_has_one_owner(void **state)
{
    intptr_t lock;
    intptr_t second = -1;

    (void)state;
    assert_int_equal(umh_file_lock(at("lock"), &lock), 0);
    assert_int_equal(umh_file_lock(at("lock"), &second), UMH_FILE_UNSAFE);
    assert_int_equal(second, -1);
    close((int)lock);
    assert_int_equal(umh_file_lock(at("lock"), &second), 0);
    close((int)second);
}

/* ------------------------- paths */

static void test_joins(void **state)
{
    static const struct {
        const char *folder;
        const char *name;
        const char *joined;
    } rows[] = {
        {"/a", "b", "/a/b"},      {"/a/", "./b", "/a/b"}, {"/", "b", "/b"},
        {"/a", "/b//c/", "/b/c"}, {"/a", "", "/a"},       {"/a", ".", "/a"},
        {"a", "b/./c", "a/b/c"},  {"", "b", "b"},         {"/a", "../b", "/a/../b"},
        {"/", ".", "/"},          {".", ".", "."},        {"/a", ".b/c..", "/a/.b/c.."},
    };
    char path[UMH_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        assert_int_equal(umh_file_join(rows[i].folder, rows[i].name, path), 0);
        assert_string_equal(path, rows[i].joined);
    }
    umh_ignore(!umh_text_put(path, sizeof path, "/a"));
    assert_int_equal(umh_file_join(path, "b", path), 0);
    assert_string_equal(path, "/a/b");
}

static void test_rejects_long_path(void **state)
{
    char name[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES] = "kept";

    (void)state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(umh_file_join("/a", name, path), UMH_E_LIMIT);
    assert_string_equal(path, "kept");
    name[sizeof name - 3] = '\0';
    assert_int_equal(umh_file_join("/a", name, path), UMH_E_LIMIT);
    name[sizeof name - 4] = '\0';
    assert_int_equal(umh_file_join("/a", name, path), 0);
    assert_int_equal(strlen(path), UMH_PATH_BYTES - 1);
}

static void test_makes_absolute(void **state)
{
    char here[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(chdir(folder), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(umh_file_absolute("./x", path), 0);
    assert_memory_equal(path, here, strlen(here));
    assert_string_equal(path + strlen(here), "/x");
    assert_int_equal(umh_file_absolute("/x/", path), 0);
    assert_string_equal(path, "/x");
    assert_int_equal(umh_file_absolute(".", path), 0);
    assert_string_equal(path, here);
    assert_int_equal(chdir("/"), 0);
}

static void test_takes_paths_apart(void **state)
{
    static const char *const rows[][3] = {
        {"/a/b", "/a", "b"}, {"/a", "/", "a"}, {"a", ".", "a"}, {"a/b", "a", "b"},
        {"/a/b/", "/a", ""}, {"/", "/", ""},   {"", ".", ""},   {"//a//b", "//a", "b"},
    };
    char path[UMH_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        umh_file_parent(rows[i][0], path);
        assert_string_equal(path, rows[i][1]);
        assert_string_equal(umh_file_name(rows[i][0]), rows[i][2]);
    }
    umh_ignore(!umh_text_put(path, sizeof path, "/a/b"));
    umh_file_parent(path, path);
    assert_string_equal(path, "/a");
}

/* ------------------------- places */

static void test_knows_its_own_folder(void **state)
{
    char path[UMH_PATH_BYTES];
    char installation[UMH_PATH_BYTES] = "kept";

    (void)state;
    assert_int_equal(umh_file_program_folder(path), 0);
    assert_int_equal(umh_file_inspect(path).kind, FILE_KIND_FOLDER);
    /* Tests are built into a folder that is no installation's. */
    assert_int_equal(umh_file_installation(installation), UMH_E_USAGE);
    assert_string_equal(installation, "kept");
}

static const umh_copy_limits unlimited = {
    .max_bytes = UINT64_MAX, .max_files = UINT32_MAX, .max_depth = 100};

/* `is_removed`: as after an update that replaced the running program. */
static int say_installation(bool is_removed)
{
    char path[UMH_PATH_BYTES] = "";

    if (is_removed && (readlink("/proc/self/exe", path, sizeof path - 1) < 0 || unlink(path) < 0))
        return 3;
    if (umh_file_installation(path))
        return 1;
    return umh_pipe_write_all(umh_pipe_standard(1), umh_bytes_of_text(path)) ? 2 : 0;
}

/* This program, copied to `place` of an installation, says where it believes to be installed. */
static void expect_installation(const char *place, bool is_removed)
{
    char program[UMH_PATH_BYTES];
    char said[UMH_PATH_BYTES] = "";
    const char *arguments[] = {"test_file", "installation", is_removed ? "removed" : NULL, NULL};
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    umh_process child = UMH_PROCESS_INIT;
    umh_process_end end;
    umh_pipe in;
    size_t size;

    assert_int_equal(umh_file_make_folder(at(place)), 0);
    assert_int_equal(umh_file_join(at(place), "program", program), 0);
    assert_int_equal(umh_file_remove_tree(program), 0);
    assert_int_equal(umh_file_copy("/proc/self/exe", program, &unlimited, NULL), 0);
    assert_int_equal(umh_pipe_new(&in, &spec.standard[1]), 0);
    spec.standard[2] = umh_pipe_standard(2);
    spec.program = program;
    spec.arguments = arguments;
    assert_int_equal(umh_process_start(&spec, &child), 0);
    umh_pipe_close(&spec.standard[1]);
    assert_int_equal(umh_process_wait(&child, umh_clock_deadline_ns(PATIENCE_MS), &end), 0);
    assert_int_equal(end.exit_code, 0);
    umh_process_deinit(&child);
    assert_int_equal(umh_pipe_read(in, said, sizeof said - 1, 0, &size), 0);
    assert_string_equal(said, folder);
    umh_pipe_close(&in);
}

static void test_finds_its_installation(void **state)
{
    (void)state;
    expect_installation("bin", false);
    expect_installation("libexec/umh", false);
    expect_installation("libexec/umh", true);
}

static void test_knows_its_places(void **state)
{
    char path[UMH_PATH_BYTES];

    (void)state;
    if (geteuid() == 0) {
        assert_int_equal(umh_file_store_folder("main", path), 0);
        assert_string_equal(path, "/var/lib/umh/main");
        assert_int_equal(umh_file_runtime_folder("main", path), 0);
        assert_string_equal(path, "/run/umh/main");
    }
    assert_int_equal(umh_file_store_folder("", path), UMH_E_USAGE);
    assert_int_equal(umh_file_store_folder("a/b", path), UMH_E_USAGE);
    assert_int_equal(umh_file_runtime_folder("..", path), UMH_E_USAGE);
}

/* The same as somebody who is not root, in a process of its own. */
static int check_places_of_user(const char *home)
{
    char path[UMH_PATH_BYTES];
    char expected[UMH_PATH_BYTES];

    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return 1;
    if (umh_environment_set("HOME", home) || umh_environment_set("XDG_CACHE_HOME", "relative") ||
        umh_environment_set("TMPDIR", home))
        return 2;
    snprintf(expected, sizeof expected, "%s/.cache/umh/store/x", home);
    if (umh_file_store_folder("x", path) || strcmp(path, expected))
        return 3;
    if (umh_environment_set("XDG_CACHE_HOME", "/c") || umh_file_store_folder("x", path) ||
        strcmp(path, "/c/umh/store/x"))
        return 4;

    /* A runtime folder of somebody else does not count; ours does. */
    snprintf(expected, sizeof expected, "%s/umh-%u/x", home, (unsigned)geteuid());
    if (umh_environment_set("XDG_RUNTIME_DIR", "/proc/1") || umh_file_runtime_folder("x", path) ||
        strcmp(path, expected))
        return 5;
    if (umh_environment_set("XDG_RUNTIME_DIR", home) || umh_file_runtime_folder("x", path) ||
        strncmp(path, home, strlen(home)) || strcmp(path + strlen(home), "/umh/x"))
        return 6;

    /* The shared one is refused once somebody could look in. */
    umh_file_parent(expected, path);
    if (umh_environment_set("XDG_RUNTIME_DIR", "") || umh_file_make_folder(path) ||
        umh_file_runtime_folder("x", path))
        return 7;
    umh_file_parent(expected, path);
    if (chmod(path, 0755) || umh_file_runtime_folder("x", path) != UMH_E_REFUSED)
        return 8;
    return 0;
}

static void test_knows_the_places_of_a_user(void **state)
{
    const char *arguments[] = {"test_file", "user", folder, NULL};
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    umh_process child = UMH_PROCESS_INIT;
    umh_process_end end;

    (void)state;
    if (geteuid() == 0)
        assert_int_equal(chown(folder, 65534, 65534), 0);
    spec.standard[2] = umh_pipe_standard(2);
    spec.program = "/proc/self/exe";
    spec.arguments = arguments;
    assert_int_equal(umh_process_start(&spec, &child), 0);
    assert_int_equal(umh_process_wait(&child, umh_clock_deadline_ns(PATIENCE_MS), &end), 0);
    assert_int_equal(end.exit_code, 0);
    umh_process_deinit(&child);
}

/* ------------------------- folders */

static void test_makes_folders_for_the_owner(void **state)
{
    struct stat about;

    (void)state;
    assert_int_equal(umh_file_make_folder(at("a/b/c")), 0);
    assert_int_equal(umh_file_make_folder(at("a/b/c")), 0);
    assert_int_equal(stat(at("a"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
    assert_int_equal(stat(at("a/b/c"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
    write_text("file", "");
    assert_int_equal(umh_file_make_folder(at("file")), UMH_E_OS);
    assert_int_equal(umh_file_make_folder(at("file/a")), UMH_E_OS);
}

static void test_checks_privacy(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_file_check_private(folder, &why), 0);
    assert_string_equal(why.text, "");
    assert_int_equal(umh_file_check_private(at("none"), &why), UMH_FILE_NONE);
    write_text("file", "");
    assert_int_equal(umh_file_check_private(at("file"), &why), UMH_FILE_UNSAFE);
    assert_int_equal(symlink(folder, at("link")), 0);
    assert_int_equal(umh_file_check_private(at("link"), &why), UMH_FILE_UNSAFE);
    assert_int_equal(umh_file_make_folder(at("open")), 0);
    assert_int_equal(chmod(at("open"), 0750), 0);
    assert_int_equal(umh_file_check_private(at("open"), &why), UMH_FILE_UNSAFE);
    assert_non_null(strstr(why.text, "0750"));
    assert_int_equal(chmod(at("open"), 0701), 0);
    assert_int_equal(umh_file_check_private(at("open"), NULL), UMH_FILE_UNSAFE);
    if (geteuid() == 0) {
        assert_int_equal(chmod(at("open"), 0700), 0);
        assert_int_equal(chown(at("open"), 65534, 65534), 0);
        assert_int_equal(umh_file_check_private(at("open"), &why), UMH_FILE_UNSAFE);
        assert_non_null(strstr(why.text, "65534"));
    }
}

static void test_lets_others_pass_and_no_more(void **state)
{
    umh_why why = UMH_WHY_INIT;
    struct stat about;

    (void)state;
    assert_int_equal(umh_file_make_folder(at("passed")), 0);
    assert_int_equal(umh_file_check_guarded(at("passed"), &why), 0);
    assert_int_equal(umh_file_let_pass(at("passed")), 0);
    assert_int_equal(umh_file_let_pass(at("passed")), 0);
    assert_int_equal(stat(at("passed"), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0711);
    assert_int_equal(umh_file_check_guarded(at("passed"), &why), 0);
    assert_int_equal(umh_file_check_private(at("passed"), &why), UMH_FILE_UNSAFE);
    assert_int_equal(chmod(at("passed"), 0715), 0);
    assert_int_equal(umh_file_check_guarded(at("passed"), &why), UMH_FILE_UNSAFE);
    assert_int_equal(umh_file_check_guarded(at("none"), &why), UMH_FILE_NONE);
    assert_int_equal(symlink("passed", at("way")), 0);
    assert_true(umh_file_let_pass(at("way")) < 0);
    assert_true(umh_file_let_pass(at("none")) < 0);
}

static void test_knows_what_is_closed(void **state)
{
    (void)state;
    write_text("readable", "");
    assert_int_equal(chmod(at("readable"), 0644), 0);
    assert_false(umh_file_is_closed(at("readable")));
    assert_int_equal(chmod(at("readable"), 0640), 0);
    assert_true(umh_file_is_closed(at("readable")));
    assert_false(umh_file_is_closed(at("none")));
}

static void test_lists_sorted_and_bounded(void **state)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;

    (void)state;
    assert_int_equal(umh_file_list(folder, 0, &names), 0);
    assert_int_equal(names.count, 0);
    for (char name[] = "t"; name[0] >= 'a'; name[0]--)
        write_text(name, "");
    assert_int_equal(umh_file_list(folder, 19, &names), UMH_FILE_TOO_MANY);
    assert_int_equal(names.count, 0);
    assert_int_equal(umh_file_list(folder, 20, &names), 0);
    assert_int_equal(names.count, 20);
    for (size_t i = 0; i < names.count; i++)
        assert_int_equal(names.names[i][0], 'a' + (int)i);
    umh_file_names_deinit(&names);
    umh_file_names_deinit(&names);
    assert_int_equal(umh_file_list(at("none"), 1, &names), UMH_FILE_NONE);
    assert_int_equal(umh_file_list(at("a"), 1, &names), UMH_FILE_NONE);
}

static void test_removes_trees_and_follows_no_link(void **state)
{
    char kept[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_file_make_folder(at("kept")), 0);
    write_text("kept/file", "");
    assert_int_equal(umh_file_make_folder(at("tree/a/b")), 0);
    write_text("tree/a/file", "");
    umh_ignore(!umh_text_put(kept, sizeof kept, at("kept")));
    assert_int_equal(symlink(kept, at("tree/a/link")), 0);
    assert_int_equal(umh_file_remove_tree(at("tree")), 0);
    assert_int_equal(umh_file_inspect(at("tree")).kind, FILE_KIND_NONE);
    assert_int_equal(symlink(kept, at("link")), 0);
    assert_int_equal(umh_file_remove_tree(at("link")), 0);
    assert_int_equal(umh_file_inspect(at("link")).kind, FILE_KIND_NONE);
    assert_int_equal(umh_file_inspect(at("kept/file")).kind, FILE_KIND_FILE);
    assert_int_equal(umh_file_remove_folder(at("kept")), UMH_FILE_TOO_MANY);
    assert_int_equal(umh_file_remove_folder(at("kept/file")), UMH_FILE_UNSAFE);
    assert_int_equal(umh_file_remove_tree(at("kept/file")), 0);
    assert_int_equal(symlink(kept, at("link")), 0);
    assert_int_equal(umh_file_remove_folder(at("link")), UMH_FILE_UNSAFE);
    assert_int_equal(umh_file_remove_folder(at("kept")), 0);
    assert_int_equal(umh_file_remove_folder(at("kept")), 0);
    assert_int_equal(umh_file_remove_tree(at("none")), 0);
    assert_int_equal(umh_file_remove_tree(at("none/below")), 0);
}

static void test_makes_temporary_folders(void **state)
{
    char one[UMH_PATH_BYTES];
    char other[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_file_make_temporary("umh-x-", one), 0);
    assert_int_equal(umh_file_make_temporary("umh-x-", other), 0);
    assert_string_not_equal(one, other);
    assert_memory_equal(umh_file_name(one), "umh-x-", 6);
    assert_int_equal(umh_file_check_private(one, NULL), 0);
    assert_int_equal(umh_file_remove_tree(one), 0);
    assert_int_equal(umh_file_remove_tree(other), 0);
}

static void test_knows_where_programs_run(void **state)
{
    char own[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_file_program_folder(own), 0);
    assert_true(umh_file_allows_execution(own));
    assert_true(umh_file_allows_execution("/nowhere/at/all"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_reads_what_was_written),
        IN_FOLDER(test_reads_a_large_file_whole),
        IN_FOLDER(test_read_knows_its_outcomes),
        IN_FOLDER(test_reads_a_head),
        IN_FOLDER(test_inspects),
        IN_FOLDER(test_moves_and_refuses_a_full_folder),
        IN_FOLDER(test_lock_has_one_owner),
        cmocka_unit_test(test_joins),
        cmocka_unit_test(test_rejects_long_path),
        IN_FOLDER(test_makes_absolute),
        cmocka_unit_test(test_takes_paths_apart),
        cmocka_unit_test(test_knows_its_own_folder),
        IN_FOLDER(test_finds_its_installation),
        cmocka_unit_test(test_knows_its_places),
        IN_FOLDER(test_knows_the_places_of_a_user),
        IN_FOLDER(test_makes_folders_for_the_owner),
        IN_FOLDER(test_checks_privacy),
        IN_FOLDER(test_lets_others_pass_and_no_more),
        IN_FOLDER(test_knows_what_is_closed),
        IN_FOLDER(test_lists_sorted_and_bounded),
        IN_FOLDER(test_removes_trees_and_follows_no_link),
        IN_FOLDER(test_makes_temporary_folders),
        cmocka_unit_test(test_knows_where_programs_run),
    };

    if (umh_process_prepare())
        return 1;
    if (argc > 2 && strcmp(argv[1], "user") == 0)
        return check_places_of_user(argv[2]);
    if (argc > 1 && strcmp(argv[1], "installation") == 0)
        return say_installation(argc > 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
