/* SPDX-License-Identifier: MIT */
/*
 * Where messages for one subscriber wait: a module's slot of a host, or a control client that
 * listens. Belongs to the host, not to its process: while a module reloads or its host restarts,
 * messages are held here.
 *
 *   gate           messages                                      counts as a Block queue (Overflow:
 *                  Block)
 *   SLOT_OPEN      pass while the window is open, else wait      yes
 *   SLOT_HELD      wait (start-up, orderly reload, stop)         yes: publishers wait, nothing is
 *                  lost
 *   SLOT_CRASHED   wait up to Hold bytes and seconds, the excess dropped and counted   no:
 *                  publishers never wait
 *   SLOT_SHUT      are dropped (failed for good, unloaded)       no
 *                  and counted when they waited, not when they come
 *
 * The mark of a queue is QueueMiB, or half of what is free of the budget where that is less. With
 * DropOldest and DropNewest no queue grows beyond it; with Block credit keeps it there, or near.
 * SLOT_CRASHED knows Hold only, whatever Overflow says. What only a subscription to All brings
 * waits in a queue of its own, and goes when the other is empty.
 */
#pragma once

#include "broker/broker.h"
#include "broker/outbox.h"
#include "broker/subscriptions.h"
#include "base/list.h"

typedef enum umh_slot_gate { SLOT_SHUT, SLOT_HELD, SLOT_OPEN, SLOT_CRASHED } umh_slot_gate;

typedef struct umh_slot_counters {
    uint64_t delivered_count, delivered_bytes; /* handed to the outbox */
    uint64_t dropped_count, dropped_bytes;     /* by policy, hold or death, all together */
    uint64_t lost_count;                       /* part of it: were with a process that died */
    uint64_t published_count, published_bytes;
} umh_slot_counters;

struct umh_slot {
    umh_broker *broker;
    void *owner; /* the host, or the client */
    uint16_t number;
    uint32_t session;
    uint32_t host_number;
    umh_overflow overflow;
    umh_slot_gate gate;
    umh_window window;
    uint64_t connected_count; /* messages delivered on the current connection */
    umh_outbox *outbox;       /* of the current connection; NULL: none */
    umh_queue queue;          /* by subscription */
    umh_queue all_queue;      /* by a subscription to All only: always DropOldest */
    uint64_t hold_bytes;      /* what SLOT_CRASHED holds at most */
    uint64_t hold_until_ns;   /* then what is held is dropped; UMH_FOREVER: not crashed */
    /* last time credit came while something was outstanding, for StallSeconds */
    uint64_t progress_ns;
    umh_slot_counters counters;
    umh_list waiting; /* in the router's list of slots to pump, while a queue is not empty */
    uint16_t subscription_count;
    bool is_windowless; /* a control client: the outbox alone decides */
};

void umh_slot_init(umh_slot *slot, umh_broker *broker, uint16_t number, umh_overflow overflow);
void umh_slot_deinit(umh_slot *slot); /* ends its subscriptions, drops and counts what waits */

/* A new connection (queue kept, window fresh), or none. */
void umh_slot_connect(umh_slot *slot, umh_outbox *outbox);
/*
 * The process died, or is cut off. What it was delivered on this connection and had not worked off
 * is lost and counted; the gate becomes SLOT_CRASHED, or SLOT_HELD when `is_orderly`. SLOT_SHUT
 * stays. Once more counts nothing again.
 */
typedef struct umh_slot_death {
    bool is_orderly;
    uint64_t hold_bytes, hold_ms;
    uint64_t consumed_count; /* evidence of the black box, for all of this connection */
} umh_slot_death;
uint64_t umh_slot_disconnect(umh_slot *slot, const umh_slot_death *death);
void umh_slot_set_gate(umh_slot *slot, umh_slot_gate gate); /* SLOT_OPEN pumps */
/* `stopped` was read: nothing is outstanding any more (the host has reset its side as well). */
void umh_slot_reset_window(umh_slot *slot);

/*
 * One message for this subscriber. `*stored` is made (one copy, for all queues) when it must wait;
 * it may be given. `via_all`: it matches only the subscription to All. `frame->slot` becomes this
 * one's number: on the path of every message, so no copy.
 */
void umh_slot_deliver(umh_slot *slot, umh_frame *frame, umh_bytes payload, bool via_all,
                      umh_message **stored);
void umh_slot_pump(umh_slot *slot);
/* Outcomes: UMH_FLOW_VIOLATION */
UMH_MUST_USE int umh_slot_on_credit(umh_slot *slot, uint64_t bytes);

/* Over its high mark with `promised` more on the way (only gates that count as Block). */
bool umh_slot_is_over_mark(const umh_slot *slot, uint64_t promised);
/* The end of a turn: drop what is held too long. */
void umh_slot_expire(umh_slot *slot, uint64_t now_ns);
/*
 * No credit came for that long while messages waited: behind its window, or in its host, which the
 * caller knows. The first look at it starts the clock.
 */
bool umh_slot_is_stalled(umh_slot *slot, bool waits_in_host, uint64_t now_ns, uint64_t stall_ms);
