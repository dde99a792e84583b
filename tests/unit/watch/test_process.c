/* SPDX-License-Identifier: MIT */
/* Processes as events of a loop: started later, seen dying, and never left behind. */
#include "watch/process.h"

#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define MANY 200
#define AT_ONCE 20

typedef struct request {
    umh_watch_process *process;
    umh_pipe in; /* what the child says and when nobody can any more */
    int64_t pid;
    int started_count;
    int failed_count;
    int ended_count;
    umh_process_end end;
    umh_failure failure;
    /* close it inside that callback */
    bool closes_at_start;
    bool closes_at_failure;
    bool closes_at_end;
} request;

typedef struct fixture {
    uv_loop_t loop;
    uv_timer_t patience;
    request one;
} fixture;

static void close_request(request *one)
{
    umh_watch_process_close(one->process);
    one->process = NULL;
}

static void on_started(void *context, int64_t pid)
{
    request *one = context;

    one->started_count++;
    one->pid = pid;
    if (one->closes_at_start)
        close_request(one);
}

static void on_failed(void *context, const umh_failure *failure)
{
    request *one = context;

    one->failed_count++;
    one->failure = *failure;
    if (one->closes_at_failure)
        close_request(one);
}

static void on_ended(void *context, const umh_process_end *end)
{
    request *one = context;

    assert_int_equal(one->started_count, 1);
    one->ended_count++;
    one->end = *end;
    if (one->closes_at_end)
        close_request(one);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    umh_assert(!"the loop's time is over");
}

static int set_up(void **state)
{
    static fixture all;

    all = (fixture){.one = {.in = UMH_PIPE_NONE}};
    uv_loop_init(&all.loop);
    uv_timer_init(&all.loop, &all.patience);
    uv_timer_start(&all.patience, on_patience, PATIENCE_MS, 0);
    uv_unref((uv_handle_t *)&all.patience);
    *state = &all;
    return 0;
}

static int tear_down(void **state)
{
    fixture *all = *state;

    if (all->one.process)
        close_request(&all->one);
    umh_pipe_close(&all->one.in);
    uv_close((uv_handle_t *)&all->patience, NULL);
    uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&all->loop), 0);
    /* Every child was reaped. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

/* Asks for this program with `what`; its descriptors 1 and 2 are the other end of request->in. */
static void ask_for(fixture *all, request *one, const char *program, const char *what)
{
    const char *arguments[] = {"child", what, NULL};
    const umh_watch_process_events events = {
        .context = one, .on_started = on_started, .on_failed = on_failed, .on_ended = on_ended};
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    char name[64] = "";

    /* All of it is gone once the call has returned. */
    umh_text_put(name, sizeof name, program);
    assert_int_equal(umh_environment_put(&environment, "A", "b"), 0);
    assert_int_equal(umh_pipe_new(&one->in, &spec.standard[1]), 0);
    spec.standard[2] = spec.standard[1];
    spec.program = name;
    spec.arguments = arguments;
    spec.environment = &environment;
    spec.folder = "/proc";
    spec.containment = CONTAINED_BY_GROUP;
    assert_int_equal(umh_watch_process_start(&all->loop, &spec, &events, &one->process), 0);
    memset(name, 'x', sizeof name);
    assert_int_equal(one->started_count + one->failed_count, 0);
}

static void run_until(fixture *all, const int *count)
{
    while (*count == 0)
        uv_run(&all->loop, UV_RUN_ONCE);
}

/* All that was said, up to the end, which comes when no process holds the pipe any more. */
static void expect_text(request *one, const char *expected)
{
    uint64_t deadline = umh_clock_deadline_ns(PATIENCE_MS);
    char text[256] = "";
    size_t total = 0;
    size_t size;
    int r;

    do {
        r = umh_pipe_read(one->in, text + total, sizeof text - 1 - total, deadline, &size);
        total += r == 0 ? size : 0;
    } while (r == 0);
    text[total] = '\0';
    assert_int_equal(r, UMH_PIPE_EOF);
    assert_string_equal(text, expected);
}

static void await_byte(request *one)
{
    char byte;
    size_t size;

    assert_int_equal(umh_pipe_read(one->in, &byte, 1, umh_clock_deadline_ns(PATIENCE_MS), &size),
                     0);
}

/* ------------------------- the child */

static int wait_for_ever(void)
{
    while (pause() < 0)
        continue;
    return 0;
}

static void say(const char *text)
{
    umh_ignore(umh_pipe_write_all(umh_pipe_standard(1), umh_bytes_of_text(text)));
}

static int be_child(const char *what)
{
    if (strcmp(what, "three") == 0) {
        char folder[64] = "";

        say(getcwd(folder, sizeof folder));
        return 3;
    }
    if (strcmp(what, "forever") == 0) {
        say("x");
        return wait_for_ever();
    }
    if (strcmp(what, "user") == 0) {
        char text[64];
        gid_t groups[8];

        snprintf(text, sizeof text, "x%u %u %d", getuid(), getgid(), getgroups(8, groups));
        say(text);
        return wait_for_ever();
    }
    if (strcmp(what, "orphan") == 0) {
        if (fork() == 0)
            return wait_for_ever();
        return 4;
    }
    return 99;
}

/* ------------------------- the tests */

static void test_starts_later_and_sees_the_end(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "three");
    run_until(all, &all->one.started_count);
    assert_true(all->one.pid > 1);
    run_until(all, &all->one.ended_count);
    assert_int_equal(all->one.end.signal, 0);
    assert_int_equal(all->one.end.exit_code, 3);
    expect_text(&all->one, "/proc");
    /* Nothing comes after it, and nothing keeps the loop. */
    uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(all->one.started_count, 1);
    assert_int_equal(all->one.ended_count, 1);
    assert_int_equal(all->one.failed_count, 0);
    umh_watch_process_kill(all->one.process);
}

static void test_reports_a_start_that_failed(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/nonexistent/program", "");
    run_until(all, &all->one.failed_count);
    assert_int_equal(all->one.failure.os_code, ENOENT);
    assert_non_null(strstr(all->one.failure.text, "/nonexistent/program"));
    expect_text(&all->one, "");
    uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(all->one.failed_count, 1);
    assert_int_equal(all->one.started_count + all->one.ended_count, 0);
    umh_watch_process_kill(all->one.process);
}

static void test_kills(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "forever");
    run_until(all, &all->one.started_count);
    umh_watch_process_kill(all->one.process);
    run_until(all, &all->one.ended_count);
    assert_int_equal(all->one.end.signal, SIGKILL);
}

static void test_kill_before_the_start_prevents_it(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "forever");
    umh_watch_process_kill(all->one.process);
    run_until(all, &all->one.failed_count);
    assert_int_equal(all->one.failure.code, UMH_E_REFUSED);
    expect_text(&all->one, "");
    assert_int_equal(all->one.started_count, 0);
}

static void test_close_kills_in_silence(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "forever");
    run_until(all, &all->one.started_count);
    await_byte(&all->one);
    close_request(&all->one);
    uv_run(&all->loop, UV_RUN_DEFAULT); /* returns once it is reaped */
    assert_int_equal(all->one.ended_count, 0);
    expect_text(&all->one, "");
}

static void test_close_before_the_start_prevents_it(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "forever");
    close_request(&all->one);
    expect_text(&all->one, "");
    uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(all->one.started_count + all->one.failed_count, 0);
    umh_watch_process_close(NULL);
}

static void test_closes_inside_its_callbacks(void **state)
{
    fixture *all = *state;
    request failing = {.closes_at_failure = true};
    request starting = {.closes_at_start = true};
    request ending = {.closes_at_end = true};

    ask_for(all, &failing, "/nonexistent", "");
    ask_for(all, &starting, "/proc/self/exe", "forever");
    ask_for(all, &ending, "/proc/self/exe", "three");
    uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(failing.failed_count, 1);
    assert_int_equal(starting.started_count, 1);
    assert_int_equal(starting.ended_count, 0);
    assert_int_equal(ending.ended_count, 1);
    umh_pipe_close(&failing.in);
    umh_pipe_close(&starting.in);
    umh_pipe_close(&ending.in);
}

static void test_closes_between_end_and_close_callback(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "three");
    uv_run(&all->loop, UV_RUN_DEFAULT); /* all its handles are closed by then */
    assert_int_equal(all->one.ended_count, 1);
    close_request(&all->one);
}

static void test_death_takes_the_group_along(void **state)
{
    fixture *all = *state;

    ask_for(all, &all->one, "/proc/self/exe", "orphan");
    run_until(all, &all->one.ended_count);
    assert_int_equal(all->one.end.exit_code, 4);
    expect_text(&all->one, "");
}

/* The first process of its namespace starts it, as a user; nothing of the spec is there by then. */
static void test_starts_by_way_of_an_init(void **state)
{
    const umh_watch_process_events events = {.context = &((fixture *)*state)->one,
                                             .on_started = on_started,
                                             .on_failed = on_failed,
                                             .on_ended = on_ended};
    const char *arguments[] = {"child", "user", NULL};
    fixture *all = *state;
    uint32_t groups[] = {100, 200};
    umh_user user = {.uid = 65534, .gid = 65534, .groups = groups, .group_count = 2};
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    char program[UMH_PATH_BYTES];
    char init[UMH_PATH_BYTES];
    umh_pipe lifeline_end;
    umh_pipe report;

    if (umh_process_containment(NULL) != CONTAINED_BY_NAMESPACE)
        skip();
    assert_int_equal(umh_file_program_folder(program), 0);
    assert_int_equal(umh_file_join(program, "test_process", program), 0);
    umh_file_parent(program, init);
    for (int i = 0; i < 3; i++)
        umh_file_parent(init, init);
    assert_int_equal(umh_file_join(init, "bin/umh-init", init), 0);
    assert_int_equal(umh_pipe_new(&all->one.in, &spec.standard[1]), 0);
    assert_int_equal(umh_pipe_new(&report, &spec.report), 0);
    assert_int_equal(umh_pipe_new(&spec.lifeline, &lifeline_end), 0);
    spec.inherit[0] = spec.report;
    spec.program = program;
    spec.init = init;
    spec.arguments = arguments;
    spec.user = &user;
    spec.containment = CONTAINED_BY_NAMESPACE;
    assert_int_equal(umh_watch_process_start(&all->loop, &spec, &events, &all->one.process), 0);
    assert_int_equal(umh_watch_process_find_pid(all->one.process), 0);
    memset(program, 'x', sizeof program - 1);
    memset(init, 'x', sizeof init - 1);
    memset(groups, 0xFF, sizeof groups);
    run_until(all, &all->one.started_count);
    await_byte(&all->one);
    assert_true(umh_watch_process_find_pid(all->one.process) > 1);
    umh_watch_process_kill(all->one.process);
    run_until(all, &all->one.ended_count);
    assert_int_equal(all->one.end.signal, SIGKILL);
    expect_text(&all->one, "65534 65534 2");
    /* Taken and closed but for the lifeline. */
    assert_int_equal(fcntl((int)spec.report.handle, F_GETFD), -1);
    assert_int_equal(fcntl((int)spec.lifeline.handle, F_GETFD), FD_CLOEXEC);
    umh_pipe_close(&report);
    umh_pipe_close(&spec.lifeline);
    umh_pipe_close(&lifeline_end);
}

static int count_descriptors(void)
{
    int count = 0;

    for (int descriptor = 0; descriptor < 4096; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static void test_many_leak_nothing(void **state)
{
    fixture *all = *state;
    int before;

    uv_run(&all->loop, UV_RUN_NOWAIT);
    before = count_descriptors();
    for (int done = 0; done < MANY; done += AT_ONCE) {
        request requests[AT_ONCE] = {{.process = NULL}};

        for (int i = 0; i < AT_ONCE; i++) {
            requests[i].closes_at_end = true;
            ask_for(all, &requests[i], "/bin/true", "");
        }
        uv_run(&all->loop, UV_RUN_DEFAULT);
        for (int i = 0; i < AT_ONCE; i++) {
            assert_int_equal(requests[i].ended_count, 1);
            assert_int_equal(requests[i].end.exit_code, 0);
            umh_pipe_close(&requests[i].in);
        }
    }
    assert_int_equal(count_descriptors(), before);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(test_starts_later_and_sees_the_end),
        ON_LOOP(test_reports_a_start_that_failed),
        ON_LOOP(test_kills),
        ON_LOOP(test_kill_before_the_start_prevents_it),
        ON_LOOP(test_close_kills_in_silence),
        ON_LOOP(test_close_before_the_start_prevents_it),
        ON_LOOP(test_closes_inside_its_callbacks),
        ON_LOOP(test_closes_between_end_and_close_callback),
        ON_LOOP(test_death_takes_the_group_along),
        ON_LOOP(test_starts_by_way_of_an_init),
        ON_LOOP(test_many_leak_nothing),
    };

    if (umh_process_prepare())
        return 1;
    if (argc > 1)
        return be_child(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
