/* SPDX-License-Identifier: MIT */
/* Processes: what a child is born with, how it ends, and that it does not outlive its parent. */
#include "platform/process.h"

#include "process_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 200

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

static int list_descriptors(void)
{
    for (int descriptor = 0; descriptor < 4096; descriptor++) {
        char text[16];

        snprintf(text, sizeof text, "%d ", descriptor);
        if (fcntl(descriptor, F_GETFD) >= 0)
            say(1, text);
    }
    return 0;
}

static int list_signals(void)
{
    sigset_t blocked;
    struct sigaction action;
    char text[32];

    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&blocked, number) == 1) {
            snprintf(text, sizeof text, "blocked %d ", number);
            say(1, text);
        }
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            snprintf(text, sizeof text, "ignored %d ", number);
            say(1, text);
        }
    }
    return 0;
}

static int describe(void)
{
    char folder[256];
    char text[512];
    int death_signal = 0;

    prctl(PR_GET_PDEATHSIG, &death_signal);
    snprintf(text, sizeof text, "%s %s A=%s group=%s signal=%d", getcwd(folder, sizeof folder),
             getenv("PATH") ? "PATH" : "-", getenv("A"), getpgrp() == getpid() ? "own" : "parent's",
             death_signal);
    say(1, text);
    return 0;
}

static int say_numbers(void)
{
    static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6"};

    for (int descriptor = 1; descriptor < (int)UMH_COUNT_OF(names); descriptor++)
        say(descriptor, names[descriptor]);
    return 0;
}

/* Two generations that ignore the polite signals; both hold descriptor 1. */
static int have_family(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (fork() == 0) {
        say(1, "grandchild ");
        return wait_for_ever();
    }
    return wait_for_ever();
}

static void spec_of(umh_process_spec *spec, const char *const *arguments)
{
    *spec = (umh_process_spec)UMH_PROCESS_SPEC_INIT;
    spec->program = "/proc/self/exe";
    spec->arguments = arguments;
    spec->standard[2] = umh_pipe_standard(2);
}

/* A parent whose child holds descriptor 1 and has to die with it. */
static int be_parent(void)
{
    const char *arguments[] = {"child", "forever", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;

    spec_of(&spec, arguments);
    spec.standard[1] = umh_pipe_standard(1);
    spec.containment = CONTAINED_BY_GROUP;
    if (umh_process_start(&spec, &child))
        return 1;
    say(1, "started ");
    return wait_for_ever();
}

/*
 * Gives its own descriptors 1 to 6 to a child in another order: every number is source and target.
 */
static int shuffle(void)
{
    static const int order[] = {2, 1, 4, 5, 6, 3};
    const char *arguments[] = {"child", "numbers", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_end end;
    umh_process_spec spec;

    spec_of(&spec, arguments);
    for (int i = 0; i < 6; i++) {
        umh_pipe source = {.handle = order[i]};

        if (i < 2)
            spec.standard[i + 1] = source;
        else
            spec.inherit[i - 2] = source;
    }
    if (umh_process_start(&spec, &child) || umh_process_wait(&child, soon(), &end))
        return 1;
    umh_process_deinit(&child);
    return end.exit_code;
}

static int become_other(void)
{
    const char *arguments[] = {"other", "signals", NULL};

    umh_ignore(umh_process_become("/proc/self/exe/nothing", arguments));
    return umh_process_become("/proc/self/exe", arguments) ? 9 : 0;
}

/* Mends what a careless parent left: nothing open, dead children reaped by the system. */
static int mend(void)
{
    const char *arguments[] = {"child", "exit 3", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_end end;
    umh_process_spec spec;

    signal(SIGCHLD, SIG_IGN);
    for (int descriptor = 0; descriptor < 3; descriptor++)
        close(descriptor);
    if (umh_process_prepare())
        return 1;
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) != 0)
            return 2;
    }
    if (fcntl(3, F_GETFD) >= 0)
        return 4;
    spec_of(&spec, arguments);
    if (umh_process_start(&spec, &child) || umh_process_wait(&child, soon(), &end))
        return 5;
    umh_process_deinit(&child);
    return end.exit_code;
}

static int be_child(const char *what)
{
    if (strcmp(what, "exit 3") == 0)
        return 3;
    if (strcmp(what, "exit now") == 0)
        umh_process_exit_now(42);
    if (strcmp(what, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (strcmp(what, "descriptors") == 0)
        return list_descriptors();
    if (strcmp(what, "signals") == 0)
        return list_signals();
    if (strcmp(what, "describe") == 0)
        return describe();
    if (strcmp(what, "numbers") == 0)
        return say_numbers();
    if (strcmp(what, "forever") == 0)
        return wait_for_ever();
    if (strcmp(what, "family") == 0)
        return have_family();
    if (strcmp(what, "parent") == 0)
        return be_parent();
    if (strcmp(what, "shuffle") == 0)
        return shuffle();
    if (strcmp(what, "mend") == 0)
        return mend();
    if (strcmp(what, "become") == 0)
        return become_other();
    return 99;
}

/* ------------------------- helpers of the tests */

/* Starts `what` with a pipe as descriptor 1 and compares all it says. */
static umh_process_end expect_output(umh_process_spec *spec, const char *what, const char *expected)
{
    const char *arguments[] = {"child", what, NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_pipe in;
    umh_pipe out;

    spec->arguments = arguments;
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    spec->standard[1] = out;
    start_process(spec, &child);
    umh_pipe_close(&out);
    expect_text(in, expected);
    umh_pipe_close(&in);
    return finish_process(&child);
}

static umh_process_end run_child(const char *what)
{
    const char *arguments[] = {"child", what, NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;

    spec_of(&spec, arguments);
    start_process(&spec, &child);
    return finish_process(&child);
}

/* ------------------------- the tests */

static void test_reports_how_it_ended(void **state)
{
    umh_process_end end = run_child("exit 3");

    (void)state;
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 3);
    end = run_child("exit now");
    assert_int_equal(end.exit_code, 42);
    end = run_child("crash");
    assert_int_equal(end.signal, SIGSEGV);
}

static void test_describes_how_it_ended(void **state)
{
    umh_process_end exited = {.exit_code = 3};
    umh_process_end killed = {.signal = SIGKILL};
    umh_process_end crashed = {.signal = SIGSEGV, .dumped_core = true};
    umh_process_end strange = {.signal = 1000};
    char text[64];

    (void)state;
    umh_process_end_describe(&exited, text, sizeof text);
    assert_string_equal(text, "exit code 3");
    umh_process_end_describe(&killed, text, sizeof text);
    assert_string_equal(text, "signal 9 (Killed)");
    umh_process_end_describe(&crashed, text, sizeof text);
    assert_string_equal(text, "signal 11 (Segmentation fault), core dumped");
    umh_process_end_describe(&strange, text, sizeof text);
    assert_string_equal(text, "signal 1000");
    umh_process_end_describe(&crashed, text, 10);
    assert_string_equal(text, "signal 11");
}

static void test_child_has_exactly_the_listed_descriptors(void **state)
{
    umh_process_spec spec;
    umh_pipe in;
    umh_pipe out;
    int high;

    (void)state;
    spec_of(&spec, NULL);
    expect_output(&spec, "descriptors", "0 1 2 ");

    /* Also when inheritable ones lie about, low and high. */
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    high = fcntl((int)in.handle, F_DUPFD, 500);
    assert_true(high >= 500);
    spec.inherit[0] = out;
    spec.inherit[1] = (umh_pipe){.handle = high};
    spec.standard[2] = UMH_PIPE_NONE;
    expect_output(&spec, "descriptors", "0 1 2 3 4 ");
    close(high);
    umh_pipe_close(&in);
    umh_pipe_close(&out);
}

static void test_descriptors_may_overlap(void **state)
{
    /*
     * What arrives at the shuffling parent's descriptors 1 to 6 is the number its child knows them
     * by.
     */
    static const char *const expected[] = {"2", "1", "6", "3", "4", "5"};
    const char *arguments[] = {"child", "shuffle", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;
    umh_pipe in[6];
    umh_pipe out[6];

    (void)state;
    spec_of(&spec, arguments);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(umh_pipe_new(&in[i], &out[i]), 0);
        if (i < 2)
            spec.standard[i + 1] = out[i];
        else
            spec.inherit[i - 2] = out[i];
    }
    start_process(&spec, &child);
    for (int i = 0; i < 6; i++)
        umh_pipe_close(&out[i]);
    for (int i = 0; i < 6; i++) {
        expect_text(in[i], expected[i]);
        umh_pipe_close(&in[i]);
    }
    assert_int_equal(finish_process(&child).exit_code, 0);
}

static void test_child_has_default_signals(void **state)
{
    umh_process_spec spec;
    sigset_t blocked;

    (void)state;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGRTMAX);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGHUP, SIG_IGN);
    spec_of(&spec, NULL);
    /* The child prepares itself as every program of ours does. */
    expect_output(&spec, "signals", "ignored 13 ");

    sigprocmask(SIG_BLOCK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&blocked, SIGINT), 0);
    sigemptyset(&blocked);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    signal(SIGHUP, SIG_DFL);
}

static void test_child_has_the_given_environment_and_folder(void **state)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;
    umh_process_spec spec;

    (void)state;
    spec_of(&spec, NULL);
    assert_int_equal(umh_environment_put(&environment, "A", "b c"), 0);
    spec.environment = &environment;
    expect_output(&spec, "describe", "/ - A=b c group=parent's signal=0");
    assert_int_equal(umh_environment_put(&environment, "PATH", "/bin"), 0);
    spec.folder = "/proc";
    spec.containment = CONTAINED_BY_GROUP;
    expect_output(&spec, "describe", "/proc PATH A=b c group=own signal=9");
}

static void test_knows_a_program_that_cannot_run(void **state)
{
    static const char *const programs[] = {"/nonexistent/program", "/etc/passwd", "/tmp",
                                           "/etc/passwd/below"};
    const char *arguments[] = {"child", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;

    (void)state;
    spec_of(&spec, arguments);
    for (size_t i = 0; i < UMH_COUNT_OF(programs); i++) {
        umh_failure failure;

        spec.program = programs[i];
        assert_int_equal(umh_process_start(&spec, &child), UMH_PROCESS_NO_PROGRAM);
        failure = umh_failure_take();
        assert_int_equal(failure.code, UMH_E_OS);
        assert_true(failure.os_code != 0);
        assert_non_null(strstr(failure.text, programs[i]));
    }
    assert_int_equal(child.handle, -1);
}

static void test_knows_a_file_that_is_no_program(void **state)
{
    char path[] = "/tmp/umh-test-XXXXXX";
    const char *arguments[] = {"child", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    say(file, "just words\n");
    fchmod(file, 0755);
    close(file);
    spec_of(&spec, arguments);
    spec.program = path;
    assert_int_equal(umh_process_start(&spec, &child), UMH_PROCESS_NO_PROGRAM);
    unlink(path);
}

static void test_missing_folder_is_a_failure(void **state)
{
    const char *arguments[] = {"child", "exit 3", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;

    (void)state;
    spec_of(&spec, arguments);
    spec.folder = "/nonexistent";
    assert_int_equal(umh_process_start(&spec, &child), UMH_E_OS);
    spec.folder = NULL;
    spec.inherit[0] = (umh_pipe){.handle = 999};
    assert_int_equal(umh_process_start(&spec, &child), UMH_E_OS);
}

static void test_wait_reaches_its_deadline(void **state)
{
    const char *arguments[] = {"child", "forever", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_end end;
    umh_process_spec spec;
    uint64_t deadline;

    (void)state;
    spec_of(&spec, arguments);
    start_process(&spec, &child);
    assert_int_equal(umh_process_reap(&child, &end), UMH_PROCESS_RUNNING);
    deadline = umh_clock_deadline_ns(20);
    assert_int_equal(umh_process_wait(&child, deadline, &end), UMH_PROCESS_RUNNING);
    assert_true(umh_clock_now_ns() >= deadline);
    umh_process_terminate(&child);
    assert_int_equal(umh_process_wait(&child, soon(), &end), 0);
    assert_int_equal(end.signal, SIGTERM);
    /* Reaped: nobody is hit by these any more. */
    umh_process_kill(&child);
    umh_process_terminate(&child);
    umh_process_deinit(&child);
    umh_process_kill(&child);
    umh_process_deinit(&child);
    assert_int_equal(child.handle, -1);
}

static void test_kill_reaches_the_group(void **state)
{
    const char *arguments[] = {"child", "family", NULL};
    umh_process child = UMH_PROCESS_INIT;
    umh_process_spec spec;
    umh_pipe in;
    umh_pipe out;

    (void)state;
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    spec_of(&spec, arguments);
    spec.standard[1] = out;
    spec.containment = CONTAINED_BY_GROUP;
    start_process(&spec, &child);
    umh_pipe_close(&out);
    await_text(in, "grandchild ");
    umh_process_kill(&child);
    expect_text(in, ""); /* the end: nobody holds the pipe any more */
    assert_int_equal(finish_process(&child).signal, SIGKILL);
    umh_pipe_close(&in);
}

static void test_kill_reaches_the_group_of_one_that_died(void **state)
{
    const char *arguments[] = {"child", "family", NULL};
    umh_process child = UMH_PROCESS_INIT;
    struct pollfd death = {.events = POLLIN};
    umh_process_spec spec;
    umh_pipe in;
    umh_pipe out;
    char byte;
    size_t size;

    (void)state;
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    spec_of(&spec, arguments);
    spec.standard[1] = out;
    spec.containment = CONTAINED_BY_GROUP;
    start_process(&spec, &child);
    umh_pipe_close(&out);
    await_text(in, "grandchild ");
    death.fd = (int)child.handle;
    kill((pid_t)child.pid, SIGKILL);
    assert_int_equal(poll(&death, 1, PATIENCE_MS), 1);
    assert_int_equal(umh_pipe_read(in, &byte, 1, umh_clock_deadline_ns(20), &size),
                     UMH_PIPE_TIMEOUT);
    umh_process_kill(&child);
    expect_text(in, "");
    assert_int_equal(finish_process(&child).signal, SIGKILL);
    umh_pipe_close(&in);
}

static void test_child_dies_with_its_parent(void **state)
{
    const char *arguments[] = {"child", "parent", NULL};
    umh_process parent = UMH_PROCESS_INIT;
    umh_process_spec spec;
    umh_pipe in;
    umh_pipe out;

    (void)state;
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    spec_of(&spec, arguments);
    spec.standard[1] = out;
    start_process(&spec, &parent);
    umh_pipe_close(&out);
    await_text(in, "started ");
    kill((pid_t)parent.pid, SIGKILL);
    expect_text(in, "");
    assert_int_equal(finish_process(&parent).signal, SIGKILL);
    umh_pipe_close(&in);
}

static void test_many_starts_leak_nothing(void **state)
{
    const char *arguments[] = {"true", NULL};
    const char *none[] = {"none", NULL};
    int before = count_descriptors();
    umh_process_spec spec;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        umh_process child = UMH_PROCESS_INIT;

        spec_of(&spec, arguments);
        spec.program = "/bin/true";
        spec.containment = i % 2 ? CONTAINED_BY_GROUP : CONTAINED_BY_NOTHING;
        start_process(&spec, &child);
        assert_int_equal(finish_process(&child).exit_code, 0);
        spec.program = "/nonexistent";
        spec.arguments = none;
        assert_int_equal(umh_process_start(&spec, &child), UMH_PROCESS_NO_PROGRAM);
    }
    assert_int_equal(count_descriptors(), before);
}

static void test_becomes_another_program(void **state)
{
    umh_process_spec spec;

    (void)state;
    spec_of(&spec, NULL);
    expect_output(&spec, "become", "ignored 13 ");
}

static void test_mends_what_it_inherited(void **state)
{
    (void)state;
    assert_int_equal(run_child("mend").exit_code, 3);
}

static void test_knows_itself(void **state)
{
    (void)state;
    assert_int_equal(umh_process_own_pid(), getpid());
    assert_int_equal(umh_process_own_bits(), sizeof(void *) * 8);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports_how_it_ended),
        cmocka_unit_test(test_describes_how_it_ended),
        cmocka_unit_test(test_child_has_exactly_the_listed_descriptors),
        cmocka_unit_test(test_descriptors_may_overlap),
        cmocka_unit_test(test_child_has_default_signals),
        cmocka_unit_test(test_child_has_the_given_environment_and_folder),
        cmocka_unit_test(test_knows_a_program_that_cannot_run),
        cmocka_unit_test(test_knows_a_file_that_is_no_program),
        cmocka_unit_test(test_missing_folder_is_a_failure),
        cmocka_unit_test(test_wait_reaches_its_deadline),
        cmocka_unit_test(test_kill_reaches_the_group),
        cmocka_unit_test(test_kill_reaches_the_group_of_one_that_died),
        cmocka_unit_test(test_child_dies_with_its_parent),
        cmocka_unit_test(test_many_starts_leak_nothing),
        cmocka_unit_test(test_becomes_another_program),
        cmocka_unit_test(test_mends_what_it_inherited),
        cmocka_unit_test(test_knows_itself),
    };

    if (umh_process_prepare())
        return 1;
    if (argc > 1)
        return be_child(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
