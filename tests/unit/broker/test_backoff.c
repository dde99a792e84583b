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
                                         .jitter = 0.1,
                                         .per_ms = 60000,
                                         .healthy_after_ms = 10000};

static uint64_t end(umh_backoff *backoff, const umh_restart_config *restart, uint64_t now_ns)
{
    uint64_t delay_ms = UINT64_MAX;

    assert_int_equal(umh_backoff_on_end(backoff, restart, true, now_ns, &delay_ms), RESTART_LATER);
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
    char why[64];

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    restart.when = RESTART_NEVER;
    assert_int_equal(umh_backoff_on_end(&backoff, &restart, true, 1, &delay_ms),
                     RESTART_IS_UNWANTED);
    umh_backoff_explain(&backoff, &restart, why, sizeof why);
    assert_string_equal(why, "Restart.When is Never");
    restart.when = RESTART_ON_FAILURE;
    assert_int_equal(umh_backoff_on_end(&backoff, &restart, false, 1, &delay_ms),
                     RESTART_IS_UNWANTED);
    umh_backoff_explain(&backoff, &restart, why, sizeof why);
    assert_string_equal(why, "Restart.When is OnFailure, and this was none");
    assert_int_equal(delay_ms, 77);
    assert_int_equal(umh_backoff_on_end(&backoff, &restart, true, 1, &delay_ms), RESTART_LATER);
    restart.when = RESTART_ALWAYS;
    assert_int_equal(umh_backoff_on_end(&backoff, &restart, false, 1, &delay_ms), RESTART_LATER);
    assert_int_equal(backoff.verdict, RESTART_LATER);
}

static void test_factor_of_one_keeps_the_delay(void **state)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;

    (void)state;
    restart.factor = 1;
    restart.first_delay_ms = 250;
    restart.jitter = 0;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(end(&backoff, &restart, i), 250);
}

static void test_cap_is_reached_exactly(void **state)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;

    (void)state;
    restart.factor = 3;
    restart.first_delay_ms = 100;
    restart.max_delay_ms = 300;
    restart.jitter = 0;
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(end(&backoff, &restart, 1), 100);
    assert_int_equal(end(&backoff, &restart, 2), 300);
    assert_int_equal(end(&backoff, &restart, 3), 300);
}

/* Of many deaths, at moments that differ by one: all bounds are kept, and are come near to. */
static void check_jitter(double jitter, uint64_t lowest_ms, uint64_t highest_ms)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;
    uint64_t least_ms = UINT64_MAX;
    uint64_t most_ms = 0;

    restart.first_delay_ms = 1000;
    restart.max_delay_ms = 1000;
    restart.jitter = jitter;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t delay_ms = end(&backoff, &restart, SECOND_NS + i);

        assert_in_range(delay_ms, lowest_ms, highest_ms);
        least_ms = delay_ms < least_ms ? delay_ms : least_ms;
        most_ms = delay_ms > most_ms ? delay_ms : most_ms;
    }
    assert_in_range(least_ms, lowest_ms, lowest_ms + 5);
    assert_in_range(most_ms, highest_ms - (highest_ms > lowest_ms ? 5 : 0), highest_ms);
}

static void test_jitter_keeps_to_its_share(void **state)
{
    (void)state;
    check_jitter(0, 1000, 1000);
    check_jitter(0.1, 900, 1000);
    check_jitter(0.5, 500, 1000);
    check_jitter(1, 0, 1000);
}

/* The growth is that of the delays before chance shortened them. */
static void test_jitter_does_not_slow_growth(void **state)
{
    umh_backoff backoff;
    umh_restart_config restart = usual;
    uint64_t expected_ms = 1000;

    (void)state;
    restart.first_delay_ms = 1000;
    restart.jitter = 1;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 1; i < 5; i++, expected_ms *= 2) {
        assert_int_equal(backoff.next_delay_ms, expected_ms);
        assert_true(end(&backoff, &restart, i) <= expected_ms);
    }
}

/* --- MaxRestarts in PerMs ----------------------------------------------------------------- */

static umh_restart_config limited(int64_t max_restarts, int64_t per_ms)
{
    umh_restart_config restart = usual;

    restart.max_delay_ms = 0;
    restart.max_restarts = max_restarts;
    restart.per_ms = per_ms;
    return restart;
}

static umh_restart_verdict verdict_at(umh_backoff *backoff, const umh_restart_config *restart,
                                      uint64_t now_ns)
{
    uint64_t delay_ms;

    return umh_backoff_on_end(backoff, restart, true, now_ns, &delay_ms);
}

static void test_gives_up_after_so_many(void **state)
{
    umh_restart_config restart = limited(3, 1000);
    umh_backoff backoff;
    char why[128];

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(verdict_at(&backoff, &restart, i), RESTART_LATER);
    assert_int_equal(verdict_at(&backoff, &restart, 4), RESTART_GIVES_UP);
    assert_int_equal(backoff.verdict, RESTART_GIVES_UP);
    umh_backoff_explain(&backoff, &restart, why, sizeof why);
    assert_string_equal(why, "3 restarts within 1000 ms are all that MaxRestarts allows");
    assert_int_equal(verdict_at(&backoff, &restart, 5), RESTART_GIVES_UP);
    umh_backoff_explain(&backoff, &restart, why, 10);
    assert_string_equal(why, "3 restart");
}

static void test_a_restart_counts_until_the_window_has_passed(void **state)
{
    umh_restart_config restart = limited(1, 1000);
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(verdict_at(&backoff, &restart, SECOND_NS), RESTART_LATER);
    assert_int_equal(verdict_at(&backoff, &restart, 2 * SECOND_NS - 1), RESTART_GIVES_UP);
    assert_int_equal(verdict_at(&backoff, &restart, 2 * SECOND_NS), RESTART_LATER);
    assert_int_equal(verdict_at(&backoff, &restart, 2 * SECOND_NS + 1), RESTART_GIVES_UP);
}

/* A restart is when it was due, not when its wait began. */
static void test_the_wait_is_part_of_it(void **state)
{
    umh_restart_config restart = limited(1, 1000);
    umh_backoff backoff;

    (void)state;
    restart.first_delay_ms = 500;
    restart.max_delay_ms = 500;
    restart.jitter = 0;
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(verdict_at(&backoff, &restart, SECOND_NS), RESTART_LATER);
    assert_int_equal(verdict_at(&backoff, &restart, 2 * SECOND_NS + SECOND_NS / 2 - 1),
                     RESTART_GIVES_UP);
    assert_int_equal(verdict_at(&backoff, &restart, 2 * SECOND_NS + SECOND_NS / 2), RESTART_LATER);
}

static void test_the_window_slides_for_ever(void **state)
{
    umh_restart_config restart = limited(UMH_RESTARTS_MAX, UMH_RESTARTS_MAX);
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 1; i < 5 * UMH_RESTARTS_MAX; i++)
        assert_int_equal(verdict_at(&backoff, &restart, i * UMH_NS_PER_MS), RESTART_LATER);
    assert_int_equal(verdict_at(&backoff, &restart, (5 * UMH_RESTARTS_MAX - 1) * UMH_NS_PER_MS),
                     RESTART_GIVES_UP);
}

static void test_no_limit_never_gives_up(void **state)
{
    umh_restart_config restart = limited(0, 86400000);
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    for (uint64_t i = 0; i < 3 * UMH_RESTARTS_MAX; i++)
        assert_int_equal(verdict_at(&backoff, &restart, i), RESTART_LATER);
}

/* Health ends a series of delays, not the count. */
static void test_health_does_not_reset_the_count(void **state)
{
    umh_restart_config restart = limited(1, 60000);
    umh_backoff backoff;

    (void)state;
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(verdict_at(&backoff, &restart, SECOND_NS), RESTART_LATER);
    umh_backoff_on_ready(&backoff, SECOND_NS);
    assert_int_equal(verdict_at(&backoff, &restart, 31 * SECOND_NS), RESTART_GIVES_UP);
}

static void test_reset_begins_anew(void **state)
{
    umh_restart_config restart = limited(2, 60000);
    umh_backoff backoff;

    (void)state;
    restart.first_delay_ms = 10;
    restart.max_delay_ms = 1000;
    restart.jitter = 0;
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(end(&backoff, &restart, 1), 10);
    assert_int_equal(end(&backoff, &restart, 2), 20);
    assert_int_equal(verdict_at(&backoff, &restart, 3), RESTART_GIVES_UP);
    umh_backoff_reset(&backoff, &restart);
    assert_int_equal(backoff.verdict, RESTART_LATER);
    assert_int_equal(end(&backoff, &restart, 4), 10);
    assert_int_equal(end(&backoff, &restart, 5), 20);
    assert_int_equal(verdict_at(&backoff, &restart, 6), RESTART_GIVES_UP);
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
        cmocka_unit_test(test_factor_of_one_keeps_the_delay),
        cmocka_unit_test(test_cap_is_reached_exactly),
        cmocka_unit_test(test_jitter_keeps_to_its_share),
        cmocka_unit_test(test_jitter_does_not_slow_growth),
        cmocka_unit_test(test_gives_up_after_so_many),
        cmocka_unit_test(test_a_restart_counts_until_the_window_has_passed),
        cmocka_unit_test(test_the_wait_is_part_of_it),
        cmocka_unit_test(test_the_window_slides_for_ever),
        cmocka_unit_test(test_no_limit_never_gives_up),
        cmocka_unit_test(test_health_does_not_reset_the_count),
        cmocka_unit_test(test_reset_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
