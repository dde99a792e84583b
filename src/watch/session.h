/* SPDX-License-Identifier: MIT */
/*
 * Users' sessions as events of a loop (Linux: logind). Loop thread only. What blocks - account
 * databases, the user's service manager - is asked on libuv's pool, with a limit in time, for
 * UMH_SESSION_ASKS_MAX sessions at once and one of each user; a session is announced when
 * everything about it is known, and again when that has changed.
 *
 * A session is one of class `user` that is open: active, online and locked are the same here,
 * closing is gone; one that is opening is waited for, UMH_SESSION_ASK_MS at most. Several events of
 * one change become one call.
 */
#pragma once

#include "base/why.h"
#include "platform/session.h"

#include <uv.h>

typedef struct umh_watch_sessions umh_watch_sessions;

typedef struct umh_watch_sessions_events {
    void *context;
    /* All that are open now, borrowed for the call; after every change of them. */
    void (*on_change)(void *context, const umh_session_info *sessions, size_t count);
    /*
     * Whether the system tells of sessions: once at the start, and at every change. While it does
     * not, none are known and it is asked again every UMH_SESSIONS_RETRY_MS; those announced before
     * stand. `why` is for people, NULL when it does.
     */
    void (*on_known)(void *context, bool is_known, const char *why);
    /* A session that cannot be announced, once for each: for people. */
    void (*on_trouble)(void *context, const umh_why *why);
} umh_watch_sessions_events;

#define UMH_SESSIONS_RETRY_MS 2000u
/* for the user's service manager; then it is announced with what is known without */
#define UMH_SESSION_ASK_MS 5000u
#define UMH_SESSION_ASKS_MAX 2u

/* Never calls back from inside this call. */
UMH_MUST_USE int umh_watch_sessions_open(uv_loop_t *loop, const umh_watch_sessions_events *events,
                                         umh_watch_sessions **ret_sessions);
/* No callback after this. Frees itself. NULL is allowed. */
void umh_watch_sessions_close(umh_watch_sessions *sessions);
