/* SPDX-License-Identifier: MIT */
/*
 * What the baseline programs share: forking the parts of a chain, bytes that arrive whole, and CPU
 * time. A baseline that fails says why and ends: there is nothing to clean up.
 */
#pragma once

#include "platform/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline void fail(const char *what)
{
    perror(what);
    exit(1);
}

static inline void must(bool is_done, const char *what)
{
    if (!is_done)
        fail(what);
}

static inline uint64_t number_argument(int argc, char **argv, int index, uint64_t otherwise)
{
    return index < argc ? strtoull(argv[index], NULL, 10) : otherwise;
}

static inline void write_whole(int to, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write(to, data, size);

        must(count > 0 || errno == EINTR, "write");
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
}

/* false: the other end was closed before the first byte. */
static inline bool read_whole(int from, uint8_t *data, size_t size)
{
    size_t have = 0;

    while (have < size) {
        ssize_t count = read(from, data + have, size - have);

        must(count >= 0 || errno == EINTR, "read");
        if (count == 0)
            return false;
        if (count > 0)
            have += (size_t)count;
    }
    return true;
}

/* A process that runs `part`; it ends with it. */
static inline pid_t start_part(void (*part)(void *), void *context)
{
    pid_t child = fork();

    must(child >= 0, "fork");
    if (child == 0) {
        part(context);
        _exit(0);
    }
    return child;
}

static inline void wait_for_parts(void)
{
    int status;

    while (wait(&status) > 0)
        must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a part of the chain failed");
}

static inline uint64_t time_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

/* Of this process and of all that it has waited for. */
static inline uint64_t cpu_ns(void)
{
    struct rusage children;
    struct timespec own;

    must(getrusage(RUSAGE_CHILDREN, &children) == 0, "getrusage");
    must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own) == 0, "clock_gettime");
    return (uint64_t)own.tv_sec * 1000000000u + (uint64_t)own.tv_nsec + time_ns(children.ru_utime) +
           time_ns(children.ru_stime);
}
