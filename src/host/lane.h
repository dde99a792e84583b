/* SPDX-License-Identifier: MIT */
/*
 * Frames waiting to be written, in order. Small ones are copied into chunks that are used again; a
 * large one is a chunk of its own, whose text may be borrowed. A chunk begins and ends between two
 * frames. Pure bookkeeping under its owner's lock; what was gathered may be read without the lock
 * until it is consumed, while others append.
 */
#pragma once

#include "ipc/frame.h"
#include "platform/pipe.h"

#define UMH_LANE_CHUNK_BYTES (64u * 1024) /* frames in one shared chunk */
#define UMH_LANE_COPY_BYTES (16u * 1024)  /* a longer frame is a chunk of its own */
#define UMH_LANE_SPARE_CHUNKS 5u          /* empty chunks kept: an outbox full */

typedef enum umh_chunk_kind {
    CHUNK_SHARED,  /* small frames */
    CHUNK_OWNED,   /* one frame; freed by the lane when it is written */
    CHUNK_BORROWED /* one frame; its owner waits until it is written */
} umh_chunk_kind;

typedef struct umh_chunk {
    struct umh_chunk *next;
    const uint8_t *text; /* CHUNK_SHARED: all frames; else what follows `header` */
    size_t begin;        /* written up to here */
    size_t end;          /* filled up to here; `header` counts */
    size_t boundary;     /* CHUNK_SHARED: some frame begins here, at or before `begin` */
    umh_chunk_kind kind;
    uint8_t header[UMH_FRAME_HEADER_BYTES];
} umh_chunk;

typedef struct umh_lane {
    umh_chunk *head;
    umh_chunk *tail;
    umh_chunk *spare;
    size_t spare_count;
    uint64_t appended; /* bytes, from the beginning */
    uint64_t written;
} umh_lane;

#define UMH_LANE_INIT                                                                              \
    {                                                                                              \
        .head = NULL, .tail = NULL, .spare = NULL, .spare_count = 0, .appended = 0, .written = 0   \
    }

void umh_lane_deinit(umh_lane *lane);
void umh_lane_clear(umh_lane *lane); /* as if all were written */

static inline uint64_t umh_lane_bytes(const umh_lane *lane)
{
    return lane->appended - lane->written;
}

/* A chunk for one frame with `text`, which stays where it is. */
void umh_chunk_init(umh_chunk *chunk, umh_chunk_kind kind, const umh_frame *frame,
                    const uint8_t *text);

/* Room for a frame of at most UMH_LANE_COPY_BYTES, so that the next append cannot fail. */
UMH_MUST_USE int umh_lane_reserve(umh_lane *lane, size_t bytes);
void umh_lane_append(umh_lane *lane, const umh_frame *frame, const uint8_t *text);
void umh_lane_append_copy(umh_lane *lane, const umh_chunk *chunk); /* of its frame */
void umh_lane_append_chunk(umh_lane *lane, umh_chunk *chunk);      /* itself */

/*
 * What one write is made of: the rest of a frame that has been begun, what goes before all others,
 * and more of the lane, up to about `bytes_max` in all (0: nothing more).
 */
typedef struct umh_gathering {
    umh_bytes parts[UMH_PIPE_PARTS_MAX];
    size_t count;
    size_t bytes;
    size_t begun_bytes;
    size_t urgent_bytes;
} umh_gathering;

void umh_lane_gather(umh_lane *lane, umh_bytes urgent, size_t bytes_max,
                     umh_gathering *ret_gathering);
/* `bytes` of a gathering were written; *ret_urgent_bytes of them were urgent. */
void umh_lane_consume(umh_lane *lane, const umh_gathering *gathering, size_t bytes,
                      size_t *ret_urgent_bytes);
