/* SPDX-License-Identifier: MIT */
/*
 * Bytes: one connection, to a host (two pipes) or to a control client (one stream). Reads one
 * buffer per loop turn into the broker's one read buffer, cuts it into frames; a frame that is
 * incomplete at its end goes on in a stored message. Judges what is wrong for every peer; what a
 * frame means is its owner's business.
 */
#pragma once

#include "broker/outbox.h"

typedef struct umh_peer umh_peer;

typedef struct umh_peer_events {
    void *context;
    /*
     * A message's header, before any memory is taken for its payload: may it come? (credit,
     * service, slot)
     * Outcomes: UMH_PEER_VIOLATION (why).
     */
    int (*on_header)(void *context, const umh_frame *frame, umh_why *ret_why);
    /*
     * A whole frame. `stored`: the payload lies in it (borrowed; ref to keep), or NULL. Outcomes:
     * UMH_PEER_VIOLATION (why).
     */
    int (*on_frame)(void *context, const umh_frame *frame, umh_bytes payload, umh_message *stored,
                    umh_why *ret_why);
    /*
     * Once: EOF (why->text empty, even within a frame), a violation, or a write that failed. That
     * nobody reads any more is not told: EOF or the death of the process comes for it. The owner
     * closes the peer, now or later.
     */
    void (*on_end)(void *context, const umh_why *why);
} umh_peer_events;

enum { UMH_PEER_VIOLATION = 1 };

typedef struct umh_peer_spec {
    umh_broker *broker;
    uv_pipe_t *in;  /* opened, taken; freed by the peer */
    uv_pipe_t *out; /* opened, taken; the same pointer as `in` for a duplex stream */
    umh_peer_events events;
    size_t control_bytes_max; /* what may wait in its control lane */
} umh_peer_spec;

/* Close and free a stream that no peer has. */
void umh_peer_discard_stream(uv_pipe_t *stream);

UMH_MUST_USE int umh_peer_new(const umh_peer_spec *spec, umh_peer **ret_peer);
umh_outbox *umh_peer_outbox(umh_peer *peer); /* borrowed until shut or close, then NULL */
/* After EOF: the stream ended within a frame. */
bool umh_peer_is_cut(const umh_peer *peer);
bool umh_peer_is_ended(const umh_peer *peer); /* on_end was called */
/*
 * The process has died: read what is left in the pipe to its end, without waiting, through the same
 * events. Afterwards on_end has been called.
 */
void umh_peer_drain(umh_peer *peer);
/* It is to be ended for cause, as after a violation: on_end comes from within. */
void umh_peer_end(umh_peer *peer, const umh_why *why);
/* Close only the outgoing pipe: EOF for the host. Its outbox is gone: disconnect slots before. */
void umh_peer_shut(umh_peer *peer);
/* No event after this; frees itself in the last close callback. NULL is allowed. */
void umh_peer_close(umh_peer *peer);
