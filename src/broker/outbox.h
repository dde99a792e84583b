/* SPDX-License-Identifier: MIT */
/*
 * How much: what waits to be written to one peer. A lane of control frames that goes first, between
 * frames, and a lane of messages: a ring of UMH_OUTBOX_BYTES, followed by at most one large stored
 * message, written from where it is stored. What does not fit stays in the slot's queue. Rings are
 * taken from a few spare ones when needed and given back when drained. Bytes are charged to the
 * budget while they are here.
 */
#pragma once

#include "broker/broker.h"

typedef struct umh_outbox umh_outbox;

#define UMH_OUTBOX_LARGE_BYTES (64u * 1024) /* a longer frame is not copied into the ring */

/* All outboxes of the broker: the dirty list, the spare rings. */
UMH_MUST_USE int umh_outbox_set_new(umh_broker *broker, umh_outbox_set **ret_set);
umh_outbox_set *umh_outbox_set_free(umh_outbox_set *set);
/* End of a turn: one write per dirty outbox. True: somebody found no room and may find it now. */
bool umh_outbox_set_flush(umh_outbox_set *set);

/*
 * Who was refused room waits in the router's list: a write that made room wakes the end of the
 * turn, where slots are pumped.
 */
typedef struct umh_outbox_events {
    void *context;
    /*
     * Nobody reads any more; UV_ENOBUFS: the control lane is over its maximum; UV_ENOMEM. May come
     * again with what is appended afterwards.
     */
    void (*on_broken)(void *context, int status);
} umh_outbox_events;

/* `stream` is borrowed until close; the control lane holds `control_bytes_max`. */
UMH_MUST_USE int umh_outbox_new(umh_outbox_set *set, uv_stream_t *stream, size_t control_bytes_max,
                                const umh_outbox_events *events, umh_outbox **ret_outbox);
/*
 * Forget what has not been written; no event after this; frees itself when a write in flight has
 * completed. Before the stream is closed.
 */
void umh_outbox_close(umh_outbox *outbox);

/*
 * The message of `delivered_bytes` (umh_frame_delivered_bytes) can be appended now. A large one
 * needs an empty large place; behind one, and behind a command that is kept in order, there is no
 * room for any.
 */
bool umh_outbox_has_room(umh_outbox *outbox, uint64_t delivered_bytes);
/*
 * There must be room, and the message is not large (UMH_OUTBOX_LARGE_BYTES). Copies header, payload
 * and NUL.
 */
void umh_outbox_append(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload);
/*
 * There must be room. Copies, or takes a reference when it is large; `frame` is written instead of
 * the stored header (slot).
 */
void umh_outbox_append_stored(umh_outbox *outbox, const umh_frame *frame, umh_message *message);

/* Control lane. */
void umh_outbox_control(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload);
/*
 * Message lane, in order behind what is there, beyond its capacity if need be (one command at a
 * time): the stop command.
 */
void umh_outbox_in_order(umh_outbox *outbox, const umh_frame *frame, umh_bytes payload);
/* Credit for a service: added up while it has not been written. */
void umh_outbox_credit(umh_outbox *outbox, const umh_guid *service, uint64_t bytes);
/* Ask for credit back. Always behind the credit given so far for that service. */
void umh_outbox_give_back(umh_outbox *outbox, const umh_guid *service);

uint64_t umh_outbox_waiting_bytes(const umh_outbox *outbox);
uint64_t umh_outbox_control_bytes(const umh_outbox *outbox); /* of the control lane alone */
