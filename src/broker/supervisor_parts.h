/* SPDX-License-Identifier: MIT */
/* The supervisor as its two files see it: reconcile, and what an operator changes. */
#pragma once

#include "broker/supervisor.h"
#include "config/plan.h"

struct umh_supervisor {
    umh_broker *broker;
    umh_list hosts;
    umh_list waiting_for_reserve;
    umh_override *overrides; /* owned */
    size_t override_count;
    uint32_t next_number;
    int64_t stage;         /* hosts of higher ones are not started yet */
    umh_deadline together; /* of the stage */
    bool is_starting;      /* some stage is not over */
    bool must_reconcile;
    bool must_look; /* a host changed while stages run, or while all stop */
    bool is_stopping;
};

/* Perform the steps from what there is to what is wanted, now. */
UMH_MUST_USE int umh_supervisor_reconcile(umh_supervisor *supervisor);
