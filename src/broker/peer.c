/* SPDX-License-Identifier: MIT */
/*
 * Bytes of one connection.
 *
 * All peers read into one buffer of the broker, because nothing of it outlives the callback: whole
 * frames are routed from where they lie, and the one that is cut at the end goes on in a stored
 * message (its header, when that is cut, in the peer). The buffer begins UMH_FRAME_HEADER_BYTES
 * early, so that a cut header is completed in front of what was read. One buffer per peer and turn:
 * the second alloc callback of a turn says 0, and libuv turns to the next peer (its UV_ENOBUFS is
 * nothing).
 */
#include "broker/peer.h"

#include "platform/pipe.h"

#include <stdlib.h>
#include <string.h>

/* more left of a cut frame is read straight into it */
#define DIRECT_BYTES_MIN UMH_LARGE_MESSAGE_BYTES

struct umh_peer {
    umh_broker *broker;
    uv_pipe_t *in;
    uv_pipe_t *out; /* == in for a duplex stream; NULL once shut */
    umh_peer_events events;
    umh_outbox *outbox;
    size_t control_bytes_max;
    uint64_t read_turn;
    uint8_t header[UMH_FRAME_HEADER_BYTES]; /* of a frame whose header was cut */
    size_t header_bytes;
    umh_frame frame;        /* of the frame that is being assembled */
    umh_message *assembly;  /* NULL: none */
    size_t assembled_bytes; /* of its payload */
    unsigned open_handles;
    bool is_ended;  /* on_end was called */
    bool is_closed; /* no event any more */
};

static void end(umh_peer *peer, const umh_why *why)
{
    if (peer->is_ended || peer->is_closed)
        return;
    peer->is_ended = true;
    umh_ignore(uv_read_stop((uv_stream_t *)peer->in));
    peer->events.on_end(peer->events.context, why);
}

static void on_broken(void *context, int status)
{
    umh_peer *peer = context;
    umh_why why = UMH_WHY_INIT;

    /*
     * A host that ends closes its pipes: whether that was wrong is told by its death, not by a
     * write that came too late.
     */
    if (status == UV_EPIPE || status == UV_ECONNRESET)
        return;
    if (status == UV_ENOBUFS)
        umh_why_set(&why, "let more than %llu bytes of control frames gather",
                    (unsigned long long)peer->control_bytes_max);
    else
        umh_why_set(&why, "write to it: %s", uv_strerror(status));
    end(peer, &why);
}

/* --- frames ------------------------------------------------------------------------------- */

static int on_whole_frame(umh_peer *peer, umh_bytes payload, umh_message *stored, umh_why *ret_why)
{
    return peer->events.on_frame(peer->events.context, &peer->frame, payload, stored, ret_why);
}

/* A header has been decoded into peer->frame: may its payload come? */
static int admit(umh_peer *peer, umh_why *ret_why)
{
    /* Only the broker itself has longer answers to give. */
    if (peer->frame.kind == FRAME_ANSWER && peer->frame.payload_bytes > UMH_COMMAND_BYTES_MAX) {
        umh_why_set(ret_why, "an answer of %u bytes", peer->frame.payload_bytes);
        return UMH_PEER_VIOLATION;
    }
    if (peer->frame.kind != FRAME_MESSAGE)
        return 0;
    return peer->events.on_header(peer->events.context, &peer->frame, ret_why);
}

static int begin_assembly(umh_peer *peer, umh_bytes part, umh_why *ret_why)
{
    int r = umh_message_new(peer->broker->pool, &peer->frame, &peer->assembly);

    if (r) {
        umh_why_set_failure(ret_why);
        return UMH_PEER_VIOLATION;
    }
    if (part.size > 0)
        memcpy(umh_message_payload(peer->assembly), part.data, part.size);
    peer->assembled_bytes = part.size;
    return 0;
}

static int finish_assembly(umh_peer *peer, umh_why *ret_why)
{
    umh_message *message = UMH_MOVE(peer->assembly);
    umh_bytes payload = umh_bytes_of(umh_message_payload(message), peer->frame.payload_bytes);
    int r = on_whole_frame(peer, payload, message, ret_why);

    umh_message_unref(message);
    return r;
}

/* Complete the frame that was cut at the end of the last read. */
static int take_assembly(umh_peer *peer, umh_bytes *rest, umh_why *ret_why)
{
    size_t missing = peer->frame.payload_bytes - peer->assembled_bytes;
    size_t bytes = rest->size < missing ? rest->size : missing;

    memcpy(umh_message_payload(peer->assembly) + peer->assembled_bytes, rest->data, bytes);
    peer->assembled_bytes += bytes;
    *rest = umh_bytes_of(rest->data + bytes, rest->size - bytes);
    return bytes == missing ? finish_assembly(peer, ret_why) : 0;
}

/* One frame at the front of `rest`, or what there is of it. */
static int take_frame(umh_peer *peer, umh_bytes *rest, umh_why *ret_why)
{
    size_t payload_here;
    umh_bytes payload;
    int r;

    r = umh_frame_decode(*rest, peer->broker->max_message_bytes, &peer->frame, ret_why);
    if (r == UMH_FRAME_INCOMPLETE) {
        memcpy(peer->header, rest->data, rest->size);
        peer->header_bytes = rest->size;
        *rest = umh_bytes_of(NULL, 0);
        return 0;
    }
    if (r)
        return UMH_PEER_VIOLATION;
    r = admit(peer, ret_why);
    if (r)
        return UMH_PEER_VIOLATION;

    payload_here = rest->size - UMH_FRAME_HEADER_BYTES;
    payload = umh_bytes_of(rest->data + UMH_FRAME_HEADER_BYTES, payload_here);
    if (payload_here < peer->frame.payload_bytes) {
        *rest = umh_bytes_of(NULL, 0);
        return begin_assembly(peer, payload, ret_why);
    }
    payload.size = peer->frame.payload_bytes;
    *rest = umh_bytes_of(payload.data + payload.size, payload_here - payload.size);
    return on_whole_frame(peer, payload, NULL, ret_why);
}

static void take_bytes(umh_peer *peer, umh_bytes rest)
{
    umh_why why = UMH_WHY_INIT;
    int r = 0;

    while (rest.size > 0 && r == 0 && !peer->is_closed && !peer->is_ended) {
        if (peer->assembly)
            r = take_assembly(peer, &rest, &why);
        else
            r = take_frame(peer, &rest, &why);
    }
    if (r)
        end(peer, &why);
}

/* --- reading ------------------------------------------------------------------------------ */

/*
 * Where the next bytes go: straight into a long frame, else into the broker's buffer behind what
 * there is of a cut header.
 */
static umh_bytes read_place(umh_peer *peer)
{
    size_t missing;

    if (peer->assembly) {
        missing = peer->frame.payload_bytes - peer->assembled_bytes;
        if (missing >= DIRECT_BYTES_MIN)
            return umh_bytes_of(umh_message_payload(peer->assembly) + peer->assembled_bytes,
                                missing);
    }
    return umh_bytes_of(peer->broker->read_buffer + UMH_FRAME_HEADER_BYTES, UMH_READ_BYTES);
}

static void take_read(umh_peer *peer, const uint8_t *data, size_t size)
{
    umh_why why = UMH_WHY_INIT;
    uint8_t *front = peer->broker->read_buffer + UMH_FRAME_HEADER_BYTES;

    if (data != front) {
        peer->assembled_bytes += size;
        if (peer->assembled_bytes == peer->frame.payload_bytes && finish_assembly(peer, &why) != 0)
            end(peer, &why);
        return;
    }
    if (peer->header_bytes > 0) {
        front -= peer->header_bytes;
        size += peer->header_bytes;
        memcpy(front, peer->header, peer->header_bytes);
        peer->header_bytes = 0;
    }
    take_bytes(peer, umh_bytes_of(front, size));
}

static void on_eof(umh_peer *peer, int status)
{
    umh_why why = UMH_WHY_INIT;

    if (status != UV_EOF && status != UV_ECONNRESET)
        umh_why_set(&why, "read from it: %s", uv_strerror(status));
    end(peer, &why);
}

void umh_peer_end(umh_peer *peer, const umh_why *why)
{
    end(peer, why);
}

bool umh_peer_is_ended(const umh_peer *peer)
{
    return peer->is_ended;
}

bool umh_peer_is_cut(const umh_peer *peer)
{
    return peer->is_ended && (peer->assembly || peer->header_bytes > 0);
}

static void on_place_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    umh_peer *peer = handle->data;
    umh_bytes place;

    UMH_UNUSED(suggested);
    if (peer->read_turn == peer->broker->turn_number) {
        *buffer = uv_buf_init(NULL, 0);
        return;
    }
    peer->read_turn = peer->broker->turn_number;
    place = read_place(peer);
    *buffer = uv_buf_init((char *)(uintptr_t)place.data, (unsigned)place.size);
}

static void on_readable(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    umh_peer *peer = stream->data;

    if (count == UV_ENOBUFS || count == 0)
        return;
    if (count < 0)
        on_eof(peer, (int)count);
    else
        take_read(peer, (const uint8_t *)buffer->base, (size_t)count);
}

void umh_peer_drain(umh_peer *peer)
{
    uv_os_fd_t handle;

    if (peer->is_closed || peer->is_ended)
        return;
    umh_ignore(uv_read_stop((uv_stream_t *)peer->in));
    if (uv_fileno((const uv_handle_t *)peer->in, &handle) != 0)
        return;
    while (!peer->is_ended && !peer->is_closed) {
        umh_bytes place = read_place(peer);
        size_t size = 0;
        int r = umh_pipe_read((umh_pipe){(intptr_t)handle}, (void *)(uintptr_t)place.data,
                              place.size, 0, &size);

        if (r < 0)
            umh_failure_take(); /* of a process that has died: no more comes, whatever it was */
        if (r)
            on_eof(peer, UV_EOF);
        else
            take_read(peer, place.data, size);
    }
}

/* --- life --------------------------------------------------------------------------------- */

static int start_reading(umh_peer *peer)
{
    int status = uv_read_start((uv_stream_t *)peer->in, on_place_wanted, on_readable);

    return status == 0 ? 0 : UMH_FAIL_UV(status, "read from a peer");
}

int umh_peer_new(const umh_peer_spec *spec, umh_peer **ret_peer)
{
    umh_outbox_events events = {.on_broken = on_broken};
    umh_peer *peer = calloc(1, sizeof(*peer));
    int r;

    if (!peer)
        return UMH_FAIL(UMH_E_MEMORY, "make a peer");
    peer->broker = spec->broker;
    peer->in = spec->in;
    peer->out = spec->out;
    peer->events = spec->events;
    peer->control_bytes_max = spec->control_bytes_max;
    peer->read_turn = UINT64_MAX;
    peer->in->data = peer;
    peer->out->data = peer;
    events.context = peer;
    r = umh_outbox_new(spec->broker->outboxes, (uv_stream_t *)peer->out, spec->control_bytes_max,
                       &events, &peer->outbox);
    if (r == 0)
        r = start_reading(peer);
    if (r) {
        umh_peer_close(peer);
        return r;
    }
    *ret_peer = peer;
    return 0;
}

umh_outbox *umh_peer_outbox(umh_peer *peer)
{
    return peer->outbox;
}

static void on_discarded(uv_handle_t *handle)
{
    free(handle);
}

void umh_peer_discard_stream(uv_pipe_t *stream)
{
    uv_close((uv_handle_t *)stream, on_discarded);
}

void umh_peer_shut(umh_peer *peer)
{
    uv_pipe_t *out = peer->out;

    if (!out || out == peer->in)
        return;
    umh_outbox_close(UMH_MOVE(peer->outbox));
    peer->out = NULL;
    umh_peer_discard_stream(out);
}

static void on_closed(uv_handle_t *handle)
{
    umh_peer *peer = handle->data;

    free(handle);
    peer->open_handles--;
    if (peer->open_handles == 0)
        free(peer);
}

void umh_peer_close(umh_peer *peer)
{
    if (!peer || peer->is_closed)
        return;
    peer->is_closed = true;
    if (peer->outbox)
        umh_outbox_close(UMH_MOVE(peer->outbox));
    umh_message_unref(UMH_MOVE(peer->assembly));
    peer->open_handles = peer->out && peer->out != peer->in ? 2 : 1;
    if (peer->out && peer->out != peer->in)
        uv_close((uv_handle_t *)peer->out, on_closed);
    uv_close((uv_handle_t *)peer->in, on_closed);
}
