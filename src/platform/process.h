/* SPDX-License-Identifier: MIT */
/*
 * Start a process with exactly the descriptors its spec lists, and know it by something that a pid
 * is not (a pidfd, a HANDLE). Synchronous; the broker goes through watch/process.h. The spawning
 * thread must live as long as the program: on Linux the child's death signal belongs to it.
 */
#pragma once

#include "base/err.h"
#include "base/why.h"
#include "platform/environment.h"
#include "platform/pipe.h"
#include "platform/user.h"

#define UMH_PROCESS_INHERIT_MAX 4

/* What becomes of a process, and of all that it starts, when the parent ends in whatever way. */
typedef enum umh_containment {
    CONTAINED_BY_NOTHING, /* it goes on */
    /*
     * the death signal (SIGKILL) and a process group of its own: the process itself ends at once;
     * what it starts ends with the group when the parent lives, and lives on when that is gone
     */
    CONTAINED_BY_GROUP,
    /*
     * a pid namespace whose first process, umh-init, has the death signal: nothing is left. Takes
     * privileges.
     */
    CONTAINED_BY_NAMESPACE,
} umh_containment;

typedef struct umh_process_spec {
    const char *program;          /* absolute path, borrowed like everything here */
    const char *const *arguments; /* NULL-terminated, [0] is the name shown */
    const umh_environment *environment;
    const char *folder;   /* current folder; NULL: "/", as where a given user cannot enter it */
    umh_pipe standard[3]; /* become 0, 1, 2; UMH_PIPE_NONE: the null device */
    umh_pipe inherit[UMH_PROCESS_INHERIT_MAX]; /* become 3, 4, ...; UMH_PIPE_NONE ends the list */
    umh_containment containment;
    /*
     * absolute path of umh-init, which applies what follows before the program's first instruction;
     * NULL where nothing is to be applied
     */
    const char *init;
    /*
     * the read end of a pipe whose other end only this process has, and keeps as long as it lives:
     * its end is this process's, also to who was started while it died. Not taken by anybody.
     * UMH_PIPE_NONE: none; a start during which this process dies may then outlive it
     */
    umh_pipe lifeline;
    const umh_user *user;   /* NULL: who we are */
    umh_pipe cgroup;        /* the open folder of its control group; UMH_PIPE_NONE: ours */
    int64_t open_files_max; /* 0: ours */
    /* the number of open files it begins with, within what it may raise that to; 0: ours */
    int64_t open_files_usual;
    /*
     * a shared page and where in it the init leaves how the program ended
     * (UMH_PROCESS_REPORT_BYTES); UMH_PIPE_NONE: nowhere. May be one of `inherit`.
     */
    umh_pipe report;
    uint32_t report_offset;
} umh_process_spec;

typedef struct umh_process {
    /* pidfd or HANDLE of the process, or of its namespace's init, owned; -1: none */
    intptr_t handle;
    int64_t pid;  /* of the same, as this process sees it */
    bool is_init; /* the program is the child of that */
} umh_process;

#define UMH_PROCESS_INIT                                                                           \
    {                                                                                              \
        .handle = -1, .pid = 0, .is_init = false                                                   \
    }

/* How it ended. */
typedef struct umh_process_end {
    int exit_code; /* valid when signal is 0 */
    int signal;    /* 0: it exited */
    bool dumped_core;
    int not_started; /* the system's code, when the program could not be executed; else 0 */
} umh_process_end;

/*
 * What the init leaves in the page: a process that was the child of another is reaped there. The
 * bytes are evidence: the process could write them, too. An init that was killed left nothing, and
 * `end` stays as it was reaped.
 */
#define UMH_PROCESS_REPORT_BYTES 16u
void umh_process_end_correct(umh_process_end *end, const void *report);

#define UMH_PROCESS_SPEC_INIT                                                                      \
    {                                                                                              \
        .standard = {UMH_PIPE_NONE, UMH_PIPE_NONE, UMH_PIPE_NONE},                                 \
        .inherit = {UMH_PIPE_NONE, UMH_PIPE_NONE, UMH_PIPE_NONE, UMH_PIPE_NONE},                   \
        .lifeline = UMH_PIPE_NONE, .cgroup = UMH_PIPE_NONE, .report = UMH_PIPE_NONE                \
    }

/*
 * First thing in main of every program: mends what it may have inherited. A write to a pipe that
 * nobody reads becomes UMH_PIPE_EOF instead of a deadly signal (SIGPIPE is ignored), children are
 * not reaped by the system (SIGCHLD is not ignored), and descriptors 0 to 2 are open. Children
 * begin with default dispositions whatever was done here. No thread has been started yet: what a
 * runtime asks the system for later is asked for while that is cheap.
 */
UMH_MUST_USE int umh_process_prepare(void);

/*
 * The strongest containment this process may use, found by trying it once; `why` (may be NULL) says
 * what stands against the next stronger one.
 */
umh_containment umh_process_containment(umh_why *ret_why);

enum { UMH_PROCESS_NO_PROGRAM = 1, UMH_PROCESS_RUNNING = 2 };

/*
 * Outcomes: UMH_PROCESS_NO_PROGRAM (the program is missing or cannot be executed; the failure
 * record says which).
 */
UMH_MUST_USE int umh_process_start(const umh_process_spec *spec, umh_process *ret_process);
/*
 * The pid of the program under the init, as this process sees it; `process` itself where there is
 * no init. 0: it has ended, or is not there yet.
 */
int64_t umh_process_find_pid(const umh_process *process);
/* Kill it, with its namespace or process group. Nothing happens when it has ended. */
void umh_process_kill(const umh_process *process);
/* Ask it to end (SIGTERM). */
void umh_process_terminate(const umh_process *process);
/* Reap it. Outcomes: UMH_PROCESS_RUNNING. */
UMH_MUST_USE int umh_process_reap(umh_process *process, umh_process_end *ret_end);
/*
 * Wait for its end until the deadline, then reap. Outcomes: UMH_PROCESS_RUNNING (deadline). Not on
 * a loop.
 */
UMH_MUST_USE int umh_process_wait(umh_process *process, uint64_t deadline_ns,
                                  umh_process_end *ret_end);
void umh_process_deinit(umh_process *process); /* closes the handle; does not kill */

/*
 * "exit code 3", "signal 9 (Killed)", "signal 11 (Segmentation fault), core dumped", "could not be
 * started: Permission denied".
 */
void umh_process_end_describe(const umh_process_end *end, char *buffer, size_t capacity);

int64_t umh_process_own_pid(void);
int umh_process_own_bits(void); /* 32 or 64 */

/* Let this process have as many open files as it may, and say how many that are and were. */
void umh_process_raise_open_files(int64_t *ret_before, int64_t *ret_now);
/* Whether what is started from here can be given open_files_max of so many. */
bool umh_process_allows_open_files(int64_t count);

/*
 * Replace this process by another program (Linux), or run it and end with its exit code (Windows).
 * Returns only when that failed.
 */
UMH_MUST_USE int umh_process_become(const char *program, const char *const *arguments);

/* End at once, without destructors or flushing: a host may have threads inside modules. */
_Noreturn void umh_process_exit_now(int code);
