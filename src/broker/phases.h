/* SPDX-License-Identifier: MIT */
/*
 * The states a host and a module of it are in, and what can happen to them.
 *
 *   state           what is true                                   kill -9 now
 *   HOST_ABSENT     no process; may be due for one                 -
 *   HOST_SPAWNING   a start was asked for                          on_failed or on_started +
 *                   on_ended follow; nothing was sent yet
 *   HOST_GREETING   process runs, init sent, hello awaited         ON_EXIT: reason kept, ABSENT,
 *                   back-off
 *   HOST_LOADING    hello came; modules are loaded                 the same; modules of the file
 *                   are loaded again by the next process
 *   HOST_READY      every module loaded or failed; waits for start the same
 *   HOST_RUNNING    start sent to every loaded module              the same; what its slots were
 *                   sent and not consumed is lost and counted, the rest is held
 *   HOST_ASKED      exit sent                                      ON_EXIT: ABSENT, not a failure
 *   HOST_CLOSED     outgoing pipe closed after the stop deadline   ON_EXIT: ABSENT
 *   HOST_KILLED     SIGKILL sent                                   ON_EXIT: ABSENT, a failure
 *                   unless it was asked before
 *
 * EOF may come before ON_EXIT: then the process has UMH_HOST_EOF_MS to be dead, or is killed.
 * Before ON_EXIT its pipe is read to the end, so answers and messages in it still happen.
 *
 *   module state    what is true                                   leaves it
 *   SLOT_ABSENT     the slot is free for a load                    fetch
 *   SLOT_FETCHING   the store copies                               on_ready, on_failed
 *   SLOT_WAITING    the copy is there; the host takes no commands  hello
 *   SLOT_LOADING    load sent                                      loaded, error, deadline (host is
 *                   killed)
 *   SLOT_LOADED     initialised, subscribed; messages held         start
 *   SLOT_STARTING   start sent                                     started (gate opens), error,
 *                   deadline
 *   SLOT_RUNNING    called with messages                           stop
 *   SLOT_CONFIGURING  runs; configure sent: its Config changed     its answer, deadline
 *   SLOT_STOPPING   stop wanted: first, with the gate open, memory stopped, deadline
 *                   for its end is awaited; then stop sent, gate held
 *   SLOT_UNLOADING  unload sent                                    unloaded, replace (host is
 *                   stopped and started again), left (the slot is free, what is left of it is
 *                   kept in mind), stuck (SLOT_FAILED, and the host has it still), deadline
 *   SLOT_FAILED     reported with why; gate shut                   reload, unload, the end of the
 *                   process (with a copy it is tried again)
 *
 * The end of the process takes every module that was in it to SLOT_WAITING, from where one that was
 * to be unloaded ends and one that was to be reloaded is fetched; both waiters hear "replaced".
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
