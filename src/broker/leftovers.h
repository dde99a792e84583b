/* SPDX-License-Identifier: MIT */
/*
 * Modules that a process could not let go of and was not replaced for: stopped, off the bus, their
 * slots free, and in memory all the same. Known by the number that the process gave each.
 */
#pragma once

#include "base/err.h"
#include "ipc/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct umh_leftover {
    int64_t number;
    uint64_t since_ns;
    char module[UMH_NAME_BYTES_MAX + 1];
    char held_by[512];
} umh_leftover;

typedef struct umh_leftovers {
    umh_leftover *rows; /* owned */
    size_t count;
} umh_leftovers;

#define UMH_LEFTOVERS_INIT                                                                         \
    {                                                                                              \
        .rows = NULL, .count = 0                                                                   \
    }

/* Texts are copied. Outcomes: UMH_LEFTOVERS_FULL. */
enum { UMH_LEFTOVERS_FULL = 1 };
UMH_MUST_USE int umh_leftovers_add(umh_leftovers *leftovers, int64_t number, const char *module,
                                   const char *held_by);
/* It has gone. False: there was none of that number. */
bool umh_leftovers_remove(umh_leftovers *leftovers, int64_t number);
void umh_leftovers_deinit(umh_leftovers *leftovers); /* the process has ended */
