/* SPDX-License-Identifier: MIT */
/* Which hosts should exist, and that overrides change only what they name. */
#include "config/plan.h"
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 2000

static const char text[] =
    "{\"ChildProcesses\": ["
    "{\"GroupName\": \"Late\", \"Stage\": 2, \"Modules\": [\"a\"]},"
    "{\"GroupName\": \"One\", \"Modules\": [\"a\", \"b\"]},"
    "{\"GroupName\": \"Users\", \"Session\": \"AllUsers\", \"Modules\": [\"c\"]}]}";

static umh_config load(const char *json)
{
    umh_config config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;

    assert_int_equal(
        umh_config_parse(umh_bytes_of_text(json), "/broker.json", NULL, &config, &problems), 0);
    assert_int_equal(problems.count, 0);
    umh_why_list_deinit(&problems);
    return config;
}

static umh_plan make(const umh_config *config, const umh_override *overrides, size_t count)
{
    static const umh_plan_session own = {UMH_SESSION_OWN, true};
    umh_plan_input input = {config, overrides, count, &own, 1};
    umh_plan plan = UMH_PLAN_INIT;

    assert_int_equal(umh_plan_make(&input, &plan), 0);
    return plan;
}

static void test_lists_hosts_by_stage(void **state)
{
    UMH_AUTO(umh_config) config = load(text);
    UMH_AUTO(umh_plan) plan = make(&config, NULL, 0);

    (void)state;
    assert_int_equal(plan.count, 3);
    assert_string_equal(plan.hosts[0].id, "One");
    assert_string_equal(plan.hosts[1].id, "Users");
    assert_string_equal(plan.hosts[2].id, "Late");
    assert_int_equal(plan.hosts[1].session, UMH_SESSION_OWN);
    assert_ptr_equal(plan.hosts[0].config, &config.hosts[1]);
    assert_int_equal(plan.hosts[0].module_count, 2);
    assert_string_equal(plan.hosts[0].modules[1].name, "b");
    assert_ptr_equal(plan.hosts[0].modules[1].config, &config.hosts[1].modules[1]);
    assert_null(plan.hosts[0].modules[1].override_row);
}

static void test_has_one_host_for_each_user(void **state)
{
    static const umh_plan_session sessions[] = {{1, true}, {4294967294u, true}};
    UMH_AUTO(umh_config) config = load(text);
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_plan) none = UMH_PLAN_INIT;
    umh_plan_input input = {&config, NULL, 0, sessions, 2};

    (void)state;
    assert_int_equal(umh_plan_make(&input, &plan), 0);
    assert_int_equal(plan.count, 4);
    assert_string_equal(plan.hosts[1].id, "Users@1");
    assert_string_equal(plan.hosts[2].id, "Users@4294967294");
    assert_int_equal(plan.hosts[2].session, 4294967294u);
    input.user_session_count = 0;
    assert_int_equal(umh_plan_make(&input, &none), 0);
    assert_int_equal(none.count, 2);
}

static void test_nothing_is_a_plan_too(void **state)
{
    UMH_AUTO(umh_config) config = load("{}");
    UMH_AUTO(umh_plan) plan = make(&config, NULL, 0);

    (void)state;
    assert_int_equal(plan.count, 0);
    umh_plan_deinit(&plan);
    umh_plan_deinit(NULL);
}

static void test_overrides_change_what_they_name(void **state)
{
    static const umh_override overrides[] = {
        {.host = "Late", .is_wanted = false},
        {.host = "One", .module = "A", .is_wanted = false},
        {.host = "One", .module = "new", .is_wanted = true, .path = "/x/new.so"},
        {.host = "One", .module = "gone", .is_wanted = true},
        {.host = "One", .module = "gone", .is_wanted = false},
        {.host = "One", .module = "b", .is_wanted = false},
        {.host = "One", .module = "b", .is_wanted = true},
        {.host = "Nobody", .module = "b", .is_wanted = true},
        {.host = "Users", .module = "nothere", .is_wanted = false},
    };
    UMH_AUTO(umh_config) config = load(text);
    UMH_AUTO(umh_plan) plan = make(&config, overrides, UMH_COUNT_OF(overrides));

    (void)state;
    assert_int_equal(plan.count, 2);
    assert_string_equal(plan.hosts[0].id, "One");
    assert_int_equal(plan.hosts[0].module_count, 2);
    assert_string_equal(plan.hosts[0].modules[0].name, "b");
    assert_ptr_equal(plan.hosts[0].modules[0].config, &config.hosts[1].modules[1]);
    assert_ptr_equal(plan.hosts[0].modules[0].override_row, &overrides[6]);
    assert_string_equal(plan.hosts[0].modules[1].name, "new");
    assert_null(plan.hosts[0].modules[1].config);
    assert_ptr_equal(plan.hosts[0].modules[1].override_row, &overrides[2]);
    assert_string_equal(plan.hosts[1].id, "Users");
    assert_int_equal(plan.hosts[1].module_count, 1);
}

static void test_keeps_within_a_hosts_room(void **state)
{
    umh_override *overrides = calloc(UMH_MODULES_PER_HOST_MAX + 10, sizeof *overrides);
    UMH_AUTO(umh_config) config = load(text);
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;

    (void)state;
    assert_non_null(overrides);
    for (unsigned i = 0; i < UMH_MODULES_PER_HOST_MAX + 10; i++) {
        snprintf(overrides[i].host, sizeof overrides[i].host, "One");
        snprintf(overrides[i].module, sizeof overrides[i].module, "m%u", i);
        overrides[i].is_wanted = true;
    }
    plan = make(&config, overrides, UMH_MODULES_PER_HOST_MAX + 10);
    assert_int_equal(plan.hosts[0].module_count, UMH_MODULES_PER_HOST_MAX);
    free(overrides);
}

/*
 * Random configurations and sessions: every host of the file once per session it is for, in order
 * of stages.
 */
static void test_plans_every_host_once(void **state)
{
    random_source random = {.state = 99};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        json_t *json = generate_config(&random);
        char *file = generate_text(&random, json);
        UMH_AUTO(umh_config) config = load(file);
        umh_plan_session sessions[3] = {{1, true}, {2, true}, {3, true}};
        umh_plan_input input = {&config, NULL, 0, sessions, random_below(&random, 4)};
        UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
        size_t wanted = 0;

        assert_int_equal(umh_plan_make(&input, &plan), 0);
        for (size_t j = 0; j < config.host_count; j++)
            wanted +=
                config.hosts[j].session == UMH_CONFIG_SESSION_BROKER ? 1 : input.user_session_count;
        assert_int_equal(plan.count, wanted);
        for (size_t j = 0; j < plan.count; j++) {
            assert_int_equal(plan.hosts[j].module_count, plan.hosts[j].config->module_count);
            if (j > 0)
                assert_true(plan.hosts[j].config->stage >= plan.hosts[j - 1].config->stage);
            for (size_t k = 0; k < j; k++)
                assert_string_not_equal(plan.hosts[j].id, plan.hosts[k].id);
        }
        free(file);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_hosts_by_stage),
        cmocka_unit_test(test_has_one_host_for_each_user),
        cmocka_unit_test(test_nothing_is_a_plan_too),
        cmocka_unit_test(test_overrides_change_what_they_name),
        cmocka_unit_test(test_keeps_within_a_hosts_room),
        cmocka_unit_test(test_plans_every_host_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
