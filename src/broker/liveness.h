/* SPDX-License-Identifier: MIT */
/*
 * Hangs: one wheel of pings for all hosts, each pinged every PingMs from its hello until it is
 * asked to end; unanswered after the next PingMs, with its pipe read, it is killed. Also looks for
 * slots that stall (StallSeconds) and for callbacks that have lasted, from the black box.
 */
#pragma once

#include "broker/host.h"

/* "module X has been in OnMessage for 5 s" is logged once per callback */
#define UMH_CALLBACK_NOTICE_MS 5000u
/*
 * The loop itself may have slept: a broker that was stopped, a machine that was suspended. A turn that
 * comes so much later than it was due is such a sleep; what was running when it began gets its time
 * anew.
 */
#define UMH_SLEEP_NOTICE_MS 2000u

UMH_MUST_USE int umh_liveness_new(umh_broker *broker, umh_liveness **ret_liveness);
void umh_liveness_close(umh_liveness *liveness); /* frees itself; NULL is allowed */
void umh_liveness_on_pong(umh_host *host);

/* Callbacks of it that returned in this process, as the black box has it; 0: it says nothing. */
uint64_t umh_liveness_consumed(const umh_host_module *module);

/* The callback a module is in: what it does and for how long. False: none, or too short to tell. */
bool umh_liveness_activity(const umh_host_module *module, umh_activity *ret_activity,
                           uint64_t *ret_for_ms);

/*
 * What the black box says of a host: the module that is in a callback longest. False: none. Values
 * are checked, texts bounded.
 */
bool umh_liveness_evidence(const umh_host *host, const umh_host_module **ret_module,
                           umh_activity *ret_activity, uint64_t *ret_for_ms);
