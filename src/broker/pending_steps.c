/* SPDX-License-Identifier: MIT */
/* What reconcile would do now, in words. */
#include "broker/pending_steps.h"

#include "broker/supervisor.h"

#include <stdlib.h>

#define STEP_TEXT_BYTES 256

/* The hosts as they are; texts are borrowed from them. */
typedef struct umh_running {
    umh_running_host *hosts; /* owned */
    const char **modules;    /* owned; of all hosts, one after the other */
    size_t host_count;
} umh_running;

#define UMH_RUNNING_INIT                                                                           \
    {                                                                                              \
        .hosts = NULL, .modules = NULL, .host_count = 0                                            \
    }

static void umh_running_deinit(umh_running *running)
{
    free(running->hosts);
    free(running->modules);
    *running = (umh_running)UMH_RUNNING_INIT;
}

UMH_DEFINE_AUTO(umh_running);

static size_t add_modules(const umh_host *host, const char **modules)
{
    size_t count = 0;

    for (uint16_t i = 0; i < host->module_count; i++) {
        const umh_host_module *module = host->modules[i];

        if (module && module->is_wanted)
            modules[count++] = module->name;
    }
    return count;
}

static int find_running(umh_broker *broker, umh_running *running)
{
    umh_list *hosts = umh_supervisor_hosts(broker->supervisor);
    size_t host_count = 0;
    size_t module_count = 0;
    const char **modules;

    umh_list_each (entry, hosts) {
        host_count++;
        module_count += umh_container_of(entry, umh_host, entry)->module_count;
    }
    running->hosts = calloc(host_count + 1, sizeof(*running->hosts));
    running->modules = calloc(module_count + 1, sizeof(*running->modules));
    if (!running->hosts || !running->modules)
        return UMH_FAIL(UMH_E_MEMORY, "list what runs");
    modules = running->modules;
    umh_list_each (entry, hosts) {
        const umh_host *host = umh_container_of(entry, umh_host, entry);
        umh_running_host *row = &running->hosts[running->host_count++];

        row->id = host->id;
        row->modules = modules;
        row->module_count = add_modules(host, modules);
        row->is_stopping =
            host->state == HOST_ASKED || host->state == HOST_CLOSED || host->state == HOST_KILLED;
        row->is_due = host->is_due;
        row->has_process = host->state != HOST_ABSENT;
        modules += row->module_count;
    }
    return 0;
}

static umh_json *describe(const umh_steps *steps)
{
    umh_json *list = json_array();

    for (size_t i = 0; i < steps->count; i++) {
        char text[STEP_TEXT_BYTES];

        umh_step_describe(&steps->items[i], text, sizeof(text));
        umh_ignore(json_array_append_new(list, json_string(text)));
    }
    if (!list)
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "describe the steps"));
    return list;
}

umh_json *umh_pending_steps_describe(umh_broker *broker)
{
    static const uint32_t own_session = UMH_SESSION_OWN;
    const umh_plan_input input = {
        .config = &broker->config, .user_sessions = &own_session, .user_session_count = 1};
    UMH_AUTO(umh_running) running = UMH_RUNNING_INIT;
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT; /* borrows from the plan */
    int r = umh_plan_make(&input, &plan);

    if (r == 0)
        r = find_running(broker, &running);
    if (r == 0)
        r = umh_diff_make(&plan, running.hosts, running.host_count, &steps);
    return r ? NULL : describe(&steps);
}
