/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts, modules and services differ by more than the case of their letters. Pure. Any
 * thread.
 */
#pragma once

#include "base/bytes.h"

/* Whatever the case of ASCII letters. */
bool umh_names_are_equal(const char *one, const char *other);

typedef struct umh_name {
    const char *text; /* borrowed */
    size_t index;     /* of the caller's */
    bool is_repeated; /* one with a lower index has the same name */
} umh_name;

/* Mark those that repeat another; the order of `names` becomes that of their texts. */
void umh_names_mark_repeated(umh_name *names, size_t count);
