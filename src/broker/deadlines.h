/* SPDX-License-Identifier: MIT */
/*
 * Deadlines on one timer. A deadline marks *overdue*; it is judged at the end of a turn in which
 * the pipes were read after it passed, so that a suspended machine or a stopped broker kills no
 * healthy host.
 *
 * Where the hosts may have stood still as well, that is not enough: they have had no time to
 * answer. The loop turns at least once a second (umh_liveness); a turn that comes
 * UMH_SLEEP_NOTICE_MS or more after the one before tells that the loop slept. Then whatever is set
 * gets its whole time anew, overdue or not, but for waits. The clock is the monotonic one: it
 * stands still while a Linux machine is suspended, runs on while a process is stopped, and does not
 * know when somebody sets the wall clock.
 */
#pragma once

#include "base/list.h"
#include "broker/broker.h"

#define UMH_SLEEP_NOTICE_MS 2000u

typedef struct umh_deadline {
    umh_list entry;
    uint64_t at_ns;    /* UMH_FOREVER: not set */
    uint64_t whole_ms; /* what it was set to; 0: a wait, which a sleep does not lengthen */
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
/* The same for a wait, after which nobody is judged. */
void umh_deadline_wait(umh_deadlines *deadlines, umh_deadline *deadline, uint64_t from_now_ms);
void umh_deadline_clear(umh_deadline *deadline);
/* The whole time again, where it is set and no wait. */
void umh_deadline_begin_anew(umh_deadlines *deadlines, umh_deadline *deadline);
bool umh_deadline_is_set(const umh_deadline *deadline);
void umh_deadlines_settle(umh_deadlines *deadlines); /* the end of a turn */
/*
 * Compare the time of this turn with that of the one before: how often the loop has slept so far.
 * For whoever measures time by itself.
 */
uint64_t umh_deadlines_count_sleeps(umh_deadlines *deadlines);
