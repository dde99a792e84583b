/* SPDX-License-Identifier: MIT */
/*
 * Control groups: where ours is, by the texts of the kernel; and in the tree of this machine, where
 * it may be written, what enters, is killed, is swept and removed.
 */
#include "platform/cgroup.h"
#include "platform/linux/cgroup_place.h"
#include "platform/process.h"

#include <setjmp.h>
#include <signal.h>
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

/* --- texts -------------------------------------------------------------------------------- */

typedef struct place_row {
    const char *mounts, *own;
    const char *path; /* NULL: nowhere */
} place_row;

#define LINE(root, point) "30 23 0:26 " root " " point " rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
#define PROC "22 28 0:20 / /proc rw shared:12 - proc proc rw\n"
#define V1 "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"

static const place_row places[] = {
    {PROC LINE("/", "/sys/fs/cgroup"), "0::/\n", "/sys/fs/cgroup"},
    {LINE("/", "/sys/fs/cgroup") PROC, "0::/a/b c\n", "/sys/fs/cgroup/a/b c"},
    {V1 LINE("/", "/sys/fs/cgroup/unified"), "9:cpu:/x\n0::/a.service\n",
     "/sys/fs/cgroup/unified/a.service"},
    /* a part of the tree is mounted */
    {LINE("/a", "/mnt"), "0::/a\n", "/mnt"},
    {LINE("/a", "/mnt"), "0::/a/b\n", "/mnt/b"},
    {LINE("/a", "/mnt"), "0::/ab\n", NULL},
    {LINE("/a", "/mnt"), "0::/\n", NULL},
    {LINE("/a", "/one") LINE("/", "/two"), "0::/b\n", "/two/b"},
    {LINE("/", "/with\\040space\\134"), "0::/a\n", "/with space\\/a"},
    {"30 23 0:26 / /optional rw a:1 b:2 c:3 - cgroup2 none rw\n", "0::/a\n", "/optional/a"},
    /* no tree, no group */
    {PROC V1, "0::/a\n", NULL},
    {"", "0::/a\n", NULL},
    {LINE("/", "/x"), "", NULL},
    {LINE("/", "/x"), "9:cpu:/x\n", NULL},
    {LINE("/", "/x"), "0::/../../outside\n", NULL},
    {LINE("/", "/x"), "0::/gone (deleted)\n", NULL},
    /* cut off */
    {"30 23 0:26 /", "0::/a\n", NULL},
    {"30 - cgroup2 \n", "0::/a\n", NULL},
    {"30 23 0:26 / - cgroup2 x\n", "0::/a\n", "-/a"},
    {LINE("/", "/x\\0"), "0::/\n", "/x\\0"},
};

static void test_finds_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(places); i++) {
        char path[UMH_PATH_BYTES] = "untouched";
        umh_why why = UMH_WHY_INIT;
        int r = umh_cgroup_find_place(places[i].mounts, places[i].own, path, &why);

        if (places[i].path) {
            assert_int_equal(r, 0);
            assert_string_equal(path, places[i].path);
        } else {
            assert_int_equal(r, UMH_CGROUP_NOWHERE);
            assert_string_not_equal(why.text, "");
            assert_string_equal(path, "untouched");
        }
    }
}

static void test_refuses_paths_that_are_too_long(void **state)
{
    UMH_AUTO(umh_buffer) own = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_buffer_append_text(&own, "0::"), 0);
    for (int i = 0; i < UMH_PATH_BYTES; i++)
        assert_int_equal(umh_buffer_append_text(&own, "/a"), 0);
    assert_int_equal(umh_cgroup_find_place(LINE("/", "/x"), (const char *)own.data, path, &why),
                     UMH_CGROUP_NOWHERE);
}

static void test_names_are_safe_for_files(void **state)
{
    char name[UMH_CGROUP_NAME_BYTES];
    char text[UMH_CGROUP_NAME_BYTES];

    (void)state;
    assert_true(umh_cgroup_encode_name("host-", "Sensors.2-a_b", name));
    assert_string_equal(name, "host-Sensors.2-a_b");
    assert_true(umh_cgroup_encode_name("host-", "../a b%\xC3\xA9", name));
    assert_string_equal(name, "host-..%2Fa%20b%25%C3%A9");
    assert_true(umh_cgroup_encode_name("host-", "", name));
    assert_string_equal(name, "host-");

    memset(text, 'a', sizeof text);
    text[250] = '\0';
    assert_true(umh_cgroup_encode_name("host-", text, name));
    assert_int_equal(strlen(name), 255);
    text[250] = 'a';
    text[251] = '\0';
    assert_false(umh_cgroup_encode_name("host-", text, name));
    text[248] = '/';
    text[249] = '\0';
    assert_false(umh_cgroup_encode_name("host-", text, name));
}

static void test_finds_numbers(void **state)
{
    const char *text = "low 0\noom 3\noom_kill 12\nlast 7";

    (void)state;
    assert_int_equal(umh_cgroup_find_number(text, "low"), 0);
    assert_int_equal(umh_cgroup_find_number(text, "oom"), 3);
    assert_int_equal(umh_cgroup_find_number(text, "oom_kill"), 12);
    assert_int_equal(umh_cgroup_find_number(text, "last"), 7);
    assert_int_equal(umh_cgroup_find_number(text, "kill"), -1);
    assert_int_equal(umh_cgroup_find_number("max max\n", "max"), -1);
    assert_int_equal(umh_cgroup_find_number("", "max"), -1);
    assert_int_equal(umh_cgroup_find_number("max", "max"), -1);
}

/* --- this machine's tree ------------------------------------------------------------------ */

typedef struct group_tree {
    umh_cgroups *cgroups;
    char path[UMH_PATH_BYTES];
} group_tree;

static const umh_cgroup_limits no_limits;

static int read_file(const char *path, umh_buffer *ret_text)
{
    return umh_file_read(path, 1 << 20, ret_text);
}

static void find_own_path(char *ret_path)
{
    UMH_AUTO(umh_buffer) mounts = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) own = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(read_file("/proc/self/mountinfo", &mounts), 0);
    assert_int_equal(read_file("/proc/self/cgroup", &own), 0);
    assert_int_equal(
        umh_cgroup_find_place((const char *)mounts.data, (const char *)own.data, ret_path, &why),
        0);
}

/* False: there are no groups here, which is said. */
static bool open_tree(group_tree *ret_tree)
{
    char instance[64];
    char folder[64];
    char own[UMH_PATH_BYTES];
    char parent[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;
    int r;

    /* Two builds may be tested at once. */
    snprintf(instance, sizeof instance, "unit test/%lld", (long long)umh_process_own_pid());
    snprintf(folder, sizeof folder, "umh-unit%%20test%%2F%lld", (long long)umh_process_own_pid());
    r = umh_cgroups_open(instance, &ret_tree->cgroups, &why);

    if (r == UMH_CGROUPS_NONE) {
        print_message("skipped, because: %s\n", why.text);
        assert_string_not_equal(why.text, "");
        return false;
    }
    assert_int_equal(r, 0);
    find_own_path(own);
    assert_int_equal(umh_file_join(own, folder, ret_tree->path), 0);
    if (umh_file_inspect(ret_tree->path).kind == FILE_KIND_NONE) {
        /* We are in a leaf now. */
        umh_file_parent(own, parent);
        assert_int_equal(umh_file_join(parent, folder, ret_tree->path), 0);
    }
    assert_int_equal(umh_file_inspect(ret_tree->path).kind, FILE_KIND_FOLDER);
    return true;
}

static umh_cgroup *new_group(const group_tree *tree, const char *name)
{
    umh_cgroup *cgroup = NULL;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_cgroup_new(tree->cgroups, name, &no_limits, &cgroup, &why), 0);
    return cgroup;
}

static void find_init(char *ret_path)
{
    char folder[UMH_PATH_BYTES];

    assert_int_equal(umh_file_program_folder(folder), 0);
    for (int i = 0; i < 3; i++)
        umh_file_parent(folder, folder);
    assert_int_equal(umh_file_join(folder, "bin/umh-init", ret_path), 0);
}

/* A shell and a child of it in a session of its own, in the group before either does anything. */
static umh_process start_in(const umh_cgroup *cgroup)
{
    const char *const arguments[] = {"sh", "-c", "setsid sleep 1000 & echo; exec sleep 1000", NULL};
    char init[UMH_PATH_BYTES];
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    umh_process process = UMH_PROCESS_INIT;
    umh_pipe ready = UMH_PIPE_NONE;
    char byte;
    size_t size;

    spec.program = "/bin/sh";
    spec.arguments = arguments;
    assert_int_equal(umh_pipe_new(&ready, &spec.standard[1]), 0);
    find_init(init);
    spec.init = init;
    assert_int_equal(umh_cgroup_open_folder(cgroup, &spec.cgroup), 0);
    assert_int_equal(umh_process_start(&spec, &process), 0);
    umh_pipe_close(&spec.standard[1]);
    umh_pipe_close(&spec.cgroup);
    assert_int_equal(
        umh_pipe_read(ready, &byte, 1, umh_clock_now_ns() + PATIENCE_MS * UMH_NS_PER_MS, &size), 0);
    umh_pipe_close(&ready);
    return process;
}

static void assert_killed(umh_process *process)
{
    umh_process_end end;

    assert_int_equal(
        umh_process_wait(process, umh_clock_now_ns() + PATIENCE_MS * UMH_NS_PER_MS, &end), 0);
    assert_int_equal(end.signal, SIGKILL);
    umh_process_deinit(process);
}

static bool has_group(const group_tree *tree, const char *name)
{
    char path[UMH_PATH_BYTES + 64];

    snprintf(path, sizeof path, "%s/%s", tree->path, name);
    return umh_file_inspect(path).kind == FILE_KIND_FOLDER;
}

static unsigned count_processes(const group_tree *tree, const char *name)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES + 64];
    unsigned count = 0;

    snprintf(path, sizeof path, "%s/%s/cgroup.procs", tree->path, name);
    assert_int_equal(read_file(path, &text), 0);
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\n';
    return count;
}

static void test_kills_all_that_entered(void **state)
{
    group_tree tree = {.cgroups = NULL};
    umh_process process;
    umh_cgroup *cgroup;

    (void)state;
    if (!open_tree(&tree))
        skip();
    cgroup = new_group(&tree, "a b");
    assert_true(has_group(&tree, "host-a%20b"));
    process = start_in(cgroup);
    assert_int_equal(count_processes(&tree, "host-a%20b"), 2);
    umh_cgroup_kill(cgroup);
    assert_killed(&process);
    assert_null(umh_cgroup_free(cgroup));
    assert_null(umh_cgroups_free(tree.cgroups));
    assert_int_equal(umh_file_inspect(tree.path).kind, FILE_KIND_NONE);
}

static void test_the_next_of_a_name_has_a_group_of_its_own(void **state)
{
    group_tree tree = {.cgroups = NULL};
    umh_cgroup *groups[3];

    (void)state;
    if (!open_tree(&tree))
        skip();
    for (int i = 0; i < 3; i++)
        groups[i] = new_group(&tree, "same");
    assert_true(has_group(&tree, "host-same"));
    assert_true(has_group(&tree, "host-same~2"));
    umh_cgroup_free(groups[0]);
    assert_false(has_group(&tree, "host-same"));
    groups[0] = new_group(&tree, "same");
    assert_true(has_group(&tree, "host-same"));
    for (int i = 0; i < 3; i++)
        umh_cgroup_free(groups[i]);
    assert_false(has_group(&tree, "host-same"));
    umh_cgroups_free(tree.cgroups);
}

static void test_removes_a_group_once_it_is_empty(void **state)
{
    group_tree tree = {.cgroups = NULL};
    umh_process process;

    (void)state;
    if (!open_tree(&tree))
        skip();
    for (int i = 0; i < 20; i++) {
        umh_cgroup *cgroup = new_group(&tree, "busy");

        process = start_in(cgroup);
        umh_cgroup_free(cgroup);
        assert_killed(&process);
    }
    umh_cgroups_free(tree.cgroups);
    assert_int_equal(umh_file_inspect(tree.path).kind, FILE_KIND_NONE);
}

static void make_folder_in(const group_tree *tree, const char *name)
{
    char path[UMH_PATH_BYTES + 64];

    snprintf(path, sizeof path, "%s/%s", tree->path, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void test_sweeps_what_an_earlier_one_left(void **state)
{
    group_tree left = {.cgroups = NULL};
    group_tree tree = {.cgroups = NULL};
    umh_process process;
    umh_cgroup *group;

    (void)state;
    if (!open_tree(&left))
        skip();
    group = new_group(&left, "left");
    process = start_in(group);
    make_folder_in(&left, "host-left/deep");
    make_folder_in(&left, "host-left/deep/deeper");
    make_folder_in(&left, "host-empty");

    assert_true(open_tree(&tree));
    assert_killed(&process);
    assert_false(has_group(&tree, "host-left"));
    assert_false(has_group(&tree, "host-empty"));
    umh_cgroups_free(tree.cgroups);
    /* Until now nothing of `left` was freed, as after kill -9. */
    umh_cgroup_free(group);
    umh_cgroups_free(left.cgroups);
}

static void test_a_limit_without_a_controller_makes_nothing(void **state)
{
    group_tree tree = {.cgroups = NULL};

    (void)state;
    if (!open_tree(&tree))
        skip();
    for (int i = 0; i < QUOTA_COUNT; i++) {
        umh_cgroup_limits limits = no_limits;
        umh_cgroup *cgroup = NULL;
        umh_why why = UMH_WHY_INIT;
        int r;

        limits.values[i] = i == QUOTA_MEMORY ? 64 << 20 : 50;
        r = umh_cgroup_new(tree.cgroups, "limited", &limits, &cgroup, &why);
        if (umh_cgroups_has(tree.cgroups, (umh_cgroup_quota)i)) {
            assert_int_equal(r, 0);
        } else {
            assert_int_equal(r, UMH_CGROUPS_NONE);
            assert_null(cgroup);
            assert_non_null(strstr(why.text, umh_cgroup_quota_name((umh_cgroup_quota)i)));
            assert_false(has_group(&tree, "host-limited"));
        }
        umh_cgroup_free(cgroup);
    }
    umh_cgroups_free(tree.cgroups);
}

static void test_usage_that_is_not_counted_is_not_known(void **state)
{
    group_tree tree = {.cgroups = NULL};
    umh_cgroup_usage usage;
    umh_cgroup *cgroup;

    (void)state;
    if (!open_tree(&tree))
        skip();
    cgroup = new_group(&tree, "used");
    umh_cgroup_read_usage(cgroup, &usage);
    assert_int_equal(usage.memory_bytes >= 0, umh_cgroups_has(tree.cgroups, QUOTA_MEMORY));
    assert_int_equal(usage.refused_count >= 0, umh_cgroups_has(tree.cgroups, QUOTA_PROCESSES));
    assert_int_equal(usage.throttled_us >= 0, umh_cgroups_has(tree.cgroups, QUOTA_CPU));
    umh_cgroup_free(cgroup);
    umh_cgroups_free(tree.cgroups);
}

static void test_quotas_are_called_as_their_keys(void **state)
{
    (void)state;
    assert_string_equal(umh_cgroup_quota_name(QUOTA_MEMORY), "MemoryMiB");
    assert_string_equal(umh_cgroup_quota_name(QUOTA_CPU), "CpuPercent");
    assert_string_equal(umh_cgroup_quota_name(QUOTA_PROCESSES), "Processes");
    assert_false(umh_cgroups_has(NULL, QUOTA_CPU));
    assert_null(umh_cgroups_free(NULL));
    assert_null(umh_cgroup_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_its_place),
        cmocka_unit_test(test_refuses_paths_that_are_too_long),
        cmocka_unit_test(test_names_are_safe_for_files),
        cmocka_unit_test(test_finds_numbers),
        cmocka_unit_test(test_kills_all_that_entered),
        cmocka_unit_test(test_the_next_of_a_name_has_a_group_of_its_own),
        cmocka_unit_test(test_removes_a_group_once_it_is_empty),
        cmocka_unit_test(test_sweeps_what_an_earlier_one_left),
        cmocka_unit_test(test_a_limit_without_a_controller_makes_nothing),
        cmocka_unit_test(test_usage_that_is_not_counted_is_not_known),
        cmocka_unit_test(test_quotas_are_called_as_their_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
