/* SPDX-License-Identifier: MIT */
/*
 * The hosts that should exist: what the file says, once per session, with the overrides of that
 * host applied.
 */
#include "config/plan.h"

#include "config/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void name_host(const umh_host_config *config, uint32_t session, umh_wanted_host *host)
{
    if (session == UMH_SESSION_OWN)
        snprintf(host->id, sizeof host->id, "%s", config->name);
    else
        snprintf(host->id, sizeof host->id, "%s@%lu", config->name, (unsigned long)session);
}

/* The later of two rows about the same thing counts. */
static const umh_override *find_override(const umh_plan_input *input, const char *host,
                                         const char *module)
{
    for (size_t i = input->override_count; i > 0; i--) {
        const umh_override *row = &input->overrides[i - 1];

        if (umh_names_are_equal(row->host, host) && umh_names_are_equal(row->module, module))
            return row;
    }
    return NULL;
}

static bool has_module(const umh_wanted_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (umh_names_are_equal(host->modules[i].name, name))
            return true;
    }
    return false;
}

static void add_module(umh_wanted_host *host, const umh_wanted_module *module)
{
    if (host->module_count < UMH_MODULES_PER_HOST_MAX)
        host->modules[host->module_count++] = *module;
}

static void add_modules_of_file(const umh_plan_input *input, umh_wanted_host *host)
{
    for (size_t i = 0; i < host->config->module_count; i++) {
        const umh_module_config *config = &host->config->modules[i];
        const umh_override *row = find_override(input, host->id, config->name);

        if (!row || row->is_wanted)
            add_module(host, &(umh_wanted_module){config->name, config, row});
    }
}

static bool is_in_file(const umh_host_config *config, const char *name)
{
    for (size_t i = 0; i < config->module_count; i++) {
        if (umh_names_are_equal(config->modules[i].name, name))
            return true;
    }
    return false;
}

/* Those that only overrides know, in the order in which they were first loaded. */
static void add_further_modules(const umh_plan_input *input, umh_wanted_host *host)
{
    for (size_t i = 0; i < input->override_count; i++) {
        const umh_override *row = &input->overrides[i];

        if (row->module[0] == '\0' || !umh_names_are_equal(row->host, host->id) ||
            is_in_file(host->config, row->module) || has_module(host, row->module))
            continue;
        row = find_override(input, host->id, row->module);
        if (row->is_wanted)
            add_module(host, &(umh_wanted_module){row->module, NULL, row});
    }
}

static void add_host(const umh_plan_input *input, const umh_host_config *config, uint32_t session,
                     umh_plan *plan)
{
    umh_wanted_host *host = &plan->hosts[plan->count];
    const umh_override *row;

    name_host(config, session, host);
    row = find_override(input, host->id, "");
    if (row && !row->is_wanted)
        return;
    host->session = session;
    host->config = config;
    add_modules_of_file(input, host);
    add_further_modules(input, host);
    plan->count++;
}

static bool is_for_users(const umh_host_config *config)
{
    return config->session == UMH_CONFIG_SESSION_ALL_USERS;
}

/*
 * Stages are few and hosts many: one pass over the hosts for each stage keeps the order of the file
 * within it.
 */
static void add_stage(const umh_plan_input *input, int64_t stage, umh_plan *plan)
{
    for (size_t i = 0; i < input->config->host_count; i++) {
        const umh_host_config *config = &input->config->hosts[i];

        if (config->stage != stage)
            continue;
        if (!is_for_users(config))
            add_host(input, config, UMH_SESSION_OWN, plan);
        for (size_t j = 0; is_for_users(config) && j < input->user_session_count; j++) {
            if (!config->ui || input->user_sessions[j].is_graphical)
                add_host(input, config, input->user_sessions[j].number, plan);
        }
    }
}

bool umh_plan_next_stage(const umh_config *config, int64_t *stage)
{
    bool is_found = false;
    int64_t next = 0;

    for (size_t i = 0; i < config->host_count; i++) {
        int64_t other = config->hosts[i].stage;

        if (other > *stage && (!is_found || other < next)) {
            next = other;
            is_found = true;
        }
    }
    if (is_found)
        *stage = next;
    return is_found;
}

int umh_plan_make(const umh_plan_input *input, umh_plan *ret_plan)
{
    umh_plan plan = UMH_PLAN_INIT;
    int64_t stage = INT64_MIN;
    size_t most = 0;

    for (size_t i = 0; i < input->config->host_count; i++)
        most += is_for_users(&input->config->hosts[i]) ? input->user_session_count : 1;
    if (most > 0) {
        plan.hosts = calloc(most, sizeof *plan.hosts);
        if (!plan.hosts)
            return UMH_FAIL(UMH_E_MEMORY, "plan of %llu hosts", (unsigned long long)most);
    }
    while (umh_plan_next_stage(input->config, &stage))
        add_stage(input, stage, &plan);
    *ret_plan = plan;
    return 0;
}

void umh_plan_deinit(umh_plan *plan)
{
    if (!plan)
        return;
    free(plan->hosts);
    *plan = (umh_plan)UMH_PLAN_INIT;
}
