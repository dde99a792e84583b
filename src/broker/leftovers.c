/* SPDX-License-Identifier: MIT */
/* A few rows, in the order in which they were left. */
#include "broker/leftovers.h"

#include "base/auto.h"
#include "base/bytes.h"
#include "platform/clock.h"

#include <stdlib.h>
#include <string.h>

int umh_leftovers_add(umh_leftovers *leftovers, int64_t number, const char *module,
                      const char *held_by, umh_store_entry *copy)
{
    umh_leftover *row;

    if (leftovers->count == UMH_LEFTOVERS_PER_HOST_MAX)
        return UMH_LEFTOVERS_FULL;
    if (!leftovers->rows)
        leftovers->rows = calloc(UMH_LEFTOVERS_PER_HOST_MAX, sizeof(*leftovers->rows));
    if (!leftovers->rows)
        return UMH_FAIL(UMH_E_MEMORY, "note that module '%s' is left over", module);
    row = &leftovers->rows[leftovers->count++];
    row->number = number;
    row->since_ns = umh_clock_now_ns();
    row->copy = umh_store_ref(copy);
    umh_text_put(row->module, sizeof(row->module), module);
    umh_text_put(row->held_by, sizeof(row->held_by), held_by);
    return 0;
}

bool umh_leftovers_remove(umh_leftovers *leftovers, int64_t number)
{
    for (size_t i = 0; i < leftovers->count; i++) {
        umh_leftover *row = &leftovers->rows[i];

        if (row->number != number)
            continue;
        umh_store_unref(row->copy);
        leftovers->count--;
        memmove(row, row + 1, (leftovers->count - i) * sizeof(*row));
        return true;
    }
    return false;
}

void umh_leftovers_deinit(umh_leftovers *leftovers)
{
    for (size_t i = 0; i < leftovers->count; i++)
        umh_store_unref(leftovers->rows[i].copy);
    free(UMH_MOVE(leftovers->rows));
    leftovers->count = 0;
}
