/* SPDX-License-Identifier: MIT */
/*
 * plan: configuration, overrides, sessions -> the hosts that should exist. Pure. The result borrows
 * from its arguments.
 */
#pragma once

#include "config/config.h"
#include "platform/file.h"

/*
 * What an operator or a module changed at run time, by host; kept until the broker ends or that
 * host is applied anew.
 */
typedef struct umh_override {
    char host[UMH_NAME_BYTES_MAX + 16];
    char module[UMH_NAME_BYTES_MAX + 1]; /* empty: the host itself */
    bool is_wanted; /* loaded or running though the file says otherwise, or the reverse */
    /* of a module loaded at run time that the file does not know; may be empty */
    char path[UMH_PATH_BYTES];
} umh_override;

typedef struct umh_wanted_module {
    const char *name;
    const umh_module_config *config;  /* NULL: only an override knows it */
    const umh_override *override_row; /* NULL: only the file knows it */
} umh_wanted_module;

typedef struct umh_wanted_host {
    char id[UMH_NAME_BYTES_MAX + 16]; /* NAME, or NAME@SESSION outside the broker's own session */
    uint32_t session;
    const umh_host_config *config;
    const umh_wanted_module *modules; /* in the plan */
    size_t module_count;
} umh_wanted_host;

typedef struct umh_plan {
    umh_wanted_host *hosts; /* owned */
    size_t count;
    umh_wanted_module *modules; /* of all hosts; owned */
} umh_plan;

#define UMH_PLAN_INIT                                                                              \
    {                                                                                              \
        .hosts = NULL, .count = 0, .modules = NULL                                                 \
    }

/* A user's session, as far as the plan is concerned. */
typedef struct umh_plan_session {
    uint32_t number; /* UMH_SESSION_OWN: the one of a program in the foreground */
    bool is_graphical;
} umh_plan_session;

typedef struct umh_plan_input {
    const umh_config *config;
    const umh_override *overrides;
    size_t override_count;
    /*
     * in which AllUsers hosts are wanted, `Ui` hosts in the graphical ones only; a foreground
     * program has one: UMH_SESSION_OWN
     */
    const umh_plan_session *user_sessions;
    size_t user_session_count;
} umh_plan_input;

/* What it is loaded with: of the file, or of an override. Borrows from the plan's sources. */
umh_module_config umh_module_config_of(const umh_wanted_module *wanted);

UMH_MUST_USE int umh_plan_make(const umh_plan_input *input, umh_plan *ret_plan);
/* The lowest stage above *stage, which becomes it. False: there is none. */
bool umh_plan_next_stage(const umh_config *config, int64_t *stage);
void umh_plan_deinit(umh_plan *plan);
UMH_DEFINE_AUTO(umh_plan);
