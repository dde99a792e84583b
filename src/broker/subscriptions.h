/* SPDX-License-Identifier: MIT */
/*
 * Which slots receive what: service GUID -> subscribed slots, and those of All. Only tables;
 * delivery is the router's.
 */
#pragma once

#include "formats/guid.h"
#include "base/err.h"

typedef struct umh_slot umh_slot;
typedef struct umh_subscriptions umh_subscriptions;

typedef struct umh_subscribers {
    umh_slot *const *slots; /* borrowed until the next change */
    uint32_t count;
} umh_subscribers;

UMH_MUST_USE int umh_subscriptions_new(umh_subscriptions **ret_subscriptions);
umh_subscriptions *umh_subscriptions_free(umh_subscriptions *subscriptions);

enum { UMH_SUBSCRIPTIONS_FULL = 1 }; /* UMH_SUBSCRIPTIONS_PER_MODULE_MAX of the slot */

/* Twice is once. Outcomes: UMH_SUBSCRIPTIONS_FULL. */
UMH_MUST_USE int umh_subscriptions_add(umh_subscriptions *subscriptions, const umh_guid *service,
                                       umh_slot *slot);
void umh_subscriptions_remove(umh_subscriptions *subscriptions, const umh_guid *service,
                              umh_slot *slot);
void umh_subscriptions_remove_slot(umh_subscriptions *subscriptions, umh_slot *slot);

/*
 * A reload: what the new module has not subscribed to again between begin and end is removed at
 * end.
 */
void umh_subscriptions_begin_renewal(umh_subscriptions *subscriptions, umh_slot *slot);
void umh_subscriptions_end_renewal(umh_subscriptions *subscriptions, umh_slot *slot);

umh_subscribers umh_subscriptions_match(umh_subscriptions *subscriptions, const umh_guid *service);
umh_subscribers umh_subscriptions_of_all(umh_subscriptions *subscriptions);
bool umh_subscriptions_has(umh_subscriptions *subscriptions, const umh_guid *service,
                           const umh_slot *slot);
/* The services of a slot, for status: calls back with each. */
void umh_subscriptions_each(umh_subscriptions *subscriptions, const umh_slot *slot,
                            void (*visit)(void *context, const umh_guid *service), void *context);
