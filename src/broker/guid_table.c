/* SPDX-License-Identifier: MIT */
/* Things by their GUID. */
#include "broker/guid_table.h"

#include <stdlib.h>

#define CAPACITY_FIRST 8u

static const umh_guid *guid_of(const void *value)
{
    return value;
}

/* Where it is, or the free place where it would be. */
static void **place_of(void **values, uint32_t capacity, const umh_guid *guid)
{
    uint32_t at = (uint32_t)umh_guid_hash(guid) & (capacity - 1);

    while (values[at] && !umh_guid_is_equal(guid_of(values[at]), guid))
        at = (at + 1) & (capacity - 1);
    return &values[at];
}

void *umh_guid_table_find(const umh_guid_table *table, const umh_guid *guid)
{
    return table->count > 0 ? *place_of(table->values, table->capacity, guid) : NULL;
}

static int grow(umh_guid_table *table)
{
    uint32_t capacity = table->capacity ? table->capacity * 2 : CAPACITY_FIRST;
    void **values;

    if ((table->count + 1) * 2 <= table->capacity)
        return 0;
    values = calloc(capacity, sizeof(void *));
    if (!values)
        return UMH_FAIL(UMH_E_MEMORY, "a table of %u services", capacity);
    for (uint32_t i = 0; i < table->capacity; i++) {
        void *moved = table->values[i];

        if (moved)
            *place_of(values, capacity, guid_of(moved)) = moved;
    }
    free(table->values);
    table->values = values;
    table->capacity = capacity;
    return 0;
}

int umh_guid_table_add(umh_guid_table *table, void *value)
{
    void **place;
    int r = grow(table);

    if (r)
        return r;
    place = place_of(table->values, table->capacity, guid_of(value));
    umh_assert(!*place);
    *place = value;
    table->count++;
    return 0;
}

/* Those behind it move to where they belong now, so that no search ends at the gap. */
void umh_guid_table_remove(umh_guid_table *table, const void *value)
{
    uint32_t mask = table->capacity - 1;
    void **place = place_of(table->values, table->capacity, guid_of(value));
    uint32_t at = (uint32_t)(place - table->values);

    umh_assert(*place == value);
    *place = NULL;
    table->count--;
    for (at = (at + 1) & mask; table->values[at]; at = (at + 1) & mask) {
        void *moved = table->values[at];

        table->values[at] = NULL;
        *place_of(table->values, table->capacity, guid_of(moved)) = moved;
    }
}

void *umh_guid_table_next(const umh_guid_table *table, uint32_t *at)
{
    while (*at < table->capacity) {
        void *value = table->values[(*at)++];

        if (value)
            return value;
    }
    return NULL;
}

void umh_guid_table_deinit(umh_guid_table *table)
{
    if (!table)
        return;
    free(table->values);
    *table = (umh_guid_table)UMH_GUID_TABLE_INIT;
}
