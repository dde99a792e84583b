/* SPDX-License-Identifier: MIT */
/* How hosts ended: words and fields agree, and the last few are kept. */
#include "broker/death.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_begins_without_words(void **state)
{
    umh_death death;

    (void)state;
    memset(&death, 0xFF, sizeof death);
    umh_death_begin(&death, DEATH_BY_DEADLINE);
    assert_int_equal(death.kind, DEATH_BY_DEADLINE);
    assert_string_equal(death.text, "");
    assert_string_equal(death.module, "");
    assert_int_equal(death.activity, ACTIVITY_NONE);
    assert_false(death.has_end);
    assert_int_equal(strlen(death.at), strlen("2026-11-22T17:36:08.123Z"));
}

static void test_says_what_it_was_doing(void **state)
{
    umh_death death;

    (void)state;
    umh_death_begin(&death, DEATH_BY_SIGNAL);
    snprintf(death.text, sizeof death.text, "signal 9 (Killed)");
    umh_death_add_activity(&death, "sysload", ACTIVITY_ON_MESSAGE, 12);
    assert_string_equal(death.text, "signal 9 (Killed); was in sysload.OnMessage for 12 ms");
    assert_string_equal(death.module, "sysload");
    assert_int_equal(death.activity, ACTIVITY_ON_MESSAGE);
    assert_int_equal(death.for_ms, 12);
}

static void test_says_who_ended_it(void **state)
{
    umh_death death;

    (void)state;
    umh_death_begin(&death, DEATH_BY_SIGNAL);
    snprintf(death.text, sizeof death.text, "signal 6 (Aborted)");
    umh_death_add_culprit(&death, "sysload");
    assert_string_equal(death.text, "signal 6 (Aborted); unhandled exception of module sysload");
    assert_string_equal(death.module, "sysload");
    assert_int_equal(death.activity, ACTIVITY_NONE);
}

static void test_words_that_do_not_fit_are_cut(void **state)
{
    umh_death death;

    (void)state;
    umh_death_begin(&death, DEATH_BY_VIOLATION);
    memset(death.text, 'x', sizeof(death.text) - 3);
    umh_death_add_activity(&death, "m", ACTIVITY_STOP, UINT64_MAX);
    assert_int_equal(strlen(death.text), sizeof(death.text) - 1);
    assert_string_equal(death.text + sizeof(death.text) - 4, "x; ");
    assert_string_equal(death.module, "m");
}

static void test_every_kind_has_a_name(void **state)
{
    (void)state;
    for (int kind = 0; kind < DEATH_KIND_COUNT; kind++)
        assert_non_null(umh_death_kind_name((umh_death_kind)kind));
    assert_string_equal(umh_death_kind_name(DEATH_AT_START), "start");
}

static void test_what_was_asked_for_is_an_end_in_order(void **state)
{
    const umh_process_end in_order = {.exit_code = 0};
    const umh_process_end failed = {.exit_code = 1};
    const umh_process_end crashed = {.signal = 11, .dumped_core = true};
    const umh_process_end never_started = {.exit_code = 125, .not_started = 13};

    (void)state;
    assert_int_equal(umh_death_kind_of(&in_order, true), DEATH_AS_ASKED);
    assert_int_equal(umh_death_kind_of(&in_order, false), DEATH_BY_EXIT);
    assert_int_equal(umh_death_kind_of(&failed, true), DEATH_BY_EXIT);
    assert_int_equal(umh_death_kind_of(&crashed, true), DEATH_BY_SIGNAL);
    assert_int_equal(umh_death_kind_of(&crashed, false), DEATH_BY_SIGNAL);
    assert_int_equal(umh_death_kind_of(&never_started, false), DEATH_AT_START);
    assert_int_equal(umh_death_kind_of(&never_started, true), DEATH_AT_START);
}

static void test_keeps_the_newest(void **state)
{
    umh_deaths deaths = UMH_DEATHS_INIT;
    umh_death death;

    (void)state;
    assert_null(umh_deaths_peek(&deaths, 0));
    for (int i = 0; i < (int)UMH_DEATHS_KEPT + 3; i++) {
        umh_death_begin(&death, DEATH_BY_EXIT);
        death.end.exit_code = i;
        umh_deaths_keep(&deaths, &death);
        assert_int_equal(umh_deaths_peek(&deaths, 0)->end.exit_code, i);
        if (i == 0)
            assert_null(umh_deaths_peek(&deaths, 1));
    }
    assert_int_equal(umh_deaths_peek(&deaths, UMH_DEATHS_KEPT - 1)->end.exit_code, 3);
    assert_null(umh_deaths_peek(&deaths, UMH_DEATHS_KEPT));
    assert_int_equal(deaths.counts[DEATH_BY_EXIT], UMH_DEATHS_KEPT + 3);
    assert_int_equal(deaths.counts[DEATH_BY_SIGNAL], 0);
    umh_deaths_deinit(&deaths);
    umh_deaths_deinit(&deaths);
    assert_null(umh_deaths_peek(&deaths, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_without_words),
        cmocka_unit_test(test_says_what_it_was_doing),
        cmocka_unit_test(test_says_who_ended_it),
        cmocka_unit_test(test_words_that_do_not_fit_are_cut),
        cmocka_unit_test(test_every_kind_has_a_name),
        cmocka_unit_test(test_what_was_asked_for_is_an_end_in_order),
        cmocka_unit_test(test_keeps_the_newest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
