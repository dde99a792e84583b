/* SPDX-License-Identifier: MIT */
/*
 * diff: wanted, running -> steps. Pure. A host that did not change gets no step; no step is given
 * twice for one difference.
 */
#pragma once

#include "config/change.h"
#include "config/plan.h"

/* What reconcile may be told to do. Names are host ids and module names. */
typedef enum umh_step_kind {
    STEP_START_HOST,
    STEP_STOP_HOST,
    /*
     * what a process is born with changed (Environment, Limits, Wow64, DotNet, ...): its modules
     * are stopped, it ends, another is started; messages are held
     */
    STEP_REPLACE_HOST,
    STEP_CONFIGURE_HOST, /* policy alone changed (Restart, Timeouts): taken over where it is */
    STEP_LOAD_MODULE,
    STEP_UNLOAD_MODULE,
    STEP_RELOAD_MODULE,    /* another file */
    STEP_CONFIGURE_MODULE, /* Config or Overflow alone: it is told */
} umh_step_kind;

#define UMH_STEP_NO_INDEX SIZE_MAX

typedef struct umh_step {
    umh_step_kind kind;
    char host[UMH_NAME_BYTES_MAX + 16];
    char module[UMH_NAME_BYTES_MAX + 1]; /* of the module steps */
    const umh_wanted_host *wanted;       /* borrowed from the plan; NULL for STEP_STOP_HOST */
    /* in the plan's; UMH_STEP_NO_INDEX where `module` is empty or not wanted */
    size_t wanted_module;
    size_t running;      /* of the host in what was compared; UMH_STEP_NO_INDEX: it is not there */
    umh_changes changes; /* of REPLACE, CONFIGURE and RELOAD */
} umh_step;

typedef struct umh_running_module {
    const char *name;
    const umh_module_config *config; /* what it was loaded or told with */
    /* of the configuration that is wanted now, and known to say the same; NULL: none is */
    const umh_module_config *origin;
} umh_running_module;

/* A host as it is now. */
typedef struct umh_running_host {
    const char *id;
    const umh_host_config *config;     /* what it runs with; its `modules` are not looked at */
    const umh_host_config *origin;     /* as that of a module */
    const umh_running_module *modules; /* loaded, loading or failed: known to the host */
    size_t module_count;
    bool is_stopping; /* a stop is under way: no further step until it has ended */
    /*
     * it ended and may start now; false while it runs, waits for its back-off, or shall not run
     * again
     */
    bool is_due;
    bool has_process; /* a process exists or is being started */
} umh_running_host;

typedef struct umh_steps {
    umh_step *items; /* owned */
    size_t count;
} umh_steps;

#define UMH_STEPS_INIT                                                                             \
    {                                                                                              \
        .items = NULL, .count = 0                                                                  \
    }

UMH_MUST_USE int umh_diff_make(const umh_plan *plan, const umh_running_host *running,
                               size_t running_count, umh_steps *ret_steps);
void umh_steps_deinit(umh_steps *steps);
UMH_DEFINE_AUTO(umh_steps);

/*
 * What of a host's entry differs, its modules aside: nothing, policy alone, or what a process is
 * born with.
 */
typedef enum umh_host_difference {
    HOSTS_ARE_EQUAL,
    HOSTS_DIFFER_IN_POLICY,
    HOSTS_DIFFER_IN_PROCESS
} umh_host_difference;
umh_host_difference umh_host_compare(const umh_host_config *one, const umh_host_config *other);

/* "start host 'Sensors' (3 modules)", "replace host 'Sensors' (Environment, Limits)". */
void umh_step_describe(const umh_step *step, char *buffer, size_t capacity);
