/* SPDX-License-Identifier: MIT */
/*
 * What logind says of sessions: files in /run/systemd/sessions, read through libsystemd. Any
 * thread.
 */
#pragma once

#include "platform/session.h"

#define UMH_LOGIND_FOLDER "/run/systemd/sessions"

/* One that is open and of class `user`. */
typedef struct umh_session_facts {
    char id[UMH_SESSION_ID_BYTES];
    uint32_t uid;
    int64_t leader;  /* the pid of who opened it; 0: not told */
    bool is_opening; /* its surroundings may still change */
    bool is_remote;
    char seat[UMH_SESSION_WORD_BYTES];
    char type[UMH_SESSION_WORD_BYTES];
    char display[UMH_SESSION_WORD_BYTES]; /* of X11; may be empty */
} umh_session_facts;

/* `facts` is the caller's, to be freed; sorted by nothing. */
UMH_MUST_USE int umh_session_facts_list(umh_session_facts **ret_facts, size_t *ret_count);
/* The same session, however its state has changed. */
bool umh_session_facts_are_same(const umh_session_facts *one, const umh_session_facts *other);
/* Nothing that its hosts would see has changed. */
bool umh_session_facts_are_equal(const umh_session_facts *one, const umh_session_facts *other);

/* session_ask.c: a session with its user and environment. Blocks. Outcomes: UMH_SESSION_NO_USER. */
enum { UMH_SESSION_NO_USER = 1 };
UMH_MUST_USE int umh_session_ask(const umh_session_facts *facts, bool (*is_cancelled)(void *),
                                 void *context, umh_session_info *ret_session);

/*
 * user_manager.c: the environment that the user's service manager gives to what it starts,
 * filtered. Waits until the deadline, or until it is cancelled. Outcomes: UMH_MANAGER_SILENT
 * (there is none, or it does not answer properly).
 */
enum { UMH_MANAGER_SILENT = 1 };
UMH_MUST_USE int umh_user_manager_environment(uint32_t uid, bool (*is_cancelled)(void *),
                                              void *context, umh_environment *ret_environment);
