/* SPDX-License-Identifier: MIT */
/* Processes in a namespace of their own: found, ended with all they have, told how they ended. */
#include "platform/linux/namespace.h"

#include "platform/file.h"
#include "platform/linux/init_report.h"

#include "process_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 200
#define KILLS 40
#define KILL_WITHIN_US 20000

/* ------------------------- the child: this program */

static void say(int descriptor, const char *text)
{
    umh_ignore(umh_pipe_write_all((umh_pipe){.handle = descriptor}, umh_bytes_of_text(text)));
}

static int wait_for_ever(void)
{
    while (pause() < 0)
        continue;
    return 0;
}

static int have_family(void)
{
    if (fork() == 0) {
        say(1, "grandchild ");
        return wait_for_ever();
    }
    return wait_for_ever();
}

/* What a spec of a contained process points at. */
typedef struct contained {
    char program[UMH_PATH_BYTES], init[UMH_PATH_BYTES];
    umh_pipe lifeline, lifeline_end;
} contained;

/* `init` is in the build tree in which this test lies. */
static bool contain(contained *one, umh_process_spec *spec, const char *const *arguments)
{
    char folder[UMH_PATH_BYTES];
    ssize_t size = readlink("/proc/self/exe", one->program, sizeof one->program - 1);

    if (size <= 0 || umh_file_program_folder(folder) ||
        umh_pipe_new(&one->lifeline, &one->lifeline_end))
        return false;
    one->program[size] = '\0';
    for (int i = 0; i < 3; i++)
        umh_file_parent(folder, folder);
    if (umh_file_join(folder, "bin/umh-init", one->init))
        return false;
    *spec = (umh_process_spec)UMH_PROCESS_SPEC_INIT;
    spec->arguments = arguments;
    spec->standard[2] = umh_pipe_standard(2);
    spec->program = one->program;
    spec->init = one->init;
    spec->lifeline = one->lifeline;
    spec->containment = CONTAINED_BY_NAMESPACE;
    return true;
}

static void release(contained *one)
{
    umh_pipe_close(&one->lifeline);
    umh_pipe_close(&one->lifeline_end);
}

/* Whose children have families in sessions of their own, all holding descriptor 1. */
static int be_parent_of_families(void)
{
    const char *arguments[] = {"child", "lost family", NULL};
    umh_process_spec spec;
    contained one;

    if (!contain(&one, &spec, arguments))
        return 1;
    spec.standard[1] = umh_pipe_standard(1);
    say(1, "started ");
    for (;;) {
        umh_process child = UMH_PROCESS_INIT;

        if (umh_process_start(&spec, &child))
            return 2;
        umh_process_deinit(&child);
    }
}

/* In a session of its own, and nobody's child any more. */
static int lose_family(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            return wait_for_ever();
        _exit(0);
    }
    return wait_for_ever();
}

static int be_child(const char *what)
{
    if (strcmp(what, "family") == 0)
        return have_family();
    if (strcmp(what, "parent of families") == 0)
        return be_parent_of_families();
    return strcmp(what, "lost family") == 0 ? lose_family() : 99;
}

/* ------------------------- helpers of the tests */

/* Where none is allowed the tests of them are skipped. */
static void need_namespace(void)
{
    umh_why why = UMH_WHY_INIT;

    if (umh_process_containment(&why) == CONTAINED_BY_NAMESPACE) {
        assert_string_equal(why.text, "");
        return;
    }
    print_message("skipped, because a namespace cannot be made here: %s\n", why.text);
    skip();
}

/* ------------------------- the tests */

static void test_probing_leaves_nothing(void **state)
{
    int before = count_descriptors();

    (void)state;
    for (int i = 0; i < MANY; i++)
        assert_int_not_equal(umh_process_containment(NULL), CONTAINED_BY_NOTHING);
    assert_int_equal(count_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_finds_the_program_of_a_namespace(void **state)
{
    const char *arguments[] = {"child", "family", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_end end;
    umh_process_spec spec;
    contained one;
    int64_t pid;
    umh_pipe in;
    umh_pipe out;

    (void)state;
    need_namespace();
    assert_true(contain(&one, &spec, arguments));
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    spec.standard[1] = out;
    start_process(&spec, &child);
    umh_pipe_close(&out);
    await_text(in, "grandchild ");
    pid = umh_process_find_pid(&child);
    assert_true(pid > 1 && pid != child.pid);
    assert_int_equal(umh_namespace_scan(child.pid), pid);
    assert_int_equal(umh_namespace_scan(getpid()), 0);
    umh_process_kill(&child);
    expect_text(in, "");
    assert_int_equal(umh_process_wait(&child, soon(), &end), 0);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(umh_process_find_pid(&child), 0);
    umh_process_deinit(&child);
    umh_pipe_close(&in);
    release(&one);
}

static void test_many_namespaces_leak_nothing(void **state)
{
    const char *arguments[] = {"true", NULL};
    int before = count_descriptors();
    umh_process_spec spec;
    contained one;

    (void)state;
    need_namespace();
    assert_true(contain(&one, &spec, arguments));
    for (int i = 0; i < MANY; i++) {
        umh_process child = UMH_PROCESS_INIT;

        spec.program = "/bin/true";
        start_process(&spec, &child);
        assert_int_equal(finish_process(&child).exit_code, 0);
        spec.program = "/nonexistent/program";
        assert_int_equal(umh_process_start(&spec, &child), UMH_PROCESS_NO_PROGRAM);
    }
    release(&one);
    assert_int_equal(count_descriptors(), before);
}

static void expect_no_program(const umh_process_spec *spec, const char *name)
{
    umh_process child = UMH_PROCESS_INIT;
    umh_failure failure;

    assert_int_equal(umh_process_start(spec, &child), UMH_PROCESS_NO_PROGRAM);
    failure = umh_failure_take();
    assert_int_equal(failure.code, UMH_E_OS);
    assert_non_null(strstr(failure.text, name));
    assert_int_equal(child.handle, -1);
}

static void test_knows_what_is_missing_under_an_init(void **state)
{
    const char *arguments[] = {"child", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;
    contained one;

    (void)state;
    need_namespace();
    assert_true(contain(&one, &spec, arguments));
    spec.program = "/nonexistent/program";
    expect_no_program(&spec, "/nonexistent/program");
    spec.program = "/etc/passwd";
    expect_no_program(&spec, "/etc/passwd");
    spec.program = one.program;
    spec.init = "/nonexistent/init";
    expect_no_program(&spec, "/nonexistent/init");
    spec.init = NULL;
    assert_int_equal(umh_process_start(&spec, &child), UMH_E_BUG);
    release(&one);
}

static void wait_a_moment(unsigned us)
{
    struct timespec moment = {.tv_nsec = (long)us * 1000};

    ppoll(NULL, 0, &moment, NULL);
}

/* At whatever moment of a start: nothing holds the pipe any more. */
static void test_families_die_with_the_parent(void **state)
{
    const char *arguments[] = {"child", "parent of families", NULL};
    umh_process_spec spec;
    contained one;

    (void)state;
    need_namespace();
    assert_true(contain(&one, &spec, arguments));
    spec.containment = CONTAINED_BY_NOTHING;
    srand((unsigned)umh_clock_now_ns());
    for (int i = 0; i < KILLS; i++) {
        umh_process parent = UMH_PROCESS_INIT;
        umh_pipe in;
        umh_pipe out;

        assert_int_equal(umh_pipe_new(&in, &out), 0);
        spec.standard[1] = out;
        start_process(&spec, &parent);
        umh_pipe_close(&out);
        await_text(in, "started ");
        wait_a_moment((unsigned)rand() % KILL_WITHIN_US);
        kill((pid_t)parent.pid, SIGKILL);
        expect_text(in, "");
        assert_int_equal(finish_process(&parent).signal, SIGKILL);
        umh_pipe_close(&in);
    }
    release(&one);
}

/* What the report makes of an end: exit code, signal, core, never started. */
static void test_believes_a_report_that_fits(void **state)
{
    static const struct {
        umh_process_end end;
        umh_init_report report;
        umh_process_end expected;
    } cases[] = {
        {{.exit_code = 3}, {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 3 << 8, 0}, {.exit_code = 3}},
        {{.exit_code = 137}, {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 9, 0}, {.signal = 9}},
        {{.exit_code = 139},
         {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 11 | 0x80, 0},
         {.signal = 11, .dumped_core = true}},
        {{.exit_code = 137},
         {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 137 << 8, 0},
         {.exit_code = 137}},
        {{.exit_code = 125},
         {UMH_INIT_REPORT_MAGIC, REPORT_NOT_STARTED, 0, 13},
         {.exit_code = 125, .not_started = 13}},
        /* nothing there, or nothing that fits */
        {{.exit_code = 137}, {0, 0, 0, 0}, {.exit_code = 137}},
        {{.exit_code = 137}, {1, REPORT_ENDED, 9, 0}, {.exit_code = 137}},
        {{.exit_code = 137}, {UMH_INIT_REPORT_MAGIC, 0, 9, 0}, {.exit_code = 137}},
        {{.exit_code = 137}, {UMH_INIT_REPORT_MAGIC, 3, 9, 13}, {.exit_code = 137}},
        {{.exit_code = 0}, {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 9, 0}, {.exit_code = 0}},
        {{.exit_code = 138}, {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 9, 0}, {.exit_code = 138}},
        {{.exit_code = 255}, {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 0x137F, 0}, {.exit_code = 255}},
        {{.exit_code = 7}, {UMH_INIT_REPORT_MAGIC, REPORT_NOT_STARTED, 0, 13}, {.exit_code = 7}},
        {{.exit_code = 125}, {UMH_INIT_REPORT_MAGIC, REPORT_NOT_STARTED, 0, 0}, {.exit_code = 125}},
        {{.exit_code = 125},
         {UMH_INIT_REPORT_MAGIC, REPORT_NOT_STARTED, 0, -5},
         {.exit_code = 125}},
        /* who was killed said nothing */
        {{.signal = 9}, {UMH_INIT_REPORT_MAGIC, REPORT_ENDED, 11, 0}, {.signal = 9}},
        {{.signal = 9}, {UMH_INIT_REPORT_MAGIC, REPORT_NOT_STARTED, 0, 13}, {.signal = 9}},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(cases); i++) {
        umh_process_end end = cases[i].end;
        char page[sizeof(umh_init_report) + 1];

        /* Wherever in a page it is. */
        memcpy(page + 1, &cases[i].report, sizeof cases[i].report);
        umh_process_end_correct(&end, page + 1);
        assert_int_equal(end.exit_code, cases[i].expected.exit_code);
        assert_int_equal(end.signal, cases[i].expected.signal);
        assert_int_equal(end.dumped_core, cases[i].expected.dumped_core);
        assert_int_equal(end.not_started, cases[i].expected.not_started);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probing_leaves_nothing),
        cmocka_unit_test(test_finds_the_program_of_a_namespace),
        cmocka_unit_test(test_many_namespaces_leak_nothing),
        cmocka_unit_test(test_knows_what_is_missing_under_an_init),
        cmocka_unit_test(test_families_die_with_the_parent),
        cmocka_unit_test(test_believes_a_report_that_fits),
    };

    if (umh_process_prepare())
        return 1;
    if (argc > 1)
        return be_child(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
