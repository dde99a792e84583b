/* SPDX-License-Identifier: MIT */
/*
 * Stored messages: charged once however many queues hold them, their blocks used again; rings keep
 * order while they grow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/queue.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define HAS_ADDRESS_SANITIZER 1
#endif
#ifdef HAS_ADDRESS_SANITIZER
int __asan_address_is_poisoned(const volatile void *address);
#endif

#define CAPACITY (64u * 1024 * 1024)

typedef struct fixture {
    umh_budget budget;
    umh_message_pool *pool;
} fixture;

static int set_up(void **state)
{
    static fixture storage;

    umh_budget_init(&storage.budget, CAPACITY);
    *state = &storage;
    return umh_message_pool_new(&storage.budget, &storage.pool);
}

static int tear_down(void **state)
{
    fixture *fixed = *state;

    fixed->pool = umh_message_pool_free(fixed->pool);
    return fixed->pool != NULL || fixed->budget.charged != 0;
}

static umh_message *make(fixture *fixed, uint32_t payload_bytes, uint32_t number)
{
    umh_frame frame = {.payload_bytes = payload_bytes,
                       .version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_MESSAGE,
                       .source_host = number};
    umh_message *message = NULL;

    assert_int_equal(umh_message_new(fixed->pool, &frame, &message), 0);
    return message;
}

static void test_stores_frame_payload_and_nul(void **state)
{
    static const uint32_t sizes[] = {0,   1,    63,    64,    65,    127,   128,    129,     256,
                                     257, 1024, 65535, 65536, 65537, 70000, 100000, 1u << 20};

    for (size_t i = 0; i < UMH_COUNT_OF(sizes); i++) {
        umh_message *message = make(*state, sizes[i], 7);
        uint8_t *payload = umh_message_payload(message);

        assert_int_equal(payload[sizes[i]], '\0');
        memset(payload, 'x', sizes[i]);
        assert_int_equal(payload[sizes[i]], '\0');
        assert_int_equal(umh_message_frame(message)->payload_bytes, sizes[i]);
        assert_int_equal(umh_message_frame(message)->source_host, 7);
        assert_true(umh_message_cost(message) == sizes[i] + 40u);
        assert_null(umh_message_unref(message));
    }
}

/* What is charged is released, whatever happens to the frame in between. */
static void test_charges_what_it_was_born_with(void **state)
{
    fixture *fixed = *state;
    umh_message *message = make(fixed, 100, 1);

    assert_true(fixed->budget.charged == 140);
    umh_message_edit(message)->payload_bytes = 5;
    assert_true(umh_message_cost(message) == 140);
    umh_message_unref(message);
    assert_true(fixed->budget.charged == 0);
}

static void test_charges_once_for_many_queues(void **state)
{
    fixture *fixed = *state;
    umh_queue queues[5] = {UMH_QUEUE_INIT, UMH_QUEUE_INIT, UMH_QUEUE_INIT, UMH_QUEUE_INIT,
                           UMH_QUEUE_INIT};
    umh_message *message = make(fixed, 960, 1);

    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(umh_queue_push(&queues[i], message), 0);
    assert_true(fixed->budget.charged == 1000);
    umh_message_unref(message);
    assert_true(fixed->budget.charged == 1000);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(queues[i].bytes == 1000);
        assert_ptr_equal(umh_queue_pop(&queues[i]), message);
        assert_true(queues[i].bytes == 0);
        umh_message_unref(message);
        assert_true(fixed->budget.charged == 1000);
    }
    assert_ptr_equal(umh_queue_pop(&queues[4]), message);
    umh_message_unref(message);
    assert_true(fixed->budget.charged == 0);
    assert_true(fixed->budget.highest == 1000);
    for (unsigned i = 0; i < 5; i++)
        umh_queue_deinit(&queues[i]);
}

static void test_may_overdraw_the_budget(void **state)
{
    fixture *fixed = *state;
    umh_message *message;

    fixed->budget.capacity = 100;
    message = make(fixed, 1000, 1);
    assert_true(umh_budget_free(&fixed->budget) == 0);
    umh_message_unref(message);
    assert_true(umh_budget_free(&fixed->budget) == 100);
}

static void test_uses_blocks_again(void **state)
{
    static const uint32_t sizes[][2] = {{0, 64}, {65, 128}, {129, 256}, {32769, 65536}};
    umh_message *kept[8];

    for (size_t i = 0; i < UMH_COUNT_OF(sizes); i++) {
        umh_message *first = make(*state, sizes[i][0], 1);
        umh_message *second = make(*state, sizes[i][1], 2);

        kept[2 * i] = first;
        kept[2 * i + 1] = second;
        assert_ptr_not_equal(first, second);
    }
    for (size_t i = 0; i < UMH_COUNT_OF(kept); i++)
        umh_message_unref(kept[i]);
    /* Last in, first out, within the class and whatever happened to the others. */
    for (size_t i = 0; i < UMH_COUNT_OF(sizes); i++) {
        umh_message *first = make(*state, sizes[i][1], 3);
        umh_message *second = make(*state, sizes[i][0], 4);

        assert_ptr_equal(first, kept[2 * i + 1]);
        assert_ptr_equal(second, kept[2 * i]);
        assert_int_equal(umh_message_payload(first)[sizes[i][1]], '\0');
        assert_int_equal(umh_message_payload(second)[sizes[i][0]], '\0');
        assert_int_equal(umh_message_frame(first)->source_host, 3);
        umh_message_unref(first);
        umh_message_unref(second);
    }
}

/* How many of the blocks of a released burst stay allocated. */
static unsigned count_kept(fixture *fixed, uint32_t payload_bytes, unsigned count)
{
    unsigned kept_count = 0;

#ifdef HAS_ADDRESS_SANITIZER
    umh_message **burst = calloc(count, sizeof *burst);

    assert_non_null(burst);
    for (unsigned i = 0; i < count; i++)
        burst[i] = make(fixed, payload_bytes, i);
    for (unsigned i = 0; i < count; i++)
        umh_message_unref(burst[i]);
    for (unsigned i = 0; i < count; i++)
        kept_count += !__asan_address_is_poisoned(burst[i]);
    free(burst);
#else
    (void)fixed;
    (void)payload_bytes;
    (void)count;
    skip();
#endif
    return kept_count;
}

static void test_bounds_what_is_free(void **state)
{
    unsigned kept_small = count_kept(*state, 64, 5000);
    unsigned kept_large = count_kept(*state, 65536, 10);

    assert_in_range(kept_small, 1000, 4096); /* of 256 KiB */
    assert_in_range(kept_large, 1, 4);
    /* A full list of one class is in nobody's way. */
    assert_int_equal(count_kept(*state, 1024, 2), 2);
}

static void test_keeps_nothing_beyond_the_largest_class(void **state)
{
    assert_int_equal(count_kept(*state, 65537, 3), 0);
}

static void test_pool_of_nothing(void **state)
{
    (void)state;
    assert_null(umh_message_pool_free(NULL));
    assert_null(umh_message_unref(NULL));
}

static void push_new(fixture *fixed, umh_queue *queue, uint32_t number)
{
    umh_message *message = make(fixed, number % 100, number);

    assert_int_equal(umh_queue_push(queue, message), 0);
    umh_message_unref(message);
}

static void pop_expected(umh_queue *queue, uint32_t number)
{
    umh_message *peeked = umh_queue_peek(queue);
    umh_message *message = umh_queue_pop(queue);

    assert_non_null(message);
    assert_ptr_equal(message, peeked);
    assert_int_equal(umh_message_frame(message)->source_host, number);
    umh_message_unref(message);
}

static void test_empty_queue(void **state)
{
    umh_queue queue = UMH_QUEUE_INIT;
    uint64_t count = 7;
    uint64_t bytes = 7;

    (void)state;
    assert_null(umh_queue_peek(&queue));
    assert_null(umh_queue_pop(&queue));
    umh_queue_clear(&queue, &count, &bytes);
    assert_true(count == 0 && bytes == 0);
    umh_queue_deinit(&queue);
    umh_queue_deinit(&queue);
    umh_queue_deinit(NULL);
}

/* Every offset of the head, so that each growth finds the ring wrapped at each place. */
static void test_keeps_order_when_it_wraps_and_grows(void **state)
{
    for (uint32_t offset = 0; offset <= 16; offset++) {
        umh_queue queue = UMH_QUEUE_INIT;
        uint32_t pushed = 0;
        uint32_t popped = 0;

        while (pushed < offset) {
            push_new(*state, &queue, pushed++);
            pop_expected(&queue, popped++);
        }
        for (unsigned i = 0; i < 16; i++)
            push_new(*state, &queue, pushed++);
        assert_int_equal(queue.capacity, 16);
        push_new(*state, &queue, pushed++);
        assert_int_equal(queue.capacity, 32);
        while (pushed < 200)
            push_new(*state, &queue, pushed++);
        assert_int_equal(queue.count, 200 - offset);
        while (popped < pushed)
            pop_expected(&queue, popped++);
        assert_int_equal(queue.count, 0);
        assert_true(queue.bytes == 0);
        umh_queue_deinit(&queue);
    }
}

static void test_wraps_many_times_without_growing(void **state)
{
    umh_queue queue = UMH_QUEUE_INIT;
    uint32_t pushed = 0;
    uint32_t popped = 0;

    for (; pushed < 5; pushed++)
        push_new(*state, &queue, pushed);
    for (unsigned i = 0; i < 1000; i++) {
        push_new(*state, &queue, pushed++);
        pop_expected(&queue, popped++);
    }
    assert_int_equal(queue.capacity, 16);
    assert_int_equal(queue.count, 5);
    umh_queue_deinit(&queue);
    assert_int_equal(queue.count, 0);
    assert_true(((fixture *)*state)->budget.charged == 0);
}

static void test_sums_costs(void **state)
{
    umh_queue queue = UMH_QUEUE_INIT;
    uint64_t count = 0;
    uint64_t bytes = 0;
    uint64_t expected = 0;

    for (uint32_t i = 0; i < 1000; i++) {
        push_new(*state, &queue, i);
        expected += 40 + i % 100;
    }
    assert_true(queue.bytes == expected);
    pop_expected(&queue, 0);
    expected -= 40;
    assert_true(queue.bytes == expected);
    umh_queue_clear(&queue, &count, &bytes);
    assert_int_equal(count, 999);
    assert_true(bytes == expected);
    assert_true(queue.bytes == 0);
    assert_true(((fixture *)*state)->budget.charged == 0);
    push_new(*state, &queue, 5); /* still a queue */
    pop_expected(&queue, 5);
    umh_queue_deinit(&queue);
}

static void test_frees_a_large_ring_when_empty(void **state)
{
    umh_queue queue = UMH_QUEUE_INIT;
    umh_message *message = make(*state, 0, 1);

    for (unsigned i = 0; i < 1025; i++)
        assert_int_equal(umh_queue_push(&queue, message), 0);
    assert_int_equal(queue.capacity, 2048);
    while (umh_queue_pop(&queue))
        umh_message_unref(message);
    assert_int_equal(queue.capacity, 0);
    for (unsigned i = 0; i < 1024; i++)
        assert_int_equal(umh_queue_push(&queue, message), 0);
    while (umh_queue_pop(&queue))
        umh_message_unref(message);
    assert_int_equal(queue.capacity, 1024);
    umh_queue_deinit(&queue);
    umh_message_unref(message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stores_frame_payload_and_nul),
        TEST(test_charges_what_it_was_born_with),
        TEST(test_charges_once_for_many_queues),
        TEST(test_may_overdraw_the_budget),
        TEST(test_uses_blocks_again),
        TEST(test_bounds_what_is_free),
        TEST(test_keeps_nothing_beyond_the_largest_class),
        TEST(test_pool_of_nothing),
        TEST(test_empty_queue),
        TEST(test_keeps_order_when_it_wraps_and_grows),
        TEST(test_wraps_many_times_without_growing),
        TEST(test_sums_costs),
        TEST(test_frees_a_large_ring_when_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
