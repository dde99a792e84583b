/* SPDX-License-Identifier: MIT */
/*
 * The sessions in which hosts for users run: number, user, environment. A broker that is a service
 * learns them from the system (watch/session.h); one in the foreground has one, its own, for which
 * it is not asked. Numbers begin with 1 and are never used again while the broker lives; 0 is the
 * broker's own.
 *
 *   logon      known with its user and environment -> on the list -> reconcile starts hosts
 *   logoff     off the list -> reconcile stops them; the number is not given again
 *   system does not tell   those known stay; status says "no sessions known" and why
 */
#pragma once

#include "broker/broker.h"
#include "config/plan.h"
#include "formats/jsonc.h"
#include "platform/session.h"

UMH_MUST_USE int umh_sessions_new(umh_broker *broker, umh_sessions **ret_sessions);
/* Begin to watch; what is found first comes later on the loop. */
UMH_MUST_USE int umh_sessions_start(umh_sessions *sessions);
void umh_sessions_close(umh_sessions *sessions); /* frees itself; NULL is allowed */

/* For the plan: borrowed until the next turn. */
const umh_plan_session *umh_sessions_get(const umh_sessions *sessions, size_t *ret_count);
/* NULL: it is the broker's own, or has gone. Borrowed until the next turn. */
const umh_session_info *umh_sessions_find(const umh_sessions *sessions, uint32_t number);
/* [{number, id, user, uid, seat, type, graphical, remote}]; NULL: out of memory, recorded. */
umh_json *umh_sessions_describe(const umh_sessions *sessions);
/* Why the system does not tell of sessions; NULL: it does, or is not asked. */
const char *umh_sessions_why_unknown(const umh_sessions *sessions);
