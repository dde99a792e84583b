/* SPDX-License-Identifier: MIT */
/*
 * Deadlines on one timer. A deadline marks *overdue*; it is judged at the end of a turn in which
 * the pipes were read after it passed, so that a suspended machine or a stopped broker kills no
 * healthy host.
 */
#pragma once

#include "base/list.h"
#include "broker/broker.h"

typedef struct umh_deadline {
    umh_list entry;
    uint64_t at_ns; /* UMH_FOREVER: not set */
    /* once it has passed: the turn at whose end what lay in the pipes has been read */
    uint64_t judged_turn;
    void (*on_passed)(void *context);
    void *context;
} umh_deadline;

UMH_MUST_USE int umh_deadlines_new(umh_broker *broker, umh_deadlines **ret_deadlines);
void umh_deadlines_close(umh_deadlines *deadlines); /* frees itself; NULL is allowed */

void umh_deadline_init(umh_deadline *deadline, void (*on_passed)(void *context), void *context);
/* replaces */
void umh_deadline_set(umh_deadlines *deadlines, umh_deadline *deadline, uint64_t from_now_ms);
void umh_deadline_clear(umh_deadline *deadline);
bool umh_deadline_is_set(const umh_deadline *deadline);
void umh_deadlines_settle(umh_deadlines *deadlines); /* the end of a turn */
