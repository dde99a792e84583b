/* SPDX-License-Identifier: MIT */
/*
 * The services a host publishes to: the credit of each, what waits for it, and what is to be said
 * about it to the broker. Beside them the slots: what was accepted of each and waits, and what it
 * has consumed. Under the lock of the outbox, all of it.
 *
 * Invariant between any two calls: the head of a list does not fit, and is announced as it is.
 */
#pragma once

#include "base/list.h"
#include "host/lane.h"
#include "ipc/flow.h"
#include "platform/thread.h"

#define UMH_STREAM_BUCKETS 256u /* four services in each at UMH_SERVICES_PER_PEER_MAX */

typedef struct umh_stream {
    struct umh_stream *next; /* in its bucket */
    umh_list due;            /* in streams.due while one of the two below is to be written */
    umh_list waiting;        /* umh_waiting */
    umh_guid service;
    umh_sender sender;
    umh_want announced; /* last */
    uint64_t given_back;
    uint16_t announced_slot;
    bool is_want_due;
    bool is_give_back_due;
} umh_stream;

typedef enum umh_waiting_state {
    WAITING_LISTED,
    WAITING_SENT,   /* a borrowed text is written when the lane has come to `until` */
    WAITING_REFUSED /* its module stops */
} umh_waiting_state;

/*
 * One message that waits for credit: a copy that was accepted, or on the stack of the thread that
 * sends it.
 */
typedef struct umh_waiting {
    umh_chunk chunk; /* the first member: the lane frees an accepted one by it */
    umh_list link;
    umh_condition *sender; /* NULL: accepted */
    uint64_t until;
    uint16_t slot;
    umh_waiting_state state;
} umh_waiting;

typedef struct umh_slot {
    uint64_t accepted_bytes; /* waiting copies */
    uint64_t consumed;       /* credit to be written; 0: none */
    umh_chunk *answer;       /* to stop; goes behind the last accepted message */
    bool is_stopping;        /* outside its callbacks nothing is sent any more */
    bool is_finished;        /* nothing at all */
} umh_slot;

typedef struct umh_streams {
    umh_stream *buckets[UMH_STREAM_BUCKETS];
    umh_stream *last; /* found last; NULL: none */
    size_t count;
    unsigned first_count;
    size_t consumed_count; /* slots with credit to be written */
    umh_list due;
    umh_slot slots[UMH_MODULES_PER_HOST_MAX];
} umh_streams;

void umh_streams_init(umh_streams *streams);
void umh_streams_deinit(umh_streams *streams);

/* NULL: never published to */
umh_stream *umh_streams_find(umh_streams *streams, const umh_guid *service);
/* Found or made. Outcomes: UMH_OUTBOX_NOT_ALLOWED, UMH_OUTBOX_LIMIT. */
UMH_MUST_USE int umh_streams_get(umh_streams *streams, const umh_guid *service,
                                 umh_stream **ret_stream);
umh_slot *umh_streams_slot(umh_streams *streams, uint16_t slot);

/* Nothing waits before it and credit suffices; umh_stream_take takes it, too. */
bool umh_stream_fits(const umh_streams *streams, const umh_stream *stream, uint64_t cost);
bool umh_stream_take(umh_streams *streams, umh_stream *stream, uint64_t cost);
/* Within the slot's allowance, or one larger message while none of it waits. */
bool umh_streams_may_accept(const umh_streams *streams, uint16_t slot, uint64_t cost);

/* A copy of the text; NULL: out of memory, recorded. free() ends it. */
umh_waiting *umh_waiting_copy(const umh_frame *frame, umh_bytes text);
/* Changes of the list, each to be followed by umh_streams_settle. */
void umh_streams_push(umh_streams *streams, umh_stream *stream, umh_waiting *waiting);
void umh_streams_withdraw(umh_waiting *waiting); /* of a sender whose deadline has passed */
/*
 * Move heads that fit into the lane and announce the next. A failure (no memory) leaves the rest
 * where it is.
 */
UMH_MUST_USE int umh_streams_settle(umh_streams *streams, umh_stream *stream, umh_lane *lane);

UMH_MUST_USE int umh_streams_give_back(umh_streams *streams, umh_stream *stream, umh_lane *lane);
UMH_MUST_USE int umh_streams_stop_slot(umh_streams *streams, uint16_t slot, umh_lane *lane);
/* `answer` is a CHUNK_OWNED, taken. */
void umh_streams_finish_slot_take(umh_streams *streams, uint16_t slot, umh_chunk *answer,
                                  umh_lane *lane);
void umh_streams_consumed(umh_streams *streams, uint16_t slot, uint64_t bytes);
void umh_streams_refuse_all(umh_streams *streams); /* the pipe is broken */

/* Credits, wants and give-backs to be written, as frames behind `frames`. */
bool umh_streams_is_due(const umh_streams *streams);
void umh_streams_encode_due(umh_streams *streams, umh_buffer *frames);
