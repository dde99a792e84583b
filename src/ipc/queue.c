/* SPDX-License-Identifier: MIT */
/*
 * Stored messages and the queues they wait in.
 *
 * A message is one block: the counted head, the decoded frame, the payload, a NUL. Blocks come in
 * size classes, powers of two of the payload's room; a released block goes to its class's free list
 * as long as that holds less than CLASS_FREE_BYTES_MAX, else back to malloc. So in a steady state
 * no message allocates, whatever sizes came before, and a burst does not stay for ever. Payloads
 * beyond the largest class are rare and long enough for malloc not to matter.
 */
#include "ipc/queue.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_BYTES_LOWEST 64u
#define CLASS_BYTES_HIGHEST (64u * 1024)
#define CLASS_COUNT 11u /* 64 << 10 is 64 KiB */
#define CLASS_NONE CLASS_COUNT
#define CLASS_FREE_BYTES_MAX (256u * 1024) /* on one free list; 2.75 MiB on all of them */

#define RING_CAPACITY_FIRST 16u
#define RING_CAPACITY_KEPT 1024u /* a larger ring is freed when its queue has become empty */
#define RING_CAPACITY_MAX (1u << 31)

_Static_assert(CLASS_BYTES_LOWEST << (CLASS_COUNT - 1) == CLASS_BYTES_HIGHEST, "the classes");

struct umh_message {
    union {
        umh_message_pool *pool; /* while it is a message */
        umh_message *next;      /* while its block is on a free list */
    } link;
    uint32_t reference_count;
    uint32_t payload_bytes; /* the frame's as it was born: what is charged */
    umh_frame frame;
    uint8_t payload[];
};

typedef struct free_list {
    umh_message *first;
    size_t bytes;
} free_list;

struct umh_message_pool {
    umh_budget *budget;
    size_t live_count; /* messages that have not been released */
    free_list free_lists[CLASS_COUNT];
};

static unsigned class_of(uint32_t payload_bytes)
{
    unsigned class = 0;

    if (payload_bytes > CLASS_BYTES_HIGHEST)
        return CLASS_NONE;
    while (payload_bytes > CLASS_BYTES_LOWEST << class)
        class ++;
    return class;
}

/* With room for the NUL behind a payload that fills its class. */
static size_t block_bytes(unsigned class, uint32_t payload_bytes)
{
    size_t room = class == CLASS_NONE ? payload_bytes : CLASS_BYTES_LOWEST << class;

    return offsetof(umh_message, payload) + room + 1;
}

int umh_message_pool_new(umh_budget *budget, umh_message_pool **ret_pool)
{
    umh_message_pool *pool = calloc(1, sizeof *pool);

    if (!pool)
        return UMH_FAIL(UMH_E_MEMORY, "a pool of messages");
    pool->budget = budget;
    *ret_pool = pool;
    return 0;
}

umh_message_pool *umh_message_pool_free(umh_message_pool *pool)
{
    if (!pool)
        return NULL;
    umh_assert(pool->live_count == 0);
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        while (pool->free_lists[class].first) {
            umh_message *block = pool->free_lists[class].first;

            pool->free_lists[class].first = block->link.next;
            free(block);
        }
    }
    free(pool);
    return NULL;
}

static umh_message *take_block(umh_message_pool *pool, uint32_t payload_bytes)
{
    unsigned class = class_of(payload_bytes);
    size_t size = block_bytes(class, payload_bytes);
    free_list *list = &pool->free_lists[class];
    umh_message *block;

    if (class == CLASS_NONE || !list->first)
        return malloc(size);
    block = list->first;
    list->first = block->link.next;
    list->bytes -= size;
    return block;
}

static void return_block(umh_message_pool *pool, umh_message *block)
{
    unsigned class = class_of(block->payload_bytes);
    size_t size = block_bytes(class, block->payload_bytes);
    free_list *list = &pool->free_lists[class];

    if (class == CLASS_NONE || list->bytes + size > CLASS_FREE_BYTES_MAX) {
        free(block);
        return;
    }
    list->bytes += size;
    block->link.next = list->first;
    list->first = block;
}

int umh_message_new(umh_message_pool *pool, const umh_frame *frame, umh_message **ret_message)
{
    umh_message *message;

    /* The frame's decoder has judged it; here it keeps the sum of sizes within 32 bits. */
    umh_assert(frame->payload_bytes <= UMH_MESSAGE_BYTES_HIGHEST);
    message = take_block(pool, frame->payload_bytes);
    if (!message)
        return UMH_FAIL(UMH_E_MEMORY, "store a message of %u bytes", frame->payload_bytes);
    message->link.pool = pool;
    message->reference_count = 1;
    message->payload_bytes = frame->payload_bytes;
    message->frame = *frame;
    message->payload[frame->payload_bytes] = '\0';
    pool->live_count++;
    umh_budget_charge(pool->budget, umh_message_cost(message));
    *ret_message = message;
    return 0;
}

umh_message *umh_message_ref(umh_message *message)
{
    message->reference_count++;
    return message;
}

umh_message *umh_message_unref(umh_message *message)
{
    umh_message_pool *pool;

    if (!message)
        return NULL;
    umh_assert(message->reference_count > 0);
    if (--message->reference_count > 0)
        return NULL;
    pool = message->link.pool;
    umh_budget_release(pool->budget, umh_message_cost(message));
    pool->live_count--;
    return_block(pool, message);
    return NULL;
}

const umh_frame *umh_message_frame(const umh_message *message)
{
    return &message->frame;
}

umh_frame *umh_message_edit(umh_message *message)
{
    umh_assert(message->reference_count == 1);
    return &message->frame;
}

uint8_t *umh_message_payload(umh_message *message)
{
    return message->payload;
}

uint64_t umh_message_cost(const umh_message *message)
{
    return umh_frame_cost(message->payload_bytes);
}

static uint32_t place(const umh_queue *queue, uint32_t index)
{
    return (queue->head + index) & (queue->capacity - 1);
}

/* Twice the room, the entries in order from 0 again. */
static int grow(umh_queue *queue)
{
    uint32_t capacity = queue->capacity ? queue->capacity * 2 : RING_CAPACITY_FIRST;
    uint32_t until_end = queue->capacity - queue->head;
    umh_message **ring;

    if (queue->capacity >= RING_CAPACITY_MAX)
        return UMH_FAIL(UMH_E_LIMIT, "a queue of %u messages", queue->count);
    ring = calloc(capacity, sizeof(umh_message *));
    if (!ring)
        return UMH_FAIL(UMH_E_MEMORY, "a queue of %u messages", capacity);
    if (queue->count) {
        memcpy(ring, queue->ring + queue->head, until_end * sizeof *ring);
        memcpy(ring + until_end, queue->ring, queue->head * sizeof *ring);
    }
    free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->head = 0;
    return 0;
}

int umh_queue_push(umh_queue *queue, umh_message *message)
{
    if (queue->count == queue->capacity) {
        int r = grow(queue);

        if (r)
            return r;
    }
    queue->ring[place(queue, queue->count)] = umh_message_ref(message);
    queue->count++;
    queue->bytes += umh_message_cost(message);
    return 0;
}

umh_message *umh_queue_peek(const umh_queue *queue)
{
    return queue->count ? queue->ring[queue->head] : NULL;
}

static void free_ring(umh_queue *queue)
{
    free(queue->ring);
    queue->ring = NULL;
    queue->capacity = 0;
    queue->head = 0;
}

umh_message *umh_queue_pop(umh_queue *queue)
{
    umh_message *message = umh_queue_peek(queue);

    if (!message)
        return NULL;
    queue->head = place(queue, 1);
    queue->count--;
    queue->bytes -= umh_message_cost(message);
    if (queue->count == 0 && queue->capacity > RING_CAPACITY_KEPT)
        free_ring(queue);
    return message;
}

void umh_queue_clear(umh_queue *queue, uint64_t *ret_count, uint64_t *ret_bytes)
{
    umh_message *message;

    *ret_count = queue->count;
    *ret_bytes = queue->bytes;
    while ((message = umh_queue_pop(queue)))
        umh_message_unref(message);
}

void umh_queue_deinit(umh_queue *queue)
{
    uint64_t count;
    uint64_t bytes;

    if (!queue)
        return;
    umh_queue_clear(queue, &count, &bytes);
    free_ring(queue);
}
