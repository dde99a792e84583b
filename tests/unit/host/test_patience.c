/* SPDX-License-Identifier: MIT */
/* A module that is slow, or hangs, delays neither the other modules of its host nor its answers. */
#include "fake_broker.h"

#include "../../support/modules/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOW_MESSAGES 2000u
#define ECHOES_MAX 200000u
#define ECHOES_BESIDE_HANG 2000u
#define ECHOES_BEFORE_HANG 2000u /* by then the thread that started it has gone: the reader hangs */
#define P99_NS_MAX (5 * UMH_NS_PER_MS)
#define HUNG_NS (20 * UMH_NS_PER_MS)

enum { ECHO_SLOT, OTHER_SLOT };

typedef struct latencies {
    uint64_t ns[ECHOES_MAX];
    size_t count;
} latencies;

static umh_guid guid_of(umh_guid_v1 service)
{
    umh_guid guid;

    memcpy(&guid, &service, sizeof(guid));
    return guid;
}

static int start(void **state)
{
    static fake_broker broker;

    fake_broker_start(&broker);
    fake_broker_greet(&broker);
    fake_broker_load(&broker, ECHO_SLOT, "echo", true);
    *state = &broker;
    return 0;
}

static int stop(void **state)
{
    fake_broker_stop(*state);
    return 0;
}

static void measure_echo(fake_broker *broker, latencies *measured)
{
    umh_guid asked = guid_of((umh_guid_v1)ECHO_ASKED);
    uint64_t began_ns = umh_clock_now_ns();
    char text[16];

    fake_broker_exchange(broker, &asked, ECHO_SLOT, "echo", text, sizeof(text));
    assert_string_equal(text, "echo");
    assert_true(measured->count < ECHOES_MAX);
    measured->ns[measured->count++] = umh_clock_now_ns() - began_ns;
}

static int compare(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;

    return (a > b) - (a < b);
}

static void expect_small(latencies *measured)
{
    uint64_t p99;

    qsort(measured->ns, measured->count, sizeof(measured->ns[0]), compare);
    p99 = measured->ns[measured->count * 99 / 100];
    print_message("%zu echoes, p50 %llu us, p99 %llu us, longest %llu us\n", measured->count,
                  (unsigned long long)measured->ns[measured->count / 2] / 1000,
                  (unsigned long long)p99 / 1000,
                  (unsigned long long)measured->ns[measured->count - 1] / 1000);
    assert_in_range(p99, 0, P99_NS_MAX);
}

static void post_many(fake_broker *broker, umh_guid_v1 service, unsigned count, const char *text)
{
    umh_guid guid = guid_of(service);

    for (unsigned i = 0; i < count; i++)
        fake_broker_post(broker, &guid, OTHER_SLOT, text);
}

static void expect_echoes_beside(fake_broker *broker, unsigned count, const char *microseconds)
{
    static latencies measured;
    uint64_t until = fake_broker_consumed(broker, OTHER_SLOT) + count;

    measured.count = 0;
    post_many(broker, (umh_guid_v1)SLOW_ASKED, count, microseconds);
    while (fake_broker_consumed(broker, OTHER_SLOT) < until && measured.count < ECHOES_MAX)
        measure_echo(broker, &measured);
    fake_broker_await_consumed(broker, OTHER_SLOT, until);
    expect_small(&measured);
}

static void test_echoes_beside_a_slow_module(void **state)
{
    fake_broker *broker = *state;

    fake_broker_load(broker, OTHER_SLOT, "slow", true);
    expect_echoes_beside(broker, SLOW_MESSAGES, "1500");
}

static void test_echoes_beside_a_module_with_much_to_do(void **state)
{
    fake_broker *broker = *state;

    fake_broker_load(broker, OTHER_SLOT, "slow", true);
    expect_echoes_beside(broker, 5000, "100");
    expect_echoes_beside(broker, 20000, "20");
}

/* Until the black box says since when the slot is in its callback. */
static void await_hang(fake_broker *broker, latencies *measured)
{
    const umh_blackbox_slot *slot = &fake_broker_blackbox(broker)->slots[OTHER_SLOT];
    uint64_t since_ns = 0;

    while (since_ns == 0 || umh_clock_now_ns() - since_ns < HUNG_NS) {
        measure_echo(broker, measured);
        since_ns = atomic_load(&slot->since_ns);
    }
    assert_int_equal(atomic_load(&slot->activity), ACTIVITY_ON_MESSAGE);
}

static void test_echoes_and_answers_beside_a_module_that_hangs(void **state)
{
    static latencies measured;
    fake_broker *broker = *state;
    fake_frame frame;
    umh_process_end end;

    fake_broker_load(broker, OTHER_SLOT, "hang", true);
    post_many(broker, (umh_guid_v1)HANG_ASKED, 100, "");
    await_hang(broker, &measured);
    for (unsigned i = 0; i < ECHOES_BESIDE_HANG; i++)
        measure_echo(broker, &measured);
    expect_small(&measured);

    fake_broker_ping(broker);
    fake_broker_await(broker, FRAME_PONG, &frame);
    fake_broker_load(broker, OTHER_SLOT + 1, "echo", true);
    fake_broker_expect_ok(broker, OTHER_SLOT + 1, "stop");
    end = fake_broker_await_end(broker, true);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 0);
}

/* The thread that hangs has called echo, too: nothing proves that it will leave it. */
static void test_says_that_a_hanging_thread_stands_in_the_way(void **state)
{
    static latencies measured;
    fake_broker *broker = *state;
    umh_answer answer;

    fake_broker_load(broker, OTHER_SLOT, "hang", true);
    for (unsigned i = 0; i < ECHOES_BEFORE_HANG; i++)
        measure_echo(broker, &measured);
    post_many(broker, (umh_guid_v1)HANG_ASKED, 1, "");
    await_hang(broker, &measured);
    fake_broker_expect_ok(broker, ECHO_SLOT, "stop");
    fake_broker_ask(broker, ECHO_SLOT, "unload", NULL, &answer);
    assert_true(answer.is_ok);
    assert_string_equal(umh_jsonc_get_text(answer.body, "outcome", ""), "replace");
    assert_string_not_equal(umh_jsonc_get_text(answer.body, "why", ""), "");
    umh_answer_deinit(&answer);
}

/* The same, but the thread comes back from each callback, and can leave the rest to another. */
static void test_unloads_beside_a_module_with_much_to_do(void **state)
{
    static latencies measured;
    fake_broker *broker = *state;
    umh_answer answer;

    fake_broker_load(broker, OTHER_SLOT, "slow", true);
    for (unsigned i = 0; i < ECHOES_BEFORE_HANG; i++)
        measure_echo(broker, &measured);
    post_many(broker, (umh_guid_v1)SLOW_ASKED, SLOW_MESSAGES, "1500");
    for (unsigned i = 0; i < ECHOES_BEFORE_HANG; i++)
        measure_echo(broker, &measured);
    fake_broker_expect_ok(broker, ECHO_SLOT, "stop");
    fake_broker_ask(broker, ECHO_SLOT, "unload", NULL, &answer);
    assert_string_equal(umh_jsonc_get_text(answer.body, "outcome", ""), "unloaded");
    assert_in_range(fake_broker_consumed(broker, OTHER_SLOT), 1, SLOW_MESSAGES - 1);
    umh_answer_deinit(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echoes_beside_a_slow_module, start, stop),
        cmocka_unit_test_setup_teardown(test_echoes_beside_a_module_with_much_to_do, start, stop),
        cmocka_unit_test_setup_teardown(test_echoes_and_answers_beside_a_module_that_hangs, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_says_that_a_hanging_thread_stands_in_the_way, start,
                                        stop),
        cmocka_unit_test_setup_teardown(test_unloads_beside_a_module_with_much_to_do, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
