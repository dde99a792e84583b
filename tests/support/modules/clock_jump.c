/* SPDX-License-Identifier: MIT */
/*
 * No module but a library to preload: for the program that has it the wall clock jumps by a year,
 * forth and back, every millisecond. All other clocks are the system's.
 */
#define _GNU_SOURCE

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define YEAR_SECONDS (365 * 24 * 3600L)
#define JUMP_EVERY_NS 1000000L

static int ask_system(clockid_t clock, struct timespec *ret_now)
{
    return (int)syscall(SYS_clock_gettime, clock, ret_now);
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    int r = ask_system(clock, ret_now);

    if (r == 0 && clock == CLOCK_REALTIME)
        ret_now->tv_sec += ret_now->tv_nsec / JUMP_EVERY_NS % 2 ? YEAR_SECONDS : -YEAR_SECONDS;
    return r;
}

EXPORTED int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    struct timespec now = {0};
    int r = clock_gettime(CLOCK_REALTIME, &now);

    (void)zone;
    ret_now->tv_sec = now.tv_sec;
    ret_now->tv_usec = now.tv_nsec / 1000;
    return r;
}

EXPORTED time_t time(time_t *ret_now)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_now)
        *ret_now = now.tv_sec;
    return now.tv_sec;
}
