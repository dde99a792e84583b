/* SPDX-License-Identifier: MIT */
/*
 * The loop and all that is on it. One thread; no locks; work that blocks goes to libuv's pool.
 * Every other header of this folder is "loop thread only" and says so by naming umh_broker.
 *
 *   object           made by            owned by        ends
 *   umh_config       main               broker          umh_broker_free
 *   supervisor       broker_new         broker          after the last host is gone
 *   host             reconcile          supervisor      no longer wanted and without a process
 *   process          host               host            umh_watch_process_close; the object
 *                                                       outlives the close until reaped
 *   peer             host, client       its owner       umh_peer_close; frees itself in the last
 *                                                       close callback
 *   slot             host, client       its owner       with its owner; its queue and
 *                                                       subscriptions outlive any process
 *   client           endpoint           endpoint        disconnect
 *   session          sessions           sessions        logoff; its number is never used again
 *   control group    spawn              host            buried: killed, then removed
 *   change of the    signal, command,   apply           performed or refused; one at a time, a
 *   configuration    watched file                       further one waits
 *   service          first use          subscriptions;  nobody subscribes to it; no connection
 *                                       credit          has published to it or wants to
 *   message          peer, slot         its references  last peer, queue or outbox that has it
 *   grant            first use          peer's account  with the connection
 *
 * One loop turn: poll -> peers read one buffer each, frames are routed into outboxes and queues; a
 * death is buried where it is seen, after the rest of its pipe -> check handle, in this order:
 * deadlines are judged, hosts are reconciled, slots with room are pumped, wants are met
 * (umh_credit_settle), dirty outboxes are written, one write each.
 *
 *   how it ends       first SIGTERM, SIGINT or `stop`: supervisor stops all hosts in order,
 *                     endpoint closes, the loop runs out. umh_broker_fail: the same, and
 *                     umh_broker_run returns the failure. A second signal: hosts are killed.
 *                     One that was killed and that the system keeps is waited for without end.
 */
#pragma once

#include "config/config.h"
#include "ipc/flow.h"
#include "ipc/queue.h"
#include "platform/cgroup.h"
#include "platform/clock.h"
#include "platform/process.h"

#include <uv.h>

typedef struct umh_broker umh_broker;
typedef struct umh_supervisor umh_supervisor;
typedef struct umh_router umh_router;
typedef struct umh_credit umh_credit;
typedef struct umh_store umh_store;
typedef struct umh_logs umh_logs;
typedef struct umh_endpoint umh_endpoint;
typedef struct umh_deadlines umh_deadlines;
typedef struct umh_liveness umh_liveness;
typedef struct umh_outbox_set umh_outbox_set;
typedef struct umh_sessions umh_sessions;
typedef struct umh_apply umh_apply;
typedef struct umh_service umh_service;

/* From the command line. Texts are borrowed from it. */
typedef struct umh_broker_options {
    const char *config_path;
    const char *instance;     /* "default" */
    const char *control_path; /* of the socket; NULL: in the runtime folder of the instance */
    uint64_t run_for_ms;      /* UMH_FOREVER: until asked to stop */
    bool force_colour, no_colour;
    bool is_service; /* hosts for all users: one in each user's session, as that user */
} umh_broker_options;

#define UMH_BROKER_OPTIONS_INIT                                                                    \
    {                                                                                              \
        .config_path = NULL, .instance = "default", .control_path = NULL,                          \
        .run_for_ms = UMH_FOREVER, .force_colour = false, .no_colour = false, .is_service = false  \
    }

/* Everything the parts share; a part includes the headers of those it calls. */
struct umh_broker {
    uv_loop_t loop;
    umh_broker_options options;
    int64_t usual_open_files; /* what hosts begin with; 0: what the broker has */
    umh_config config;
    char installation[4096];
    uint32_t max_message_bytes;
    uint8_t *read_buffer; /* of umh_peer: one for all, UMH_FRAME_HEADER_BYTES + UMH_READ_BYTES */
    uint64_t turn_number;
    umh_budget budget;
    umh_message_pool *pool;
    umh_logs *logs;
    umh_deadlines *deadlines;
    umh_store *store;
    umh_outbox_set *outboxes;
    umh_router *router;
    umh_credit *credit;
    umh_supervisor *supervisor;
    umh_liveness *liveness;
    umh_sessions *sessions;
    umh_apply *apply;
    umh_service *service;        /* NULL: no service manager started it */
    umh_cgroups *cgroups;        /* NULL: no control groups here */
    umh_why cgroups_why;         /* of NULL */
    umh_containment containment; /* of every host */
    umh_why containment_why;     /* why it is not stronger; empty: it is the strongest */
    umh_pipe lifeline;           /* of every host, see umh_process_spec */
    umh_pipe lifeline_end;
    umh_endpoint *endpoint; /* NULL: "Control": false */
    uv_signal_t on_terminate, on_interrupt, on_hangup;
    uv_timer_t run_for;
    uv_check_t turn; /* the end of a loop turn, see above */
    /*
     * keeps the loop from sleeping when the turn left work: started and stopped by umh_broker_wake
     */
    uv_idle_t turn_again;
    uint64_t started_ns;
    intptr_t instance_lock; /* one broker per instance */
    umh_failure failure;    /* the first fatal one; code 0: none */
    bool is_stopping;
};

/* `config` is moved in. */
UMH_MUST_USE int umh_broker_new(const umh_broker_options *options, umh_config *config,
                                umh_broker **ret_broker);
/* Until it was asked to stop and every host is gone. Returns the first fatal failure. */
UMH_MUST_USE int umh_broker_run(umh_broker *broker);
umh_broker *umh_broker_free(umh_broker *broker);

/* Keep the first fatal failure of this thread (taken) and stop in order. */
void umh_broker_fail(umh_broker *broker);
/* Stop in order; `is_hard`: kill at once. Idempotent. */
void umh_broker_stop(umh_broker *broker, bool is_hard);
/*
 * Have the end of this turn run even if no event comes (something was put on a list it works off).
 */
void umh_broker_wake(umh_broker *broker);

UMH_DEFINE_AUTO_PTR(umh_broker);
