/* SPDX-License-Identifier: MIT */
/* Threads, the lock and the condition. */
#include "platform/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATIENCE_MS 10000
#define ROUNDS 20000

typedef struct shared {
    umh_lock *lock;
    umh_condition *changed;
    int count;
    int turn;
} shared;

static int set_up(void **state)
{
    static shared all;

    all = (shared){.count = 0};
    if (umh_lock_new(&all.lock) || umh_condition_new(&all.changed))
        return -1;
    *state = &all;
    return 0;
}

static int tear_down(void **state)
{
    shared *all = *state;

    all->changed = umh_condition_free(all->changed);
    all->lock = umh_lock_free(all->lock);
    assert_null(umh_condition_free(NULL));
    assert_null(umh_lock_free(NULL));
    return 0;
}

static void count_up(void *context)
{
    shared *all = context;

    for (int i = 0; i < ROUNDS; i++) {
        umh_lock_take(all->lock);
        all->count++;
        umh_lock_release(all->lock);
    }
}

static void test_lock_excludes(void **state)
{
    shared *all = *state;
    umh_thread *threads[3];

    for (size_t i = 0; i < UMH_COUNT_OF(threads); i++)
        assert_int_equal(umh_thread_start(count_up, all, "counter", &threads[i]), 0);
    for (size_t i = 0; i < UMH_COUNT_OF(threads); i++)
        umh_thread_join(threads[i]);
    assert_int_equal(all->count, (int)UMH_COUNT_OF(threads) * ROUNDS);
}

static void take_turns(void *context)
{
    shared *all = context;

    umh_lock_take(all->lock);
    for (int i = 0; i < 100; i++) {
        while (all->turn != 1)
            umh_condition_wait(all->changed, all->lock, UMH_FOREVER);
        all->turn = 0;
        all->count++;
        umh_condition_wake_all(all->changed);
    }
    umh_lock_release(all->lock);
}

static void test_condition_wakes(void **state)
{
    shared *all = *state;
    umh_thread *thread;

    assert_int_equal(umh_thread_start(take_turns, all, "a name much longer than 15", &thread), 0);
    umh_lock_take(all->lock);
    for (int i = 0; i < 100; i++) {
        uint64_t deadline = umh_clock_deadline_ns(PATIENCE_MS);

        all->turn = 1;
        umh_condition_wake_one(all->changed);
        while (all->turn != 0)
            assert_true(umh_condition_wait(all->changed, all->lock, deadline));
    }
    umh_lock_release(all->lock);
    umh_thread_join(thread);
    assert_int_equal(all->count, 100);
}

static void test_condition_reaches_its_deadline(void **state)
{
    shared *all = *state;
    uint64_t deadline = umh_clock_deadline_ns(20);

    umh_lock_take(all->lock);
    while (umh_condition_wait(all->changed, all->lock, deadline))
        continue; /* woken without a reason */
    assert_true(umh_clock_now_ns() >= deadline);
    assert_false(umh_condition_wait(all->changed, all->lock, 0));
    umh_lock_release(all->lock);
}

static void say_done(void *context)
{
    shared *all = context;

    umh_lock_take(all->lock);
    all->count = 1;
    umh_condition_wake_all(all->changed);
    umh_lock_release(all->lock);
}

static void test_detached_thread_runs(void **state)
{
    shared *all = *state;
    uint64_t deadline = umh_clock_deadline_ns(PATIENCE_MS);
    umh_thread *thread;

    assert_int_equal(umh_thread_start(say_done, all, "", &thread), 0);
    umh_thread_detach(thread);
    umh_lock_take(all->lock);
    while (all->count == 0)
        assert_true(umh_condition_wait(all->changed, all->lock, deadline));
    umh_lock_release(all->lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lock_excludes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_condition_wakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_condition_reaches_its_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_detached_thread_runs, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
