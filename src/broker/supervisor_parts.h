/* SPDX-License-Identifier: MIT */
/* The supervisor as its files see it: stages, steps, and what an operator changes. */
#pragma once

#include "broker/supervisor.h"
#include "config/plan.h"

/*
 * Hosts that are on their way from spawn to ready at once, per processor: more of them take as long
 * all in all, and until they are there nobody else gets a processor. One that takes longer than
 * UMH_START_COUNTS_MS waits for something else, and is not counted any more.
 */
#define UMH_STARTS_PER_PROCESSOR 4u
#define UMH_START_COUNTS_MS 250u

struct umh_supervisor {
    umh_broker *broker;
    umh_list hosts;
    umh_list waiting_for_reserve;
    umh_override *overrides; /* owned */
    size_t override_count;
    uint32_t next_number;
    int64_t stage;         /* hosts of higher ones are not started yet */
    umh_deadline together; /* of the stage */
    unsigned starts_max;   /* at once */
    unsigned starts_count; /* as reconcile has counted them */
    umh_deadline crowd;    /* set while starts are put off: look again */
    bool is_starting;      /* some stage is not over */
    bool must_reconcile;
    bool must_adopt; /* the configuration is another: what is equal in it is to be found */
    bool must_look;  /* a host changed while stages run, or while all stop */
    bool is_stopping;
};

typedef void (*umh_step_visit)(void *context, const umh_step *step);

/*
 * Perform the steps from what there is to what is wanted, now. Each is shown to `visit` before any
 * is performed; it may be NULL.
 */
UMH_MUST_USE int umh_supervisor_reconcile(umh_supervisor *supervisor, umh_step_visit visit,
                                          void *context);
/* All of them, or those that are not wanted any more and have no process. */
void umh_supervisor_free_hosts(umh_supervisor *supervisor, bool only_unwanted);
void umh_supervisor_stop_host(umh_host *host);
/* Between its spawn and being ready. */
bool umh_supervisor_is_on_its_way(const umh_host *host);

/* Of hosts whose entry in the file is another than `before`. */
void umh_supervisor_forget_changed(umh_supervisor *supervisor, const umh_config *before);
/* Whether that of `host_id` is. Both may lack it. */
bool umh_supervisor_has_changed(const umh_config *before, const umh_config *after,
                                const char *host_id);
