/* SPDX-License-Identifier: MIT */
/*
 * Upstream credit: who may send how much. Grants by connection and service, wants in the order they
 * came, services in turn, one budget. Policy only: bytes leave through the account's events.
 * docs/wire-protocol.md, "Flow"; tests/models.
 */
#pragma once

#include "broker/broker.h"
#include "base/list.h"

typedef struct umh_credit_account umh_credit_account; /* of one connection; dies with it */
typedef struct umh_credit_service umh_credit_service; /* one service's standing wants */

typedef struct umh_credit_account_events {
    void *context;
    void (*send_credit)(void *context, const umh_guid *service, uint64_t bytes);
    void (*send_give_back)(void *context, const umh_guid *service);
} umh_credit_account_events;

/*
 * How the router answers: is a Block slot of `service` over its high mark, when `promised` bytes
 * are on their way to it?
 */
typedef bool (*umh_credit_is_over_mark)(void *context, const umh_guid *service, uint64_t promised);

UMH_MUST_USE int umh_credit_new(umh_budget *budget, umh_credit_is_over_mark is_over_mark,
                                void *context, uint64_t cost_max, umh_credit **ret_credit);
umh_credit *umh_credit_free(umh_credit *credit); /* every account must have been closed */

UMH_MUST_USE int umh_credit_account_new(umh_credit *credit, const umh_credit_account_events *events,
                                        umh_credit_account **ret_account);
/* Everything given and not used is free again; wants end. */
umh_credit_account *umh_credit_account_free(umh_credit_account *account);

enum { UMH_CREDIT_VIOLATION = 1 };

/*
 * A message's header came. Its charge moves from the credit to the message: the caller stores or
 * copies it under its own charge.
 * Outcomes: UMH_CREDIT_VIOLATION (beyond its credit, or too many services; why).
 */
UMH_MUST_USE int umh_credit_use(umh_credit_account *account, const umh_guid *service, uint64_t cost,
                                umh_why *ret_why);
UMH_MUST_USE int umh_credit_on_want(umh_credit_account *account, const umh_guid *service,
                                    uint16_t slot, const umh_want *want, umh_why *ret_why);
UMH_MUST_USE int umh_credit_on_give_back(umh_credit_account *account, const umh_guid *service,
                                         uint64_t bytes, umh_why *ret_why);

/*
 * stop of a module: have memory for what its host accepted of it. False: not yet (counts as a want
 * that waits; asked again at every settle by the caller). Its wants are met from it, whatever marks
 * say.
 */
bool umh_credit_reserve_stop(umh_credit_account *account, uint16_t slot);
void umh_credit_end_stop(umh_credit_account *account, uint16_t slot);

/*
 * The end of a turn: meet what can be met, ask for credit back where that would help, let credit
 * grow where nobody waits. A level, not an event.
 */
void umh_credit_settle(umh_credit *credit);

/* For status. */
typedef struct umh_credit_numbers {
    uint64_t unused_bytes, promised_bytes;
    uint32_t wants_standing, services;
} umh_credit_numbers;
umh_credit_numbers umh_credit_count(const umh_credit *credit);
