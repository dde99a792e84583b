/* SPDX-License-Identifier: MIT */
/*
 * Who: takes a message from a peer, stamps its source, and hands it to every subscribed slot the
 * sender's session may reach: of the session it is addressed to, or of every one; and of these, of
 * the sender's own session, or of any where one of the two is the broker's.
 */
#pragma once

#include "broker/credit.h"
#include "broker/slot.h"

UMH_MUST_USE int umh_router_new(umh_broker *broker, umh_router **ret_router);
umh_router *umh_router_free(umh_router *router);
umh_subscriptions *umh_router_subscriptions(umh_router *router);

/* Who sends: stamped on every message, whatever the frame says. */
typedef struct umh_source {
    const char *id; /* of the host, for the log */
    umh_credit_account *account;
    uint64_t *refused_count; /* messages to sessions it may not reach; NULL: it may reach all */
    uint32_t host_number;
    uint32_t session;
    /* of the host; it may claim those that are not shut. NULL: a control client */
    umh_slot *const *slots;
    uint16_t slot_count;
} umh_source;

/* What came: a whole message. */
typedef struct umh_arrival {
    const umh_frame *frame;
    umh_bytes payload;
    umh_message *stored; /* where the payload lies already, or NULL */
} umh_arrival;

enum { UMH_ROUTER_VIOLATION = 1 };

/*
 * The header: an ordinary service, a slot that is not shut, within credit, which is taken.
 * Outcomes: UMH_ROUTER_VIOLATION (why).
 */
UMH_MUST_USE int umh_router_admit(umh_router *router, const umh_source *source,
                                  const umh_frame *frame, umh_why *ret_why);
/*
 * Admitted before: validates the text, stamps, delivers. *ret_count: subscribers it was handed to,
 * also those that dropped it. One to a session that the sender's may not reach is handed to nobody
 * and counted.
 * Outcomes: UMH_ROUTER_VIOLATION (not text).
 */
UMH_MUST_USE int umh_router_route(umh_router *router, const umh_source *source,
                                  const umh_arrival *arrival, uint32_t *ret_count,
                                  umh_why *ret_why);
/* From the broker itself: its state on the Broker service. */
void umh_router_publish(umh_router *router, const umh_guid *service, umh_bytes text);

/* Slots with something waiting. */
void umh_router_add_waiting(umh_router *router, umh_slot *slot);
/* The end of a turn: pump slots with room, expire holds. */
void umh_router_settle(umh_router *router);

/*
 * For umh_credit_new: a Block slot of the service is over its high mark. `context` is the router.
 */
bool umh_router_is_over_mark(void *context, const umh_guid *service, uint64_t promised);
