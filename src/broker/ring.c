/* SPDX-License-Identifier: MIT */
/*
 * The ring of one outbox: whole frames, copied in, written from the front in any number of bytes.
 */
#include "broker/ring.h"

#include "ipc/cursor.h"

#include <string.h>

static void copy_in(umh_ring *ring, const void *data, size_t size)
{
    uint32_t tail = ring->head + ring->used;
    size_t first;

    if (tail >= UMH_OUTBOX_BYTES)
        tail -= UMH_OUTBOX_BYTES;
    first = UMH_OUTBOX_BYTES - tail;
    if (first > size)
        first = size;
    memcpy(ring->bytes + tail, data, first);
    if (first < size)
        memcpy(ring->bytes, (const uint8_t *)data + first, size - first);
    ring->used += (uint32_t)size;
}

void umh_ring_push(umh_ring *ring, const umh_frame *frame, umh_bytes payload)
{
    uint64_t delivered = umh_frame_delivered_bytes(frame);
    uint32_t tail = ring->head + ring->used;
    uint8_t header[UMH_FRAME_HEADER_BYTES];

    umh_assert(ring->used + delivered <= UMH_OUTBOX_BYTES);
    /* Once the ring has been emptied, which most writes do, all of it fits before the end. */
    if (tail + delivered <= UMH_OUTBOX_BYTES) {
        uint8_t *to = ring->bytes + tail;

        umh_frame_encode(frame, to);
        if (payload.size > 0)
            memcpy(to + UMH_FRAME_HEADER_BYTES, payload.data, payload.size);
        if (frame->kind == FRAME_MESSAGE)
            to[UMH_FRAME_HEADER_BYTES + payload.size] = '\0';
        ring->used += (uint32_t)delivered;
        return;
    }
    umh_frame_encode(frame, header);
    copy_in(ring, header, sizeof(header));
    if (payload.size > 0)
        copy_in(ring, payload.data, payload.size);
    if (frame->kind == FRAME_MESSAGE)
        copy_in(ring, "", 1);
}

size_t umh_ring_parts(const umh_ring *ring, uint32_t from, uint32_t count, umh_bytes parts[2])
{
    uint32_t start = ring->head + from;
    uint32_t first;

    if (count == 0)
        return 0;
    if (start >= UMH_OUTBOX_BYTES)
        start -= UMH_OUTBOX_BYTES;
    first = UMH_OUTBOX_BYTES - start;
    if (first >= count) {
        parts[0] = umh_bytes_of(ring->bytes + start, count);
        return 1;
    }
    parts[0] = umh_bytes_of(ring->bytes + start, first);
    parts[1] = umh_bytes_of(ring->bytes, count - first);
    return 2;
}

/* The delivered size of the frame whose header begins `at` bytes behind the front. */
static uint32_t frame_bytes(const umh_ring *ring, uint32_t at)
{
    uint8_t header[6] = {0};
    umh_cursor cursor = umh_cursor_of(umh_bytes_of(header, sizeof(header)));
    umh_frame frame = {.kind = FRAME_ANSWER};
    uint32_t i;

    for (i = 0; i < sizeof(header); i++)
        header[i] = ring->bytes[(ring->head + at + i) % UMH_OUTBOX_BYTES];
    umh_assert(umh_cursor_take_u32(&cursor, &frame.payload_bytes));
    frame.kind = header[5];
    return (uint32_t)umh_frame_delivered_bytes(&frame);
}

/*
 * Where the front stands within a frame is found by walking the headers of what was written: only
 * after a write that did not take everything, so a stream that flows never pays for it.
 */
void umh_ring_consume(umh_ring *ring, uint32_t count)
{
    uint32_t at = ring->frame_left;

    umh_assert(count <= ring->used);
    if (count == ring->used) {
        ring->head = 0;
        ring->used = 0;
        ring->frame_left = 0;
        return;
    }
    while (at < count)
        at += frame_bytes(ring, at);
    ring->frame_left = at - count;
    ring->head = (ring->head + count) % UMH_OUTBOX_BYTES;
    ring->used -= count;
}
