/* SPDX-License-Identifier: MIT */
/*
 * An account of this machine: who a host in a user's session runs as. Any thread but a loop's:
 * account databases may be on the network.
 */
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct umh_user {
    uint32_t uid, gid;
    uint32_t *groups; /* all of the user's, owned */
    size_t group_count;
    char *name, *home, *shell; /* owned */
} umh_user;

#define UMH_USER_INIT                                                                              \
    {                                                                                              \
        .groups = NULL, .group_count = 0, .name = NULL, .home = NULL, .shell = NULL                \
    }

enum { UMH_USER_NONE = 1 };

/* Outcomes: UMH_USER_NONE (no such account). */
UMH_MUST_USE int umh_user_find(uint32_t uid, umh_user *ret_user);
UMH_MUST_USE int umh_user_copy(const umh_user *from, umh_user *ret_user);
void umh_user_deinit(umh_user *user);
UMH_DEFINE_AUTO(umh_user);
