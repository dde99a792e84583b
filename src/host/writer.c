/* SPDX-License-Identifier: MIT */
/*
 * One thread at a time has the pipe (`is_writing`). It writes what was there when it came, control
 * frames first, and hands over: to a thread that waits for progress, else to the watcher. So nobody
 * is kept writing for others, and nothing is left without a writer. A thread that must wait until
 * the pipe takes more keeps it meanwhile; the reading role and the watcher never do.
 */
#include "host/writer.h"

#include <stdlib.h>

int umh_writer_init(umh_writer *writer, const umh_outbox_spec *spec, umh_streams *streams)
{
    *writer = (umh_writer){
        .spec = *spec,
        .streams = streams,
        .lane = UMH_LANE_INIT,
        .urgent = UMH_BUFFER_INIT,
        .urgent_out = UMH_BUFFER_INIT,
        .writes_left = UMH_OUTBOX_WRITES_PER_TICK,
    };
    umh_list_init(&writer->progress);
    umh_list_init(&writer->idle);
    return umh_lock_new(&writer->lock);
}

static umh_waiter *waiter_of(umh_list *link)
{
    return umh_container_of(link, umh_waiter, link);
}

void umh_writer_deinit(umh_writer *writer)
{
    if (!writer->lock)
        return;
    umh_list_each (link, &writer->idle) {
        umh_list_remove(link);
        umh_condition_free(waiter_of(link)->condition);
        free(waiter_of(link));
    }
    umh_buffer_deinit(&writer->urgent_out);
    umh_buffer_deinit(&writer->urgent);
    umh_lane_deinit(&writer->lane);
    writer->lock = umh_lock_free(writer->lock);
}

void umh_writer_leave(umh_writer *writer)
{
    bool is_wake_due = writer->is_watcher_needed && !writer->is_watcher_awake;
    bool is_broken_due = writer->is_broken && !writer->is_broken_told;

    writer->is_watcher_needed = false;
    writer->is_watcher_awake |= is_wake_due;
    writer->is_broken_told |= is_broken_due;
    umh_lock_release(writer->lock);
    if (is_wake_due)
        writer->spec.wake(writer->spec.context);
    if (is_broken_due)
        writer->spec.on_broken(writer->spec.context);
}

void umh_writer_call_out(umh_writer *writer)
{
    if (!writer->is_watcher_needed && !writer->is_broken)
        return;
    umh_writer_leave(writer);
    umh_lock_take(writer->lock);
}

int umh_writer_put(umh_writer *writer, const umh_frame *frame, umh_bytes payload)
{
    umh_buffer *urgent = &writer->urgent;
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    size_t before = urgent->size;
    int r;

    umh_frame_encode(frame, header);
    urgent->max_bytes = UMH_OUTBOX_CONTROL_BYTES;
    r = umh_buffer_append(urgent, header, sizeof header);
    if (r == 0)
        r = umh_buffer_append(urgent, payload.data, payload.size);
    if (r) {
        umh_buffer_cut(urgent, before);
        if (r == UMH_BUFFER_FULL)
            return UMH_FAIL(UMH_E_LIMIT, "more than %u bytes of control frames for the broker",
                            UMH_OUTBOX_CONTROL_BYTES);
        return umh_fold(r);
    }
    return 0;
}

/* What the next write cannot take along, because the last one was cut within control frames. */
static bool has_more_urgent(const umh_writer *writer)
{
    return writer->urgent.size > 0 || umh_streams_is_due(writer->streams);
}

bool umh_writer_has_urgent(const umh_writer *writer)
{
    return writer->urgent_out.size > 0 || has_more_urgent(writer);
}

bool umh_writer_has_something(const umh_writer *writer)
{
    return !writer->is_broken &&
           (umh_lane_bytes(&writer->lane) > 0 || umh_writer_has_urgent(writer));
}

/*
 * A waiter that is woken stays in its list until it has the lock: should its deadline pass at the
 * same time, it hands over itself when it leaves.
 */
void umh_writer_hand_over(umh_writer *writer)
{
    if (writer->is_writing || !umh_writer_has_something(writer))
        return;
    if (umh_list_is_empty(&writer->progress))
        writer->is_watcher_needed = true;
    else
        umh_condition_wake_one(waiter_of(writer->progress.next)->condition);
}

static bool is_written(const umh_writer *writer, uint64_t until)
{
    return until == UMH_WRITER_ALL ? !umh_writer_has_something(writer)
                                   : writer->lane.written >= until;
}

static void wake_the_served(umh_writer *writer)
{
    umh_list_each (link, &writer->progress) {
        if (is_written(writer, waiter_of(link)->until)) {
            umh_list_remove(link);
            umh_condition_wake_one(waiter_of(link)->condition);
        }
    }
}

/* By who has the pipe: nobody else may be reading what is dropped here. */
static void become_broken(umh_writer *writer)
{
    writer->is_broken = true;
    umh_lane_clear(&writer->lane);
    umh_streams_refuse_all(writer->streams);
    wake_the_served(writer);
}

static umh_bytes urgent_bytes(umh_writer *writer)
{
    umh_buffer *out = &writer->urgent_out;

    if (out->size == 0) {
        umh_buffer empty = *out;

        *out = writer->urgent;
        writer->urgent = empty;
        out->max_bytes = 0;
        umh_streams_encode_due(writer->streams, out);
    }
    return umh_bytes_of(out->size > 0 ? out->data + writer->urgent_written : NULL,
                        out->size - writer->urgent_written);
}

static void consume(umh_writer *writer, const umh_gathering *gathering, size_t bytes)
{
    size_t urgent;

    umh_lane_consume(&writer->lane, gathering, bytes, &urgent);
    writer->urgent_written += urgent;
    if (writer->urgent_written == writer->urgent_out.size) {
        umh_buffer_clear(&writer->urgent_out);
        writer->urgent_written = 0;
    }
    wake_the_served(writer);
}

/* Outcomes: UMH_PIPE_WOULD_BLOCK, UMH_PIPE_EOF. */
static int write_once(umh_writer *writer)
{
    umh_gathering gathering;
    umh_bytes urgent;
    size_t written = 0;
    bool is_all;
    bool is_grown = false;
    int r;

    urgent = urgent_bytes(writer);
    umh_lane_gather(&writer->lane, urgent, has_more_urgent(writer) ? 0 : UMH_PIPE_BYTES,
                    &gathering);
    if (gathering.count == 0)
        return UMH_PIPE_WOULD_BLOCK; /* no memory for what is due: later */
    umh_lock_release(writer->lock);
    r = umh_pipe_write_parts(writer->spec.out, gathering.parts, gathering.count, &written);
    is_all = r == 0 && written == gathering.bytes;
    if (!is_all && !writer->is_pipe_grown && r >= 0) {
        writer->is_pipe_grown = true;
        is_grown = umh_pipe_grow(writer->spec.out, UMH_PIPE_BYTES);
    }
    umh_lock_take(writer->lock);
    if (r < 0 || r == UMH_PIPE_EOF)
        return UMH_PIPE_EOF;
    consume(writer, &gathering, written);
    return is_all || is_grown ? 0 : UMH_PIPE_WOULD_BLOCK;
}

/* By who has the pipe. */
static void write_what_goes(umh_writer *writer)
{
    uint64_t until = writer->lane.appended;
    int r = 0;

    while (r == 0 && (writer->lane.written < until || umh_writer_has_urgent(writer)))
        r = write_once(writer);
    writer->is_pipe_full = r == UMH_PIPE_WOULD_BLOCK;
    if (r == UMH_PIPE_EOF)
        become_broken(writer);
}

void umh_writer_write(umh_writer *writer)
{
    if (writer->is_writing || !umh_writer_has_something(writer))
        return;
    writer->is_writing = true;
    write_what_goes(writer);
    writer->is_writing = false;
    umh_writer_hand_over(writer);
}

int umh_writer_take_waiter(umh_writer *writer, umh_waiter **ret_waiter)
{
    umh_waiter *made;
    int r;

    if (!umh_list_is_empty(&writer->idle)) {
        *ret_waiter = waiter_of(writer->idle.next);
        umh_list_remove(&(*ret_waiter)->link);
        return 0;
    }
    made = calloc(1, sizeof *made);
    if (!made)
        return UMH_FAIL(UMH_E_MEMORY, "wait for the broker");
    r = umh_condition_new(&made->condition);
    if (r) {
        free(made);
        return r;
    }
    umh_list_init(&made->link);
    *ret_waiter = made;
    return 0;
}

void umh_writer_return_waiter(umh_writer *writer, umh_waiter *waiter)
{
    umh_list_push_back(&writer->idle, &waiter->link);
}

/* With the pipe in hand all the time. Outcomes: UMH_WRITER_TIMEOUT. */
static int write_until(umh_writer *writer, uint64_t until, uint64_t deadline_ns)
{
    int r = 0;

    writer->is_writing = true;
    write_what_goes(writer);
    while (!is_written(writer, until) && r != UMH_PIPE_TIMEOUT && deadline_ns > 0) {
        umh_lock_release(writer->lock);
        r = umh_pipe_wait_writable(writer->spec.out, deadline_ns);
        umh_lock_take(writer->lock);
        if (r == 0)
            write_what_goes(writer);
        else if (r != UMH_PIPE_TIMEOUT)
            become_broken(writer);
    }
    writer->is_writing = false;
    return is_written(writer, until) ? 0 : UMH_WRITER_TIMEOUT;
}

/* While another thread writes. Outcomes: UMH_WRITER_TIMEOUT. */
static int wait_for_other(umh_writer *writer, umh_waiter *waiter, uint64_t until,
                          uint64_t deadline_ns)
{
    bool is_in_time;

    if (deadline_ns == 0)
        return UMH_WRITER_TIMEOUT;
    waiter->until = until;
    umh_list_push_back(&writer->progress, &waiter->link);
    is_in_time = umh_condition_wait(waiter->condition, writer->lock, deadline_ns);
    umh_list_remove(&waiter->link);
    return is_in_time || is_written(writer, until) ? 0 : UMH_WRITER_TIMEOUT;
}

int umh_writer_wait(umh_writer *writer, umh_waiter *waiter, uint64_t until, uint64_t deadline_ns)
{
    int r = 0;

    umh_writer_call_out(writer);
    if (is_written(writer, until))
        return 0;
    if (writer->is_writing)
        r = wait_for_other(writer, waiter, until, deadline_ns);
    else
        r = write_until(writer, until, deadline_ns);
    umh_writer_hand_over(writer);
    return r ? UMH_WRITER_TIMEOUT : 0;
}

void umh_writer_wake_all(umh_writer *writer)
{
    umh_list_each (link, &writer->progress)
        umh_condition_wake_one(waiter_of(link)->condition);
}
