/* SPDX-License-Identifier: MIT */
/*
 * A host: as long as it is wanted, it owns its modules' slots, queues and history; a process is one
 * incarnation of it. One state machine in one table, one more for each of its modules; the tables
 * are in states.c and every cell is visited by a test.
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
 *   module state    what is true                                   leaves it
 *   SLOT_ABSENT     the slot is free for a load                    fetch
 *   SLOT_FETCHING   the store copies                               on_ready, on_failed
 *   SLOT_WAITING    the copy is there; the host has not said hello hello
 *   SLOT_LOADING    load sent                                      loaded, error, deadline (host is
 *                   killed)
 *   SLOT_LOADED     initialised, subscribed; messages held         start
 *   SLOT_STARTING   start sent                                     started (gate opens), error,
 *                   deadline
 *   SLOT_RUNNING    called with messages                           stop
 *   SLOT_STOPPING   stop sent; gate held                           stopped, deadline
 *   SLOT_UNLOADING  unload sent                                    unloaded, replace (host is
 *                   stopped and started again), deadline
 *   SLOT_FAILED     reported with why; gate shut                   reload, unload
 *
 * Kept over processes: slots with queue and subscriptions, back-off, restart count, last death.
 * Ends with the process: peer, account, log source, page, window, grants.
 */
#pragma once

#include "broker/backoff.h"
#include "broker/deadlines.h"
#include "broker/logs.h"
#include "broker/peer.h"
#include "broker/router.h"
#include "broker/store.h"
#include "config/diff.h"
#include "ipc/blackbox.h"
#include "platform/page.h"
#include "watch/process.h"

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
    ON_MODULE_STOP, /* unwanted, or a reload */
    ON_STOPPED,
    ON_UNLOADED,
    ON_REPLACE, /* unload could not be proved */
    ON_ERROR,   /* the host answered a command with an error */
    ON_LATE,    /* a deadline passed, judged */
    ON_GONE,    /* the process has ended */
    MODULE_EVENT_COUNT
} umh_module_event;

typedef struct umh_host umh_host;

/*
 * One who asked for a load, unload or reload and waits for the outcome; called once, then
 * forgotten.
 */
typedef struct umh_waiter {
    umh_list entry;
    /* "running", "unloaded", "replaced"; why when not ok */
    void (*on_done)(void *context, bool is_ok, const char *outcome, const umh_why *why);
    void *context;
} umh_waiter;

/* One module of a host. */
typedef struct umh_host_module {
    umh_host *host;
    char name[UMH_NAME_BYTES_MAX + 1];
    umh_module_config config; /* copies, owned */
    umh_module_state state;
    umh_slot slot;
    umh_store_entry *copy;      /* what the host loads; kept over crashes; NULL: to be fetched */
    umh_store_request *request; /* while FETCHING */
    umh_deadline deadline;
    int64_t command_id; /* of the command it waits for; 0: none */
    char version[64], loader[16];
    umh_why why;       /* of FAILED, or of the last replacement */
    bool is_wanted;    /* false: an unload is under way, the slot ends afterwards */
    bool is_reloading; /* stop and unload are followed by a fetch */
    bool waits_for_stop_reserve;
    uint64_t loaded_count;
    umh_list waiters; /* umh_waiter */
} umh_host_module;

struct umh_host {
    umh_list entry; /* in the supervisor's list */
    umh_broker *broker;
    char id[UMH_NAME_BYTES_MAX + 16];
    umh_guid service;
    uint32_t number; /* from 1, never reused */
    uint32_t session;
    umh_host_config config; /* deep copy, owned */
    umh_host_state state;
    umh_host_module *modules[UMH_MODULES_PER_HOST_MAX]; /* by slot number; NULL: free */
    umh_slot *slots[UMH_MODULES_PER_HOST_MAX];          /* the same slots, for the router */
    uint16_t module_count;                              /* highest used slot + 1 */
    /* of the process */
    umh_watch_process *process;
    int64_t pid;
    umh_page page;
    umh_peer *peer;
    umh_credit_account *account;
    umh_log_source *log;
    int64_t next_command_id;
    bool was_asked;  /* to end: its end is no failure */
    bool is_lost;    /* killed by us for cause: `death` has it already */
    bool is_orderly; /* it is replaced for a reload: hold with back-pressure */
    /* over processes */
    umh_deadline deadline; /* of the state; in ABSENT: of the back-off */
    umh_backoff backoff;
    bool is_wanted;
    bool is_due; /* may be started by reconcile */
    bool needs_dotnet;
    uint64_t restarts; /* processes after the first */
    uint64_t spawned_ns, ready_ns, died_ns;
    /* the last one: "signal 9 (Killed); was in sysload.OnMessage for 12 ms"; empty: none yet */
    char death[512];
    uint64_t ping_sent_ns; /* 0: none outstanding */
    umh_list waiters;
};

UMH_MUST_USE int umh_host_new(umh_broker *broker, const umh_wanted_host *wanted, uint32_t number,
                              umh_host **ret_host);
/* Without a process only. Ends its slots and subscriptions. */
umh_host *umh_host_free(umh_host *host);

/*
 * The one way anything happens to a host or a module: look up the cell, set the next state, do the
 * action.
 */
void umh_host_happen(umh_host *host, umh_host_event event);
void umh_module_happen(umh_host_module *module, umh_module_event event);

/*
 * For reconcile and commands. A slot is found or made; outcome UMH_HOST_FULL when all 120 are used.
 * `config` is copied.
 */
enum { UMH_HOST_FULL = 1 };
UMH_MUST_USE int umh_host_add_module(umh_host *host, const umh_module_config *config,
                                     umh_host_module **ret_module);
umh_host_module *umh_host_find_module(umh_host *host, const char *name);
/*
 * Stop, unload, fetch anew, load, start; from FAILED and ABSENT fetch at once. The waiter (owned by
 * the caller until called) may be NULL.
 */
void umh_module_reload(umh_host_module *module, umh_waiter *waiter);
void umh_module_remove(umh_host_module *module, umh_waiter *waiter);

/* Kill for cause: the reason is kept and logged. Deadlines, violations, stalls. */
void umh_host_kill(umh_host *host, const char *format, ...) UMH_PRINTF(2, 3);

const char *umh_host_state_name(umh_host_state state);     /* "running" */
const char *umh_module_state_name(umh_module_state state); /* "running" */
/* Modules that are loaded or failed; none pending: the host is settled. */
bool umh_host_is_settled(const umh_host *host);
