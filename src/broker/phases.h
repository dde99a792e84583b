/* SPDX-License-Identifier: MIT */
/*
 * The states a host and a module of it are in, and what can happen to them.
 *
 *   host state      what is true                               kill -9 of the process now
 *   HOST_ABSENT     no process; may be due for one             -
 *   HOST_SPAWNING   a start was asked for, nothing sent yet;   on_failed, or on_started and then
 *                   no deadline                                on_ended
 *   HOST_GREETING   process runs, init sent, hello awaited     ON_EXIT: reason kept, ABSENT,
 *                                                              back-off
 *   HOST_LOADING    hello came; modules are loaded             the same; the next process loads
 *                                                              them again
 *   HOST_READY      every module loaded or failed; waits       the same
 *                   for start
 *   HOST_RUNNING    start sent to every loaded module          the same; what its slots were sent
 *                                                              and not consumed is lost and
 *                                                              counted, the rest is held
 *   HOST_ASKED      exit sent                                  ON_EXIT: ABSENT; no failure, but for
 *                                                              a host that the user closed and
 *                                                              that ended with a code or signal
 *   HOST_CLOSED     outgoing pipe closed: the deadline of      the same
 *                   exit passed, or a stop came before hello
 *   HOST_KILLED     SIGKILL sent; its end is awaited           ON_EXIT: ABSENT; a failure, unless
 *                   without end                                it was asked before
 *
 * kill -9 of the broker: in every state the process ends; see init/init.h.
 *
 * EOF may come before ON_EXIT: then the process has UMH_HOST_EOF_MS to be dead, or is killed. In
 * ASKED and CLOSED it changes nothing: the deadline of those runs on. Before ON_EXIT its pipe is
 * read to the end, so answers and messages in it still happen.
 *
 *   module state      what is true                             leaves it
 *   SLOT_ABSENT       the slot is free for a load              fetch
 *   SLOT_FETCHING     the store copies                         on_ready, on_failed (FAILED, or
 *                                                              WAITING with the copy it had), stop
 *   SLOT_WAITING      the copy is there; the host takes no     load, fetch, stop
 *                     commands, or its .NET is not decided
 *   SLOT_LOADING      load sent                                loaded, error, deadline (the host is
 *                                                              killed, as by those below)
 *   SLOT_LOADED       initialised, subscribed; messages held   start, stop
 *   SLOT_STARTING     start sent                               started (gate opens), error,
 *                                                              deadline
 *   SLOT_RUNNING      called with messages                     configure, stop
 *   SLOT_CONFIGURING  runs; configure sent, its Config         its answer, deadline
 *                     has changed
 *   SLOT_STOPPING     first, with the gate open, memory for    stopped, deadline
 *                     its end is awaited; then stop sent,
 *                     gate held
 *   SLOT_UNLOADING    unload sent; where the host is being     unloaded, left (the slot is free,
 *                     replaced: its end is awaited             what is left is kept in mind), stuck
 *                                                              (FAILED, and the host has it still),
 *                                                              replace (the host is replaced),
 *                                                              deadline
 *   SLOT_FAILED       reported with why; gate shut             reload, unload, the end of the
 *                                                              process (WAITING, with a copy)
 *
 * A stop in LOADING, STARTING or CONFIGURING is ignored here, and made up for when that is left.
 *
 * The end of the process takes every module that was in it, but a failed one, to SLOT_WAITING: one
 * that was to be unloaded ends from there, one that was to be reloaded is fetched. Who waits hears
 * "replaced": of an unload at that end, of a reload when it runs again. Of what had got to LOADING,
 * LOADED or STARTING, who waits hears an error.
 */
#pragma once

typedef enum umh_host_state {
    HOST_ABSENT,
    HOST_SPAWNING,
    HOST_GREETING,
    HOST_LOADING,
    HOST_READY,
    HOST_RUNNING,
    HOST_ASKED,
    HOST_CLOSED,
    HOST_KILLED,
    HOST_STATE_COUNT
} umh_host_state;

typedef enum umh_host_event {
    ON_SPAWN,    /* reconcile wants a process */
    ON_STARTED,  /* a process exists */
    ON_NO_START, /* it could not be started */
    ON_HELLO,
    ON_SETTLED,   /* every module is loaded or failed */
    ON_GO,        /* start-together or stage: start the modules */
    ON_STOP,      /* reconcile does not want it (now) */
    ON_TIMEOUT,   /* a deadline of the state passed, judged */
    ON_VIOLATION, /* its bytes broke the protocol, or its pipe broke */
    ON_EOF,       /* its pipe ended; the process may live */
    ON_EXIT,      /* the process has ended */
    HOST_EVENT_COUNT
} umh_host_event;

typedef enum umh_module_state {
    SLOT_ABSENT,
    SLOT_FETCHING,
    SLOT_WAITING,
    SLOT_LOADING,
    SLOT_LOADED,
    SLOT_STARTING,
    SLOT_RUNNING,
    SLOT_CONFIGURING,
    SLOT_STOPPING,
    SLOT_UNLOADING,
    SLOT_FAILED,
    MODULE_STATE_COUNT
} umh_module_state;

typedef enum umh_module_event {
    ON_FETCH,   /* wanted */
    ON_COPY,    /* the store is done */
    ON_NO_COPY, /* the store refused */
    ON_GREETED, /* the host said hello */
    ON_LOADED,
    ON_MODULE_GO,
    ON_MODULE_STARTED,
    ON_CONFIGURE,   /* its Config changed */
    ON_CONFIGURED,  /* taken over */
    ON_NOT_TAKEN,   /* not: it is to be reloaded */
    ON_MODULE_STOP, /* unwanted, or a reload */
    ON_STOPPED,
    ON_UNLOADED,
    ON_REPLACE, /* unload could not be proved */
    ON_LEFT,    /* the same, and the host goes on beside what is left of it */
    ON_STUCK,   /* the same, and the host cannot free its slot */
    ON_ERROR,   /* the host answered a command with an error */
    ON_LATE,    /* a deadline passed, judged */
    ON_GONE,    /* the process has ended */
    MODULE_EVENT_COUNT
} umh_module_event;
