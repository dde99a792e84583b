/* SPDX-License-Identifier: MIT */
/*
 * A host: as long as it is wanted, it owns its modules' slots, queues and history; a process is one
 * incarnation of it. One state machine for it and one for each of its modules: the tables are in
 * states.c, their meaning in phases.h. The same names in src/host are other types, of the process.
 *
 * Kept over processes: slots with queue and subscriptions, back-off, restart count, last deaths.
 * Ends with the process: peer, account, log source, page, window, grants.
 */
#pragma once

#include "broker/backoff.h"
#include "broker/leftovers.h"
#include "broker/deadlines.h"
#include "broker/death.h"
#include "broker/logs.h"
#include "broker/peer.h"
#include "broker/phases.h"
#include "broker/router.h"
#include "broker/store.h"
#include "config/diff.h"
#include "formats/jsonc.h"
#include "ipc/blackbox.h"
#include "platform/debugger.h"
#include "platform/page.h"
#include "watch/process.h"

typedef struct umh_host umh_host;
typedef struct umh_module_watch umh_module_watch; /* broker/module_watch.h */
typedef struct umh_host_runtime umh_host_runtime; /* broker/host_runtime.h */

/* How a load, unload or reload ended. */
typedef struct umh_module_end {
    bool is_ok;
    const char *outcome;  /* "running", "unloaded", "replaced", "refused": broker/commands.h */
    const umh_why *why;   /* why not, when not ok; else what held it; or NULL */
    int64_t unloading_ms; /* what the proof that it was gone took; negative: there was none */
    bool is_left_over;    /* it, or what was before it, is still in memory */
    const umh_json *explanation; /* texts about who holds it; NULL: none */
} umh_module_end;

/* What is to happen when it cannot be proved that a module has left. */
typedef enum umh_held_wish { HELD_AS_CONFIGURED, HELD_REPLACE, HELD_REFUSE } umh_held_wish;

/* Who asked for a load, unload or reload, and waits; called once, then forgotten. */
typedef struct umh_waiter {
    umh_list entry;
    void (*on_done)(void *context, const umh_module_end *end);
    void *context;
    umh_held_wish held_wish;
    bool wants_explanation; /* of what holds it */
} umh_waiter;

/* One module of a host. */
typedef struct umh_host_module {
    umh_host *host;
    char name[UMH_NAME_BYTES_MAX + 1];
    umh_module_config config;        /* copies, owned */
    const umh_module_config *origin; /* see umh_running_module */
    umh_module_state state;
    umh_slot slot;
    /* what the host loads; kept over crashes and vain reloads, but for a native one left over */
    umh_store_entry *copy;
    umh_store_request *request; /* while FETCHING */
    umh_module_watch *watch;    /* of the original; NULL: its changes are nobody's business */
    umh_deadline deadline;
    int64_t command_id; /* of the command it waits for; 0: none */
    char version[64], loader[16];
    umh_why why;         /* of FAILED, or of the last replacement */
    bool is_wanted;      /* false: an unload is under way, the slot ends afterwards */
    bool is_reloading;   /* stop and unload are followed by a fetch */
    bool must_configure; /* what it was loaded with has changed since */
    bool is_resident;    /* the process has it: an unload comes before the next load */
    bool is_quarantined; /* stop and unload are followed by FAILED: `quarantine` says why */
    char *left_state;    /* by its predecessor, until it has started; owned; NULL: nothing */
    umh_why quarantine;
    bool is_replaced;     /* its process ended meanwhile: "replaced" is what its waiters are told */
    umh_why held_by;      /* at its last unloading; empty: nothing, or there was none */
    int64_t unloading_ms; /* in the change under way; negative: not yet */
    umh_deadline asked_reload; /* set until it is due; ends with the process */
    uint64_t last_asked_ns;    /* when it last got one; 0: never */
    umh_held_wish held_wish;   /* in the change under way, as the next three */
    bool wants_explanation;
    umh_why left_behind;   /* what holds what is left of it; empty: nothing was left */
    umh_json *explanation; /* owned; NULL: none */
    bool waits_for_stop_reserve;
    umh_list reserve_entry; /* in the supervisor's list while it waits for that */
    uint64_t loaded_count;
    /* of the callback that was noticed last, and the count of the black box seen last */
    uint64_t noticed_since_ns, consumed_count;
    /* of the callback it was in at the last look: as the black box has it, and as it was seen */
    uint64_t callback_since_ns, callback_seen_ns;
    uint64_t consumed_base;       /* what the slot's predecessor in this process had consumed */
    uint64_t stop_consumed_count; /* the same when its stop was last judged */
    umh_list waiters;             /* umh_waiter */
} umh_host_module;

struct umh_host {
    umh_list entry; /* in the supervisor's list */
    umh_broker *broker;
    char id[UMH_NAME_BYTES_MAX + 16];
    umh_guid service;
    uint32_t number; /* from 1, never reused */
    uint32_t session;
    umh_host_config config;        /* deep copy, owned */
    const umh_host_config *origin; /* see umh_running_host */
    umh_host_state state;
    umh_host_module *modules[UMH_MODULES_PER_HOST_MAX]; /* by slot number; NULL: free */
    umh_slot *slots[UMH_MODULES_PER_HOST_MAX];          /* the same slots, for the router */
    uint16_t module_count;                              /* highest used slot + 1 */
    /* of the process */
    umh_watch_process *process;
    int64_t pid;        /* of the program, as the broker sees it; 0: none, or not known yet */
    umh_cgroup *cgroup; /* NULL: none */
    umh_page page;
    umh_peer *peer;
    umh_credit_account *account;
    umh_log_source *log;
    umh_host_runtime *runtime; /* what .NET it was born with; NULL: nobody has asked for any */
    int64_t hello_id;          /* of init; 0: answered */
    int64_t next_command_id;
    uint64_t next_ping_ns;
    umh_leftovers leftovers;
    umh_deadline pong; /* set while a ping is not answered */
    umh_process_end end;
    bool was_asked;         /* to end: its end is no failure */
    bool was_closed;        /* the user ended it: it was asked, and how it ends is its own */
    bool is_lost;           /* killed by us for cause: `death` has it already */
    bool is_orderly;        /* it is replaced for a reload: hold with back-pressure */
    bool is_outdated;       /* `config` is another than it was born with */
    bool has_said_refusals; /* that the system refused it processes */
    bool is_debugged;       /* when it was last looked at: it is not judged */
    char diagnostics[UMH_DIAGNOSTICS_BYTES]; /* where its CLR would listen; "": nowhere */
    /* over processes */
    umh_deadline deadline; /* of the state; in ABSENT: of the back-off */
    umh_backoff backoff;
    bool is_wanted;
    bool is_due;          /* may be started by reconcile */
    bool is_refused;      /* its last start, for good: until it is changed or reset */
    bool is_misfit;       /* that was because of what its modules ask of .NET */
    bool has_said_limits; /* that it runs without one of them */
    /* messages to other users' sessions: refused here, and by processes that are over */
    uint64_t refused_count;
    uint64_t restarts; /* processes after the first */
    uint64_t spawned_ns, ready_ns, died_ns;
    umh_death death;   /* the last one; of one being killed from then on */
    umh_deaths deaths; /* those that are over */
    char *dotnet_root; /* owned; NULL: none found so far */
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
 * A slot is found or made. `config` is copied. A new one is fetched at once; one that is being
 * unloaded comes back. Outcomes: UMH_HOST_FULL (it has UMH_MODULES_PER_HOST_MAX).
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
/*
 * Keep a copy of what it is to be loaded with next time; `Overflow` holds at once. `wanted` is of
 * the broker's configuration.
 */
UMH_MUST_USE int umh_module_take_config(umh_host_module *module, const umh_wanted_module *wanted);
/*
 * Its `Config` has changed: one that runs is told, now or when it can be; one that failed is tried
 * anew; one that does not take it over is reloaded.
 */
void umh_module_configure(umh_host_module *module);
void umh_module_remove(umh_host_module *module, umh_waiter *waiter);

/* Nothing of it is known to be equal to the broker's configuration. */
void umh_host_forget_origin(umh_host *host);

/* It ended, and will not be started again but by umh_supervisor_reset. */
bool umh_host_is_given_up(const umh_host *host);

/* Kill for cause: the reason is kept and logged. Deadlines, violations, stalls. */
void umh_host_kill(umh_host *host, umh_death_kind kind, const char *format, ...) UMH_PRINTF(3, 4);

const char *umh_host_state_name(umh_host_state state);     /* "running" */
const char *umh_module_state_name(umh_module_state state); /* "running" */
/* Modules that are loaded or failed; none pending: the host is settled. */
bool umh_host_is_settled(const umh_host *host);
