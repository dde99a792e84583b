/* SPDX-License-Identifier: MIT */
/* When a host that ended may start again: at once, then later and later, up to a cap. */
#include "broker/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SECOND_NS (1000 * UMH_NS_PER_MS)

static const umh_restart_config usual = {.when = RESTART_ALWAYS,
                                         .first_delay_ms = 0,
                                         .factor = 2,
                                         .max_delay_ms = 30000,
                                         .healthy_after_ms = 10000};

static uint64_t end(umh_backoff *backoff, const umh_restart_config *restart, uint64_t now_ns)
{
    uint64_t delay_ms = UINT64_MAX;

    assert_true(umh_backoff_on_end(backoff, restart, true, now_ns, &delay_ms));
    return delay_ms;
}

/* A tenth may be taken off. */
static void assert_about(uint64_t delay_ms, uint64_t expected_ms)
{
    assert_in_range(delay_ms, expected_ms - expected_ms / 10, expected_ms);
}

static void test_restarts_at_once_then_slower(void **state)
{
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &usual);
    assert_int_equal(end(&backoff, &usual, SECOND_NS), 0);
    assert_about(end(&backoff, &usual, 2 * SECOND_NS), 100);
    assert_about(end(&backoff, &usual, 3 * SECOND_NS), 200);
    assert_about(end(&backoff, &usual, 4 * SECOND_NS), 400);
}

static void test_never_exceeds_the_cap(void **state)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;

    (void)state;
    restart.factor = 100;
    restart.first_delay_ms = 7;
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(end(&backoff, &restart, SECOND_NS), 7);
    for (uint64_t i = 0; i < 100; i++)
        assert_true(end(&backoff, &restart, i * 12345 * UMH_NS_PER_MS) <= 30000);
    assert_about(end(&backoff, &restart, 1), 30000);
}

static void test_cap_of_zero_means_no_delay(void **state)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;

    (void)state;
    restart.max_delay_ms = 0;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(end(&backoff, &restart, i), 0);
}

static void test_health_begins_anew(void **state)
{
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &usual);
    for (uint64_t i = 1; i < 8; i++)
        end(&backoff, &usual, i);
    umh_backoff_on_ready(&backoff, SECOND_NS);
    assert_true(end(&backoff, &usual, 11 * SECOND_NS - 1) > 0);
    umh_backoff_on_ready(&backoff, SECOND_NS);
    assert_int_equal(end(&backoff, &usual, 11 * SECOND_NS), 0);
}

static void test_health_counts_once(void **state)
{
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &usual);
    umh_backoff_on_ready(&backoff, SECOND_NS);
    assert_int_equal(end(&backoff, &usual, 20 * SECOND_NS), 0);
    /* It never got ready again. */
    assert_about(end(&backoff, &usual, 40 * SECOND_NS), 100);
}

static void test_policies(void **state)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;
    uint64_t delay_ms = 77;

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    restart.when = RESTART_NEVER;
    assert_false(umh_backoff_on_end(&backoff, &restart, true, 1, &delay_ms));
    restart.when = RESTART_ON_FAILURE;
    assert_false(umh_backoff_on_end(&backoff, &restart, false, 1, &delay_ms));
    assert_int_equal(delay_ms, 77);
    assert_true(umh_backoff_on_end(&backoff, &restart, true, 1, &delay_ms));
    restart.when = RESTART_ALWAYS;
    assert_true(umh_backoff_on_end(&backoff, &restart, false, 1, &delay_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restarts_at_once_then_slower),
        cmocka_unit_test(test_never_exceeds_the_cap),
        cmocka_unit_test(test_cap_of_zero_means_no_delay),
        cmocka_unit_test(test_health_begins_anew),
        cmocka_unit_test(test_health_counts_once),
        cmocka_unit_test(test_policies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
