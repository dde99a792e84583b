/* SPDX-License-Identifier: MIT */
/*
 * A module that is a program: an assembly marked EXE, whose Main has the main thread of a UI host,
 * and with it the CLR of the process. C only crosses the border here, too: what Main sees of its
 * host is managed/ManagedHost/UiProgram.cs, which the CLR runs before Main as a startup hook.
 *
 *   load      the CLR is opened for the program: what is missing is known then
 *   start     Main is given the main thread; started once it has settled (below)
 *   stop      after all messages that came before: its Stopping is cancelled; lasts until Main has
 *             returned
 *   unload    never proved: a program leaves with its process. Where that goes on without it, .NET
 *             is over there: no program and no managed module can be loaded any more
 *
 * A Main that returns unasked ends the host, with what it returned; one that does so before its
 * start was answered has started, and ends the host like that. An exception in Main ends the
 * process. A message that comes before the program has its host, or after Main has returned, is
 * dropped: nobody is there who subscribed to it.
 *
 * The structs are mirrored in managed/ManagedHost/UiProgram.cs; both sides check `size`.
 */
#pragma once

#include "host/managed.h"

#include <umh/module.h>

/*
 * A program counts as started when it has subscribed and has not done so again for a moment: what
 * its predecessor was subscribed to is kept for it so long, and what it subscribes to later begins
 * then. One that does not subscribe gets the longer time, from when it has its host. All of it is
 * part of the start: a StartMs that is shorter kills the process.
 */
#define UMH_PROGRAM_QUIET_MS 20u
#define UMH_PROGRAM_SETTLE_MS 1000u
/* For calls under way when Main has returned: they may wait for what has ended with it. */
#define UMH_PROGRAM_LEAVE_MS 1000u

/* Where a program finds its host, of AppContext: the address of the struct, in hexadecimal. */
#define UMH_PROGRAM_PROPERTY "UMH_PROGRAM"

/* What the host calls, on any thread but Main's. */
typedef struct umh_program_calls {
    uint32_t size;
    uint32_t version; /* 1 */
    /* returns when the handlers' Tasks have completed */
    void (*on_message)(const umh_message_v1 *message);
    /* 1: it did not take it over and is to be reloaded (why: UMH_MANAGED_WHY_BYTES) */
    int32_t (*configure)(const char *config, char *why);
    /* by stop, after all messages: Stopping is cancelled, elsewhere; returns at once */
    void (*begin_stop)(void);
} umh_program_calls;

/* What a program is given, before Main. It, and `context`, live until _exit. */
typedef struct umh_program_start {
    uint32_t size;
    uint32_t version;       /* 1 */
    umh_managed_start host; /* its functions; on_ready and wait_for_end are NULL */
    const umh_host_v1 *table;
    uint32_t log_level; /* umh_log_level: records below it go nowhere */
    uint32_t reserved;
    void *context;
    /* Main thread, before Main; `calls` is copied. */
    void (*on_attached)(void *context, const umh_program_calls *calls);
    /* Main thread, instead: Main is not to run, why: the module has failed. Does not return. */
    void (*on_refused)(void *context, const char *why);
    /*
     * Main thread, Main having returned, or whichever thread ends the process by Environment.Exit:
     * waits for calls under way, UMH_PROGRAM_LEAVE_MS at most; none follows.
     */
    void (*on_ending)(void *context);
} umh_program_start;
