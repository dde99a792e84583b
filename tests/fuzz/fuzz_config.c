/* SPDX-License-Identifier: MIT */
/*
 * broker.json: whatever the bytes are, every problem has a text and a place; what is read holds
 * what config.h promises and can be planned and compared.
 */
#include "config/diff.h"
#include "config/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(const umh_why_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const umh_why *why = &problems->items[i];

        umh_assert(why->text[0] != '\0' && why->line > 0 && why->column > 0);
    }
}

static void check_host(const umh_host_config *host)
{
    umh_assert(umh_schema_is_name(host->name) && host->line > 0);
    umh_assert(host->module_count <= UMH_MODULES_PER_HOST_MAX);
    for (size_t i = 0; i < host->module_count; i++) {
        umh_assert(umh_schema_is_name(host->modules[i].name));
        umh_assert(host->modules[i].config[0] == '{');
    }
}

static void check_plan(const umh_config *config)
{
    static const umh_plan_session sessions[] = {{UMH_SESSION_OWN, true}, {1, true}};
    umh_plan_input input = {config, NULL, 0, sessions, UMH_COUNT_OF(sessions)};
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;

    umh_assert(umh_plan_make(&input, &plan) == 0);
    umh_assert(umh_diff_make(&plan, NULL, 0, &steps) == 0);
    umh_assert(steps.count == plan.count && plan.count >= config->host_count);
}

/* It is the same as itself, and keeps what it is. */
static void check_change(umh_config *config)
{
    size_t host_count = config->host_count;

    umh_assert(umh_changes_find(OBJECT_ROOT, config, config) == 0);
    for (size_t i = 0; i < config->host_count; i++)
        umh_assert(umh_host_compare(&config->hosts[i], &config->hosts[i]) == HOSTS_ARE_EQUAL);
    umh_assert(umh_config_keep_wrong(config, config) == 0);
    umh_assert(config->host_count == host_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    umh_bytes text = umh_bytes_of(data, size);
    int r = umh_config_parse(text, "/etc/umh/broker.json", "/opt/umh", &config, &problems);

    umh_assert(r == 0 || (r == UMH_CONFIG_UNUSABLE && problems.count > 0));
    check_problems(&problems);
    for (size_t i = 0; i < config.host_count; i++)
        check_host(&config.hosts[i]);
    if (r == 0)
        check_plan(&config);
    if (r == 0)
        check_change(&config);
    umh_why_list_deinit(&problems);
    return 0;
}
