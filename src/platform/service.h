/* SPDX-License-Identifier: MIT */
/*
 * A service of the system: what it says to the system's service manager, and how it becomes one and
 * ceases to be. A program that no manager started says nothing to nobody. Main thread; nothing here
 * waits but umh_service_install and what follows it, which are for the command.
 */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "base/why.h"

#include <stdint.h>

/* Whether a manager started this process and listens. */
bool umh_service_is_managed(void);
/*
 * "READY=1", "STATUS=...", "STOPPING=1": one or more, each on its line. False: the manager takes
 * nothing at the moment; to be said again.
 */
bool umh_service_say(const char *lines);
/* "RELOADING=1" with the time that it needs. */
bool umh_service_say_reloading(void);
/* Every how long the manager wants to hear "WATCHDOG=1", half of its limit; 0: it does not. */
uint64_t umh_service_watchdog_ms(void);

/* --- for the command ------------------------------------------------------------------------ */

#define UMH_SERVICE_NAME_BYTES 128
#define UMH_SERVICE_WORD_BYTES 64
#define UMH_SERVICE_TEXT_BYTES 256

typedef struct umh_service_spec {
    const char *instance;     /* "default" */
    const char *installation; /* absolute path, like the next */
    const char *config;
} umh_service_spec;

/* What was there before. */
typedef enum umh_service_change {
    SERVICE_MADE,
    SERVICE_REPLACED, /* it was made by an earlier install, with something else in it */
    SERVICE_KEPT      /* it is the same */
} umh_service_change;

typedef struct umh_service_state {
    char name[UMH_SERVICE_NAME_BYTES];    /* as the manager calls it */
    char file[1024];                      /* that describes it; empty: none */
    char active[UMH_SERVICE_WORD_BYTES];  /* "active", "failed"; the manager's word */
    char detail[UMH_SERVICE_WORD_BYTES];  /* "running", "dead"; the same */
    char at_boot[UMH_SERVICE_WORD_BYTES]; /* "enabled" */
    char result[UMH_SERVICE_WORD_BYTES];  /* of its last end: "success", "watchdog" */
    char says[UMH_SERVICE_TEXT_BYTES];    /* what it last said of itself */
    int64_t pid;                          /* 0: it does not run */
    uint64_t restart_count;               /* by the manager, since it was started by someone */
    bool is_installed, is_active;
} umh_service_state;

/*
 * Outcomes of all of them: UMH_SERVICE_REFUSED (why: there is no manager, this user may not, or
 * what the manager said).
 */
enum { UMH_SERVICE_REFUSED = 1 };

/* Describe it to the manager, and have it started at boot; does not start it. */
UMH_MUST_USE int umh_service_install(const umh_service_spec *spec, umh_service_change *ret_change,
                                     umh_service_state *ret_state, umh_why *ret_why);
/* Stop it and take its description back. Configuration and data stay. */
UMH_MUST_USE int umh_service_uninstall(const char *instance, umh_service_state *ret_state,
                                       umh_why *ret_why);
/* Both return when it has happened. */
UMH_MUST_USE int umh_service_start(const char *instance, umh_why *ret_why);
UMH_MUST_USE int umh_service_stop(const char *instance, umh_why *ret_why);
UMH_MUST_USE int umh_service_inspect(const char *instance, umh_service_state *ret_state,
                                     umh_why *ret_why);
