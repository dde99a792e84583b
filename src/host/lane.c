/* SPDX-License-Identifier: MIT */
/*
 * Chunks of frames.
 *
 * Where a frame ends is looked for only when something urgent must go between two of them and the
 * last write ended within a chunk: then its frames are walked, each at most once.
 */
#include "host/lane.h"

#include "ipc/little_endian.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *shared_bytes(umh_chunk *chunk)
{
    return (uint8_t *)(chunk + 1);
}

static void empty_chunk(umh_chunk *chunk)
{
    chunk->begin = 0;
    chunk->end = 0;
    chunk->boundary = 0;
}

static void push_chunk(umh_lane *lane, umh_chunk *chunk)
{
    chunk->next = NULL;
    if (lane->tail)
        lane->tail->next = chunk;
    else
        lane->head = chunk;
    lane->tail = chunk;
}

static void retire_chunk(umh_lane *lane, umh_chunk *chunk)
{
    switch (chunk->kind) {
    case CHUNK_SHARED:
        if (lane->spare_count == UMH_LANE_SPARE_CHUNKS) {
            free(chunk);
            break;
        }
        empty_chunk(chunk);
        chunk->next = lane->spare;
        lane->spare = chunk;
        lane->spare_count++;
        break;
    case CHUNK_OWNED:
        free(chunk);
        break;
    case CHUNK_BORROWED:
        break;
    }
}

static void pop_chunk(umh_lane *lane)
{
    umh_chunk *chunk = lane->head;

    lane->head = chunk->next;
    if (!lane->head)
        lane->tail = NULL;
    retire_chunk(lane, chunk);
}

void umh_lane_clear(umh_lane *lane)
{
    while (lane->head)
        pop_chunk(lane);
    lane->written = lane->appended;
}

void umh_lane_deinit(umh_lane *lane)
{
    umh_lane_clear(lane);
    while (lane->spare) {
        umh_chunk *chunk = lane->spare;

        lane->spare = chunk->next;
        free(chunk);
    }
    lane->spare_count = 0;
}

void umh_chunk_init(umh_chunk *chunk, umh_chunk_kind kind, const umh_frame *frame,
                    const uint8_t *text)
{
    *chunk = (umh_chunk){
        .kind = kind,
        .text = text,
        .end = UMH_FRAME_HEADER_BYTES + (size_t)frame->payload_bytes,
    };
    umh_frame_encode(frame, chunk->header);
}

static bool has_room(const umh_chunk *chunk, size_t bytes)
{
    return chunk && chunk->kind == CHUNK_SHARED && UMH_LANE_CHUNK_BYTES - chunk->end >= bytes;
}

int umh_lane_reserve(umh_lane *lane, size_t bytes)
{
    umh_chunk *chunk;

    umh_assert(bytes <= UMH_LANE_COPY_BYTES);
    if (has_room(lane->tail, bytes))
        return 0;
    chunk = lane->spare;
    if (chunk) {
        lane->spare = chunk->next;
        lane->spare_count--;
    } else {
        chunk = malloc(sizeof *chunk + UMH_LANE_CHUNK_BYTES);
        if (!chunk)
            return UMH_FAIL(UMH_E_MEMORY, "hold messages for the broker");
        chunk->kind = CHUNK_SHARED;
        chunk->text = shared_bytes(chunk);
        empty_chunk(chunk);
    }
    push_chunk(lane, chunk);
    return 0;
}

/* Where the next `bytes` go; they count as appended. */
static uint8_t *extend(umh_lane *lane, size_t bytes)
{
    umh_chunk *chunk = lane->tail;
    uint8_t *to;

    umh_assert(has_room(chunk, bytes));
    to = shared_bytes(chunk) + chunk->end;
    chunk->end += bytes;
    lane->appended += bytes;
    return to;
}

void umh_lane_append(umh_lane *lane, const umh_frame *frame, const uint8_t *text)
{
    uint8_t *to = extend(lane, UMH_FRAME_HEADER_BYTES + (size_t)frame->payload_bytes);

    umh_frame_encode(frame, to);
    if (frame->payload_bytes > 0)
        memcpy(to + UMH_FRAME_HEADER_BYTES, text, frame->payload_bytes);
}

void umh_lane_append_copy(umh_lane *lane, const umh_chunk *chunk)
{
    uint8_t *to = extend(lane, chunk->end);

    memcpy(to, chunk->header, UMH_FRAME_HEADER_BYTES);
    if (chunk->end > UMH_FRAME_HEADER_BYTES)
        memcpy(to + UMH_FRAME_HEADER_BYTES, chunk->text, chunk->end - UMH_FRAME_HEADER_BYTES);
}

void umh_lane_append_chunk(umh_lane *lane, umh_chunk *chunk)
{
    umh_assert(chunk->kind != CHUNK_SHARED);
    push_chunk(lane, chunk);
    lane->appended += chunk->end;
}

/* What must be written of the head before a frame of another kind may stand there. */
static size_t begun_bytes(umh_chunk *chunk)
{
    if (chunk->begin == 0)
        return 0;
    if (chunk->kind != CHUNK_SHARED)
        return chunk->end - chunk->begin;
    while (chunk->boundary < chunk->begin)
        chunk->boundary +=
            UMH_FRAME_HEADER_BYTES + (size_t)umh_load_u32(chunk->text + chunk->boundary);
    return chunk->boundary - chunk->begin;
}

static void add_part(umh_gathering *gathering, const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    gathering->parts[gathering->count++] = umh_bytes_of(data, size);
    gathering->bytes += size;
}

static void add_range(umh_gathering *gathering, const umh_chunk *chunk, size_t from, size_t to)
{
    if (chunk->kind == CHUNK_SHARED) {
        add_part(gathering, chunk->text + from, to - from);
        return;
    }
    if (from < UMH_FRAME_HEADER_BYTES) {
        size_t end = to < UMH_FRAME_HEADER_BYTES ? to : UMH_FRAME_HEADER_BYTES;

        add_part(gathering, chunk->header + from, end - from);
        from = end;
    }
    if (from < to)
        add_part(gathering, chunk->text + (from - UMH_FRAME_HEADER_BYTES), to - from);
}

void umh_lane_gather(umh_lane *lane, umh_bytes urgent, size_t bytes_max,
                     umh_gathering *ret_gathering)
{
    umh_chunk *chunk = lane->head;
    size_t begun = urgent.size > 0 && chunk ? begun_bytes(chunk) : 0;

    ret_gathering->count = 0;
    ret_gathering->bytes = 0;
    ret_gathering->begun_bytes = begun;
    ret_gathering->urgent_bytes = urgent.size;
    if (begun > 0)
        add_range(ret_gathering, chunk, chunk->begin, chunk->begin + begun);
    add_part(ret_gathering, urgent.data, urgent.size);
    if (chunk && bytes_max > 0) {
        add_range(ret_gathering, chunk, chunk->begin + begun, chunk->end);
        chunk = chunk->next;
    }
    /* A chunk adds two parts at most. */
    while (chunk && ret_gathering->bytes < bytes_max &&
           ret_gathering->count + 2 <= UMH_PIPE_PARTS_MAX) {
        add_range(ret_gathering, chunk, 0, chunk->end);
        chunk = chunk->next;
    }
}

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

void umh_lane_consume(umh_lane *lane, const umh_gathering *gathering, size_t bytes,
                      size_t *ret_urgent_bytes)
{
    size_t before = smaller(bytes, gathering->begun_bytes);
    size_t urgent = smaller(bytes - before, gathering->urgent_bytes);
    size_t left = bytes - urgent;

    lane->written += left;
    while (left > 0) {
        umh_chunk *chunk = lane->head;
        size_t size = smaller(left, chunk->end - chunk->begin);

        chunk->begin += size;
        left -= size;
        if (chunk->begin < chunk->end)
            break;
        /* The last chunk is filled again from its beginning, while it is warm. */
        if (chunk == lane->tail && chunk->kind == CHUNK_SHARED)
            empty_chunk(chunk);
        else
            pop_chunk(lane);
    }
    *ret_urgent_bytes = urgent;
}
