/* SPDX-License-Identifier: MIT */
/*
 * Frame headers between struct and wire, the text behind extensions, and frames that are one
 * number.
 */
#include "ipc/frame.h"

#include "ipc/cursor.h"
#include "ipc/little_endian.h"
#include "ipc/services.h"

#include <stddef.h>

/*
 * The struct is laid out as the wire is, so a header is one copy each way and the compiler moves it
 * in the same pieces everywhere: pieces of another size than were just stored would have to wait
 * for those stores.
 */
#define IS_AT(field, at) _Static_assert(offsetof(umh_frame, field) == (at), "as on the wire")
IS_AT(payload_bytes, 0);
IS_AT(version, 4);
IS_AT(kind, 5);
IS_AT(flags, 6);
IS_AT(service, 8);
IS_AT(session, 24);
IS_AT(source_host, 28);
IS_AT(source_slot, 32);
IS_AT(slot, 34);
IS_AT(source_session, 36);
_Static_assert(sizeof(umh_frame) == UMH_FRAME_HEADER_BYTES, "the fields fill the header");

#define AT_VERSION offsetof(umh_frame, version)

#define AMOUNT_BYTES 8u
#define WANT_BYTES 16u

/* Version, kind and flags of the commonest frame as one number: a message without extensions. */
#define PLAIN_MESSAGE ((uint32_t)(UMH_PROTOCOL_HIGHEST | FRAME_MESSAGE << 8))

/* Between the processor's order of bytes and the wire's, in either direction. */
static inline umh_frame in_other_order(umh_frame frame)
{
    frame.payload_bytes = UMH_LITTLE_32(frame.payload_bytes);
    frame.flags = UMH_LITTLE_16(frame.flags);
    frame.session = UMH_LITTLE_32(frame.session);
    frame.source_host = UMH_LITTLE_32(frame.source_host);
    frame.source_slot = UMH_LITTLE_16(frame.source_slot);
    frame.slot = UMH_LITTLE_16(frame.slot);
    frame.source_session = UMH_LITTLE_32(frame.source_session);
    return frame;
}

void umh_frame_encode(const umh_frame *frame, uint8_t header[UMH_FRAME_HEADER_BYTES])
{
    umh_frame wire = in_other_order(*frame);

    memcpy(header, &wire, sizeof wire);
}

static inline umh_frame load(const uint8_t *header)
{
    umh_frame wire;

    memcpy(&wire, header, sizeof wire);
    return in_other_order(wire);
}

/* Everything but the commonest case, out of its way. */
static __attribute__((noinline)) int judge(const uint8_t *header, uint32_t payload_max,
                                           umh_why *ret_why)
{
    umh_frame frame = load(header);
    uint32_t size = frame.payload_bytes;
    bool has_right_size = true;

    if (frame.version < UMH_PROTOCOL_LOWEST || frame.version > UMH_PROTOCOL_HIGHEST) {
        umh_why_set(ret_why, "frame of protocol version %u", frame.version);
        return UMH_FRAME_BAD;
    }
    switch (frame.kind) {
    case FRAME_MESSAGE:
        has_right_size = size <= payload_max ||
                         (size <= UMH_COMMAND_BYTES_MAX && umh_service_is_control(&frame.service));
        break;
    case FRAME_ANSWER:
        has_right_size = size <= UMH_ANSWER_BYTES_MAX;
        break;
    case FRAME_CREDIT:
        has_right_size = size == AMOUNT_BYTES;
        break;
    case FRAME_WANT:
        has_right_size = size == WANT_BYTES;
        break;
    case FRAME_GIVE_BACK:
        /* A question or an answer, and nothing between them in either direction. */
        has_right_size = size == 0 || size == AMOUNT_BYTES;
        break;
    case FRAME_PING:
    case FRAME_PONG:
        has_right_size = size <= AMOUNT_BYTES;
        break;
    default:
        umh_why_set(ret_why, "frame of unknown kind %u", frame.kind);
        return UMH_FRAME_BAD;
    }
    if (!has_right_size) {
        umh_why_set(ret_why, "frame of kind %u with a payload of %u bytes", frame.kind, size);
        return UMH_FRAME_BAD;
    }
    /*
     * Only a text can have extensions in front of it: anywhere else a payload would mean two
     * things.
     */
    if ((frame.flags & ~(unsigned)FRAME_FLAGS_KNOWN) ||
        (frame.flags && frame.kind != FRAME_MESSAGE && frame.kind != FRAME_ANSWER)) {
        umh_why_set(ret_why, "frame of kind %u with flags 0x%04x", frame.kind, frame.flags);
        return UMH_FRAME_BAD;
    }
    return 0;
}

int umh_frame_decode(umh_bytes bytes, uint32_t payload_max, umh_frame *ret_frame, umh_why *ret_why)
{
    const uint8_t *header = bytes.data;

    if (bytes.size < UMH_FRAME_HEADER_BYTES)
        return UMH_FRAME_INCOMPLETE;
    if (umh_load_u32(header + AT_VERSION) != PLAIN_MESSAGE || umh_load_u32(header) > payload_max) {
        if (judge(header, payload_max, ret_why))
            return UMH_FRAME_BAD;
    }
    *ret_frame = load(header);
    return 0;
}

int umh_frame_text(const umh_frame *frame, umh_bytes payload, umh_bytes *ret_text)
{
    umh_cursor cursor = umh_cursor_of(payload);
    umh_cursor extensions;
    uint16_t size;

    if (!(frame->flags & FRAME_FLAG_EXTENDED)) {
        *ret_text = payload;
        return 0;
    }
    if (!umh_cursor_take_u16(&cursor, &size) || size > UMH_EXTENSION_BYTES_MAX ||
        !umh_cursor_take_bytes(&cursor, size, &extensions.rest))
        return UMH_FRAME_BAD;
    /* This version knows no type; each is skipped, but none may reach into the text. */
    while (extensions.rest.size > 0) {
        umh_bytes value;
        uint16_t type;

        if (!umh_cursor_take_u16(&extensions, &type) || !umh_cursor_take_u16(&extensions, &size) ||
            !umh_cursor_take_bytes(&extensions, size, &value))
            return UMH_FRAME_BAD;
    }
    *ret_text = cursor.rest;
    return 0;
}

uint64_t umh_frame_amount(umh_bytes payload)
{
    return payload.size == AMOUNT_BYTES ? umh_load_u64(payload.data) : 0;
}

void umh_frame_encode_amount(const umh_frame *frame, uint64_t amount,
                             uint8_t to[UMH_FRAME_AMOUNT_BYTES])
{
    umh_frame whole = *frame;

    whole.payload_bytes = AMOUNT_BYTES;
    umh_frame_encode(&whole, to);
    umh_store_u64(to + UMH_FRAME_HEADER_BYTES, amount);
}

void umh_frame_want(umh_bytes payload, uint64_t *ret_need, uint64_t *ret_cost)
{
    umh_assert(payload.size == WANT_BYTES);
    *ret_need = umh_load_u64(payload.data);
    *ret_cost = umh_load_u64(payload.data + 8);
}

void umh_frame_encode_want(const umh_frame *frame, uint64_t need, uint64_t cost,
                           uint8_t to[UMH_FRAME_WANT_BYTES])
{
    umh_frame whole = *frame;

    whole.payload_bytes = WANT_BYTES;
    umh_frame_encode(&whole, to);
    umh_store_u64(to + UMH_FRAME_HEADER_BYTES, need);
    umh_store_u64(to + UMH_FRAME_HEADER_BYTES + 8, cost);
}
