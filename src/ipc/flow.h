/* SPDX-License-Identifier: MIT */
/*
 * The ledgers of flow control: one comparison and one addition each, no clock, no I/O. Pure values;
 * the owner's thread. docs/wire-protocol.md, "Flow", says how they play together; tests/models
 * proves it. Amounts are costs (umh_frame_cost).
 */
#pragma once

#include "base/err.h"
#include "ipc/limits.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The broker's one memory budget. Charged beyond its capacity only by what comes on first credit (a
 * constant per connection).
 */
typedef struct umh_budget {
    uint64_t capacity;
    uint64_t charged;
    uint64_t highest; /* for status */
} umh_budget;

void umh_budget_init(umh_budget *budget, uint64_t capacity);
uint64_t umh_budget_free(const umh_budget *budget); /* 0 when overdrawn */
void umh_budget_charge(umh_budget *budget, uint64_t bytes);
void umh_budget_release(umh_budget *budget, uint64_t bytes); /* asserts it was charged */

/* Downstream, in the broker, per module slot. */
typedef struct umh_window {
    uint64_t size;
    uint64_t outstanding;
} umh_window;

enum { UMH_FLOW_VIOLATION = 1 };

void umh_window_init(umh_window *window, uint64_t size);
bool umh_window_is_open(const umh_window *window); /* outstanding < size: one more message passes */
void umh_window_take(umh_window *window, uint64_t cost);
/* Outcomes: UMH_FLOW_VIOLATION (more than outstanding) */
UMH_MUST_USE int umh_window_give(umh_window *window, uint64_t credit);

/* Downstream, in the host, per module slot: what callbacks have returned and not been credited. */
typedef struct umh_consumed {
    uint64_t bytes;
} umh_consumed;

/*
 * Count one returned callback; the credit to send now, 0: not yet (less than half of `window_bytes`
 * has gathered).
 */
uint64_t umh_consumed_add(umh_consumed *consumed, uint64_t cost, uint64_t window_bytes);

/*
 * Upstream, in the host, per service it publishes to. Used under the outbox's lock.
 *
 * First credit: the first UMH_FIRST_CREDIT_SERVICES services whose message is *appended* on a
 * connection. Both sides decide at the same point of the same order, by umh_sender_take here and
 * umh_grant_use there, so nothing needs to be said.
 */
typedef struct umh_sender {
    uint64_t given; /* sum of credits less what went back; first credit is not in it */
    uint64_t sent;  /* sum of costs appended */
    bool is_first;
} umh_sender;

void umh_sender_init(umh_sender *sender);
/*
 * Fits into what was given (and first credit, which it may become entitled to now: *first_count is
 * raised): sent += cost.
 */
bool umh_sender_take(umh_sender *sender, uint64_t cost, unsigned *first_count);
void umh_sender_credit(umh_sender *sender, uint64_t bytes);
/*
 * What a host announces for the head of its waiting list. `need` is the offset that `given` must
 * reach, not a size: wants overtake messages, so only an offset means the same on both sides at
 * any time. `need` less `cost` is what was sent, which tells a promise whose message is on its way
 * from one whose message was withdrawn.
 */
typedef struct umh_want {
    uint64_t need;
    uint64_t cost; /* 0: nothing waits any more */
} umh_want;

/* For a waiting head of `cost`; 0 withdraws. */
umh_want umh_sender_want(const umh_sender *sender, uint64_t cost);
/* lowers `given` to what is used; the amount to answer */
uint64_t umh_sender_give_back(umh_sender *sender);

/* Upstream, in the broker, per connection and service. Offsets count like `given`. */
typedef struct umh_grant {
    uint64_t given;     /* sum of credits less what came back; first credit is not in it */
    uint64_t used;      /* sum of costs received */
    uint64_t want;      /* offset that `given` must reach; the want stands while given < want */
    uint64_t want_cost; /* of the message that waits */
    /* offset up to which credit was given for wants; a want that replaces another lowers it */
    uint64_t promised_upto;
    /*
     * what unused credit is topped up to; grows with use to UMH_CREDIT_BYTES_MAX, 0 after a
     * give-back
     */
    uint64_t level;
    uint16_t want_slot; /* module whose message waits */
    bool is_first;
    bool is_asked; /* a give-back is on its way: nothing is given until it is answered */
    /* has sent or been given something since it was last asked: may be asked again */
    bool is_fresh;
} umh_grant;

void umh_grant_init(umh_grant *grant);

/* Credit that is out and not used, first credit aside: what the budget is charged for. */
uint64_t umh_grant_unused(const umh_grant *grant);
/* The part of it that was given for wants: what a mark counts. */
uint64_t umh_grant_promised(const umh_grant *grant);

/*
 * A message of `cost` arrived. `first_count` is the connection's. *ret_credited: how much of the
 * cost was charged as unused credit before and is the message's own charge from now on; the rest
 * came on first credit. Outcomes: UMH_FLOW_VIOLATION.
 */
UMH_MUST_USE int umh_grant_use(umh_grant *grant, uint64_t cost, unsigned *first_count,
                               uint64_t *ret_credited);

/*
 * A want arrived; it replaces the one before. Outcomes: UMH_FLOW_VIOLATION (a message larger than
 * `cost_max`, or further from `given` than its own cost).
 */
UMH_MUST_USE int umh_grant_set_want(umh_grant *grant, const umh_want *want, uint16_t slot,
                                    uint64_t cost_max);
/* What must be given so that the want is met; 0: no want stands. */
uint64_t umh_grant_missing(const umh_grant *grant);

/* what of it lies below the want is promised */
void umh_grant_give(umh_grant *grant, uint64_t bytes);

/*
 * The answer to give back: given and promise shrink, the level starts again. Outcomes:
 * UMH_FLOW_VIOLATION (not asked, or more than unused).
 */
UMH_MUST_USE int umh_grant_return(umh_grant *grant, uint64_t bytes);
