/* SPDX-License-Identifier: MIT */
/*
 * A frame from anybody: what decodes encodes to the same bytes, and its text lies within its
 * payload.
 */
#include "ipc/frame.h"

#include <stdlib.h>
#include <string.h>

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_text(const umh_frame *frame, umh_bytes payload)
{
    umh_bytes text;

    if (umh_frame_text(frame, payload, &text) != 0) {
        require(frame->flags & FRAME_FLAG_EXTENDED);
        return;
    }
    require(text.size <= payload.size && payload.size - text.size <= UMH_EXTENSION_BYTES_MAX + 2);
    require(text.size == 0 || text.data + text.size == payload.data + payload.size);
}

static void check_want(const umh_frame *frame, umh_bytes payload)
{
    uint8_t encoded[UMH_FRAME_WANT_BYTES];
    uint64_t need;
    uint64_t cost;

    umh_frame_want(payload, &need, &cost);
    umh_frame_encode_want(frame, need, cost, encoded);
    require(memcmp(encoded + UMH_FRAME_HEADER_BYTES, payload.data, payload.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t header[UMH_FRAME_AMOUNT_BYTES];
    umh_why why = UMH_WHY_INIT;
    umh_frame frame;
    umh_bytes payload;
    int r = umh_frame_decode(umh_bytes_of(data, size), UMH_MESSAGE_BYTES_DEFAULT, &frame, &why);

    if (size < UMH_FRAME_HEADER_BYTES) {
        require(r == UMH_FRAME_INCOMPLETE);
        return 0;
    }
    require(r == 0 || r == UMH_FRAME_BAD);
    require((r == UMH_FRAME_BAD) == (why.text[0] != '\0'));
    if (r)
        return 0;
    umh_frame_encode(&frame, header);
    require(memcmp(header, data, UMH_FRAME_HEADER_BYTES) == 0);

    payload = umh_bytes_of(data + UMH_FRAME_HEADER_BYTES, size - UMH_FRAME_HEADER_BYTES);
    if (payload.size > frame.payload_bytes)
        payload.size = frame.payload_bytes;
    check_text(&frame, payload);
    if (frame.kind == FRAME_WANT && payload.size == frame.payload_bytes)
        check_want(&frame, payload);
    if (payload.size == 8) {
        umh_frame_encode_amount(&frame, umh_frame_amount(payload), header);
        require(memcmp(header + UMH_FRAME_HEADER_BYTES, payload.data, 8) == 0);
    }
    return 0;
}
