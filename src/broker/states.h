/* SPDX-License-Identifier: MIT */
/*
 * The two tables of umh_host_happen and umh_module_happen, visible to their test. An empty cell
 * (action NULL) is a bug and asserts.
 */
#pragma once

#include "broker/host.h"

typedef struct umh_host_step {
    void (*action)(umh_host *host); /* umh_host_ignore where nothing is to be done */
    umh_host_state next;            /* set before the action runs */
} umh_host_step;

typedef struct umh_module_step {
    void (*action)(umh_host_module *module);
    umh_module_state next;
} umh_module_step;

extern const umh_host_step umh_host_steps[HOST_STATE_COUNT][HOST_EVENT_COUNT];
extern const umh_module_step umh_module_steps[MODULE_STATE_COUNT][MODULE_EVENT_COUNT];
