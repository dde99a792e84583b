/* SPDX-License-Identifier: MIT */
/* When a host that ended may start again. Pure. */
#pragma once

#include "config/config.h"
#include "platform/process.h"

typedef struct umh_backoff {
    uint64_t next_delay_ms;
    uint64_t ready_since_ns; /* 0: not ready in this incarnation */
} umh_backoff;

void umh_backoff_reset(umh_backoff *backoff, const umh_restart_config *restart);
void umh_backoff_on_ready(umh_backoff *backoff, uint64_t now_ns);
/*
 * It ended: does the policy start it again (When; failure is a signal, an exit code other than 0,
 * or our own kill), and after how long? healthy_after_ms of being ready reset the delay first.
 * False: never.
 */
bool umh_backoff_on_end(umh_backoff *backoff, const umh_restart_config *restart, bool is_failure,
                        uint64_t now_ns, uint64_t *ret_delay_ms);
