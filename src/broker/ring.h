/* SPDX-License-Identifier: MIT */
/*
 * The ring of one outbox: whole frames, copied in, written from the front in any number of bytes.
 */
#pragma once

#include "base/bytes.h"
#include "ipc/frame.h"

typedef struct umh_ring {
    uint8_t *bytes; /* UMH_OUTBOX_BYTES; borrowed from the set while not empty, else NULL */
    uint32_t head;
    uint32_t used;
    /* bytes of a partly written frame at the front; 0: the front is a border */
    uint32_t frame_left;
} umh_ring;

/* There must be room for umh_frame_delivered_bytes. */
void umh_ring_push(umh_ring *ring, const umh_frame *frame, umh_bytes payload);

/* The bytes from `from` (counted from the front) up to `count`, as one or two parts. */
size_t umh_ring_parts(const umh_ring *ring, uint32_t from, uint32_t count, umh_bytes parts[2]);

/* `count` bytes from the front were written. */
void umh_ring_consume(umh_ring *ring, uint32_t count);
