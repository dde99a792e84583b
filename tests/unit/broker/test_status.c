/* SPDX-License-Identifier: MIT */
/* What the status says of a host without a process, of how its processes ended, and of limits. */
#include "broker/status.h"

#include "broker/supervisor_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static umh_broker broker;
static umh_supervisor supervisor; /* nothing was loaded or unloaded at run time */

/* As it is before its first process. */
static void make_host(umh_host *host)
{
    memset(host, 0, sizeof *host);
    broker.supervisor = &supervisor;
    supervisor.broker = &broker;
    host->broker = &broker;
    host->page = (umh_page)UMH_PAGE_INIT;
    umh_list_init(&host->entry);
    umh_deadline_init(&host->deadline, NULL, host);
    umh_deadline_init(&host->pong, NULL, host);
    umh_backoff_reset(&host->backoff, &host->config.restart);
    umh_text_put(host->id, sizeof host->id, "Sensors@2");
    host->number = 7;
    host->session = 2;
}

static void expect_number(const umh_json *object, const char *key, int64_t number)
{
    assert_int_equal(umh_jsonc_get_integer(object, key, -77), number);
}

static void expect_null(const umh_json *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_null(value))
        print_error("%s\n", key);
    assert_true(json_is_null(value));
}

static void expect_text(const umh_json *object, const char *key, const char *text)
{
    assert_string_equal(umh_jsonc_get_text(object, key, "(none)"), text);
}

static void test_a_host_that_never_had_a_process(void **state)
{
    static const char *const unknown[] = {"pid",        "death", "starts_in_ms", "why",
                                          "running_ms", "usage", "diagnostics"};
    UMH_AUTO_PTR(umh_json) object = NULL;
    umh_host host;

    (void)state;
    make_host(&host);
    object = umh_status_describe_host(&host);
    expect_text(object, "name", "Sensors@2");
    expect_text(object, "state", "absent");
    expect_number(object, "number", 7);
    expect_number(object, "session", 2);
    expect_number(object, "bits", 64);
    expect_number(object, "restarts", 0);
    expect_number(object, "outbox_bytes", 0);
    for (size_t i = 0; i < UMH_COUNT_OF(unknown); i++)
        expect_null(object, unknown[i]);
    assert_int_equal(json_array_size(umh_jsonc_get_array(object, "deaths")), 0);
    assert_int_equal(json_array_size(umh_jsonc_get_array(object, "modules")), 0);
    assert_int_equal(json_object_size(json_object_get(object, "ends")), 0);
}

static void test_one_that_is_refused_says_why(void **state)
{
    UMH_AUTO_PTR(umh_json) object = NULL;
    umh_host host;

    (void)state;
    make_host(&host);
    host.is_wanted = host.is_refused = true;
    umh_text_put(host.death.text, sizeof host.death.text, "MemoryMiB cannot be applied");
    object = umh_status_describe_host(&host);
    expect_text(object, "why", "MemoryMiB cannot be applied");
    expect_text(object, "death", "MemoryMiB cannot be applied");
}

/* A kind, and how it ended where it did. */
static void keep_death(umh_host *host, umh_death_kind kind, const umh_process_end *end)
{
    umh_death death;

    memset(&death, 0, sizeof death);
    umh_death_begin(&death, kind);
    death.has_end = end != NULL;
    if (end) {
        death.end = *end;
        umh_death_add_activity(&death, "sysload", ACTIVITY_ON_MESSAGE, 12);
    }
    umh_deaths_keep(&host->deaths, &death);
}

static void test_deaths_are_told_newest_first(void **state)
{
    const umh_process_end crash = {.signal = 6, .dumped_core = true};
    const umh_process_end leave = {.exit_code = 3};
    UMH_AUTO_PTR(umh_json) object = NULL;
    const json_t *deaths;
    const json_t *death;
    umh_host host;

    (void)state;
    make_host(&host);
    keep_death(&host, DEATH_AT_START, NULL);
    keep_death(&host, DEATH_BY_EXIT, &leave);
    keep_death(&host, DEATH_BY_SIGNAL, &crash);
    object = umh_status_describe_host(&host);
    umh_deaths_deinit(&host.deaths);
    deaths = umh_jsonc_get_array(object, "deaths");
    assert_int_equal(json_array_size(deaths), 3);
    death = json_array_get(deaths, 0);
    expect_text(death, "kind", "signal");
    expect_number(death, "signal", 6);
    expect_null(death, "exit_code");
    assert_true(umh_jsonc_get_bool(death, "core_dumped", false));
    expect_text(death, "module", "sysload");
    expect_number(death, "for_ms", 12);
    death = json_array_get(deaths, 1);
    expect_text(death, "kind", "exit");
    expect_number(death, "exit_code", 3);
    expect_null(death, "signal");
    expect_null(death, "core_dumped");
    death = json_array_get(deaths, 2);
    expect_text(death, "kind", "start");
    for (size_t i = 0; i < 5; i++)
        expect_null(death, (const char *const[]){"exit_code", "signal", "core_dumped", "activity",
                                                 "for_ms"}[i]);
    assert_int_equal(json_object_size(json_object_get(object, "ends")), 3);
    expect_number(json_object_get(object, "ends"), "signal", 1);
}

static void test_limits_that_are_not_set_are_null(void **state)
{
    const umh_limits_config none = {.required = true};
    const umh_limits_config some = {.memory_mib = 64, .open_files = 100};
    UMH_AUTO_PTR(umh_json) without = umh_status_describe_limits(&none);
    UMH_AUTO_PTR(umh_json) with = umh_status_describe_limits(&some);

    (void)state;
    expect_null(without, "memory_mib");
    expect_null(without, "cpu_percent");
    expect_null(without, "processes");
    expect_null(without, "open_files");
    assert_true(umh_jsonc_get_bool(without, "required", false));
    expect_number(with, "memory_mib", 64);
    expect_number(with, "open_files", 100);
    expect_null(with, "processes");
    assert_false(umh_jsonc_get_bool(with, "required", true));
}

static void test_a_machine_without_groups_says_why(void **state)
{
    UMH_AUTO_PTR(umh_json) object = NULL;

    (void)state;
    umh_why_set(&broker.cgroups_why, "no control group v2 tree is mounted");
    object = umh_status_describe_quotas(&broker);
    assert_false(umh_jsonc_get_bool(object, "groups", true));
    assert_int_equal(json_array_size(umh_jsonc_get_array(object, "available")), 0);
    expect_text(object, "why", "no control group v2 tree is mounted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_that_never_had_a_process),
        cmocka_unit_test(test_one_that_is_refused_says_why),
        cmocka_unit_test(test_deaths_are_told_newest_first),
        cmocka_unit_test(test_limits_that_are_not_set_are_null),
        cmocka_unit_test(test_a_machine_without_groups_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
