/* SPDX-License-Identifier: MIT */
/* Whether and when a host that ended may start again. Pure. */
#pragma once

#include "config/config.h"
#include "platform/clock.h"

typedef enum umh_restart_verdict {
    RESTART_LATER,       /* after a delay, which may be 0 */
    RESTART_IS_UNWANTED, /* the policy has none after such an end */
    RESTART_GIVES_UP     /* MaxRestarts were made within PerMs */
} umh_restart_verdict;

typedef struct umh_backoff {
    umh_restart_verdict verdict; /* the last */
    uint64_t next_delay_ms;
    uint64_t ready_since_ns; /* 0: not ready in this incarnation */
    /* when the last restarts were due, the oldest at `oldest`: only with MaxRestarts */
    uint64_t restarts_ns[UMH_RESTARTS_MAX];
    size_t oldest, restart_count;
} umh_backoff;

/* As if it had never ended. */
void umh_backoff_reset(umh_backoff *backoff, const umh_restart_config *restart);
void umh_backoff_on_ready(umh_backoff *backoff, uint64_t now_ns);
/*
 * It ended: does the policy start it again (When; failure is a signal, an exit code other than 0,
 * or our own kill), and after how long? healthy_after_ms of being ready reset the delay first.
 * `ret_delay_ms` is written with RESTART_LATER only.
 */
umh_restart_verdict umh_backoff_on_end(umh_backoff *backoff, const umh_restart_config *restart,
                                       bool is_failure, uint64_t now_ns, uint64_t *ret_delay_ms);
#define UMH_BACKOFF_WHY_BYTES 128
/* Why it is not started again; of the verdicts but RESTART_LATER. */
void umh_backoff_explain(const umh_backoff *backoff, const umh_restart_config *restart,
                         char *buffer, size_t capacity);
