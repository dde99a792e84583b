/* SPDX-License-Identifier: MIT */
/*
 * What a start of a host is made of. host_process.c orders the steps; each is a file that edits the
 * spec and knows one thing: which program, as whom and in which surroundings, with which quotas,
 * contained how. A step borrows from the host, from the spawn and from the broker only.
 */
#pragma once

#include "broker/host.h"

typedef struct umh_spawn {
    umh_process_spec spec;
    umh_environment environment; /* owned; spec.environment points here */
    char program[UMH_PATH_BYTES];
    char init[UMH_PATH_BYTES];
    const char *arguments[4];
} umh_spawn;

#define UMH_SPAWN_INIT                                                                             \
    {                                                                                              \
        .spec = UMH_PROCESS_SPEC_INIT, .environment = UMH_ENVIRONMENT_INIT                         \
    }

/*
 * It must not be started: why is for people, and becomes the host's death of the kind. It is tried
 * again like any start that failed, but for UMH_SPAWN_REFUSED_FOR_GOOD: until it is applied anew or
 * reset.
 */
enum { UMH_SPAWN_REFUSED = 1, UMH_SPAWN_REFUSED_FOR_GOOD = 2 };

/*
 * host_program.c: the host program of the right bitness. Outcomes: REFUSED_FOR_GOOD (not
 * installed).
 */
UMH_MUST_USE int umh_spawn_choose_program(umh_host *host, umh_spawn *spawn, umh_why *ret_why);
/*
 * host_identity.c: the session's user and environment, or the broker's own, with the entry's
 * `Environment` on top. Outcomes: REFUSED (the session has gone meanwhile).
 */
UMH_MUST_USE int umh_spawn_choose_identity(umh_host *host, umh_spawn *spawn, umh_why *ret_why);
/*
 * host_limits.c: a control group with its quotas, the files it may open, the heap of managed
 * modules. Outcomes: REFUSED_FOR_GOOD (a required limit cannot be applied).
 */
UMH_MUST_USE int umh_spawn_set_limits(umh_host *host, umh_spawn *spawn, umh_why *ret_why);
/* Which limit ended it, and by how much; false: none did. Before the group is freed. */
bool umh_spawn_explain_limit(const umh_host *host, umh_why *ret_why);

void umh_spawn_deinit(umh_spawn *spawn); /* closes what was not taken */
UMH_DEFINE_AUTO(umh_spawn);
