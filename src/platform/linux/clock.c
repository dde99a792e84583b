/* SPDX-License-Identifier: MIT */
/* Time, from the clocks that no call of this project can make go backwards. */
#include "platform/clock.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

/* CLOCK_MONOTONIC is libuv's clock too, and the same in every process of the machine. */
uint64_t umh_clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists and `now` is ours */
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t umh_clock_deadline_ns(uint64_t from_now_ms)
{
    uint64_t now = umh_clock_now_ns();

    if (from_now_ms >= (UMH_FOREVER - now) / UMH_NS_PER_MS)
        return UMH_FOREVER;
    return now + from_now_ms * UMH_NS_PER_MS;
}

void umh_clock_wall_text(char text[UMH_CLOCK_TEXT_BYTES])
{
    struct timespec now;
    struct tm parts;
    size_t size;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size = strftime(text, UMH_CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + size, UMH_CLOCK_TEXT_BYTES - size, ".%03ldZ", now.tv_nsec / 1000000);
}
