/* SPDX-License-Identifier: MIT */
/*
 * Hangs: one wheel of pings for all hosts, each pinged every PingMs from its hello until it is
 * asked to end; unanswered after the next PingMs, with its pipe read, it is killed. Also looks for
 * modules that stall (StallSeconds) and for callbacks that have lasted (CallbackMs), from the black
 * box.
 *
 *   CallbackMs     one callback with a message lasts longer, whatever else waits
 *   StallSeconds   messages wait, in the broker or in the host, and no callback has returned for
 *                  that long. The message that is being handled does not wait
 *
 * Both are measured by the broker's clock, from the first look at which it was so, and anew after
 * the loop has slept (broker/deadlines.h).
 *
 * A host that a debugger is attached to stands still for as long as a person looks: none of its
 * deadlines is judged meanwhile, however long, and all begin anew when the debugger has gone:
 * HelloMs, the EOF deadline, the ping, and those of its modules. Whoever writes a dump counts as a
 * debugger, also for an explanation. Whether there is one is looked up only where something is
 * late, and at each look from then on. A host in ASKED or CLOSED, and every module in it, must end
 * in its time, whoever looks.
 */
#pragma once

#include "broker/host.h"

/* "module X has been in OnMessage for 5 s" is logged once per callback */
#define UMH_CALLBACK_NOTICE_MS 5000u
/* The loop turns at least that often: how a sleep of it is told from having nothing to do. */
#define UMH_LOOK_MS_MAX 1000u

UMH_MUST_USE int umh_liveness_new(umh_broker *broker, umh_liveness **ret_liveness);
void umh_liveness_close(umh_liveness *liveness); /* frees itself; NULL is allowed */
void umh_liveness_on_pong(umh_host *host);

/*
 * For whoever finds a deadline of a host or of a module of it passed. True: a debugger is attached;
 * the deadline is set anew.
 */
bool umh_liveness_puts_off(umh_host *host, umh_deadline *deadline);

/* Messages to other users' sessions that the host's process says it refused. */
uint64_t umh_liveness_refused(const umh_host *host);
/* Callbacks of it that returned in this process, as the black box has it; 0: it says nothing. */
uint64_t umh_liveness_consumed(const umh_host_module *module);
/* Those that failed since it was loaded, in the same words. */
uint64_t umh_liveness_failures(const umh_host_module *module);

/*
 * What a module does and for how long, OnMessage as well as Init, Start, Stop. False: nothing, or
 * too short to tell.
 */
bool umh_liveness_activity(const umh_host_module *module, umh_activity *ret_activity,
                           uint64_t *ret_for_ms);

/* NULL: the black box does not say whose code ended the process. */
const umh_host_module *umh_liveness_culprit(const umh_host *host);

/*
 * What the black box says of a host: the module that is in a callback longest. False: none. Values
 * are checked, texts bounded.
 */
bool umh_liveness_evidence(const umh_host *host, const umh_host_module **ret_module,
                           umh_activity *ret_activity, uint64_t *ret_for_ms);
