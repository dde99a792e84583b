/* SPDX-License-Identifier: MIT */
/*
 * A user's session as the system knows it, and what a process in it needs: whom it runs as and its
 * environment. Values; any thread.
 */
#pragma once

#include "platform/environment.h"
#include "platform/user.h"

#define UMH_SESSION_ID_BYTES 64
#define UMH_SESSION_WORD_BYTES 32
#define UMH_SESSIONS_MAX 1024u /* further ones are not seen, which is logged */
/* of what a user's service manager says, once filtered; more is not believed at all */
#define UMH_SESSION_ENVIRONMENT_BYTES (64u * 1024)

typedef struct umh_session_info {
    char id[UMH_SESSION_ID_BYTES];     /* the system's: "c1", "3" */
    umh_user user;                     /* owned */
    char seat[UMH_SESSION_WORD_BYTES]; /* "seat0"; empty: none, such as one over the network */
    char type[UMH_SESSION_WORD_BYTES]; /* "x11", "wayland", "tty" */
    bool is_graphical, is_remote;
    /*
     * for its hosts, owned: what the user's service manager has, filtered by the same allow-list as
     * every environment, and HOME, USER, LOGNAME, SHELL, PATH, XDG_RUNTIME_DIR, XDG_SESSION_ID,
     * XDG_SESSION_TYPE, XDG_SEAT, DISPLAY, WAYLAND_DISPLAY, DBUS_SESSION_BUS_ADDRESS where they
     * apply
     */
    umh_environment environment;
} umh_session_info;

#define UMH_SESSION_INFO_INIT                                                                      \
    {                                                                                              \
        .id = "", .user = UMH_USER_INIT, .environment = UMH_ENVIRONMENT_INIT                       \
    }

UMH_MUST_USE int umh_session_info_copy(const umh_session_info *from, umh_session_info *ret_copy);
void umh_session_info_deinit(umh_session_info *session);
UMH_DEFINE_AUTO(umh_session_info);
