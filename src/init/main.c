/* SPDX-License-Identifier: MIT */
/*
 * The story of the first process: enter, start the program, reap until that has ended, report, end.
 * As pid 1 it takes no signal that it has not asked for: all are blocked from before the start to
 * the end, and two are waited for.
 */
#include "init/init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGHEST_PRIORITY (-20)

static struct iovec piece_of(const char *text)
{
    /* writev does not write to it. */
    return (struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
}

/* A record of the host's log. There is no stdio here: it would be most of the program. */
static void say(const char *step, int error)
{
    const char *reason = strerrordesc_np(error);
    const struct iovec line[] = {
        piece_of("level=error msg=\"umh-init: "), piece_of(step),   piece_of(": "),
        piece_of(reason ? reason : "?"),          piece_of("\"\n"),
    };
    ssize_t ignored = writev(STDERR_FILENO, line, sizeof line / sizeof line[0]);

    (void)ignored;
}

static void write_report(const umh_init_options *options, const umh_init_report *report)
{
    ssize_t ignored = 0;

    if (options->report >= 0)
        ignored = pwrite(options->report, report, sizeof *report, options->report_offset);
    (void)ignored;
}

static int give_up(const umh_init_options *options, const umh_init_failure *failure)
{
    const umh_init_report report = {
        .magic = UMH_INIT_REPORT_MAGIC, .kind = REPORT_NOT_STARTED, .error = failure->error};

    say(failure->step, failure->error);
    write_report(options, &report);
    return UMH_INIT_FAILED;
}

/* All but the report; returns where that is now. */
static int close_the_rest(int report)
{
    if (report < 0) {
        close_range(0, ~0u, 0);
        return -1;
    }
    if (report > 0)
        close_range(0, (unsigned)report - 1, 0);
    close_range((unsigned)report + 1, ~0u, 0);
    return report;
}

/* Reaps what has ended; true once the program has. */
static bool reap(pid_t program, int *ret_status)
{
    bool has_ended = false;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != program)
            continue;
        *ret_status = status;
        has_ended = true;
    }
    return has_ended;
}

static int await_end(pid_t program)
{
    siginfo_t info;
    sigset_t wanted;
    int status = 0;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCHLD);
    sigaddset(&wanted, SIGTERM);
    while (!reap(program, &status)) {
        if (sigwaitinfo(&wanted, &info) == SIGTERM)
            kill(program, SIGTERM);
    }
    return status;
}

static int run_namespace(umh_init_options *options)
{
    umh_init_failure failure = {.step = NULL};
    umh_init_report report = {.magic = UMH_INIT_REPORT_MAGIC, .kind = REPORT_ENDED};
    sigset_t all;
    pid_t program;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    program = umh_init_start_program(options, &failure);
    if (program < 0)
        return give_up(options, &failure);
    options->report = close_the_rest(options->report);
    /*
     * The end of all others waits until this process has come to its own: on a busy machine, too,
     * that must be soon. Where there is no right to it, it takes a little longer.
     */
    setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
    report.status = await_end(program);
    write_report(options, &report);
    return WIFEXITED(report.status) ? WEXITSTATUS(report.status)
                                    : UMH_INIT_SIGNAL_BASE + WTERMSIG(report.status);
}

int main(int argc, char **argv)
{
    umh_init_options options;
    umh_init_failure failure = {.step = NULL};

    if (!umh_init_read_options(argc, argv, &options)) {
        say("started by a broker only", EINVAL);
        return UMH_INIT_FAILED;
    }
    if (!umh_init_enter(&options, &failure))
        return give_up(&options, &failure);
    if (options.is_namespace)
        return run_namespace(&options);
    umh_init_become_program(&options, &failure);
    return give_up(&options, &failure);
}
