/* SPDX-License-Identifier: MIT */
/* Time. Deadlines are monotonic nanoseconds; the wall clock is for log lines only. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UMH_FOREVER UINT64_MAX
#define UMH_NS_PER_MS UINT64_C(1000000)

uint64_t umh_clock_now_ns(void);
uint64_t umh_clock_deadline_ns(uint64_t from_now_ms); /* UMH_FOREVER when it would overflow */

#define UMH_CLOCK_TEXT_BYTES 32
void umh_clock_wall_text(char text[UMH_CLOCK_TEXT_BYTES]); /* "2026-11-22T17:36:08.123Z" */
