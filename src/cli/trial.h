/* SPDX-License-Identifier: MIT */
/*
 * A one-host system for one module: a temporary folder with its broker.json and control endpoint,
 * and the broker that runs it. Nothing of it is left when it is closed.
 */
#pragma once

#include "cli/cli.h"
#include "platform/file.h"
#include "platform/process.h"

#define UMH_TRIAL_HOST "try"

typedef struct umh_trial {
    char folder[UMH_PATH_BYTES]; /* empty: none */
    char control[UMH_PATH_BYTES];
    char module[UMH_PATH_BYTES]; /* what `load` is to be given: a path or a name */
    umh_process broker;
} umh_trial;

#define UMH_TRIAL_INIT                                                                             \
    {                                                                                              \
        .folder = "", .control = "", .module = "", .broker = UMH_PROCESS_INIT                      \
    }

/*
 * Look at the module and start the broker; it is not connected to yet, and the module not loaded.
 * Outcomes: UMH_TRIAL_REFUSED (why: what is wrong with the module).
 */
enum { UMH_TRIAL_REFUSED = 1 };
UMH_MUST_USE int umh_trial_open(umh_trial *trial, const char *module, bool is_verbose,
                                umh_why *ret_why);
/* The broker's instance, to be borrowed from the trial. */
const char *umh_trial_instance(const umh_trial *trial);
/* The broker has ended: how, for people. */
bool umh_trial_has_ended(umh_trial *trial, char *ret_how, size_t capacity);
/* Wait for the broker's end, or kill it after the deadline; remove everything. */
void umh_trial_close(umh_trial *trial, uint64_t deadline_ns);
