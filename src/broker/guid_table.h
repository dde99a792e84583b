/* SPDX-License-Identifier: MIT */
/*
 * A table of things that begin with their GUID: open addressing, at most half full. It borrows what
 * is in it. Loop thread only.
 */
#pragma once

#include "base/err.h"
#include "formats/guid.h"

typedef struct umh_guid_table {
    void **values;     /* owned; NULL: a free place */
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
} umh_guid_table;

#define UMH_GUID_TABLE_INIT                                                                        \
    {                                                                                              \
        .values = NULL, .capacity = 0, .count = 0                                                  \
    }

/* NULL: it is not there. */
void *umh_guid_table_find(const umh_guid_table *table, const umh_guid *guid);
/* `value` is not there yet. */
UMH_MUST_USE int umh_guid_table_add(umh_guid_table *table, void *value);
/* `value` is there. Others change their places. */
void umh_guid_table_remove(umh_guid_table *table, const void *value);
/* The next of all: `*at` is 0 at first. NULL: there is none left. */
void *umh_guid_table_next(const umh_guid_table *table, uint32_t *at);
void umh_guid_table_deinit(umh_guid_table *table);
