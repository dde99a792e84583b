/* SPDX-License-Identifier: MIT */
/*
 * Start a process with exactly the descriptors its spec lists, and know it by something that a pid
 * is not (a pidfd, a HANDLE). Synchronous; the broker goes through watch/process.h. The spawning
 * thread must live as long as the program: on Linux the child's death signal belongs to it.
 */
#pragma once

#include "base/err.h"
#include "platform/environment.h"
#include "platform/pipe.h"

#define UMH_PROCESS_INHERIT_MAX 4

typedef struct umh_process_spec {
    const char *program;          /* absolute path, borrowed like everything here */
    const char *const *arguments; /* NULL-terminated, [0] is the name shown */
    const umh_environment *environment;
    const char *folder;                        /* current folder; NULL: "/" */
    umh_pipe standard[3];                      /* become 0, 1, 2; UMH_PIPE_NONE: the null device */
    umh_pipe inherit[UMH_PROCESS_INHERIT_MAX]; /* become 3, 4, ...; UMH_PIPE_NONE ends the list */
    /* death signal, own process group; the signal is for the process, not for the group */
    bool dies_with_parent;
} umh_process_spec;

typedef struct umh_process {
    intptr_t handle; /* pidfd or HANDLE, owned; -1: none */
    int64_t pid;     /* as this process sees it; for people and for kill through `handle` */
} umh_process;

#define UMH_PROCESS_INIT                                                                           \
    {                                                                                              \
        .handle = -1, .pid = 0                                                                     \
    }

/* How it ended. */
typedef struct umh_process_end {
    int exit_code; /* valid when signal is 0 */
    int signal;    /* 0: it exited */
    bool dumped_core;
} umh_process_end;

#define UMH_PROCESS_SPEC_INIT                                                                      \
    {                                                                                              \
        .standard = {UMH_PIPE_NONE, UMH_PIPE_NONE, UMH_PIPE_NONE}, .inherit = {                    \
            UMH_PIPE_NONE,                                                                         \
            UMH_PIPE_NONE,                                                                         \
            UMH_PIPE_NONE,                                                                         \
            UMH_PIPE_NONE                                                                          \
        }                                                                                          \
    }

/*
 * First thing in main of every program: mends what it may have inherited. A write to a pipe that
 * nobody reads becomes UMH_PIPE_EOF instead of a deadly signal (SIGPIPE is ignored), children are
 * not reaped by the system (SIGCHLD is not ignored), and descriptors 0 to 2 are open. Children
 * begin with default dispositions whatever was done here. No thread has been started yet: what a
 * runtime asks the system for later is asked for while that is cheap.
 */
UMH_MUST_USE int umh_process_prepare(void);

enum { UMH_PROCESS_NO_PROGRAM = 1, UMH_PROCESS_RUNNING = 2 };

/*
 * Outcomes: UMH_PROCESS_NO_PROGRAM (the program is missing or cannot be executed; the failure
 * record says which).
 */
UMH_MUST_USE int umh_process_start(const umh_process_spec *spec, umh_process *ret_process);
/* Kill it and its process group. Nothing happens when it has ended. */
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

/* "exit code 3", "signal 9 (Killed)", "signal 11 (Segmentation fault), core dumped". */
void umh_process_end_describe(const umh_process_end *end, char *buffer, size_t capacity);

int64_t umh_process_own_pid(void);
int umh_process_own_bits(void); /* 32 or 64 */

/*
 * Replace this process by another program (Linux), or run it and end with its exit code (Windows).
 * Returns only when that failed.
 */
UMH_MUST_USE int umh_process_become(const char *program, const char *const *arguments);

/* End at once, without destructors or flushing: a host may have threads inside modules. */
_Noreturn void umh_process_exit_now(int code);
