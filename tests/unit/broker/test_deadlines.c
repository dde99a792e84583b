/* SPDX-License-Identifier: MIT */
/* Deadlines: passed late rather than wrongly. The loop is real, the rest of the broker is not. */
#include "broker/deadlines.h"

#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 20000

typedef struct watched {
    umh_deadline deadline;
    struct fixture *all;
    int passed_count;
    int order;
    uint64_t passed_turn;
    uint64_t again_ms; /* 0: not set anew */
} watched;

typedef struct fixture {
    umh_broker broker;
    umh_deadlines *deadlines;
    uv_timer_t patience;
    uv_async_t news; /* readable from the first poll on */
    watched watched[3];
    int order;
} fixture;

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* As the broker does it. */
void umh_broker_wake(umh_broker *broker)
{
    uv_idle_start(&broker->turn_again, on_idle);
}

static void on_turn(uv_check_t *check)
{
    fixture *all = check->data;

    uv_idle_stop(&all->broker.turn_again);
    all->broker.turn_number++;
    umh_deadlines_settle(all->deadlines);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    umh_assert(!"the loop's time is over");
}

static void on_passed(void *context)
{
    watched *one = context;

    one->passed_count++;
    one->order = ++one->all->order;
    one->passed_turn = one->all->broker.turn_number;
    if (one->again_ms)
        umh_deadline_set(one->all->deadlines, &one->deadline, one->again_ms);
}

static int set_up(void **state)
{
    static fixture all;

    memset(&all, 0, sizeof(all));
    uv_loop_init(&all.broker.loop);
    uv_timer_init(&all.broker.loop, &all.patience);
    uv_timer_start(&all.patience, on_patience, PATIENCE_MS, 0);
    uv_check_init(&all.broker.loop, &all.broker.turn);
    all.broker.turn.data = &all;
    uv_check_start(&all.broker.turn, on_turn);
    uv_idle_init(&all.broker.loop, &all.broker.turn_again);
    assert_int_equal(umh_deadlines_new(&all.broker, &all.deadlines), 0);
    for (int i = 0; i < 3; i++) {
        all.watched[i].all = &all;
        umh_deadline_init(&all.watched[i].deadline, on_passed, &all.watched[i]);
    }
    *state = &all;
    return 0;
}

static int tear_down(void **state)
{
    fixture *all = *state;

    umh_deadlines_close(all->deadlines);
    uv_close((uv_handle_t *)&all->patience, NULL);
    uv_close((uv_handle_t *)&all->broker.turn, NULL);
    uv_close((uv_handle_t *)&all->broker.turn_again, NULL);
    uv_run(&all->broker.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&all->broker.loop), 0);
    return 0;
}

static void run_until(fixture *all, const int *count, int wanted)
{
    while (*count < wanted)
        uv_run(&all->broker.loop, UV_RUN_ONCE);
}

/* Without polling: what a suspended machine does. */
static void let_pass(uint64_t milliseconds)
{
    uint64_t until_ns = umh_clock_deadline_ns(milliseconds);

    while (umh_clock_now_ns() < until_ns)
        continue;
}

static void test_passes_not_before_its_time(void **state)
{
    fixture *all = *state;
    uint64_t from_ns = umh_clock_now_ns();

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 30);
    assert_true(umh_deadline_is_set(&all->watched[0].deadline));
    run_until(all, &all->watched[0].passed_count, 1);
    assert_true(umh_clock_now_ns() - from_ns >= 30 * UMH_NS_PER_MS);
    assert_false(umh_deadline_is_set(&all->watched[0].deadline));
}

static void test_passes_in_order_whatever_was_set_first(void **state)
{
    fixture *all = *state;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 60);
    umh_deadline_set(all->deadlines, &all->watched[1].deadline, 5);
    umh_deadline_set(all->deadlines, &all->watched[2].deadline, 30);
    run_until(all, &all->order, 3);
    assert_int_equal(all->watched[1].order, 1);
    assert_int_equal(all->watched[2].order, 2);
    assert_int_equal(all->watched[0].order, 3);
}

static void test_set_again_replaces(void **state)
{
    fixture *all = *state;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 1);
    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 40);
    umh_deadline_set(all->deadlines, &all->watched[1].deadline, 20);
    run_until(all, &all->watched[1].passed_count, 1);
    assert_int_equal(all->watched[0].passed_count, 0);
    run_until(all, &all->watched[0].passed_count, 1);
    assert_int_equal(all->order, 2);
}

static void test_cleared_never_passes(void **state)
{
    fixture *all = *state;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 1);
    umh_deadline_set(all->deadlines, &all->watched[1].deadline, 20);
    umh_deadline_clear(&all->watched[0].deadline);
    umh_deadline_clear(&all->watched[0].deadline);
    run_until(all, &all->watched[1].passed_count, 1);
    assert_int_equal(all->watched[0].passed_count, 0);
}

static void test_forever_is_not_set(void **state)
{
    fixture *all = *state;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, UMH_FOREVER);
    assert_false(umh_deadline_is_set(&all->watched[0].deadline));
}

static void test_may_be_set_when_it_passes(void **state)
{
    fixture *all = *state;

    all->watched[0].again_ms = 2;
    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 2);
    run_until(all, &all->watched[0].passed_count, 3);
}

/* The broker slept beyond the deadline; the answer lay in the pipe all the time. */
static void on_news(uv_async_t *news)
{
    fixture *all = news->data;

    assert_int_equal(all->watched[0].passed_count, 0);
    umh_deadline_clear(&all->watched[0].deadline);
}

static void test_what_was_readable_is_read_first(void **state)
{
    fixture *all = *state;

    all->news.data = all;
    uv_async_init(&all->broker.loop, &all->news, on_news);
    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 5);
    umh_deadline_set(all->deadlines, &all->watched[1].deadline, 5);
    uv_async_send(&all->news);
    let_pass(20);
    run_until(all, &all->watched[1].passed_count, 1);
    assert_int_equal(all->watched[0].passed_count, 0);
    uv_close((uv_handle_t *)&all->news, NULL);
}

/* One read a turn: as many turns as it takes to read a full pipe. */
static void test_waits_until_a_full_pipe_can_have_been_read(void **state)
{
    fixture *all = *state;
    uint64_t turn;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 5);
    let_pass(20);
    turn = all->broker.turn_number;
    run_until(all, &all->watched[0].passed_count, 1);
    assert_true(all->watched[0].passed_turn - turn >= UMH_PIPE_BYTES / UMH_READ_BYTES);
}

/* Whoever is judged may have stood still as well; a wait has passed. */
static void test_a_sleep_gives_the_whole_time_anew(void **state)
{
    fixture *all = *state;
    uint64_t sleeps = umh_deadlines_count_sleeps(all->deadlines);
    uint64_t woken_ns;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 100);
    umh_deadline_wait(all->deadlines, &all->watched[1].deadline, 100);
    umh_deadline_set(all->deadlines, &all->watched[2].deadline, UMH_SLEEP_NOTICE_MS + 200);
    let_pass(UMH_SLEEP_NOTICE_MS + 100);
    woken_ns = umh_clock_now_ns();
    run_until(all, &all->watched[0].passed_count, 1);
    assert_int_equal(all->watched[1].order, 1);
    assert_true(umh_clock_now_ns() - woken_ns >= 100 * UMH_NS_PER_MS);
    assert_int_equal(umh_deadlines_count_sleeps(all->deadlines), sleeps + 1);
    /* The one that was not over yet, too. */
    assert_true(all->watched[2].deadline.at_ns - woken_ns >= UMH_SLEEP_NOTICE_MS * UMH_NS_PER_MS);
    umh_deadline_clear(&all->watched[2].deadline);
}

static void test_a_short_delay_is_no_sleep(void **state)
{
    fixture *all = *state;
    uint64_t sleeps = umh_deadlines_count_sleeps(all->deadlines);

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 5);
    let_pass(50);
    run_until(all, &all->watched[0].passed_count, 1);
    assert_int_equal(umh_deadlines_count_sleeps(all->deadlines), sleeps);
}

/* Whoever is debugged: a wait goes on, and what was not set stays so. */
static void test_begins_anew_what_is_judged(void **state)
{
    fixture *all = *state;
    watched *judged = &all->watched[0];
    watched *wait = &all->watched[1];
    watched *unset = &all->watched[2];
    uint64_t at_ns;

    umh_deadline_set(all->deadlines, &judged->deadline, PATIENCE_MS);
    umh_deadline_wait(all->deadlines, &wait->deadline, PATIENCE_MS);
    judged->deadline.at_ns -= UMH_NS_PER_MS;
    wait->deadline.at_ns -= UMH_NS_PER_MS;
    at_ns = wait->deadline.at_ns;
    umh_deadline_begin_anew(all->deadlines, &judged->deadline);
    umh_deadline_begin_anew(all->deadlines, &wait->deadline);
    umh_deadline_begin_anew(all->deadlines, &unset->deadline);
    assert_true(judged->deadline.at_ns > at_ns);
    assert_true(wait->deadline.at_ns == at_ns);
    assert_false(umh_deadline_is_set(&unset->deadline));
}

static void test_close_forgets_what_is_set(void **state)
{
    fixture *all = *state;

    umh_deadline_set(all->deadlines, &all->watched[0].deadline, 5);
    umh_deadlines_close(all->deadlines);
    assert_false(umh_deadline_is_set(&all->watched[0].deadline));
    umh_deadlines_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passes_not_before_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_passes_in_order_whatever_was_set_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_set_again_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cleared_never_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forever_is_not_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_may_be_set_when_it_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_readable_is_read_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits_until_a_full_pipe_can_have_been_read, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_sleep_gives_the_whole_time_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_short_delay_is_no_sleep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_begins_anew_what_is_judged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_close_forgets_what_is_set, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
