/* SPDX-License-Identifier: MIT */
/* Whether and when a host that ended may start again. */
#include "broker/backoff.h"

#include <stdio.h>

/* what follows a wait of 0: a crash loop is slowed down from its second restart on */
#define STEP_MS 100u

static void begin_with_first_delay(umh_backoff *backoff, const umh_restart_config *restart)
{
    backoff->next_delay_ms = (uint64_t)restart->first_delay_ms;
    backoff->ready_since_ns = 0;
}

void umh_backoff_reset(umh_backoff *backoff, const umh_restart_config *restart)
{
    begin_with_first_delay(backoff, restart);
    backoff->verdict = RESTART_LATER;
    backoff->oldest = 0;
    backoff->restart_count = 0;
}

void umh_backoff_on_ready(umh_backoff *backoff, uint64_t now_ns)
{
    backoff->ready_since_ns = now_ns;
}

static uint64_t grow(uint64_t delay_ms, const umh_restart_config *restart)
{
    uint64_t most_ms = (uint64_t)restart->max_delay_ms;
    uint64_t next_ms = delay_ms > 0 ? delay_ms * (uint64_t)restart->factor : STEP_MS;

    return next_ms < most_ms ? next_ms : most_ms;
}

/* The nanoseconds of a death are as random as this needs. */
static uint64_t shorten(uint64_t delay_ms, const umh_restart_config *restart, uint64_t now_ns)
{
    uint64_t mixed = now_ns * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t most_ms = (uint64_t)((double)delay_ms * restart->jitter);

    return delay_ms - (mixed >> 32) % (most_ms + 1);
}

/* --- how many, in how long ---------------------------------------------------------------- */

static void forget_old_restarts(umh_backoff *backoff, uint64_t per_ns, uint64_t now_ns)
{
    while (backoff->restart_count > 0) {
        uint64_t then_ns = backoff->restarts_ns[backoff->oldest];

        if (then_ns > now_ns || now_ns - then_ns < per_ns)
            return;
        backoff->oldest = (backoff->oldest + 1) % UMH_RESTARTS_MAX;
        backoff->restart_count--;
    }
}

static bool has_restarts_left(umh_backoff *backoff, const umh_restart_config *restart,
                              uint64_t now_ns)
{
    if (restart->max_restarts == 0)
        return true;
    forget_old_restarts(backoff, (uint64_t)restart->per_ms * UMH_NS_PER_MS, now_ns);
    return backoff->restart_count < (uint64_t)restart->max_restarts;
}

/* Never more than has_restarts_left allowed, so there is room. */
static void note_restart(umh_backoff *backoff, const umh_restart_config *restart, uint64_t due_ns)
{
    if (restart->max_restarts == 0)
        return;
    backoff->restarts_ns[(backoff->oldest + backoff->restart_count) % UMH_RESTARTS_MAX] = due_ns;
    backoff->restart_count++;
}

static bool is_wanted_after(const umh_restart_config *restart, bool is_failure)
{
    return restart->when == RESTART_ALWAYS || (restart->when == RESTART_ON_FAILURE && is_failure);
}

umh_restart_verdict umh_backoff_on_end(umh_backoff *backoff, const umh_restart_config *restart,
                                       bool is_failure, uint64_t now_ns, uint64_t *ret_delay_ms)
{
    uint64_t healthy_ns = (uint64_t)restart->healthy_after_ms * UMH_NS_PER_MS;
    uint64_t delay_ms;

    if (backoff->ready_since_ns != 0 && now_ns - backoff->ready_since_ns >= healthy_ns)
        begin_with_first_delay(backoff, restart);
    backoff->ready_since_ns = 0;
    if (!is_wanted_after(restart, is_failure)) {
        backoff->verdict = RESTART_IS_UNWANTED;
    } else if (!has_restarts_left(backoff, restart, now_ns)) {
        backoff->verdict = RESTART_GIVES_UP;
    } else {
        delay_ms = shorten(backoff->next_delay_ms, restart, now_ns);
        backoff->next_delay_ms = grow(backoff->next_delay_ms, restart);
        note_restart(backoff, restart, now_ns + delay_ms * UMH_NS_PER_MS);
        backoff->verdict = RESTART_LATER;
        *ret_delay_ms = delay_ms;
    }
    return backoff->verdict;
}

void umh_backoff_explain(const umh_backoff *backoff, const umh_restart_config *restart,
                         char *buffer, size_t capacity)
{
    if (backoff->verdict == RESTART_GIVES_UP)
        snprintf(buffer, capacity, "%lld restarts within %lld ms are all that MaxRestarts allows",
                 (long long)restart->max_restarts, (long long)restart->per_ms);
    else if (restart->when == RESTART_NEVER)
        snprintf(buffer, capacity, "Restart.When is Never");
    else
        snprintf(buffer, capacity, "Restart.When is OnFailure, and this was none");
}
