/* SPDX-License-Identifier: MIT */
/*
 * What waits to be written to one peer.
 *
 * Bytes leave in this order: the rest of a frame that was written in part; credits; the control
 * lane; the ring; the large message; what had to follow it in order. Control may overtake messages
 * but never cut a frame. A write that could not take everything goes on as a libuv request: what it
 * points at (a control buffer set aside, the ring's front, a stored message) does not move until it
 * has completed, and appending goes on behind it.
 */
#include "broker/outbox.h"

#include "base/list.h"
#include "broker/ring.h"
#include "platform/memory.h"
#include "platform/pipe.h"

#include <stdlib.h>
#include <string.h>

#define SPARE_RINGS_MAX 4
#define PARTS_MAX 8

typedef struct spare_ring {
    struct spare_ring *next;
} spare_ring;

struct umh_outbox_set {
    umh_broker *broker;
    umh_list dirty;
    spare_ring *spare;
    unsigned spare_count;
    bool has_room; /* where there was none before, since the last flush began */
};

typedef struct pending_credit {
    umh_guid service;
    uint64_t bytes;
} pending_credit;

typedef enum part_kind { PART_FLYING, PART_RING, PART_LARGE, PART_AFTER } part_kind;

typedef struct part {
    part_kind kind;
    size_t bytes;
} part;

struct umh_outbox {
    umh_outbox_set *set;
    uv_stream_t *stream;
    umh_outbox_events events;
    umh_list dirty;
    umh_buffer control; /* being filled */
    umh_buffer flying;  /* being written; whole frames */
    size_t flying_done;
    pending_credit *credits; /* owned */
    uint32_t credit_count, credit_capacity;
    umh_ring ring;
    umh_message *large;
    uint8_t large_header[UMH_FRAME_HEADER_BYTES];
    size_t large_done; /* of header, payload and NUL */
    size_t large_bytes;
    umh_buffer after; /* in order behind ring and large */
    size_t after_done;
    uv_write_t request;
    part parts[PARTS_MAX];
    size_t part_count;
    bool is_writing; /* a request is under way */
    bool is_closed;
    bool was_refused; /* somebody found no room since the last write */
    bool is_grown;
    bool may_not_grow;
};

int umh_outbox_set_new(umh_broker *broker, umh_outbox_set **ret_set)
{
    umh_outbox_set *set = calloc(1, sizeof(*set));

    if (!set)
        return UMH_FAIL(UMH_E_MEMORY, "make the outboxes");
    set->broker = broker;
    umh_list_init(&set->dirty);
    *ret_set = set;
    return 0;
}

umh_outbox_set *umh_outbox_set_free(umh_outbox_set *set)
{
    if (!set)
        return NULL;
    while (set->spare) {
        spare_ring *ring = set->spare;

        set->spare = ring->next;
        umh_memory_unmap(ring, UMH_OUTBOX_BYTES);
    }
    free(set);
    return NULL;
}

static uint8_t *take_ring(umh_outbox_set *set)
{
    spare_ring *ring = set->spare;

    if (!ring)
        return umh_memory_map(UMH_OUTBOX_BYTES);
    set->spare = ring->next;
    set->spare_count--;
    return (uint8_t *)(void *)ring;
}

static void give_ring(umh_outbox_set *set, uint8_t **bytes)
{
    spare_ring *ring = (spare_ring *)(void *)UMH_MOVE(*bytes);

    if (!ring)
        return;
    if (set->spare_count == SPARE_RINGS_MAX) {
        umh_memory_unmap(ring, UMH_OUTBOX_BYTES);
        return;
    }
    ring->next = set->spare;
    set->spare = ring;
    set->spare_count++;
}

int umh_outbox_new(umh_outbox_set *set, uv_stream_t *stream, size_t control_bytes_max,
                   const umh_outbox_events *events, umh_outbox **ret_outbox)
{
    umh_outbox *outbox = calloc(1, sizeof(*outbox));

    if (!outbox)
        return UMH_FAIL(UMH_E_MEMORY, "make an outbox");
    outbox->set = set;
    outbox->stream = stream;
    outbox->events = *events;
    outbox->control.max_bytes = control_bytes_max;
    umh_list_init(&outbox->dirty);
    *ret_outbox = outbox;
    return 0;
}

static void release_charge(umh_outbox *outbox, uint64_t bytes)
{
    umh_budget_release(&outbox->set->broker->budget, bytes);
}

static void charge(umh_outbox *outbox, uint64_t bytes)
{
    umh_budget_charge(&outbox->set->broker->budget, bytes);
}

static void free_outbox(umh_outbox *outbox)
{
    release_charge(outbox, outbox->ring.used);
    give_ring(outbox->set, &outbox->ring.bytes);
    umh_message_unref(UMH_MOVE(outbox->large));
    umh_buffer_deinit(&outbox->control);
    umh_buffer_deinit(&outbox->flying);
    umh_buffer_deinit(&outbox->after);
    free(outbox->credits);
    free(outbox);
}

void umh_outbox_close(umh_outbox *outbox)
{
    umh_list_remove(&outbox->dirty);
    outbox->is_closed = true;
    if (!outbox->is_writing)
        free_outbox(outbox);
}

static void mark_dirty(umh_outbox *outbox)
{
    if (!umh_list_is_empty(&outbox->dirty))
        return;
    umh_list_push_back(&outbox->set->dirty, &outbox->dirty);
    umh_broker_wake(outbox->set->broker);
}

static void broken(umh_outbox *outbox, int status)
{
    umh_list_remove(&outbox->dirty);
    if (!outbox->is_closed)
        outbox->events.on_broken(outbox->events.context, status);
}

/* --- appending ---------------------------------------------------------------------------- */

bool umh_outbox_has_room(umh_outbox *outbox, uint64_t delivered_bytes)
{
    bool has_room = !outbox->large && outbox->after.size == 0 &&
                    (delivered_bytes > UMH_OUTBOX_LARGE_BYTES ||
                     delivered_bytes <= UMH_OUTBOX_BYTES - outbox->ring.used);

    if (!has_room)
        outbox->was_refused = true;
    return has_room;
}

static bool have_ring(umh_outbox *outbox)
{
    if (!outbox->ring.bytes)
        outbox->ring.bytes = take_ring(outbox->set);
    if (outbox->ring.bytes)
        return true;
    broken(outbox, UV_ENOMEM);
    return false;
}

void umh_outbox_append(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload)
{
    if (!have_ring(outbox))
        return;
    charge(outbox, umh_frame_delivered_bytes(frame));
    umh_ring_push(&outbox->ring, frame, payload);
    mark_dirty(outbox);
}

void umh_outbox_append_stored(umh_outbox *outbox, const umh_frame *frame, umh_message *message)
{
    umh_bytes payload = umh_bytes_of(umh_message_payload(message), frame->payload_bytes);

    if (umh_frame_delivered_bytes(frame) <= UMH_OUTBOX_LARGE_BYTES) {
        umh_outbox_append(outbox, frame, payload);
        return;
    }
    umh_frame_encode(frame, outbox->large_header);
    outbox->large = umh_message_ref(message);
    outbox->large_bytes = (size_t)umh_frame_delivered_bytes(frame);
    outbox->large_done = 0;
    mark_dirty(outbox);
}

static int append_frame(umh_buffer *buffer, const umh_frame *frame, umh_bytes payload)
{
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    int r;

    umh_frame_encode(frame, header);
    r = umh_buffer_append(buffer, header, sizeof(header));
    if (r == 0 && payload.size > 0)
        r = umh_buffer_append(buffer, payload.data, payload.size);
    if (r == 0 && frame->kind == FRAME_MESSAGE)
        r = umh_buffer_append(buffer, "", 1);
    return r;
}

void umh_outbox_control(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload)
{
    if (append_frame(&outbox->control, frame, payload) != 0)
        broken(outbox, UV_ENOBUFS);
    else
        mark_dirty(outbox);
}

void umh_outbox_in_order(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload)
{
    if (!outbox->large && outbox->after.size == 0 &&
        umh_frame_delivered_bytes(frame) <= UMH_OUTBOX_BYTES - outbox->ring.used) {
        umh_outbox_append(outbox, frame, payload);
        return;
    }
    if (append_frame(&outbox->after, frame, payload) != 0)
        broken(outbox, UV_ENOBUFS);
    else
        mark_dirty(outbox);
}

static bool have_credit_place(umh_outbox *outbox)
{
    uint32_t capacity = outbox->credit_capacity ? outbox->credit_capacity * 2 : 4;
    pending_credit *credits;

    if (outbox->credit_count < outbox->credit_capacity)
        return true;
    if (outbox->credit_count >= UMH_SERVICES_PER_PEER_MAX)
        return false;
    credits = realloc(outbox->credits, capacity * sizeof(*credits));
    if (!credits)
        return false;
    outbox->credits = credits;
    outbox->credit_capacity = capacity;
    return true;
}

void umh_outbox_credit(umh_outbox *outbox, const umh_guid *service, uint64_t bytes)
{
    uint32_t i;

    for (i = 0; i < outbox->credit_count; i++) {
        if (umh_guid_is_equal(&outbox->credits[i].service, service)) {
            outbox->credits[i].bytes += bytes;
            return;
        }
    }
    if (!have_credit_place(outbox)) {
        broken(outbox, UV_ENOMEM);
        return;
    }
    outbox->credits[outbox->credit_count++] = (pending_credit){*service, bytes};
    mark_dirty(outbox);
}

/* Credits that were added up become frames at the end of the control lane. */
static int encode_credits(umh_outbox *outbox)
{
    uint8_t bytes[UMH_FRAME_AMOUNT_BYTES];
    uint32_t i;

    for (i = 0; i < outbox->credit_count; i++) {
        umh_frame frame = {.payload_bytes = 8,
                           .version = UMH_PROTOCOL_HIGHEST,
                           .kind = FRAME_CREDIT,
                           .service = outbox->credits[i].service,
                           .slot = UMH_SLOT_NONE,
                           .source_slot = UMH_SLOT_NONE};
        int r;

        umh_frame_encode_amount(&frame, outbox->credits[i].bytes, bytes);
        r = umh_buffer_append(&outbox->control, bytes, sizeof(bytes));
        if (r)
            return r;
    }
    outbox->credit_count = 0;
    return 0;
}

void umh_outbox_give_back(umh_outbox *outbox, const umh_guid *service)
{
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_GIVE_BACK,
                       .service = *service,
                       .slot = UMH_SLOT_NONE,
                       .source_slot = UMH_SLOT_NONE};

    if (encode_credits(outbox) != 0)
        broken(outbox, UV_ENOBUFS);
    else
        umh_outbox_control(outbox, &frame, umh_bytes_of(NULL, 0));
}

/* --- writing ------------------------------------------------------------------------------ */

typedef struct gathering {
    umh_outbox *outbox;
    uv_buf_t buffers[PARTS_MAX * 2];
    unsigned buffer_count;
} gathering;

static void add_part(gathering *gather, part_kind kind, umh_bytes bytes)
{
    umh_outbox *outbox = gather->outbox;

    if (bytes.size == 0)
        return;
    gather->buffers[gather->buffer_count++] =
        uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.size);
    outbox->parts[outbox->part_count++] = (part){kind, bytes.size};
}

static void add_ring(gathering *gather, uint32_t from, uint32_t count)
{
    umh_bytes parts[2];
    size_t part_count = umh_ring_parts(&gather->outbox->ring, from, count, parts);
    size_t i;

    for (i = 0; i < part_count; i++)
        add_part(gather, PART_RING, parts[i]);
}

static void add_large(gathering *gather)
{
    umh_outbox *outbox = gather->outbox;
    size_t done = outbox->large_done;

    if (!outbox->large)
        return;
    if (done < UMH_FRAME_HEADER_BYTES) {
        add_part(gather, PART_LARGE,
                 umh_bytes_of(outbox->large_header + done, UMH_FRAME_HEADER_BYTES - done));
        done = UMH_FRAME_HEADER_BYTES;
    }
    add_part(gather, PART_LARGE,
             umh_bytes_of(umh_message_payload(outbox->large) + done - UMH_FRAME_HEADER_BYTES,
                          outbox->large_bytes - done));
}

/* What is to be written, in order, into buffers and outbox->parts. */
static void gather_parts(gathering *gather)
{
    umh_outbox *outbox = gather->outbox;
    uint32_t cut = outbox->ring.frame_left;
    bool large_is_cut = outbox->large && outbox->large_done > 0;
    bool after_is_cut = outbox->after_done > 0;

    outbox->part_count = 0;
    add_ring(gather, 0, cut);
    if (large_is_cut)
        add_large(gather);
    if (after_is_cut)
        add_part(gather, PART_AFTER,
                 umh_bytes_of(outbox->after.data + outbox->after_done,
                              outbox->after.size - outbox->after_done));
    if (outbox->flying.size > 0)
        add_part(gather, PART_FLYING,
                 umh_bytes_of(outbox->flying.data + outbox->flying_done,
                              outbox->flying.size - outbox->flying_done));
    add_ring(gather, cut, outbox->ring.used - cut);
    if (!large_is_cut)
        add_large(gather);
    if (!after_is_cut)
        add_part(gather, PART_AFTER, umh_bytes_of(outbox->after.data, outbox->after.size));
}

/*
 * Control frames of which a part was written go first: gathered before the ring, so only one of
 * them can be cut at a time.
 */
static void consume_part(umh_outbox *outbox, part_kind kind, size_t bytes)
{
    switch (kind) {
    case PART_FLYING:
        outbox->flying_done += bytes;
        if (outbox->flying_done == outbox->flying.size) {
            umh_buffer_clear(&outbox->flying);
            outbox->flying_done = 0;
        }
        break;
    case PART_RING:
        release_charge(outbox, bytes);
        umh_ring_consume(&outbox->ring, (uint32_t)bytes);
        break;
    case PART_LARGE:
        outbox->large_done += bytes;
        if (outbox->large_done == outbox->large_bytes)
            umh_message_unref(UMH_MOVE(outbox->large));
        break;
    case PART_AFTER:
        outbox->after_done += bytes;
        if (outbox->after_done == outbox->after.size) {
            umh_buffer_clear(&outbox->after);
            outbox->after_done = 0;
        }
        break;
    }
}

static void consume(umh_outbox *outbox, size_t written)
{
    size_t i;

    for (i = 0; i < outbox->part_count && written > 0; i++) {
        size_t bytes = outbox->parts[i].bytes < written ? outbox->parts[i].bytes : written;

        consume_part(outbox, outbox->parts[i].kind, bytes);
        written -= bytes;
    }
    outbox->part_count = 0;
    if (outbox->ring.used == 0)
        give_ring(outbox->set, &outbox->ring.bytes);
    if (outbox->was_refused) {
        outbox->was_refused = false;
        outbox->set->has_room = true;
        umh_broker_wake(outbox->set->broker);
    }
}

static bool is_empty(const umh_outbox *outbox)
{
    return outbox->ring.used == 0 && !outbox->large && outbox->control.size == 0 &&
           outbox->flying.size == 0 && outbox->after.size == 0 && outbox->credit_count == 0;
}

static void on_written(uv_write_t *request, int status)
{
    umh_outbox *outbox = umh_container_of(request, umh_outbox, request);
    size_t total = 0;
    size_t i;

    outbox->is_writing = false;
    if (outbox->is_closed) {
        free_outbox(outbox);
        return;
    }
    if (status != 0) {
        broken(outbox, status);
        return;
    }
    for (i = 0; i < outbox->part_count; i++)
        total += outbox->parts[i].bytes;
    consume(outbox, total);
    if (!is_empty(outbox))
        mark_dirty(outbox);
}

/* The pipe is full: let it hold more, once, where the system allows it. */
static void grow_pipe(umh_outbox *outbox)
{
    uv_os_fd_t handle;

    if (outbox->is_grown || outbox->may_not_grow)
        return;
    if (uv_fileno((const uv_handle_t *)outbox->stream, &handle) == 0 &&
        umh_pipe_grow((umh_pipe){(intptr_t)handle}, UMH_PIPE_BYTES))
        outbox->is_grown = true;
    else
        outbox->may_not_grow = true;
}

static void set_flying(umh_outbox *outbox)
{
    umh_buffer swap;

    if (outbox->flying.size > 0 || outbox->control.size == 0)
        return;
    swap = outbox->flying;
    swap.max_bytes = outbox->control.max_bytes;
    outbox->flying = outbox->control;
    outbox->control = swap;
}

static void flush(umh_outbox *outbox)
{
    gathering gather = {.outbox = outbox, .buffer_count = 0};
    int status;

    if (outbox->is_writing || is_empty(outbox))
        return;
    if (encode_credits(outbox) != 0) {
        broken(outbox, UV_ENOBUFS);
        return;
    }
    set_flying(outbox);
    gather_parts(&gather);
    status = uv_try_write(outbox->stream, gather.buffers, gather.buffer_count);
    if (status < 0 && status != UV_EAGAIN) {
        broken(outbox, status);
        return;
    }
    if (status > 0)
        consume(outbox, (size_t)status);
    if (is_empty(outbox))
        return;

    grow_pipe(outbox);
    set_flying(outbox);
    gather.buffer_count = 0;
    gather_parts(&gather);
    status =
        uv_write(&outbox->request, outbox->stream, gather.buffers, gather.buffer_count, on_written);
    if (status != 0)
        broken(outbox, status);
    else
        outbox->is_writing = true;
}

bool umh_outbox_set_flush(umh_outbox_set *set)
{
    set->has_room = false;
    while (!umh_list_is_empty(&set->dirty)) {
        umh_outbox *outbox = umh_container_of(set->dirty.next, umh_outbox, dirty);

        umh_list_remove(&outbox->dirty);
        flush(outbox);
    }
    return set->has_room;
}

uint64_t umh_outbox_waiting_bytes(const umh_outbox *outbox)
{
    return outbox->ring.used + (outbox->large ? outbox->large_bytes - outbox->large_done : 0) +
           outbox->control.size + outbox->flying.size + outbox->after.size;
}

uint64_t umh_outbox_control_bytes(const umh_outbox *outbox)
{
    return outbox->control.size + outbox->flying.size - outbox->flying_done;
}
