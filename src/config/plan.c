/* SPDX-License-Identifier: MIT */
/*
 * The hosts that should exist: what the file says, once per session, with the overrides of that
 * host applied.
 *
 * A plan is made after every death, so its cost is that of its hosts: modules of all hosts lie in
 * one array, and overrides, which are few, are looked at only by the hosts that have some.
 */
#include "config/plan.h"

#include "config/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan on its way. */
typedef struct planning {
    const umh_plan_input *input;
    const umh_override **rows; /* of one host, in their order; owned */
    size_t row_count;
    umh_plan plan;
    size_t module_count; /* used of the plan's */
} planning;

static void name_host(const umh_host_config *config, uint32_t session, umh_wanted_host *host)
{
    umh_text_put(host->id, sizeof host->id, config->name);
    if (session != UMH_SESSION_OWN)
        snprintf(host->id, sizeof host->id, "%s@%lu", config->name, (unsigned long)session);
}

static void gather_overrides(planning *work, const char *host)
{
    work->row_count = 0;
    for (size_t i = 0; i < work->input->override_count; i++) {
        const umh_override *row = &work->input->overrides[i];

        if (umh_names_are_equal(row->host, host))
            work->rows[work->row_count++] = row;
    }
}

/* The later of two rows about the same thing counts. */
static const umh_override *find_override(const planning *work, const char *module)
{
    for (size_t i = work->row_count; i > 0; i--) {
        if (umh_names_are_equal(work->rows[i - 1]->module, module))
            return work->rows[i - 1];
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

static void add_module(planning *work, umh_wanted_host *host, const umh_wanted_module *module)
{
    if (host->module_count == UMH_MODULES_PER_HOST_MAX)
        return;
    work->plan.modules[work->module_count++] = *module;
    host->module_count++;
}

static void add_modules_of_file(planning *work, umh_wanted_host *host)
{
    for (size_t i = 0; i < host->config->module_count; i++) {
        const umh_module_config *config = &host->config->modules[i];
        const umh_override *row = find_override(work, config->name);

        if (!row || row->is_wanted)
            add_module(work, host, &(umh_wanted_module){config->name, config, row});
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
static void add_further_modules(planning *work, umh_wanted_host *host)
{
    for (size_t i = 0; i < work->row_count; i++) {
        const umh_override *row = work->rows[i];

        if (row->module[0] == '\0' || is_in_file(host->config, row->module) ||
            has_module(host, row->module))
            continue;
        row = find_override(work, row->module);
        if (row->is_wanted)
            add_module(work, host, &(umh_wanted_module){row->module, NULL, row});
    }
}

static void add_host(planning *work, const umh_host_config *config, uint32_t session)
{
    umh_wanted_host *host = &work->plan.hosts[work->plan.count];
    const umh_override *row;

    *host = (umh_wanted_host){
        .session = session, .config = config, .modules = work->plan.modules + work->module_count};
    name_host(config, session, host);
    gather_overrides(work, host->id);
    row = find_override(work, "");
    if (row && !row->is_wanted)
        return;
    add_modules_of_file(work, host);
    add_further_modules(work, host);
    work->plan.count++;
}

static bool is_for_users(const umh_host_config *config)
{
    return config->session == UMH_CONFIG_SESSION_ALL_USERS;
}

/*
 * Stages are few and hosts many: one pass over the hosts for each stage keeps the order of the file
 * within it.
 */
static void add_stage(planning *work, int64_t stage)
{
    const umh_plan_input *input = work->input;

    for (size_t i = 0; i < input->config->host_count; i++) {
        const umh_host_config *config = &input->config->hosts[i];

        if (config->stage != stage)
            continue;
        if (!is_for_users(config))
            add_host(work, config, UMH_SESSION_OWN);
        for (size_t j = 0; is_for_users(config) && j < input->user_session_count; j++) {
            if (!config->ui || input->user_sessions[j].is_graphical)
                add_host(work, config, input->user_sessions[j].number);
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

/* An override is about one host, so it adds one module at most. */
static int make_room(planning *work)
{
    const umh_plan_input *input = work->input;
    size_t host_count = 0;
    size_t module_count = input->override_count;

    for (size_t i = 0; i < input->config->host_count; i++) {
        const umh_host_config *config = &input->config->hosts[i];
        size_t count = is_for_users(config) ? input->user_session_count : 1;

        host_count += count;
        module_count += count * config->module_count;
    }
    work->plan.hosts = calloc(host_count + 1, sizeof *work->plan.hosts);
    work->plan.modules = calloc(module_count + 1, sizeof *work->plan.modules);
    work->rows = calloc(input->override_count + 1, sizeof(*work->rows));
    if (!work->plan.hosts || !work->plan.modules || !work->rows)
        return UMH_FAIL(UMH_E_MEMORY, "plan of %llu hosts", (unsigned long long)host_count);
    return 0;
}

int umh_plan_make(const umh_plan_input *input, umh_plan *ret_plan)
{
    planning work = {.input = input};
    int64_t stage = INT64_MIN;
    int r = make_room(&work);

    while (r == 0 && umh_plan_next_stage(input->config, &stage))
        add_stage(&work, stage);
    free(work.rows);
    if (r)
        umh_plan_deinit(&work.plan);
    else
        *ret_plan = work.plan;
    return r;
}

umh_module_config umh_module_config_of(const umh_wanted_module *wanted)
{
    static char nothing[] = "{}";
    umh_module_config config = {
        .name = (char *)(uintptr_t)wanted->name, .config = nothing, .overflow = OVERFLOW_BLOCK};

    if (wanted->config)
        return *wanted->config;
    if (wanted->override_row->path[0])
        config.path = (char *)(uintptr_t)wanted->override_row->path;
    return config;
}

void umh_plan_deinit(umh_plan *plan)
{
    if (!plan)
        return;
    free(plan->hosts);
    free(plan->modules);
    *plan = (umh_plan)UMH_PLAN_INIT;
}
