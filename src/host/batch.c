/* SPDX-License-Identifier: MIT */
/* Read buffers, counted. */
#include "host/batch.h"

#include <stdlib.h>

int umh_batch_new(size_t capacity, umh_batch **ret_batch)
{
    umh_batch *batch = malloc(sizeof(*batch) + capacity);

    if (!batch)
        return UMH_FAIL(UMH_E_MEMORY, "a read buffer of %llu bytes", (unsigned long long)capacity);
    atomic_init(&batch->count, 1);
    batch->capacity = capacity;
    batch->size = 0;
    *ret_batch = batch;
    return 0;
}

umh_batch *umh_batch_ref(umh_batch *batch)
{
    atomic_fetch_add_explicit(&batch->count, 1, memory_order_relaxed);
    return batch;
}

umh_batch *umh_batch_unref(umh_batch *batch)
{
    if (batch && atomic_fetch_sub_explicit(&batch->count, 1, memory_order_acq_rel) == 1)
        free(batch);
    return NULL;
}

/* Acquires what a callback on another thread did with the content before it let go. */
bool umh_batch_is_shared(umh_batch *batch)
{
    return atomic_load_explicit(&batch->count, memory_order_acquire) > 1;
}
