/* SPDX-License-Identifier: MIT */
/*
 * Processes as events of a loop: a start is a request that is completed later by a callback, a
 * death is a callback. Loop thread only. A privileged spawner can stand behind it without a change
 * here.
 */
#pragma once

#include "platform/process.h"

#include <uv.h>

/* one process, from the request on; ends with close */
typedef struct umh_watch_process umh_watch_process;

typedef struct umh_watch_process_events {
    void *context;
    /* pid: of the program; 0: it is not there yet, an init starts it */
    void (*on_started)(void *context, int64_t pid);
    /* nothing runs; the object waits for close */
    void (*on_failed)(void *context, const umh_failure *failure);
    /*
     * death itself, not EOF; already reaped, and what it left in its namespace or process group is
     * dead
     */
    void (*on_ended)(void *context, const umh_process_end *end);
} umh_watch_process_events;

/*
 * Ask for a process. Exactly one of on_started and on_failed follows, never from inside this call;
 * on_ended may follow on_started. `spec` is copied; the pipes in it but for the lifeline are taken
 * and closed once the child has them (or the start failed).
 */
UMH_MUST_USE int umh_watch_process_start(uv_loop_t *loop, const umh_process_spec *spec,
                                         const umh_watch_process_events *events,
                                         umh_watch_process **ret_process);
/* See umh_process_find_pid; 0 also before it was started. */
int64_t umh_watch_process_find_pid(const umh_watch_process *process);
void umh_watch_process_kill(umh_watch_process *process);
/*
 * No callback after this. Kills when it still runs (and reaps in the background). Frees itself.
 * NULL is allowed.
 */
void umh_watch_process_close(umh_watch_process *process);
