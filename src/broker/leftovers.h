/* SPDX-License-Identifier: MIT */
/*
 * Modules that a process could not let go of and was not replaced for: stopped, off the bus, their
 * slots free, and in memory all the same. Known by the number that the process gave each. Each
 * keeps its copy in the store until it has gone: its code may still load files from there.
 */
#pragma once

#include "broker/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct umh_leftover {
    int64_t number;
    uint64_t since_ns;
    umh_store_entry *copy; /* a reference; NULL: none */
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

/* Texts are copied, of `copy` a reference is taken. Outcomes: UMH_LEFTOVERS_FULL. */
enum { UMH_LEFTOVERS_FULL = 1 };
UMH_MUST_USE int umh_leftovers_add(umh_leftovers *leftovers, int64_t number, const char *module,
                                   const char *held_by, umh_store_entry *copy);
/* It has gone. False: there was none of that number. */
bool umh_leftovers_remove(umh_leftovers *leftovers, int64_t number);
void umh_leftovers_deinit(umh_leftovers *leftovers); /* the process has ended */
