/* SPDX-License-Identifier: MIT */
/* The ring of an outbox: frames in, any number of bytes out, borders known. */
#include "broker/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct ring_stub {
    umh_ring ring;
    uint8_t memory[UMH_OUTBOX_BYTES];
} ring_stub;

static ring_stub *new_ring(void)
{
    ring_stub *stub = calloc(1, sizeof(*stub));

    assert_non_null(stub);
    stub->ring.bytes = stub->memory;
    return stub;
}

static void push(umh_ring *ring, uint32_t payload_bytes, uint8_t fill)
{
    static uint8_t payload[UMH_OUTBOX_BYTES];
    umh_frame frame = {.payload_bytes = payload_bytes, .version = 1, .kind = FRAME_MESSAGE};

    memset(payload, fill, payload_bytes);
    umh_ring_push(ring, &frame, umh_bytes_of(payload, payload_bytes));
}

/* Takes `count` bytes from the front to `out`. */
static void take(umh_ring *ring, uint32_t count, uint8_t *out)
{
    umh_bytes parts[2];
    size_t part_count = umh_ring_parts(ring, 0, count, parts);
    size_t at = 0;

    for (size_t i = 0; i < part_count; i++) {
        memcpy(out + at, parts[i].data, parts[i].size);
        at += parts[i].size;
    }
    assert_true(at == count);
    umh_ring_consume(ring, count);
}

static void test_ends_a_message_with_nul(void **state)
{
    ring_stub *stub = new_ring();
    uint8_t out[44];

    (void)state;
    push(&stub->ring, 3, 'x');
    assert_int_equal(stub->ring.used, 44);
    take(&stub->ring, 44, out);
    assert_memory_equal(out + 40, "xxx\0", 4);
    assert_int_equal(stub->ring.used, 0);
    free(stub);
}

static void test_knows_what_is_left_of_a_cut_frame(void **state)
{
    ring_stub *stub = new_ring();
    uint8_t out[200];

    (void)state;
    push(&stub->ring, 10, 'a'); /* 51 bytes */
    push(&stub->ring, 20, 'b'); /* 61 */
    push(&stub->ring, 0, 'c');  /* 41 */
    take(&stub->ring, 50, out);
    assert_int_equal(stub->ring.frame_left, 1);
    take(&stub->ring, 1, out);
    assert_int_equal(stub->ring.frame_left, 0);
    take(&stub->ring, 39, out);
    assert_int_equal(stub->ring.frame_left, 22);
    take(&stub->ring, 23, out);
    assert_int_equal(stub->ring.frame_left, 40);
    take(&stub->ring, 40, out);
    assert_int_equal(stub->ring.frame_left, 0);
    free(stub);
}

static void test_holds_exactly_its_capacity(void **state)
{
    ring_stub *stub = new_ring();
    static uint8_t out[UMH_OUTBOX_BYTES];

    (void)state;
    push(&stub->ring, UMH_OUTBOX_BYTES - 41, 'f');
    assert_int_equal(stub->ring.used, UMH_OUTBOX_BYTES);
    take(&stub->ring, UMH_OUTBOX_BYTES, out);
    assert_int_equal(out[UMH_OUTBOX_BYTES - 2], 'f');
    assert_int_equal(out[UMH_OUTBOX_BYTES - 1], 0);
    free(stub);
}

/*
 * Frames of any size, cut anywhere, wrapped around the end many times: the stream is what went in.
 */
static void test_keeps_the_stream_across_wraps(void **state)
{
    ring_stub *stub = new_ring();
    static uint8_t out[UMH_OUTBOX_BYTES];
    uint32_t expected_left = 0; /* of the frame being read */
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    uint32_t header_have = 0;
    unsigned pushed = 0;
    unsigned popped = 0;

    (void)state;
    srand(7);
    while (popped < 20000) {
        uint32_t size = (uint32_t)rand() % (rand() % 50 ? 300 : 60000);
        uint32_t count;

        if (stub->ring.used + size + 41 <= UMH_OUTBOX_BYTES && pushed < 20000)
            push(&stub->ring, size, (uint8_t)pushed++);
        if (stub->ring.used == 0)
            continue;
        count = 1 + (uint32_t)rand() % stub->ring.used;
        take(&stub->ring, count, out);
        for (uint32_t i = 0; i < count; i++) {
            if (expected_left == 0) {
                header[header_have++] = out[i];
                if (header_have == UMH_FRAME_HEADER_BYTES) {
                    umh_frame frame;
                    umh_why why = UMH_WHY_INIT;

                    assert_int_equal(umh_frame_decode(umh_bytes_of(header, sizeof(header)),
                                                      UMH_OUTBOX_BYTES, &frame, &why),
                                     0);
                    expected_left = frame.payload_bytes + 1;
                    header_have = 0;
                }
            } else {
                assert_int_equal(out[i], expected_left == 1 ? 0 : (uint8_t)popped);
                popped += --expected_left == 0 ? 1 : 0;
            }
        }
        if (header_have == 0)
            assert_int_equal(stub->ring.frame_left, stub->ring.used ? expected_left : 0);
    }
    free(stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_a_message_with_nul),
        cmocka_unit_test(test_knows_what_is_left_of_a_cut_frame),
        cmocka_unit_test(test_holds_exactly_its_capacity),
        cmocka_unit_test(test_keeps_the_stream_across_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
