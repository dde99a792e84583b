/* SPDX-License-Identifier: MIT */
/*
 * Credit and waiting lists.
 *
 * A list is first in, first out, but for modules that stop: what was accepted of them stands in
 * front of all others, or it would wait behind a message that may itself wait for the slot that is
 * being stopped. Order is promised per module, so that breaks nothing.
 */
#include "host/streams.h"

#include "host/outbox.h"
#include "ipc/services.h"

#include <stdlib.h>
#include <string.h>

static umh_waiting *waiting_of(umh_list *link)
{
    return umh_container_of(link, umh_waiting, link);
}

void umh_streams_init(umh_streams *streams)
{
    memset(streams, 0, sizeof *streams);
    umh_list_init(&streams->due);
}

static void free_stream(umh_stream *stream)
{
    umh_list_each (link, &stream->waiting) {
        umh_waiting *waiting = waiting_of(link);

        umh_list_remove(link);
        if (!waiting->sender)
            free(waiting);
    }
    free(stream);
}

void umh_streams_deinit(umh_streams *streams)
{
    for (size_t i = 0; i < UMH_STREAM_BUCKETS; i++) {
        while (streams->buckets[i]) {
            umh_stream *stream = streams->buckets[i];

            streams->buckets[i] = stream->next;
            free_stream(stream);
        }
    }
    for (size_t i = 0; i < UMH_MODULES_PER_HOST_MAX; i++) {
        free(streams->slots[i].answer);
        streams->slots[i].answer = NULL;
    }
    umh_streams_init(streams);
}

static umh_stream **bucket_of(umh_streams *streams, const umh_guid *service)
{
    return &streams->buckets[umh_guid_hash(service) % UMH_STREAM_BUCKETS];
}

umh_stream *umh_streams_find(umh_streams *streams, const umh_guid *service)
{
    umh_stream *stream = streams->last;

    if (stream && umh_guid_is_equal(&stream->service, service))
        return stream;
    stream = *bucket_of(streams, service);
    while (stream && !umh_guid_is_equal(&stream->service, service))
        stream = stream->next;
    if (stream)
        streams->last = stream;
    return stream;
}

int umh_streams_get(umh_streams *streams, const umh_guid *service, umh_stream **ret_stream)
{
    umh_stream *stream = umh_streams_find(streams, service);
    umh_stream **bucket;

    if (stream) {
        *ret_stream = stream;
        return 0;
    }
    if (umh_service_is_control(service))
        return UMH_OUTBOX_NOT_ALLOWED;
    if (streams->count == UMH_SERVICES_PER_PEER_MAX)
        return UMH_OUTBOX_LIMIT;
    stream = calloc(1, sizeof *stream);
    if (!stream)
        return UMH_FAIL(UMH_E_MEMORY, "publish to a new service");
    stream->service = *service;
    stream->announced_slot = UMH_SLOT_NONE;
    umh_sender_init(&stream->sender);
    umh_list_init(&stream->due);
    umh_list_init(&stream->waiting);
    bucket = bucket_of(streams, service);
    stream->next = *bucket;
    *bucket = stream;
    streams->count++;
    streams->last = stream;
    *ret_stream = stream;
    return 0;
}

umh_slot *umh_streams_slot(umh_streams *streams, uint16_t slot)
{
    umh_assert(slot < UMH_MODULES_PER_HOST_MAX);
    return &streams->slots[slot];
}

bool umh_stream_fits(const umh_streams *streams, const umh_stream *stream, uint64_t cost)
{
    umh_sender trial = stream->sender;
    unsigned first_count = streams->first_count;

    return umh_list_is_empty(&stream->waiting) && umh_sender_take(&trial, cost, &first_count);
}

bool umh_stream_take(umh_streams *streams, umh_stream *stream, uint64_t cost)
{
    return umh_list_is_empty(&stream->waiting) &&
           umh_sender_take(&stream->sender, cost, &streams->first_count);
}

bool umh_streams_may_accept(const umh_streams *streams, uint16_t slot, uint64_t cost)
{
    uint64_t accepted = streams->slots[slot].accepted_bytes;

    return accepted == 0 || accepted + cost <= UMH_ALLOWANCE_BYTES;
}

umh_waiting *umh_waiting_copy(const umh_frame *frame, umh_bytes text)
{
    umh_waiting *waiting = malloc(sizeof *waiting + text.size);
    uint8_t *copy = (uint8_t *)(waiting + 1);

    if (!waiting) {
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "keep a message of %u bytes", frame->payload_bytes));
        return NULL;
    }
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    umh_chunk_init(&waiting->chunk, CHUNK_OWNED, frame, copy);
    umh_list_init(&waiting->link);
    waiting->sender = NULL;
    waiting->until = 0;
    waiting->slot = frame->source_slot;
    waiting->state = WAITING_LISTED;
    return waiting;
}

/* Before what a message of the slot goes: the end, or the first one of a module that goes on. */
static umh_list *place_of(const umh_streams *streams, umh_stream *stream, uint16_t slot)
{
    umh_list *before = &stream->waiting;

    if (streams->slots[slot].is_stopping) {
        before = stream->waiting.next;
        while (before != &stream->waiting && streams->slots[waiting_of(before)->slot].is_stopping)
            before = before->next;
    }
    return before;
}

void umh_streams_push(umh_streams *streams, umh_stream *stream, umh_waiting *waiting)
{
    umh_list_push_back(place_of(streams, stream, waiting->slot), &waiting->link);
    if (!waiting->sender)
        streams->slots[waiting->slot].accepted_bytes += waiting->chunk.end;
}

void umh_streams_withdraw(umh_waiting *waiting)
{
    umh_list_remove(&waiting->link);
    waiting->state = WAITING_REFUSED;
}

static void give_answer(umh_slot *slot, umh_lane *lane)
{
    if (slot->answer && slot->accepted_bytes == 0)
        umh_lane_append_chunk(lane, UMH_MOVE(slot->answer));
}

/* Credit was taken for it and, where it is copied, room reserved. */
static void move_to_lane(umh_streams *streams, umh_waiting *waiting, umh_lane *lane)
{
    umh_slot *slot = &streams->slots[waiting->slot];
    uint64_t cost = waiting->chunk.end;
    bool is_copied = cost <= UMH_LANE_COPY_BYTES;

    umh_list_remove(&waiting->link);
    if (is_copied)
        umh_lane_append_copy(lane, &waiting->chunk);
    else
        umh_lane_append_chunk(lane, &waiting->chunk);
    if (waiting->sender) {
        waiting->until = is_copied ? 0 : lane->appended;
        waiting->state = WAITING_SENT;
        umh_condition_wake_one(waiting->sender);
        return;
    }
    slot->accepted_bytes -= cost;
    if (is_copied)
        free(waiting);
    give_answer(slot, lane);
}

static int move_what_fits(umh_streams *streams, umh_stream *stream, umh_lane *lane)
{
    while (!umh_list_is_empty(&stream->waiting)) {
        umh_waiting *head = waiting_of(stream->waiting.next);

        if (head->chunk.end <= UMH_LANE_COPY_BYTES) {
            int r = umh_lane_reserve(lane, head->chunk.end);

            if (r)
                return r;
        }
        if (!umh_sender_take(&stream->sender, head->chunk.end, &streams->first_count))
            return 0;
        move_to_lane(streams, head, lane);
    }
    return 0;
}

static void make_due(umh_streams *streams, umh_stream *stream, bool *due)
{
    *due = true;
    umh_list_remove(&stream->due);
    umh_list_push_back(&streams->due, &stream->due);
}

/*
 * What the broker is to know of the waiting messages. A want that credit has met needs no
 * withdrawal; one that stands does, also when it was the message behind the wanted one that emptied
 * the list. A want names its slot only while that is being stopped: then it is met from memory that
 * was reserved for what the slot had accepted.
 */
static void announce(umh_streams *streams, umh_stream *stream)
{
    umh_want want = umh_sender_want(&stream->sender, 0);
    uint16_t slot = UMH_SLOT_NONE;

    if (umh_list_is_empty(&stream->waiting)) {
        if (stream->announced.need <= stream->sender.given)
            return;
    } else {
        umh_waiting *head = waiting_of(stream->waiting.next);

        want = umh_sender_want(&stream->sender, head->chunk.end);
        if (streams->slots[head->slot].is_stopping)
            slot = head->slot;
        if (want.need == stream->announced.need && slot == stream->announced_slot)
            return;
    }
    stream->announced = want;
    stream->announced_slot = slot;
    make_due(streams, stream, &stream->is_want_due);
}

int umh_streams_settle(umh_streams *streams, umh_stream *stream, umh_lane *lane)
{
    int r = move_what_fits(streams, stream, lane);

    announce(streams, stream);
    return r;
}

int umh_streams_give_back(umh_streams *streams, umh_stream *stream, umh_lane *lane)
{
    stream->given_back += umh_sender_give_back(&stream->sender);
    make_due(streams, stream, &stream->is_give_back_due);
    return umh_streams_settle(streams, stream, lane);
}

static void refuse(umh_waiting *waiting)
{
    umh_streams_withdraw(waiting);
    umh_condition_wake_one(waiting->sender);
}

static int stop_in_stream(umh_streams *streams, umh_stream *stream, uint16_t slot, umh_lane *lane)
{
    umh_list accepted;
    umh_list *before;

    umh_list_init(&accepted);
    umh_list_each (link, &stream->waiting) {
        umh_waiting *waiting = waiting_of(link);

        if (waiting->slot != slot)
            continue;
        umh_list_remove(link);
        if (waiting->sender)
            refuse(waiting);
        else
            umh_list_push_back(&accepted, link);
    }
    before = place_of(streams, stream, slot);
    umh_list_each (link, &accepted) {
        umh_list_remove(link);
        umh_list_push_back(before, link);
    }
    return umh_streams_settle(streams, stream, lane);
}

int umh_streams_stop_slot(umh_streams *streams, uint16_t slot, umh_lane *lane)
{
    int first_failure = 0;

    umh_streams_slot(streams, slot)->is_stopping = true;
    for (size_t i = 0; i < UMH_STREAM_BUCKETS; i++) {
        for (umh_stream *stream = streams->buckets[i]; stream; stream = stream->next) {
            int r = stop_in_stream(streams, stream, slot, lane);

            if (first_failure == 0)
                first_failure = r;
        }
    }
    return first_failure;
}

void umh_streams_finish_slot_take(umh_streams *streams, uint16_t slot, umh_chunk *answer,
                                  umh_lane *lane)
{
    umh_slot *finished = umh_streams_slot(streams, slot);

    umh_assert(!finished->answer);
    finished->is_finished = true;
    finished->answer = answer;
    give_answer(finished, lane);
}

void umh_streams_consumed(umh_streams *streams, uint16_t slot, uint64_t bytes)
{
    umh_slot *consumer = umh_streams_slot(streams, slot);

    if (consumer->consumed == 0 && bytes > 0)
        streams->consumed_count++;
    consumer->consumed += bytes;
}

void umh_streams_refuse_all(umh_streams *streams)
{
    for (size_t i = 0; i < UMH_STREAM_BUCKETS; i++) {
        for (umh_stream *stream = streams->buckets[i]; stream; stream = stream->next) {
            umh_list_each (link, &stream->waiting) {
                if (waiting_of(link)->sender)
                    refuse(waiting_of(link));
            }
        }
    }
}

bool umh_streams_is_due(const umh_streams *streams)
{
    return streams->consumed_count > 0 || !umh_list_is_empty(&streams->due);
}

/* Without memory it stays due. */
static bool put_amount(umh_buffer *frames, const umh_frame *frame, uint64_t amount)
{
    uint8_t bytes[UMH_FRAME_AMOUNT_BYTES];
    int r;

    umh_frame_encode_amount(frame, amount, bytes);
    r = umh_buffer_append(frames, bytes, sizeof bytes);
    return r == 0;
}

static bool put_want(umh_buffer *frames, const umh_frame *frame, const umh_want *want)
{
    uint8_t bytes[UMH_FRAME_WANT_BYTES];
    int r;

    umh_frame_encode_want(frame, want->need, want->cost, bytes);
    r = umh_buffer_append(frames, bytes, sizeof bytes);
    return r == 0;
}

/*
 * The want first: a withdrawal behind what was given back would let the old want be met, asked back
 * and met again.
 */
static bool encode_stream(umh_stream *stream, umh_buffer *frames)
{
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_WANT,
                       .service = stream->service,
                       .source_slot = stream->announced_slot,
                       .slot = UMH_SLOT_NONE};

    if (stream->is_want_due && !put_want(frames, &frame, &stream->announced))
        return false;
    stream->is_want_due = false;
    frame.kind = FRAME_GIVE_BACK;
    frame.source_slot = UMH_SLOT_NONE;
    if (stream->is_give_back_due && !put_amount(frames, &frame, stream->given_back))
        return false;
    stream->is_give_back_due = false;
    stream->given_back = 0;
    return true;
}

void umh_streams_encode_due(umh_streams *streams, umh_buffer *frames)
{
    umh_frame frame = {
        .version = UMH_PROTOCOL_HIGHEST, .kind = FRAME_CREDIT, .slot = UMH_SLOT_NONE};

    for (uint16_t i = 0; streams->consumed_count > 0 && i < UMH_MODULES_PER_HOST_MAX; i++) {
        if (streams->slots[i].consumed == 0)
            continue;
        frame.source_slot = i;
        if (!put_amount(frames, &frame, streams->slots[i].consumed))
            return;
        streams->slots[i].consumed = 0;
        streams->consumed_count--;
    }
    umh_list_each (link, &streams->due) {
        if (!encode_stream(umh_container_of(link, umh_stream, due), frames))
            return;
        umh_list_remove(link);
    }
}
