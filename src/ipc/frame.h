/* SPDX-License-Identifier: MIT */
/*
 * The one frame format, both directions, every connection: 40 bytes of header, little-endian, then
 * the payload. Pure; any thread. What direction allows which kind is the receiver's business
 * (broker/host_peer, broker/client, host/commands, cli/client).
 */
#pragma once

#include "base/bytes.h"
#include "base/why.h"
#include "formats/guid.h"
#include "ipc/limits.h"

typedef enum umh_frame_kind {
    FRAME_MESSAGE = 1, /* text to a service; to a control service: a command (JSON) */
    FRAME_ANSWER = 2,  /* JSON, to the connection a command came from */
    /*
     * payload u64: more bytes. Broker -> host or client: `service`. Host -> broker: `source_slot`
     */
    FRAME_CREDIT = 3,
    /*
     * payload u64, u64: offset that the credit given must reach for the head of `service`, and the
     * head's cost (0: nothing waits any more); `source_slot` is that
     * of a module that is being stopped, if the head is one's, else none. To the broker
     */
    FRAME_WANT = 4,
    /* from the broker: no payload; to it: payload u64, the credit given back. `service` */
    FRAME_GIVE_BACK = 5,
    FRAME_PING = 6, /* any payload up to 8 bytes; broker -> host */
    FRAME_PONG = 7, /* the ping's payload */
    FRAME_KIND_END
} umh_frame_kind;

enum {
    /* u16 size, then that many bytes of (u16 type, u16 size, value)*, precede the text */
    FRAME_FLAG_EXTENDED = 1 << 0,
    FRAME_FLAGS_KNOWN = FRAME_FLAG_EXTENDED
};

typedef struct umh_frame {
    uint32_t payload_bytes;
    uint8_t version;
    uint8_t kind;
    uint16_t flags;
    umh_guid service;
    uint32_t session;     /* destination */
    uint32_t source_host; /* written by the broker on delivery, ignored on arrival */
    uint16_t source_slot;
    uint16_t slot;           /* destination module, on delivery */
    uint32_t source_session; /* written by the broker */
} umh_frame;

/*
 * Bytes that count against credit and windows: header and payload, without the NUL that follows on
 * delivery.
 */
static inline uint64_t umh_frame_cost(uint32_t payload_bytes)
{
    return (uint64_t)UMH_FRAME_HEADER_BYTES + payload_bytes;
}

/* Bytes on the pipe from broker to host: kind MESSAGE is followed by one NUL. */
static inline uint64_t umh_frame_delivered_bytes(const umh_frame *frame)
{
    return umh_frame_cost(frame->payload_bytes) + (frame->kind == FRAME_MESSAGE ? 1u : 0u);
}

void umh_frame_encode(const umh_frame *frame, uint8_t header[UMH_FRAME_HEADER_BYTES]);

/*
 * Decode a header at the front of `bytes`, which may hold less or more. Judges what every receiver
 * judges alike: version, kind, known flags, length (`payload_max` for messages;
 * UMH_ANSWER_BYTES_MAX for answers, 8 for the others, exactly 8 for credit and want).
 * Outcomes: UMH_FRAME_INCOMPLETE (fewer than 40 bytes), UMH_FRAME_BAD (why says what; the
 * connection is beyond repair).
 */
enum { UMH_FRAME_INCOMPLETE = 1, UMH_FRAME_BAD = 2 };
UMH_MUST_USE int umh_frame_decode(umh_bytes bytes, uint32_t payload_max, umh_frame *ret_frame,
                                  umh_why *ret_why);

/*
 * The text within a payload, after extensions. Outcomes: UMH_FRAME_BAD (the sizes of the extensions
 * do not add up).
 */
UMH_MUST_USE int umh_frame_text(const umh_frame *frame, umh_bytes payload, umh_bytes *ret_text);

/* The number of a credit or give-back payload of 8 bytes. */
uint64_t umh_frame_amount(umh_bytes payload);

/* A whole frame of kind CREDIT or GIVE_BACK with its number into `to` (48 bytes). */
#define UMH_FRAME_AMOUNT_BYTES (UMH_FRAME_HEADER_BYTES + 8u)
void umh_frame_encode_amount(const umh_frame *frame, uint64_t amount,
                             uint8_t to[UMH_FRAME_AMOUNT_BYTES]);

/* The two numbers of a want, and a whole frame of kind WANT with them into `to` (56 bytes). */
#define UMH_FRAME_WANT_BYTES (UMH_FRAME_HEADER_BYTES + 16u)
void umh_frame_want(umh_bytes payload, uint64_t *ret_need, uint64_t *ret_cost);
void umh_frame_encode_want(const umh_frame *frame, uint64_t need, uint64_t cost,
                           uint8_t to[UMH_FRAME_WANT_BYTES]);
