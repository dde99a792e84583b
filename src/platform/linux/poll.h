/* SPDX-License-Identifier: MIT */
/* Waiting for one descriptor until a deadline. Any thread. */
#pragma once

#include "base/err.h"

#include <stdint.h>

enum { UMH_POLL_TIMEOUT = 1 };

/*
 * `events` are poll's; so are *ret_events. A deadline that has passed looks once. Outcomes:
 * UMH_POLL_TIMEOUT.
 */
UMH_MUST_USE int umh_poll(int descriptor, short events, uint64_t deadline_ns, short *ret_events);
