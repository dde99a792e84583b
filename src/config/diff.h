/* SPDX-License-Identifier: MIT */
/*
 * diff: wanted, running -> steps. Pure. A host that did not change gets no step; no step is given
 * twice for one difference.
 */
#pragma once

#include "config/plan.h"

/* What reconcile may be told to do. Names are host ids and module names. */
typedef enum umh_step_kind {
    STEP_START_HOST,
    STEP_STOP_HOST,
    STEP_LOAD_MODULE,
    STEP_UNLOAD_MODULE
} umh_step_kind;

typedef struct umh_step {
    umh_step_kind kind;
    char host[UMH_NAME_BYTES_MAX + 16];
    char module[UMH_NAME_BYTES_MAX + 1]; /* of the module steps */
    const umh_wanted_host *wanted;       /* borrowed from the plan; NULL for STEP_STOP_HOST */
} umh_step;

/* A host as it is now. */
typedef struct umh_running_host {
    const char *id;
    const char *const *modules; /* loaded, loading or failed: known to the host */
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

/* "start host 'Sensors' (3 modules)". */
void umh_step_describe(const umh_step *step, char *buffer, size_t capacity);
