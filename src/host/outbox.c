/* SPDX-License-Identifier: MIT */
/*
 * Sending, and what the broker says about it.
 *
 * Fitting, taking credit and appending are one step under the lock. Outside callbacks the first few
 * messages since the last tick, or since the last batch was read, write themselves: a turn of a
 * conversation leaves at once, while a stream, which waits for nothing in between, gathers until
 * a tick or until the lane is full.
 */
#include "host/outbox.h"

#include "formats/utf8.h"
#include "host/writer.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { OUTBOX_NEEDS_COPY = 100 }; /* beside the outcomes of umh_outbox_send */

struct umh_outbox {
    atomic_uint max_message_bytes;
    umh_streams streams;
    umh_writer writer; /* and its lock, of both */
};

int umh_outbox_new(const umh_outbox_spec *spec, umh_outbox **ret_outbox)
{
    umh_outbox *outbox = calloc(1, sizeof *outbox);
    int r;

    if (!outbox)
        return UMH_FAIL(UMH_E_MEMORY, "make an outbox");
    atomic_init(&outbox->max_message_bytes, spec->max_message_bytes);
    umh_streams_init(&outbox->streams);
    r = umh_writer_init(&outbox->writer, spec, &outbox->streams);
    if (r) {
        umh_outbox_free(outbox);
        return r;
    }
    *ret_outbox = outbox;
    return 0;
}

umh_outbox *umh_outbox_free(umh_outbox *outbox)
{
    if (!outbox)
        return NULL;
    umh_writer_deinit(&outbox->writer);
    umh_streams_deinit(&outbox->streams);
    free(outbox);
    return NULL;
}

void umh_outbox_limit(umh_outbox *outbox, uint32_t max_message_bytes)
{
    atomic_store(&outbox->max_message_bytes, max_message_bytes);
}

static void enter(umh_outbox *outbox)
{
    umh_lock_take(outbox->writer.lock);
}

/* Control frames are written by whoever made them due. For a full pipe somebody waits already. */
static void write_urgent(umh_outbox *outbox)
{
    if (umh_writer_has_urgent(&outbox->writer) && !outbox->writer.is_pipe_full)
        umh_writer_write(&outbox->writer);
}

static void leave(umh_outbox *outbox)
{
    write_urgent(outbox);
    umh_writer_leave(&outbox->writer);
}

/* ---- Sending ---- */

static umh_frame frame_of(const umh_send *send)
{
    return (umh_frame){
        .payload_bytes = (uint32_t)send->text.size,
        .version = UMH_PROTOCOL_HIGHEST,
        .kind = FRAME_MESSAGE,
        .service = send->service,
        .session = send->session,
        .source_slot = send->slot,
        .slot = UMH_SLOT_NONE,
    };
}

static bool is_closed(umh_outbox *outbox, const umh_send *send)
{
    const umh_slot *slot = umh_streams_slot(&outbox->streams, send->slot);

    return outbox->writer.is_broken || slot->is_finished || (slot->is_stopping && !send->is_inside);
}

/*
 * Outside callbacks nothing is added to a lane that is over its size. Outcomes: UMH_OUTBOX_FULL.
 */
static int make_room(umh_outbox *outbox, umh_waiter *self, const umh_send *send)
{
    const umh_lane *lane = &outbox->writer.lane;

    int r = 0;

    while (!send->is_inside && r == 0 && umh_lane_bytes(lane) >= UMH_OUTBOX_BYTES &&
           !is_closed(outbox, send))
        r = umh_writer_wait(&outbox->writer, self, lane->appended - UMH_OUTBOX_BYTES + 1,
                            send->deadline_ns);
    return r || is_closed(outbox, send) ? UMH_OUTBOX_FULL : 0;
}

/* Outcomes: UMH_OUTBOX_FULL (it does not fit, or is too long to be copied under the lock). */
static int append_small(umh_outbox *outbox, umh_stream *stream, const umh_frame *frame,
                        const uint8_t *text)
{
    uint64_t cost = umh_frame_cost(frame->payload_bytes);
    int r;

    if (cost > UMH_LANE_COPY_BYTES)
        return UMH_OUTBOX_FULL;
    r = umh_lane_reserve(&outbox->writer.lane, cost);
    if (r)
        return umh_fold(r);
    if (!umh_stream_take(&outbox->streams, stream, cost))
        return UMH_OUTBOX_FULL;
    umh_lane_append(&outbox->writer.lane, frame, text);
    return 0;
}

/* Who writes what has been appended. */
static void pass_on(umh_outbox *outbox, const umh_send *send)
{
    umh_writer *writer = &outbox->writer;

    if (umh_lane_bytes(&writer->lane) >= UMH_OUTBOX_BYTES) {
        if (!writer->is_pipe_full)
            umh_writer_write(writer);
        return;
    }
    if (writer->is_writing || (send->is_inside && !send->is_elsewhere))
        return;
    if (writer->writes_left > 0 && !writer->is_pipe_full) {
        writer->writes_left--;
        umh_writer_write(writer);
    } else {
        umh_writer_hand_over(writer);
    }
}

/* Short of memory nothing is lost: what could not be moved goes with the next credit. */
static void settle(umh_outbox *outbox, umh_stream *stream)
{
    umh_ignore(umh_streams_settle(&outbox->streams, stream, &outbox->writer.lane));
    write_urgent(outbox);
}

static bool may_pass(const umh_outbox *outbox, const umh_stream *stream, const umh_send *send)
{
    uint64_t cost = umh_frame_cost((uint32_t)send->text.size);

    return umh_stream_fits(&outbox->streams, stream, cost) ||
           (send->is_inside && send->may_use_allowance &&
            umh_streams_may_accept(&outbox->streams, send->slot, cost));
}

/* One look at it all. Outcomes: UMH_OUTBOX_FULL, OUTBOX_NEEDS_COPY. */
static int try_send(umh_outbox *outbox, umh_stream *stream, const umh_send *send,
                    umh_waiting **copy)
{
    umh_frame frame = frame_of(send);
    int r;

    if (make_room(outbox, NULL, send) == UMH_OUTBOX_FULL)
        return UMH_OUTBOX_FULL;
    r = append_small(outbox, stream, &frame, send->text.data);
    if (r == UMH_OUTBOX_FULL) {
        if (!may_pass(outbox, stream, send))
            return UMH_OUTBOX_FULL;
        if (!*copy)
            return OUTBOX_NEEDS_COPY;
        umh_streams_push(&outbox->streams, stream, UMH_MOVE(*copy));
        settle(outbox, stream);
        r = 0;
    }
    if (r == 0)
        pass_on(outbox, send);
    return umh_fold(r);
}

/* A copy is made without the lock; then all is looked at again. Outcomes: UMH_OUTBOX_FULL. */
static int send_at_once(umh_outbox *outbox, umh_stream *stream, const umh_send *send)
{
    umh_waiting *copy = NULL;
    int r = try_send(outbox, stream, send, &copy);

    if (r == OUTBOX_NEEDS_COPY) {
        umh_frame frame = frame_of(send);

        umh_lock_release(outbox->writer.lock);
        copy = umh_waiting_copy(&frame, send->text);
        umh_lock_take(outbox->writer.lock);
        if (!copy)
            return UMH_E_MEMORY;
        r = try_send(outbox, stream, send, &copy);
        free(copy);
    }
    return r == UMH_OUTBOX_FULL ? UMH_OUTBOX_FULL : umh_fold(r);
}

static void wait_for_credit(umh_outbox *outbox, umh_stream *stream, umh_waiting *waiting,
                            uint64_t deadline_ns)
{
    bool is_in_time = true;

    while (waiting->state == WAITING_LISTED && is_in_time) {
        umh_writer_call_out(&outbox->writer);
        if (waiting->state == WAITING_LISTED)
            is_in_time = umh_condition_wait(waiting->sender, outbox->writer.lock, deadline_ns);
    }
    if (waiting->state == WAITING_LISTED) {
        umh_streams_withdraw(waiting);
        settle(outbox, stream);
    }
}

/*
 * The text stays where it is; a long one is written from there, and the thread waits until it has
 * been, whatever the deadline says. Outcomes: UMH_OUTBOX_FULL.
 */
static int send_in_place(umh_outbox *outbox, umh_stream *stream, const umh_send *send,
                         umh_waiter *self)
{
    umh_frame frame = frame_of(send);
    umh_waiting waiting = {.sender = self->condition, .slot = send->slot};

    if (make_room(outbox, self, send) == UMH_OUTBOX_FULL)
        return UMH_OUTBOX_FULL;
    umh_chunk_init(&waiting.chunk, CHUNK_BORROWED, &frame, send->text.data);
    umh_list_init(&waiting.link);
    umh_streams_push(&outbox->streams, stream, &waiting);
    settle(outbox, stream);
    wait_for_credit(outbox, stream, &waiting, send->deadline_ns);
    if (waiting.state != WAITING_SENT)
        return UMH_OUTBOX_FULL;
    if (waiting.until == 0)
        pass_on(outbox, send);
    while (outbox->writer.lane.written < waiting.until)
        umh_ignore(umh_writer_wait(&outbox->writer, self, waiting.until, UMH_FOREVER));
    return outbox->writer.is_broken ? UMH_OUTBOX_FULL : 0;
}

/* Outcomes: UMH_OUTBOX_FULL. */
static int send_waiting(umh_outbox *outbox, umh_stream *stream, const umh_send *send)
{
    umh_frame frame = frame_of(send);
    umh_waiter *self;
    int r = UMH_OUTBOX_FULL;

    if (umh_lane_bytes(&outbox->writer.lane) < UMH_OUTBOX_BYTES && !is_closed(outbox, send))
        r = append_small(outbox, stream, &frame, send->text.data);
    if (r == 0)
        pass_on(outbox, send);
    if (r != UMH_OUTBOX_FULL)
        return umh_fold(r);

    r = umh_writer_take_waiter(&outbox->writer, &self);
    if (r)
        return umh_fold(r);
    r = send_in_place(outbox, stream, send, self);
    umh_writer_return_waiter(&outbox->writer, self);
    return r == UMH_OUTBOX_FULL ? UMH_OUTBOX_FULL : umh_fold(r);
}

int umh_outbox_send(umh_outbox *outbox, const umh_send *send)
{
    umh_stream *stream;
    int r;

    if (send->text.size > atomic_load_explicit(&outbox->max_message_bytes, memory_order_relaxed))
        return UMH_OUTBOX_TOO_LARGE;
    if (!umh_utf8_is_valid(send->text))
        return UMH_OUTBOX_NOT_TEXT;

    enter(outbox);
    r = umh_streams_get(&outbox->streams, &send->service, &stream);
    if (r == 0) {
        if (send->is_inside || send->deadline_ns == 0)
            r = send_at_once(outbox, stream, send);
        else
            r = send_waiting(outbox, stream, send);
    }
    umh_writer_leave(&outbox->writer);
    return r;
}

/* ---- Control frames ---- */

static int put(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload)
{
    int r;

    umh_assert(payload.size == frame->payload_bytes);
    if (payload.size > UMH_COMMAND_BYTES_MAX)
        return UMH_FAIL(UMH_E_LIMIT, "a control frame of %u bytes", frame->payload_bytes);
    enter(outbox);
    r = outbox->writer.is_broken ? 0 : umh_writer_put(&outbox->writer, frame, payload);
    leave(outbox);
    return r;
}

static umh_frame control_frame(umh_frame_kind kind, umh_bytes payload)
{
    return (umh_frame){
        .payload_bytes = (uint32_t)payload.size,
        .version = UMH_PROTOCOL_HIGHEST,
        .kind = (uint8_t)kind,
        .source_slot = UMH_SLOT_NONE,
        .slot = UMH_SLOT_NONE,
    };
}

int umh_outbox_answer(umh_outbox *outbox, umh_bytes payload)
{
    umh_frame frame = control_frame(FRAME_ANSWER, payload);

    return put(outbox, &frame, payload);
}

int umh_outbox_command(umh_outbox *outbox, const umh_guid *service, uint16_t slot,
                       umh_bytes payload)
{
    umh_frame frame = control_frame(FRAME_MESSAGE, payload);

    frame.service = *service;
    frame.source_slot = slot;
    return put(outbox, &frame, payload);
}

int umh_outbox_pong(umh_outbox *outbox, umh_bytes payload)
{
    umh_frame frame = control_frame(FRAME_PONG, payload);

    return put(outbox, &frame, payload);
}

void umh_outbox_credit(umh_outbox *outbox, uint16_t slot, uint64_t bytes)
{
    enter(outbox);
    umh_streams_consumed(&outbox->streams, slot, bytes);
    leave(outbox);
}

/* ---- From the broker ---- */

static int find(umh_outbox *outbox, const umh_guid *service, umh_stream **ret_stream)
{
    char text[UMH_GUID_TEXT_BYTES];

    *ret_stream = umh_streams_find(&outbox->streams, service);
    if (*ret_stream)
        return 0;
    umh_guid_encode(service, text);
    return UMH_FAIL(UMH_E_PROTOCOL, "credit for %s, which was never published to", text);
}

int umh_outbox_on_credit(umh_outbox *outbox, const umh_guid *service, uint64_t bytes)
{
    umh_stream *stream;
    int r;

    enter(outbox);
    r = find(outbox, service, &stream);
    if (r == 0) {
        uint64_t before = outbox->writer.lane.appended;

        umh_sender_credit(&stream->sender, bytes);
        r = umh_streams_settle(&outbox->streams, stream, &outbox->writer.lane);
        if (outbox->writer.lane.appended != before)
            umh_writer_write(&outbox->writer);
    }
    leave(outbox);
    return r;
}

int umh_outbox_on_give_back(umh_outbox *outbox, const umh_guid *service)
{
    umh_stream *stream;
    int r;

    enter(outbox);
    r = find(outbox, service, &stream);
    if (r == 0)
        r = umh_streams_give_back(&outbox->streams, stream, &outbox->writer.lane);
    leave(outbox);
    return r;
}

/* ---- Slots ---- */

static void stop(umh_outbox *outbox, uint16_t slot)
{
    /* Short of memory, see settle. */
    umh_ignore(umh_streams_stop_slot(&outbox->streams, slot, &outbox->writer.lane));
    umh_writer_wake_all(&outbox->writer);
}

void umh_outbox_stop_slot(umh_outbox *outbox, uint16_t slot)
{
    enter(outbox);
    stop(outbox, slot);
    umh_writer_write(&outbox->writer);
    umh_writer_leave(&outbox->writer);
}

int umh_outbox_finish_slot(umh_outbox *outbox, uint16_t slot, umh_bytes answer)
{
    umh_frame frame = control_frame(FRAME_ANSWER, answer);
    umh_waiting *copy;

    if (answer.size > UMH_COMMAND_BYTES_MAX)
        return UMH_FAIL(UMH_E_LIMIT, "an answer of %u bytes", frame.payload_bytes);
    frame.source_slot = slot;
    copy = umh_waiting_copy(&frame, answer);
    if (!copy)
        return UMH_E_MEMORY;
    enter(outbox);
    if (!umh_streams_slot(&outbox->streams, slot)->is_stopping)
        stop(outbox, slot);
    umh_streams_finish_slot_take(&outbox->streams, slot, &copy->chunk, &outbox->writer.lane);
    umh_writer_write(&outbox->writer);
    umh_writer_leave(&outbox->writer);
    return 0;
}

void umh_outbox_open_slot(umh_outbox *outbox, uint16_t slot)
{
    umh_slot *opened;

    enter(outbox);
    opened = umh_streams_slot(&outbox->streams, slot);
    opened->is_stopping = false;
    opened->is_finished = false;
    umh_writer_leave(&outbox->writer);
}

/* ---- Writing ---- */

void umh_outbox_flush(umh_outbox *outbox)
{
    umh_writer *writer = &outbox->writer;

    enter(outbox);
    if (writer->writes_left < UMH_OUTBOX_WRITES_PER_FLUSH)
        writer->writes_left = UMH_OUTBOX_WRITES_PER_FLUSH;
    umh_writer_write(writer);
    umh_writer_leave(writer);
}

void umh_outbox_tick(umh_outbox *outbox, bool *ret_blocked)
{
    umh_writer *writer = &outbox->writer;

    enter(outbox);
    writer->writes_left = UMH_OUTBOX_WRITES_PER_TICK;
    umh_writer_write(writer);
    *ret_blocked = !writer->is_writing && umh_writer_has_something(writer);
    /* What the watcher is told by this call it need not be woken for. */
    writer->is_watcher_needed = false;
    writer->is_watcher_awake = *ret_blocked;
    umh_writer_leave(writer);
}

void umh_outbox_drain(umh_outbox *outbox, uint64_t deadline_ns)
{
    umh_writer *writer = &outbox->writer;
    umh_waiter *self;
    int r;

    enter(outbox);
    r = umh_writer_take_waiter(writer, &self);
    if (r == 0) {
        while (r == 0 && umh_writer_has_something(writer))
            r = umh_writer_wait(writer, self, UMH_WRITER_ALL, deadline_ns);
        /* The pipe stays in this thread's hands. */
        if (r == 0)
            writer->is_writing = true;
        umh_writer_return_waiter(writer, self);
    } else {
        umh_failure_take();
        umh_writer_write(writer);
    }
    umh_writer_leave(writer);
}
