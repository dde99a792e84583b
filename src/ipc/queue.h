/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait in the broker: stored once however many queues they are in, from a pool with
 * free lists, charged to the budget by their cost. The broker's thread only.
 */
#pragma once

#include "ipc/flow.h"
#include "ipc/frame.h"

/*
 * A stored message: the frame as it will be delivered (slot and window aside) and its NUL. Counted.
 */
typedef struct umh_message umh_message;
typedef struct umh_message_pool umh_message_pool;

UMH_MUST_USE int umh_message_pool_new(umh_budget *budget, umh_message_pool **ret_pool);
/* every message must have been released */
umh_message_pool *umh_message_pool_free(umh_message_pool *pool);

/*
 * A message with room for the frame's payload, its header set from `frame`, one reference, the NUL
 * written. The payload is to be filled through umh_message_payload. Its cost is charged here and
 * released with the last reference.
 */
UMH_MUST_USE int umh_message_new(umh_message_pool *pool, const umh_frame *frame,
                                 umh_message **ret_message);
umh_message *umh_message_ref(umh_message *message);
umh_message *umh_message_unref(umh_message *message);
const umh_frame *umh_message_frame(const umh_message *message);
umh_frame *umh_message_edit(umh_message *message); /* to stamp the source before it is shared */
uint8_t *umh_message_payload(umh_message *message);
uint64_t umh_message_cost(const umh_message *message);

/* A slot's queue: a ring of references that grows, order kept. */
typedef struct umh_queue {
    umh_message **ring; /* owned */
    uint32_t capacity;  /* power of two or 0 */
    uint32_t head;
    uint32_t count;
    uint64_t bytes; /* sum of costs */
} umh_queue;

#define UMH_QUEUE_INIT                                                                             \
    {                                                                                              \
        .ring = NULL, .capacity = 0, .head = 0, .count = 0, .bytes = 0                             \
    }

/* takes a reference of its own */
UMH_MUST_USE int umh_queue_push(umh_queue *queue, umh_message *message);
umh_message *umh_queue_peek(const umh_queue *queue); /* borrowed; NULL: empty */
umh_message *umh_queue_pop(umh_queue *queue); /* the reference is the caller's; NULL: empty */
void umh_queue_clear(umh_queue *queue, uint64_t *ret_count, uint64_t *ret_bytes);
void umh_queue_deinit(umh_queue *queue);
