/* SPDX-License-Identifier: MIT */
/*
 * From what is wanted to what happens: hosts as the diff sees them, its steps, and what each of
 * them does.
 *
 * This runs after every death, and a thousand hosts may die together: what does not change costs a
 * row, not a search.
 */
#include "broker/host_actions.h"
#include "broker/sessions.h"
#include "broker/supervisor_parts.h"
#include "config/copy.h"

#include <stdlib.h>
#include <string.h>

/* Hosts in a row, as the diff counts them. */
typedef struct host_rows {
    umh_running_host *running; /* owned, as the two below */
    umh_running_module *modules;
    umh_host **hosts;
    size_t count;
} host_rows;

static void release_rows(host_rows *rows)
{
    free(rows->hosts);
    free(rows->modules);
    free(rows->running);
}

/* --- what there is ------------------------------------------------------------------------ */

/* Without the modules that are being removed. Returns how many there are. */
static size_t describe_modules(const umh_host *host, umh_running_module *rows)
{
    size_t count = 0;

    for (uint16_t i = 0; i < host->module_count; i++) {
        const umh_host_module *module = host->modules[i];

        if (module && module->is_wanted)
            rows[count++] = (umh_running_module){
                .name = module->name, .config = &module->config, .origin = module->origin};
    }
    return count;
}

static umh_running_host describe_host(const umh_host *host)
{
    umh_running_host running = {
        .id = host->id, .config = &host->config, .origin = host->origin, .is_due = host->is_due};
    bool is_ended = host->state == HOST_ABSENT;

    running.is_stopping =
        (!is_ended && !host->is_wanted) || (host->state == HOST_ASKED && !host->is_orderly);
    /* One that waits for its back-off has modules that come and go, like one that runs. */
    running.has_process = !is_ended || !host->is_due;
    return running;
}

static int describe_hosts(umh_supervisor *supervisor, host_rows *rows)
{
    size_t host_count = 0;
    size_t module_count = 0;
    umh_running_module *modules;

    umh_list_each (item, &supervisor->hosts) {
        host_count++;
        module_count += umh_container_of(item, umh_host, entry)->module_count;
    }
    rows->running = calloc(host_count + 1, sizeof(*rows->running));
    rows->hosts = calloc(host_count + 1, sizeof(umh_host *));
    rows->modules = modules = calloc(module_count + 1, sizeof(*rows->modules));
    if (!rows->running || !rows->hosts || !rows->modules)
        return UMH_FAIL(UMH_E_MEMORY, "compare %llu hosts", (unsigned long long)host_count);
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);
        umh_running_host *running = &rows->running[rows->count];

        *running = describe_host(host);
        running->modules = modules;
        running->module_count = describe_modules(host, modules);
        modules += running->module_count;
        rows->hosts[rows->count++] = host;
    }
    return 0;
}

/* --- what each step does ------------------------------------------------------------------ */

static bool have_same_limits(const umh_host_config *one, const umh_host_config *other)
{
    return one->limits.memory_mib == other->limits.memory_mib &&
           one->limits.cpu_percent == other->limits.cpu_percent &&
           one->limits.processes == other->limits.processes &&
           one->limits.open_files == other->limits.open_files &&
           one->limits.required == other->limits.required;
}

static int take_host_config(umh_host *host, const umh_host_config *wanted)
{
    umh_host_config copy;
    int r = umh_host_config_copy(wanted, &copy);

    if (r)
        return r;
    /* Another limit may be the one that cannot be applied. */
    if (!have_same_limits(&host->config, wanted))
        host->has_said_limits = false;
    umh_host_config_release(&host->config);
    host->config = copy;
    host->origin = wanted;
    /* Another root may be meant. */
    umh_text_free(host->dotnet_root);
    host->dotnet_root = NULL;
    return 0;
}

static int add_module(umh_supervisor *supervisor, umh_host *host, const umh_wanted_module *wanted)
{
    umh_module_config config = umh_module_config_of(wanted);
    umh_host_module *module = umh_host_find_module(host, wanted->name);
    int r = 0;

    /* One that is being unloaded comes back as what is wanted now. */
    if (module)
        r = umh_module_take_config(module, wanted);
    if (r == 0)
        r = umh_host_add_module(host, &config, &module);
    if (r == UMH_HOST_FULL) {
        umh_logs_say(supervisor->broker->logs, UMH_LOG_ERROR, host->id,
                     "module %s finds no place: a host has at most %u", wanted->name,
                     UMH_MODULES_PER_HOST_MAX);
        return 0;
    }
    if (r == 0)
        module->origin = wanted->config;
    return umh_fold(r);
}

/* It has no process, or its process is replaced anyway: what it is loaded with next time counts. */
static int refresh_module(umh_host_module *module, const umh_wanted_module *wanted, bool must_fetch)
{
    umh_module_config config = umh_module_config_of(wanted);
    umh_changes changes = 0;
    int r = 0;

    if (!module->origin || module->origin != wanted->config) {
        changes = umh_changes_find(OBJECT_MODULE, &module->config, &config);
        r = umh_module_take_config(module, wanted);
    }
    if (r)
        return r;
    if (must_fetch || (changes && module->state == SLOT_FAILED) ||
        umh_changes_that(OBJECT_MODULE, changes, CHANGE_NEEDS_RELOAD))
        umh_module_reload(module, NULL);
    return 0;
}

static bool is_wanted(const umh_wanted_host *wanted, const char *name)
{
    for (size_t i = 0; i < wanted->module_count; i++) {
        if (strcmp(wanted->modules[i].name, name) == 0)
            return true;
    }
    return false;
}

static int refresh_modules(umh_supervisor *supervisor, umh_host *host,
                           const umh_wanted_host *wanted, bool must_fetch)
{
    int r = 0;

    for (uint16_t i = 0; i < host->module_count; i++) {
        umh_host_module *module = host->modules[i];

        if (module && module->is_wanted && !is_wanted(wanted, module->name))
            umh_module_remove(module, NULL);
    }
    for (size_t i = 0; r == 0 && i < wanted->module_count; i++) {
        const umh_wanted_module *row = &wanted->modules[i];
        umh_host_module *module = umh_host_find_module(host, row->name);

        if (module && module->is_wanted)
            r = refresh_module(module, row, must_fetch);
        else
            r = add_module(supervisor, host, row);
    }
    return r;
}

/* Where a module's file is found, and whether it fits, depends on these. */
static bool has_other_files(const umh_host_config *one, const umh_host_config *other)
{
    return one->wow64 != other->wow64 || one->ui != other->ui ||
           umh_changes_find(OBJECT_DOTNET, &one->dotnet, &other->dotnet) != 0;
}

/* As wanted, from its next process on. */
static int refresh_host(umh_supervisor *supervisor, umh_host *host, const umh_wanted_host *wanted)
{
    bool must_fetch = has_other_files(&host->config, wanted->config);
    int r = 0;

    if (host->origin != wanted->config)
        r = take_host_config(host, wanted->config);
    if (r == 0)
        r = refresh_modules(supervisor, host, wanted, must_fetch);
    return r;
}

static void adopt_modules(umh_host *host, const umh_wanted_host *wanted)
{
    for (size_t i = 0; i < wanted->module_count; i++) {
        const umh_module_config *config = wanted->modules[i].config;
        umh_host_module *module = umh_host_find_module(host, wanted->modules[i].name);

        if (module && config && umh_changes_find(OBJECT_MODULE, &module->config, config) == 0)
            module->origin = config;
    }
}

static unsigned count_starts(umh_supervisor *supervisor)
{
    uint64_t now_ns = umh_clock_now_ns();
    unsigned count = 0;

    umh_list_each (item, &supervisor->hosts) {
        const umh_host *host = umh_container_of(item, umh_host, entry);

        count += umh_supervisor_is_on_its_way(host) &&
                 now_ns - host->spawned_ns < UMH_START_COUNTS_MS * UMH_NS_PER_MS;
    }
    return count;
}

/* Put off, it stays due: one that gets ready, or the deadline, has reconcile look again. */
static void spawn_or_put_off(umh_supervisor *supervisor, umh_host *host)
{
    if (supervisor->starts_count < supervisor->starts_max) {
        supervisor->starts_count++;
        umh_host_happen(host, ON_SPAWN);
        return;
    }
    host->is_due = true;
    if (!umh_deadline_is_set(&supervisor->crowd))
        umh_deadline_wait(supervisor->broker->deadlines, &supervisor->crowd, UMH_START_COUNTS_MS);
}

static int start_host(umh_supervisor *supervisor, umh_host *host, const umh_wanted_host *wanted)
{
    int r;

    if (wanted->config->stage > supervisor->stage)
        return 0;
    if (host) {
        r = refresh_host(supervisor, host, wanted);
    } else {
        r = umh_host_new(supervisor->broker, wanted, supervisor->next_number, &host);
        if (r)
            return r;
        supervisor->next_number++;
        umh_list_push_back(&supervisor->hosts, &host->entry);
        host->origin = wanted->config;
        adopt_modules(host, wanted);
    }
    spawn_or_put_off(supervisor, host);
    return r;
}

void umh_supervisor_stop_host(umh_host *host)
{
    host->is_wanted = false;
    umh_host_happen(host, ON_STOP);
}

/* One that is only just starting is replaced as soon as it listens. */
static int replace_host(umh_supervisor *supervisor, umh_host *host, const umh_step *step)
{
    char text[160];
    int r;

    umh_step_describe(step, text, sizeof(text));
    if (host->state != HOST_ABSENT) {
        host->is_outdated = true;
        umh_host_replace(host, text);
    }
    r = refresh_host(supervisor, host, step->wanted);
    return r;
}

static int change_module(umh_host *host, const umh_step *step)
{
    const umh_wanted_module *wanted = &step->wanted->modules[step->wanted_module];
    umh_host_module *module = umh_host_find_module(host, step->module);
    int r;

    if (!module)
        return 0;
    r = umh_module_take_config(module, wanted);
    if (r)
        return r;
    if (step->kind == STEP_RELOAD_MODULE)
        umh_module_reload(module, NULL);
    else if (umh_changes_that(OBJECT_MODULE, step->changes, CHANGE_IS_TOLD))
        umh_module_configure(module);
    return 0;
}

static void revive(umh_host *host)
{
    umh_backoff_reset(&host->backoff, &host->config.restart);
    host->is_refused = false;
    umh_deadline_clear(&host->deadline);
    umh_host_happen(host, ON_TIMEOUT);
}

/* A change of a host that has ended for good is a reason to try it once more. */
static int change_host(umh_supervisor *supervisor, umh_host *host, const umh_step *step)
{
    umh_host_module *module;
    int r = 0;

    switch (step->kind) {
    case STEP_REPLACE_HOST:
        r = replace_host(supervisor, host, step);
        break;
    case STEP_CONFIGURE_HOST:
        r = take_host_config(host, step->wanted->config);
        break;
    case STEP_LOAD_MODULE:
        r = add_module(supervisor, host, &step->wanted->modules[step->wanted_module]);
        break;
    case STEP_UNLOAD_MODULE:
        module = umh_host_find_module(host, step->module);
        if (module)
            umh_module_remove(module, NULL);
        break;
    case STEP_RELOAD_MODULE:
    case STEP_CONFIGURE_MODULE:
        r = change_module(host, step);
        break;
    case STEP_START_HOST:
    case STEP_STOP_HOST:
        break;
    }
    if (r == 0 && umh_host_is_given_up(host))
        revive(host);
    return r;
}

static int perform(umh_supervisor *supervisor, const host_rows *rows, const umh_step *step)
{
    umh_host *host = step->running == UMH_STEP_NO_INDEX ? NULL : rows->hosts[step->running];

    if (step->kind == STEP_START_HOST)
        return start_host(supervisor, host, step->wanted);
    if (step->kind == STEP_STOP_HOST) {
        umh_supervisor_stop_host(host);
        return 0;
    }
    return change_host(supervisor, host, step);
}

/* --- the configuration that is known to be equal ------------------------------------------- */

void umh_host_forget_origin(umh_host *host)
{
    host->origin = NULL;
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            host->modules[i]->origin = NULL;
    }
}

/* What a host says the same as is not compared again until the next change. */
static void adopt(umh_supervisor *supervisor, const umh_plan *plan)
{
    umh_list *next = supervisor->hosts.next;

    for (size_t i = 0; i < plan->count; i++) {
        const umh_wanted_host *wanted = &plan->hosts[i];
        umh_host *host = NULL;

        if (next != &supervisor->hosts &&
            strcmp(umh_container_of(next, umh_host, entry)->id, wanted->id) == 0)
            host = umh_container_of(next, umh_host, entry);
        if (!host)
            host = umh_supervisor_find(supervisor, wanted->id);
        if (!host)
            continue;
        next = host->entry.next;
        if (umh_changes_find(OBJECT_HOST, &host->config, wanted->config) == 0)
            host->origin = wanted->config;
        adopt_modules(host, wanted);
    }
}

/* --- reconcile ---------------------------------------------------------------------------- */

static int make_plan(const umh_plan_input *given, const umh_supervisor *supervisor,
                     umh_plan *ret_plan)
{
    umh_plan_input input = *given;

    input.user_sessions = umh_sessions_get(supervisor->broker->sessions, &input.user_session_count);
    return umh_plan_make(&input, ret_plan);
}

static int make_steps(umh_supervisor *supervisor, const umh_plan *plan, host_rows *rows,
                      umh_steps *ret_steps)
{
    int r = describe_hosts(supervisor, rows);

    if (r == 0)
        r = umh_diff_make(plan, rows->running, rows->count, ret_steps);
    return r;
}

static umh_plan_input input_of(const umh_supervisor *supervisor)
{
    return (umh_plan_input){.config = &supervisor->broker->config,
                            .overrides = supervisor->overrides,
                            .override_count = supervisor->override_count};
}

int umh_supervisor_reconcile(umh_supervisor *supervisor, umh_step_visit visit, void *context)
{
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    umh_plan_input input = input_of(supervisor);
    host_rows rows = {.count = 0};
    int r;

    supervisor->must_reconcile = false;
    if (supervisor->is_stopping)
        return 0;
    /* Who has ended and is wanted again is another host. */
    umh_supervisor_free_hosts(supervisor, true);
    umh_deadline_clear(&supervisor->crowd);
    supervisor->starts_count = count_starts(supervisor);
    r = make_plan(&input, supervisor, &plan);
    if (r == 0)
        r = make_steps(supervisor, &plan, &rows, &steps);
    for (size_t i = 0; r == 0 && visit && i < steps.count; i++)
        visit(context, &steps.items[i]);
    for (size_t i = 0; r == 0 && i < steps.count; i++)
        r = perform(supervisor, &rows, &steps.items[i]);
    release_rows(&rows);
    umh_supervisor_free_hosts(supervisor, true);
    if (r == 0 && supervisor->must_adopt)
        adopt(supervisor, &plan);
    supervisor->must_adopt = supervisor->must_adopt && r != 0;
    return umh_fold(r);
}

int umh_supervisor_perform(umh_supervisor *supervisor,
                           void (*visit)(void *context, const umh_step *step), void *context)
{
    return umh_fold(umh_supervisor_reconcile(supervisor, visit, context));
}

/* With another configuration the overrides that it would end do not count. */
static int keep_overrides(const umh_supervisor *supervisor, const umh_config *config,
                          umh_override **ret_rows, size_t *ret_count)
{
    umh_override *rows = calloc(supervisor->override_count + 1, sizeof(*rows));
    size_t count = 0;

    if (!rows)
        return UMH_FAIL(UMH_E_MEMORY, "compare overrides");
    for (size_t i = 0; i < supervisor->override_count; i++) {
        const umh_override *row = &supervisor->overrides[i];

        if (!umh_supervisor_has_changed(&supervisor->broker->config, config, row->host))
            rows[count++] = *row;
    }
    *ret_rows = rows;
    *ret_count = count;
    return 0;
}

int umh_supervisor_each_step(umh_supervisor *supervisor, const umh_config *config,
                             void (*visit)(void *context, const umh_step *step), void *context)
{
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    umh_plan_input input = input_of(supervisor);
    umh_override *overrides = NULL;
    host_rows rows = {.count = 0};
    int r = 0;

    if (config) {
        input.config = config;
        r = keep_overrides(supervisor, config, &overrides, &input.override_count);
        input.overrides = overrides;
    }
    if (r == 0)
        r = make_plan(&input, supervisor, &plan);
    if (r == 0)
        r = make_steps(supervisor, &plan, &rows, &steps);
    for (size_t i = 0; r == 0 && i < steps.count; i++)
        visit(context, &steps.items[i]);
    release_rows(&rows);
    free(overrides);
    return umh_fold(r);
}

bool umh_supervisor_revive(umh_supervisor *supervisor, const char *host_id)
{
    umh_host *host = umh_supervisor_find(supervisor, host_id);

    if (!host || !host->is_wanted)
        return false;
    if (umh_host_is_given_up(host))
        revive(host);
    return true;
}
