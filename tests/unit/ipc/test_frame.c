/* SPDX-License-Identifier: MIT */
/* The 40 bytes of a header: every field at its place, every limit at its edge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/frame.h"

#define PAYLOAD_MAX 70000u

static const umh_frame sample = {
    .payload_bytes = 0x00010203, /* 66051, below PAYLOAD_MAX */
    .version = 1,
    .kind = FRAME_MESSAGE,
    .flags = FRAME_FLAG_EXTENDED,
    .service = {{0x92, 0xD6, 0x27, 0xA3, 0x6C, 0x62, 0x4C, 0x5B, 0x84, 0x77, 0x48, 0x4A, 0x34, 0xED,
                 0x3B, 0x82}},
    .session = 0x14131211,
    .source_host = 0x18171615,
    .source_slot = 0x2221,
    .slot = 0x2423,
    .source_session = 0x28272625,
};

/* The table of docs/wire-protocol.md, byte by byte. */
static const uint8_t sample_header[UMH_FRAME_HEADER_BYTES] = {
    0x03, 0x02, 0x01, 0x00, 0x01, 0x01, 0x01, 0x00, 0x92, 0xD6, 0x27, 0xA3, 0x6C, 0x62,
    0x4C, 0x5B, 0x84, 0x77, 0x48, 0x4A, 0x34, 0xED, 0x3B, 0x82, 0x11, 0x12, 0x13, 0x14,
    0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28};

static void assert_frames_equal(const umh_frame *one, const umh_frame *other)
{
    assert_int_equal(one->payload_bytes, other->payload_bytes);
    assert_int_equal(one->version, other->version);
    assert_int_equal(one->kind, other->kind);
    assert_int_equal(one->flags, other->flags);
    assert_memory_equal(one->service.bytes, other->service.bytes, 16);
    assert_int_equal(one->session, other->session);
    assert_int_equal(one->source_host, other->source_host);
    assert_int_equal(one->source_slot, other->source_slot);
    assert_int_equal(one->slot, other->slot);
    assert_int_equal(one->source_session, other->source_session);
}

/* The result of decoding a header with these properties; BAD must say why. */
static int decode_for(bool is_for_control, unsigned kind, unsigned flags, uint32_t payload_bytes,
                      unsigned version)
{
    umh_frame frame = sample;
    umh_frame decoded = {.payload_bytes = 77};
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    umh_why why = UMH_WHY_INIT;
    int r;

    frame.kind = (uint8_t)kind;
    frame.flags = (uint16_t)flags;
    frame.payload_bytes = payload_bytes;
    frame.version = (uint8_t)version;
    frame.service.bytes[0] = is_for_control ? sample.service.bytes[0] : 0x01;
    umh_frame_encode(&frame, header);
    r = umh_frame_decode(umh_bytes_of(header, sizeof header), PAYLOAD_MAX, &decoded, &why);
    assert_int_equal(umh_frame_decode(umh_bytes_of(header, sizeof header), PAYLOAD_MAX,
                                      &(umh_frame){.kind = 0}, NULL),
                     r);
    if (r == UMH_FRAME_BAD) {
        assert_true(why.text[0] != '\0');
        assert_int_equal(decoded.payload_bytes, 77);
    } else {
        assert_int_equal(r, 0);
        assert_int_equal(why.text[0], '\0');
        assert_frames_equal(&decoded, &frame);
    }
    return r;
}

static int decode(unsigned kind, unsigned flags, uint32_t payload_bytes, unsigned version)
{
    return decode_for(false, kind, flags, payload_bytes, version);
}

static int decode_size(unsigned kind, uint32_t payload_bytes)
{
    return decode(kind, 0, payload_bytes, UMH_PROTOCOL_HIGHEST);
}

static int decode_command_size(uint32_t payload_bytes)
{
    return decode_for(true, FRAME_MESSAGE, 0, payload_bytes, UMH_PROTOCOL_HIGHEST);
}

static void test_encodes_every_field_at_its_place(void **state)
{
    uint8_t memory[1 + UMH_FRAME_HEADER_BYTES + 1];

    (void)state;
    memset(memory, 0xEE, sizeof memory);
    umh_frame_encode(&sample, memory + 1);
    assert_memory_equal(memory + 1, sample_header, sizeof sample_header);
    assert_int_equal(memory[0], 0xEE);
    assert_int_equal(memory[sizeof memory - 1], 0xEE);
}

static void test_decodes_every_field_at_any_address(void **state)
{
    uint8_t memory[7 + UMH_FRAME_HEADER_BYTES + 9] = {0};

    (void)state;
    for (size_t at = 0; at < 7; at++) {
        umh_frame frame = {.payload_bytes = 0};
        umh_why why = UMH_WHY_INIT;

        memcpy(memory + at, sample_header, sizeof sample_header);
        assert_int_equal(umh_frame_decode(umh_bytes_of(memory + at, sizeof sample_header + 9),
                                          PAYLOAD_MAX, &frame, &why),
                         0);
        assert_frames_equal(&frame, &sample);
    }
}

/* On the heap, so that the sanitizer sees the first byte read behind a part of a header. */
static void test_waits_for_a_whole_header(void **state)
{
    (void)state;
    for (size_t size = 0; size <= UMH_FRAME_HEADER_BYTES; size++) {
        uint8_t *part = malloc(size + (size == 0));
        umh_frame frame = {.payload_bytes = 77};
        umh_why why = UMH_WHY_INIT;
        int r;

        assert_non_null(part);
        memcpy(part, sample_header, size);
        r = umh_frame_decode(umh_bytes_of(part, size), PAYLOAD_MAX, &frame, &why);
        assert_int_equal(r, size < UMH_FRAME_HEADER_BYTES ? UMH_FRAME_INCOMPLETE : 0);
        assert_int_equal(frame.payload_bytes, r ? 77 : sample.payload_bytes);
        free(part);
    }
    assert_int_equal(
        umh_frame_decode(umh_bytes_of(NULL, 0), PAYLOAD_MAX, &(umh_frame){.kind = 0}, NULL),
        UMH_FRAME_INCOMPLETE);
}

static void test_accepts_known_versions_only(void **state)
{
    (void)state;
    for (unsigned version = 0; version <= UINT8_MAX; version++) {
        bool is_known = version >= UMH_PROTOCOL_LOWEST && version <= UMH_PROTOCOL_HIGHEST;

        assert_int_equal(decode(FRAME_MESSAGE, 0, 1, version), is_known ? 0 : UMH_FRAME_BAD);
        assert_int_equal(decode(FRAME_PING, 0, 1, version), is_known ? 0 : UMH_FRAME_BAD);
    }
}

static void test_accepts_known_kinds_only(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind <= UINT8_MAX; kind++)
        assert_int_equal(decode_size(kind, kind == FRAME_WANT ? 16 : 8),
                         kind >= FRAME_MESSAGE && kind < FRAME_KIND_END ? 0 : UMH_FRAME_BAD);
}

static void test_bounds_a_message(void **state)
{
    (void)state;
    assert_int_equal(decode_size(FRAME_MESSAGE, 0), 0);
    assert_int_equal(decode_size(FRAME_MESSAGE, PAYLOAD_MAX), 0);
    assert_int_equal(decode_size(FRAME_MESSAGE, PAYLOAD_MAX + 1), UMH_FRAME_BAD);
    assert_int_equal(decode_size(FRAME_MESSAGE, UINT32_MAX), UMH_FRAME_BAD);
}

static void test_bounds_a_command_by_its_own_limit(void **state)
{
    (void)state;
    assert_int_equal(decode_command_size(PAYLOAD_MAX + 1), 0);
    assert_int_equal(decode_command_size(UMH_COMMAND_BYTES_MAX), 0);
    assert_int_equal(decode_command_size(UMH_COMMAND_BYTES_MAX + 1), UMH_FRAME_BAD);
}

static void test_bounds_an_answer_by_its_own_limit(void **state)
{
    (void)state;
    assert_true(UMH_ANSWER_BYTES_MAX > PAYLOAD_MAX);
    assert_int_equal(decode_size(FRAME_ANSWER, 0), 0);
    assert_int_equal(decode_size(FRAME_ANSWER, UMH_ANSWER_BYTES_MAX), 0);
    assert_int_equal(decode_size(FRAME_ANSWER, UMH_ANSWER_BYTES_MAX + 1), UMH_FRAME_BAD);
    assert_int_equal(decode_size(FRAME_ANSWER, UINT32_MAX), UMH_FRAME_BAD);
}

static void test_bounds_numbers(void **state)
{
    (void)state;
    for (uint32_t size = 0; size <= 17; size++) {
        int exact = size == 8 ? 0 : UMH_FRAME_BAD;

        assert_int_equal(decode_size(FRAME_CREDIT, size), exact);
        assert_int_equal(decode_size(FRAME_WANT, size), size == 16 ? 0 : UMH_FRAME_BAD);
        assert_int_equal(decode_size(FRAME_GIVE_BACK, size), size == 0 ? 0 : exact);
        assert_int_equal(decode_size(FRAME_PING, size), size <= 8 ? 0 : UMH_FRAME_BAD);
        assert_int_equal(decode_size(FRAME_PONG, size), size <= 8 ? 0 : UMH_FRAME_BAD);
    }
}

static void test_accepts_known_flags_only(void **state)
{
    (void)state;
    assert_int_equal(decode(FRAME_MESSAGE, FRAME_FLAG_EXTENDED, 2, 1), 0);
    assert_int_equal(decode(FRAME_ANSWER, FRAME_FLAG_EXTENDED, 2, 1), 0);
    for (unsigned kind = FRAME_CREDIT; kind < FRAME_KIND_END; kind++)
        assert_int_equal(decode(kind, FRAME_FLAG_EXTENDED, 8, 1), UMH_FRAME_BAD);
    for (unsigned bit = 1; bit < 16; bit++) {
        assert_int_equal(decode(FRAME_MESSAGE, 1u << bit, 2, 1), UMH_FRAME_BAD);
        assert_int_equal(decode(FRAME_ANSWER, FRAME_FLAG_EXTENDED | 1u << bit, 2, 1),
                         UMH_FRAME_BAD);
    }
}

static void test_costs_header_and_payload(void **state)
{
    umh_frame frame = {.payload_bytes = 100, .kind = FRAME_MESSAGE};

    (void)state;
    assert_true(umh_frame_cost(0) == 40);
    assert_true(umh_frame_cost(UINT32_MAX) == (uint64_t)UINT32_MAX + 40);
    assert_true(umh_frame_delivered_bytes(&frame) == 141);
    frame.kind = FRAME_ANSWER;
    assert_true(umh_frame_delivered_bytes(&frame) == 140);
}

/*
 * The size of the text of `payload`, or -1 when the extensions are bad. The payload is on the heap.
 */
static long text_size(const void *payload, size_t size)
{
    umh_frame frame = {.flags = FRAME_FLAG_EXTENDED};
    uint8_t *copy = malloc(size + (size == 0));
    umh_bytes text = {NULL, 12345};
    int r;

    assert_non_null(copy);
    if (size)
        memcpy(copy, payload, size);
    r = umh_frame_text(&frame, umh_bytes_of(copy, size), &text);
    if (r == 0)
        assert_ptr_equal(text.data + text.size, copy + size);
    else
        assert_int_equal(text.size, 12345);
    free(copy);
    assert_true(r == 0 || r == UMH_FRAME_BAD);
    return r ? -1 : (long)text.size;
}

static void test_finds_the_text_behind_extensions(void **state)
{
    static const uint8_t none[] = {0, 0, 'h', 'i'};
    static const uint8_t one[] = {5, 0, 9, 9, 1, 0, 'x', 'h', 'i'};
    static const uint8_t two[] = {9, 0, 9, 9, 1, 0, 'x', 8, 8, 0, 0, 'h', 'i'};
    umh_frame plain = {.flags = 0};
    umh_bytes text = {NULL, 0};

    (void)state;
    assert_int_equal(text_size(none, sizeof none), 2);
    assert_int_equal(text_size(none, 2), 0);
    assert_int_equal(text_size(one, sizeof one), 2);
    assert_int_equal(text_size(two, sizeof two), 2);
    assert_int_equal(text_size(two, sizeof two - 2), 0);

    assert_int_equal(umh_frame_text(&plain, umh_bytes_of(one, sizeof one), &text), 0);
    assert_ptr_equal(text.data, one);
    assert_int_equal(text.size, sizeof one);
    assert_int_equal(umh_frame_text(&plain, umh_bytes_of(NULL, 0), &text), 0);
    assert_int_equal(text.size, 0);
}

static void test_rejects_extensions_that_do_not_add_up(void **state)
{
    static const uint8_t long_value[] = {5, 0, 9, 9, 2, 0, 'x', 'h', 'i'};
    static const uint8_t half_head[] = {3, 0, 9, 9, 0, 'h', 'i'};
    static const uint8_t half_type[] = {1, 0, 9, 'h', 'i'};
    static const uint8_t beyond[] = {3, 0, 'h', 'i'};
    static const uint8_t rest_is_half[] = {6, 0, 9, 9, 1, 0, 'x', 1, 'h', 'i'};

    (void)state;
    assert_int_equal(text_size(NULL, 0), -1);
    assert_int_equal(text_size(beyond, 1), -1);
    assert_int_equal(text_size(beyond, sizeof beyond), -1);
    assert_int_equal(text_size(long_value, sizeof long_value), -1);
    assert_int_equal(text_size(half_head, sizeof half_head), -1);
    assert_int_equal(text_size(half_type, sizeof half_type), -1);
    assert_int_equal(text_size(rest_is_half, sizeof rest_is_half), -1);
}

static void test_bounds_extensions(void **state)
{
    uint8_t payload[2 + UMH_EXTENSION_BYTES_MAX + 2] = {0};
    unsigned value_bytes = UMH_EXTENSION_BYTES_MAX - 4;

    (void)state;
    payload[0] = UMH_EXTENSION_BYTES_MAX & 0xFF;
    payload[1] = UMH_EXTENSION_BYTES_MAX >> 8;
    payload[4] = (uint8_t)value_bytes;
    payload[5] = (uint8_t)(value_bytes >> 8);
    assert_int_equal(text_size(payload, sizeof payload), 2);
    payload[0]++;
    payload[4]++;
    assert_int_equal(text_size(payload, sizeof payload), -1);
}

static void test_reads_amounts(void **state)
{
    static const uint8_t payload[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    (void)state;
    assert_true(umh_frame_amount(umh_bytes_of(payload, 8)) == 0x0807060504030201u);
    assert_true(umh_frame_amount(umh_bytes_of(payload, 7)) == 0);
    assert_true(umh_frame_amount(umh_bytes_of(payload, 9)) == 0);
    assert_true(umh_frame_amount(umh_bytes_of(NULL, 0)) == 0);
}

static void test_encodes_a_frame_with_an_amount(void **state)
{
    uint8_t memory[UMH_FRAME_AMOUNT_BYTES + 1];
    umh_frame frame = sample;
    umh_frame decoded = {.kind = 0};
    umh_why why = UMH_WHY_INIT;

    (void)state;
    memset(memory, 0xEE, sizeof memory);
    frame.kind = FRAME_CREDIT;
    frame.flags = 0;
    frame.payload_bytes = 0;
    umh_frame_encode_amount(&frame, UINT64_MAX - 1, memory);
    assert_int_equal(umh_frame_decode(umh_bytes_of(memory, sizeof memory), 0, &decoded, &why), 0);
    frame.payload_bytes = 8;
    assert_frames_equal(&decoded, &frame);
    assert_true(umh_frame_amount(umh_bytes_of(memory + UMH_FRAME_HEADER_BYTES, 8)) ==
                UINT64_MAX - 1);
    assert_int_equal(memory[UMH_FRAME_AMOUNT_BYTES], 0xEE);
}

static void test_encodes_a_want(void **state)
{
    uint8_t memory[UMH_FRAME_WANT_BYTES + 1];
    umh_frame frame = sample;
    umh_frame decoded = {.kind = 0};
    umh_why why = UMH_WHY_INIT;
    uint64_t need = 0;
    uint64_t cost = 0;

    (void)state;
    memset(memory, 0xEE, sizeof memory);
    frame.kind = FRAME_WANT;
    frame.flags = 0;
    umh_frame_encode_want(&frame, UINT64_MAX - 1, 7, memory);
    assert_int_equal(umh_frame_decode(umh_bytes_of(memory, sizeof memory), 0, &decoded, &why), 0);
    frame.payload_bytes = 16;
    assert_frames_equal(&decoded, &frame);
    umh_frame_want(umh_bytes_of(memory + UMH_FRAME_HEADER_BYTES, 16), &need, &cost);
    assert_true(need == UINT64_MAX - 1 && cost == 7);
    assert_int_equal(memory[UMH_FRAME_WANT_BYTES], 0xEE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encodes_every_field_at_its_place),
        cmocka_unit_test(test_encodes_a_want),
        cmocka_unit_test(test_decodes_every_field_at_any_address),
        cmocka_unit_test(test_waits_for_a_whole_header),
        cmocka_unit_test(test_accepts_known_versions_only),
        cmocka_unit_test(test_accepts_known_kinds_only),
        cmocka_unit_test(test_bounds_a_message),
        cmocka_unit_test(test_bounds_a_command_by_its_own_limit),
        cmocka_unit_test(test_bounds_an_answer_by_its_own_limit),
        cmocka_unit_test(test_bounds_numbers),
        cmocka_unit_test(test_accepts_known_flags_only),
        cmocka_unit_test(test_costs_header_and_payload),
        cmocka_unit_test(test_finds_the_text_behind_extensions),
        cmocka_unit_test(test_rejects_extensions_that_do_not_add_up),
        cmocka_unit_test(test_bounds_extensions),
        cmocka_unit_test(test_reads_amounts),
        cmocka_unit_test(test_encodes_a_frame_with_an_amount),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
