/* SPDX-License-Identifier: MIT */
/* The command line of umh-init: what is taken, and that nothing else is. */
#include "init/init.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 24

static umh_init_options options;

/* The words of the line, behind the program's own name. */
static bool reads(const char *line)
{
    static char text[256];
    static char *arguments[ARGUMENTS_MAX + 1];
    int count = 0;

    snprintf(text, sizeof text, "umh-init %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count++] = word;
    }
    arguments[count] = NULL;
    memset(&options, 0xAB, sizeof options);
    return umh_init_read_options(count, arguments, &options);
}

static void test_a_program_alone(void **state)
{
    (void)state;
    assert_true(reads("-- /bin/x name"));
    assert_false(options.is_namespace);
    assert_int_equal(options.parent, -1);
    assert_int_equal(options.report, -1);
    assert_int_equal(options.cgroup, -1);
    assert_false(options.has_user);
    assert_int_equal(options.group_count, 0);
    assert_null(options.folder);
    assert_int_equal(options.open_files, 0);
    assert_string_equal(options.program[0], "/bin/x");
    assert_string_equal(options.program[1], "name");
    assert_null(options.program[2]);
}

static void test_all_options(void **state)
{
    (void)state;
    assert_true(reads("--namespace --parent 4 --report 5:4080 --cgroup 6 --user 1000:1001:7,8,9 "
                      "--folder /home/x --open-files 77 -- /bin/x name --namespace -- a"));
    assert_true(options.is_namespace);
    assert_int_equal(options.parent, 4);
    assert_int_equal(options.report, 5);
    assert_int_equal(options.report_offset, 4080);
    assert_int_equal(options.cgroup, 6);
    assert_true(options.has_user);
    assert_int_equal(options.uid, 1000);
    assert_int_equal(options.gid, 1001);
    assert_int_equal(options.group_count, 3);
    assert_int_equal(options.groups[0], 7);
    assert_int_equal(options.groups[2], 9);
    assert_string_equal(options.folder, "/home/x");
    assert_int_equal(options.open_files, 77);
    assert_string_equal(options.program[2], "--namespace");
    assert_string_equal(options.program[3], "--");
    assert_string_equal(options.program[4], "a");
    assert_null(options.program[5]);
}

static void test_users(void **state)
{
    (void)state;
    assert_true(reads("--user 0:0 -- /bin/x name"));
    assert_true(options.has_user);
    assert_int_equal(options.uid, 0);
    assert_int_equal(options.group_count, 0);
    assert_true(reads("--user 4294967294:4294967294:4294967294 -- /bin/x name"));
    assert_int_equal(options.uid, UINT32_MAX - 1);
    assert_int_equal(options.groups[0], UINT32_MAX - 1);
    /* The last of two counts, whole. */
    assert_true(reads("--user 1:1:2,3 --user 5:6 -- /bin/x name"));
    assert_int_equal(options.uid, 5);
    assert_int_equal(options.group_count, 0);
}

static void test_edges_of_numbers(void **state)
{
    (void)state;
    assert_true(reads("--parent 2147483647 -- /bin/x name"));
    assert_int_equal(options.parent, INT_MAX);
    assert_true(reads("--report 0:0 -- /bin/x name"));
    assert_int_equal(options.report, 0);
    assert_true(reads("--report 3:9223372036854775807 -- /bin/x name"));
    assert_int_equal(options.report_offset, LONG_MAX);
    assert_true(reads("--open-files 2147483647 -- /bin/x name"));
    assert_int_equal(options.open_files, INT_MAX);
}

static void test_rejects_what_is_no_command_line(void **state)
{
    static const char *const lines[] = {
        "",
        "--",
        "-- /bin/x",
        "/bin/x name",
        "--namespace",
        "--namespace /bin/x name",
        "--what 1 -- /bin/x name",
        "--parent",
        "--parent --",
        "--parent -- /bin/x name",
        "--parent 2147483648 -- /bin/x name",
        "--parent 99999999999999999999 -- /bin/x name",
        "--parent -1 -- /bin/x name",
        "--parent +1 -- /bin/x name",
        "--parent 1x -- /bin/x name",
        "--parent 0x1 -- /bin/x name",
        "--cgroup x -- /bin/x name",
        "--report 5 -- /bin/x name",
        "--report 5: -- /bin/x name",
        "--report :5 -- /bin/x name",
        "--report 5:-1 -- /bin/x name",
        "--report 5:9223372036854775808 -- /bin/x name",
        "--report 5:1:1 -- /bin/x name",
        "--groups 5 -- /bin/x name",
        "--user 5:5 --groups -- /bin/x name",
        "--user 5:5 --groups , -- /bin/x name",
        "--user 5:5 --groups 1, -- /bin/x name",
        "--user 5:5 --groups 1:2 -- /bin/x name",
        "--user 5:5 --groups 4294967295 -- /bin/x name",
        "--user 5 -- /bin/x name",
        "--user 5: -- /bin/x name",
        "--user :5 -- /bin/x name",
        "--user 5:5: -- /bin/x name",
        "--user 5:5:1, -- /bin/x name",
        "--user 5:5:,1 -- /bin/x name",
        "--user 5:5:1:2 -- /bin/x name",
        "--user 5,5 -- /bin/x name",
        "--user bob:bob -- /bin/x name",
        "--user 4294967295:5 -- /bin/x name",
        "--user 5:4294967295 -- /bin/x name",
        "--user 5:5:4294967295 -- /bin/x name",
        "--open-files 0 -- /bin/x name",
        "--open-files -5 -- /bin/x name",
        "--open-files 2147483648 -- /bin/x name",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (reads(lines[i]))
            fail_msg("taken: %s", lines[i]);
    }
}

/* With so many groups. */
static bool reads_groups(unsigned count)
{
    size_t capacity = 16 + (size_t)count * 8;
    char *user = malloc(capacity);
    char *arguments[] = {(char[]){"umh-init"}, (char[]){"--user"}, user, (char[]){"--"},
                         (char[]){"/bin/x"},   (char[]){"name"},   NULL};
    size_t used = (size_t)snprintf(user, capacity, "1:2");
    bool is_read;

    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(user + used, capacity - used, "%c%u", i == 0 ? ':' : ',', i);
    is_read = umh_init_read_options(6, arguments, &options);
    free(user);
    return is_read;
}

static void test_as_many_groups_as_there_is_room_for(void **state)
{
    (void)state;
    assert_true(reads_groups(INIT_GROUPS_MAX));
    assert_int_equal(options.group_count, INIT_GROUPS_MAX);
    assert_int_equal(options.groups[INIT_GROUPS_MAX - 1], INIT_GROUPS_MAX - 1);
    assert_false(reads_groups(INIT_GROUPS_MAX + 1));
}

static void test_more_groups(void **state)
{
    (void)state;
    assert_true(reads("--user 1:2:3,4 --groups 5 --groups 6,7 -- /bin/x name"));
    assert_int_equal(options.group_count, 5);
    for (unsigned i = 0; i < options.group_count; i++)
        assert_int_equal(options.groups[i], 3 + i);
    assert_true(reads("--user 1:2 --groups 5 -- /bin/x name"));
    assert_int_equal(options.group_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_alone),
        cmocka_unit_test(test_all_options),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_edges_of_numbers),
        cmocka_unit_test(test_rejects_what_is_no_command_line),
        cmocka_unit_test(test_more_groups),
        cmocka_unit_test(test_as_many_groups_as_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
