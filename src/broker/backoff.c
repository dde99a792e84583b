/* SPDX-License-Identifier: MIT */
/* When a host that ended may start again. */
#include "broker/backoff.h"

/* what follows a wait of 0: a crash loop is slowed down from its second restart on */
#define STEP_MS 100u
/* up to a tenth of a wait is taken off, so that hosts that fell together do not rise together */
#define JITTER_SHARE 10u

void umh_backoff_reset(umh_backoff *backoff, const umh_restart_config *restart)
{
    backoff->next_delay_ms = (uint64_t)restart->first_delay_ms;
    backoff->ready_since_ns = 0;
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
static uint64_t jitter(uint64_t delay_ms, uint64_t now_ns)
{
    uint64_t mixed = now_ns * UINT64_C(0x9E3779B97F4A7C15);

    return delay_ms - (mixed >> 32) % (delay_ms / JITTER_SHARE + 1);
}

bool umh_backoff_on_end(umh_backoff *backoff, const umh_restart_config *restart, bool is_failure,
                        uint64_t now_ns, uint64_t *ret_delay_ms)
{
    uint64_t healthy_ns = (uint64_t)restart->healthy_after_ms * UMH_NS_PER_MS;
    uint64_t delay_ms;

    if (backoff->ready_since_ns != 0 && now_ns - backoff->ready_since_ns >= healthy_ns)
        umh_backoff_reset(backoff, restart);
    backoff->ready_since_ns = 0;
    if (restart->when == RESTART_NEVER || (restart->when == RESTART_ON_FAILURE && !is_failure))
        return false;
    delay_ms = backoff->next_delay_ms;
    backoff->next_delay_ms = grow(delay_ms, restart);
    *ret_delay_ms = jitter(delay_ms, now_ns);
    return true;
}
