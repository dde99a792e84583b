/* SPDX-License-Identifier: MIT */
/* The bytes of a connection: frames in and out of a non-blocking socket, with a deadline. */
#include "cli/client_state.h"

#include "platform/clock.h"

#include <stdlib.h>
#include <string.h>

typedef struct kept_message {
    umh_list link;
    umh_frame frame;
    size_t size;
    uint8_t payload[];
} kept_message;

/* ------------------------- in */

/* Room for `wanted` bytes from in_start on, and for a read behind what is there. */
static int make_room(umh_client *client, size_t wanted)
{
    size_t size = client->in_end - client->in_start;
    size_t capacity = wanted > size + UMH_READ_BYTES ? wanted : size + UMH_READ_BYTES;
    uint8_t *grown;

    if (client->in_capacity - client->in_start >= capacity)
        return 0;
    if (client->in_start > 0) {
        memmove(client->in, client->in + client->in_start, size);
        client->in_start = 0;
        client->in_end = size;
    }
    if (client->in_capacity >= capacity)
        return 0;
    grown = realloc(client->in, capacity);
    if (!grown)
        return UMH_FAIL(UMH_E_MEMORY, "read %llu bytes from the broker",
                        (unsigned long long)capacity);
    client->in = grown;
    client->in_capacity = capacity;
    return 0;
}

/* Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int read_more(umh_client *client, size_t wanted, uint64_t deadline_ns)
{
    size_t size = 0;
    int r = make_room(client, wanted);

    if (r)
        return r;
    r = umh_pipe_read(client->socket, client->in + client->in_end,
                      client->in_capacity - client->in_end, deadline_ns, &size);
    if (r == UMH_PIPE_EOF)
        return UMH_CLIENT_EOF;
    if (r == UMH_PIPE_TIMEOUT)
        return UMH_CLIENT_TIMEOUT;
    if (r)
        return umh_fold(r);
    client->in_end += size;
    return 0;
}

/* Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int take_frame(umh_client *client, uint64_t deadline_ns, umh_frame *ret_frame,
                      umh_bytes *ret_payload)
{
    umh_why why = UMH_WHY_INIT;
    uint64_t wanted = UMH_FRAME_HEADER_BYTES;

    for (;;) {
        umh_bytes bytes =
            umh_bytes_of(client->in + client->in_start, client->in_end - client->in_start);
        int r = umh_frame_decode(bytes, UMH_MESSAGE_BYTES_HIGHEST, ret_frame, &why);

        if (r == UMH_FRAME_BAD)
            return UMH_FAIL(UMH_E_PROTOCOL, "the broker sent no frame: %s", why.text);
        if (r == 0) {
            wanted = umh_frame_delivered_bytes(ret_frame);
            if (bytes.size >= wanted) {
                *ret_payload =
                    umh_bytes_of(bytes.data + UMH_FRAME_HEADER_BYTES, ret_frame->payload_bytes);
                client->in_start += (size_t)wanted;
                return 0;
            }
        }
        r = read_more(client, (size_t)wanted, deadline_ns);
        if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
            return r;
        if (r)
            return umh_fold(r);
    }
}

int umh_client_next(umh_client *client, uint64_t deadline_ns, umh_frame *ret_frame,
                    umh_bytes *ret_payload)
{
    int r = take_frame(client, deadline_ns, ret_frame, ret_payload);

    if (r == 0 && ret_frame->kind != FRAME_MESSAGE && ret_frame->kind != FRAME_ANSWER)
        r = umh_client_on_credit(client, ret_frame, *ret_payload);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/* ------------------------- out */

/* Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int write_parts(umh_client *client, umh_bytes *parts, size_t count, uint64_t deadline_ns)
{
    while (count > 0) {
        size_t written = 0;
        int r = umh_pipe_write_parts(client->socket, parts, count, &written);

        /* The broker always reads, so nothing needs to be read here for it to go on. */
        if (r == UMH_PIPE_WOULD_BLOCK)
            r = umh_pipe_wait_writable(client->socket, deadline_ns);
        if (r == UMH_PIPE_EOF)
            return UMH_CLIENT_EOF;
        if (r == UMH_PIPE_TIMEOUT)
            return UMH_CLIENT_TIMEOUT;
        if (r)
            return umh_fold(r);
        while (count > 0 && written >= parts->size) {
            written -= parts->size;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->data += written;
            parts->size -= written;
        }
    }
    return 0;
}

int umh_client_write(umh_client *client, const umh_frame *frame, umh_bytes payload,
                     uint64_t deadline_ns)
{
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    umh_bytes parts[2];
    int r;

    if (client->is_broken)
        return UMH_CLIENT_EOF;
    umh_frame_encode(frame, header);
    parts[0] = umh_bytes_of(header, sizeof header);
    parts[1] = payload;
    r = write_parts(client, parts, UMH_COUNT_OF(parts), deadline_ns);
    client->is_broken = r != 0;
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/* ------------------------- put aside */

static kept_message *pop_kept(umh_list *list)
{
    kept_message *message = umh_container_of(list->next, kept_message, link);

    umh_list_remove(&message->link);
    return message;
}

static void clear(umh_list *list)
{
    while (!umh_list_is_empty(list))
        free(pop_kept(list));
}

int umh_client_keep(umh_client *client, const umh_frame *frame, umh_bytes payload)
{
    kept_message *message = malloc(sizeof *message + payload.size);

    if (!message)
        return UMH_FAIL(UMH_E_MEMORY, "keep a message of %llu bytes",
                        (unsigned long long)payload.size);
    message->frame = *frame;
    message->size = payload.size;
    if (payload.size > 0)
        memcpy(message->payload, payload.data, payload.size);
    umh_list_init(&message->link);
    umh_list_push_back(&client->kept, &message->link);
    client->kept_bytes += umh_frame_cost(frame->payload_bytes);
    while (client->kept_bytes > UMH_CLIENT_KEPT_BYTES && client->kept.next != &message->link) {
        kept_message *oldest = pop_kept(&client->kept);

        client->kept_bytes -= umh_frame_cost(oldest->frame.payload_bytes);
        client->dropped_count++;
        free(oldest);
    }
    return 0;
}

static umh_bytes lend_kept(umh_client *client, umh_frame *ret_frame)
{
    kept_message *message = pop_kept(&client->kept);

    umh_list_push_back(&client->current, &message->link);
    client->kept_bytes -= umh_frame_cost(message->frame.payload_bytes);
    *ret_frame = message->frame;
    return umh_bytes_of(message->payload, message->size);
}

/* An answer that nobody waits for any more is passed over. Outcomes: TIMEOUT, EOF of UMH_CLIENT. */
static int take_message(umh_client *client, uint64_t deadline_ns, umh_frame *ret_frame,
                        umh_bytes *ret_payload)
{
    int r;

    do
        r = umh_client_next(client, deadline_ns, ret_frame, ret_payload);
    while (r == 0 && ret_frame->kind != FRAME_MESSAGE);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

int umh_client_receive(umh_client *client, uint64_t deadline_ns, umh_client_message *ret_message)
{
    umh_frame frame;
    umh_bytes payload;
    umh_bytes text;
    int r = 0;

    clear(&client->current);
    if (!umh_list_is_empty(&client->kept))
        payload = lend_kept(client, &frame);
    else
        r = take_message(client, deadline_ns, &frame, &payload);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r)
        return umh_fold(r);
    if (umh_frame_text(&frame, payload, &text))
        return UMH_FAIL(UMH_E_PROTOCOL, "the extensions of a message do not add up");
    *ret_message = (umh_client_message){.frame = frame, .text = text};
    return 0;
}

void umh_client_clear_kept(umh_client *client)
{
    clear(&client->kept);
    clear(&client->current);
}
