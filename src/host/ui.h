/* SPDX-License-Identifier: MIT */
/*
 * The user interface of a native module: its `run` on the main thread, from when it has started
 * until it is stopped. A `run` that returns by itself - the window was closed - ends the host: the
 * broker is told, asks it to exit, and the process ends with what `run` returned. Slot's thread.
 */
#pragma once

#include "base/why.h"
#include "host/module.h"

#include <stdatomic.h>

typedef struct umh_ui {
    umh_host *host;
    const umh_identity_v1 *identity;
    const umh_module_v1 *module; /* NULL: it has none */
    void *state;                 /* the module's */
    atomic_bool is_asked;        /* to quit: its end is not the user's wish */
} umh_ui;

/*
 * Give it the main thread. `ui` stays where it is until it is stopped. Outcomes:
 * UMH_MODULE_UNUSABLE (another module has the main thread: why).
 */
UMH_MUST_USE int umh_ui_start(umh_ui *ui, umh_why *ret_why);
/*
 * Ask it to quit and wait until `run` has returned. One that was not started, or has ended:
 * nothing.
 */
void umh_ui_stop(umh_ui *ui);
