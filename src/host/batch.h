/* SPDX-License-Identifier: MIT */
/*
 * A read buffer, counted: the reading role holds one, and so does each callback whose role was
 * taken, and each inbox that took a large frame over. The count may change on any thread, the
 * content only while nobody shares it.
 */
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct umh_batch {
    _Atomic uint32_t count; /* of those who hold it */
    size_t capacity;
    size_t size; /* bytes read */
    uint8_t data[];
} umh_batch;

UMH_MUST_USE int umh_batch_new(size_t capacity, umh_batch **ret_batch);
umh_batch *umh_batch_ref(umh_batch *batch);
umh_batch *umh_batch_unref(umh_batch *batch);

/* Somebody else holds it, too. For a holder, and only a holder's "no" lasts. */
bool umh_batch_is_shared(umh_batch *batch);
