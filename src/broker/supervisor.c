/* SPDX-License-Identifier: MIT */
/*
 * Which hosts exist: what is wanted is planned anew after every change, compared with what there
 * is, and the steps between the two are performed here and nowhere else.
 *
 * The start of the broker is a sequence of stages. A stage's hosts are started, and told to go
 * together as soon as none of them is pending any more, or StartTogetherMs later; then the next
 * stage begins. After the last, a host goes as soon as it is ready.
 */
#include "broker/supervisor.h"

#include "broker/host_actions.h"
#include "broker/host_config.h"
#include "broker/service.h"
#include "broker/supervisor_parts.h"

#include <stdlib.h>
#include <string.h>

static const umh_plan_session own_session[] = {{UMH_SESSION_OWN, true}};

/* --- hosts -------------------------------------------------------------------------------- */

umh_list *umh_supervisor_hosts(umh_supervisor *supervisor)
{
    return &supervisor->hosts;
}

umh_host *umh_supervisor_find(umh_supervisor *supervisor, const char *host_id)
{
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);

        if (strcmp(host->id, host_id) == 0)
            return host;
    }
    return NULL;
}

static size_t count_hosts(const umh_supervisor *supervisor)
{
    size_t count = 0;

    for (const umh_list *item = supervisor->hosts.next; item != &supervisor->hosts;
         item = item->next)
        count++;
    return count;
}

static void free_hosts(umh_supervisor *supervisor, bool only_unwanted)
{
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);

        if (!only_unwanted || (!host->is_wanted && host->state == HOST_ABSENT))
            umh_host_free(host);
    }
}

/* --- steps -------------------------------------------------------------------------------- */

/* A host's modules, as the diff sees them: without those that are being removed. */
typedef struct module_rows {
    umh_running_module rows[UMH_MODULES_PER_HOST_MAX];
} module_rows;

static umh_running_host describe(const umh_host *host, module_rows *modules)
{
    umh_running_host running = {.id = host->id,
                                .config = &host->config,
                                .modules = modules->rows,
                                .is_stopping = host->state == HOST_ASKED && !host->is_orderly,
                                .is_due = host->is_due};

    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && host->modules[i]->is_wanted)
            modules->rows[running.module_count++] =
                (umh_running_module){host->modules[i]->name, &host->modules[i]->config};
    }
    /* One that waits for its back-off has modules that come and go, like one that runs. */
    running.has_process = host->state != HOST_ABSENT || !host->is_due;
    return running;
}

static const umh_wanted_module *find_wanted(const umh_wanted_host *wanted, const char *name)
{
    for (size_t i = 0; i < wanted->module_count; i++) {
        if (strcmp(wanted->modules[i].name, name) == 0)
            return &wanted->modules[i];
    }
    return NULL;
}

static int add_module(umh_supervisor *supervisor, umh_host *host, const umh_wanted_module *wanted)
{
    umh_module_config config = umh_module_config_of(wanted);
    umh_host_module *module;
    int r = umh_host_add_module(host, &config, &module);

    if (r == UMH_HOST_FULL) {
        umh_logs_say(supervisor->broker->logs, UMH_LOG_ERROR, host->id,
                     "module %s finds no place: a host has at most %u", wanted->name,
                     UMH_MODULES_PER_HOST_MAX);
        return 0;
    }
    return umh_fold(r);
}

/* What changed while it had no process. */
static int refresh_modules(umh_supervisor *supervisor, umh_host *host,
                           const umh_wanted_host *wanted)
{
    int r = 0;

    for (uint16_t i = 0; i < UMH_MODULES_PER_HOST_MAX; i++) {
        umh_host_module *module = host->modules[i];

        if (module && module->is_wanted && !find_wanted(wanted, module->name))
            umh_module_remove(module, NULL);
    }
    for (size_t i = 0; r == 0 && i < wanted->module_count; i++) {
        umh_host_module *module = umh_host_find_module(host, wanted->modules[i].name);

        if (!module || !module->is_wanted)
            r = add_module(supervisor, host, &wanted->modules[i]);
    }
    return r;
}

static int start_host(umh_supervisor *supervisor, const umh_wanted_host *wanted)
{
    umh_host *host = umh_supervisor_find(supervisor, wanted->id);
    int r = 0;

    if (wanted->config->stage > supervisor->stage)
        return 0;
    if (host) {
        r = refresh_modules(supervisor, host, wanted);
    } else {
        r = umh_host_new(supervisor->broker, wanted, supervisor->next_number, &host);
        if (r)
            return r;
        supervisor->next_number++;
        umh_list_push_back(&supervisor->hosts, &host->entry);
    }
    umh_host_happen(host, ON_SPAWN);
    return r;
}

static void stop_host(umh_host *host)
{
    host->is_wanted = false;
    umh_host_happen(host, ON_STOP);
}

static int perform(umh_supervisor *supervisor, const umh_step *step)
{
    umh_host *host = umh_supervisor_find(supervisor, step->host);
    umh_host_module *module = host ? umh_host_find_module(host, step->module) : NULL;

    switch (step->kind) {
    case STEP_START_HOST:
        return start_host(supervisor, step->wanted);
    case STEP_STOP_HOST:
        stop_host(host);
        return 0;
    case STEP_LOAD_MODULE:
        return add_module(supervisor, host, find_wanted(step->wanted, step->module));
    case STEP_UNLOAD_MODULE:
        if (module)
            umh_module_remove(module, NULL);
        return 0;
    case STEP_REPLACE_HOST:
    case STEP_CONFIGURE_HOST:
    case STEP_RELOAD_MODULE:
    case STEP_CONFIGURE_MODULE:
        break;
    }
    return 0;
}

static int make_plan(const umh_supervisor *supervisor, umh_plan *ret_plan)
{
    umh_plan_input input = {.config = &supervisor->broker->config,
                            .overrides = supervisor->overrides,
                            .override_count = supervisor->override_count,
                            .user_sessions = own_session,
                            .user_session_count = UMH_COUNT_OF(own_session)};

    return umh_plan_make(&input, ret_plan);
}

static int make_steps(umh_supervisor *supervisor, const umh_plan *plan, umh_steps *ret_steps)
{
    size_t count = count_hosts(supervisor);
    umh_running_host *running = calloc(count ? count : 1, sizeof(*running));
    module_rows *modules = calloc(count ? count : 1, sizeof(*modules));
    size_t i = 0;
    int r = 0;

    if (!running || !modules)
        r = UMH_FAIL(UMH_E_MEMORY, "compare %llu hosts", (unsigned long long)count);
    umh_list_each (item, &supervisor->hosts) {
        if (r == 0)
            running[i] = describe(umh_container_of(item, umh_host, entry), &modules[i]);
        i++;
    }
    if (r == 0)
        r = umh_diff_make(plan, running, count, ret_steps);
    free(modules);
    free(running);
    return r;
}

int umh_supervisor_each_step(umh_supervisor *supervisor,
                             void (*visit)(void *context, const umh_step *step), void *context)
{
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    int r = make_plan(supervisor, &plan);

    if (r == 0)
        r = make_steps(supervisor, &plan, &steps);
    for (size_t i = 0; r == 0 && i < steps.count; i++)
        visit(context, &steps.items[i]);
    return r;
}

int umh_supervisor_reconcile(umh_supervisor *supervisor)
{
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    int r;

    supervisor->must_reconcile = false;
    if (supervisor->is_stopping)
        return 0;
    r = make_plan(supervisor, &plan);
    if (r == 0)
        r = make_steps(supervisor, &plan, &steps);
    for (size_t i = 0; r == 0 && i < steps.count; i++)
        r = perform(supervisor, &steps.items[i]);
    free_hosts(supervisor, true);
    return umh_fold(r);
}

/* --- stages ------------------------------------------------------------------------------- */

/* It will go on its way to ready: those that wait for their back-off are not waited for. */
static bool is_pending(const umh_host *host)
{
    return host->state == HOST_SPAWNING || host->state == HOST_GREETING ||
           host->state == HOST_LOADING || (host->state == HOST_ABSENT && host->is_due);
}

static bool is_any_pending(umh_supervisor *supervisor)
{
    umh_list_each (item, &supervisor->hosts) {
        if (is_pending(umh_container_of(item, umh_host, entry)))
            return true;
    }
    return false;
}

static void begin_stage(umh_supervisor *supervisor)
{
    if (!umh_plan_next_stage(&supervisor->broker->config, &supervisor->stage)) {
        supervisor->stage = INT64_MAX;
        supervisor->is_starting = false;
        umh_deadline_clear(&supervisor->together);
        return;
    }
    umh_deadline_set(supervisor->broker->deadlines, &supervisor->together,
                     (uint64_t)supervisor->broker->config.start_together_ms);
    umh_supervisor_reconcile_soon(supervisor);
}

static void end_stage(umh_supervisor *supervisor)
{
    begin_stage(supervisor);
    umh_list_each (item, &supervisor->hosts)
        umh_host_happen(umh_container_of(item, umh_host, entry), ON_GO);
}

static void on_together(void *context)
{
    umh_supervisor *supervisor = context;

    if (supervisor->is_starting && !supervisor->is_stopping)
        end_stage(supervisor);
}

void umh_supervisor_on_host_change(umh_supervisor *supervisor, umh_host *host)
{
    supervisor->must_look = true;
    umh_service_note(supervisor->broker->service);
    if (host->state == HOST_READY && !supervisor->is_starting)
        umh_host_happen(host, ON_GO);
}

/* --- the end of a turn -------------------------------------------------------------------- */

void umh_supervisor_reconcile_soon(umh_supervisor *supervisor)
{
    supervisor->must_reconcile = true;
    umh_service_note(supervisor->broker->service);
    umh_broker_wake(supervisor->broker);
}

void umh_supervisor_await_reserve(umh_supervisor *supervisor, umh_host_module *module)
{
    if (umh_list_is_empty(&module->reserve_entry))
        umh_list_push_back(&supervisor->waiting_for_reserve, &module->reserve_entry);
}

void umh_supervisor_settle(umh_supervisor *supervisor)
{
    umh_list_each (item, &supervisor->waiting_for_reserve)
        umh_module_retry_stop(umh_container_of(item, umh_host_module, reserve_entry));
    if (supervisor->must_reconcile && umh_supervisor_reconcile(supervisor) != 0)
        umh_broker_fail(supervisor->broker);
    if (!supervisor->must_look)
        return;
    supervisor->must_look = false;
    if (supervisor->is_starting && !supervisor->is_stopping && !is_any_pending(supervisor))
        end_stage(supervisor);
    if (supervisor->is_stopping)
        free_hosts(supervisor, true);
}

/* --- life --------------------------------------------------------------------------------- */

int umh_supervisor_new(umh_broker *broker, umh_supervisor **ret_supervisor)
{
    umh_supervisor *supervisor = calloc(1, sizeof(*supervisor));

    if (!supervisor)
        return UMH_FAIL(UMH_E_MEMORY, "make the supervisor");
    supervisor->broker = broker;
    supervisor->next_number = 1;
    supervisor->stage = INT64_MIN;
    supervisor->is_starting = true;
    umh_list_init(&supervisor->hosts);
    umh_list_init(&supervisor->waiting_for_reserve);
    umh_deadline_init(&supervisor->together, on_together, supervisor);
    begin_stage(supervisor);
    *ret_supervisor = supervisor;
    return 0;
}

umh_supervisor *umh_supervisor_free(umh_supervisor *supervisor)
{
    if (!supervisor)
        return NULL;
    supervisor->is_stopping = true;
    free_hosts(supervisor, false);
    umh_deadline_clear(&supervisor->together);
    free(supervisor->overrides);
    free(supervisor);
    return NULL;
}

void umh_supervisor_stop(umh_supervisor *supervisor, bool is_hard)
{
    supervisor->is_stopping = true;
    supervisor->must_look = true;
    umh_deadline_clear(&supervisor->together);
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);

        stop_host(host);
        /* Two deadlines that pass at once: the pipe is closed, the process is killed. */
        if (is_hard) {
            umh_host_happen(host, ON_TIMEOUT);
            umh_host_happen(host, ON_TIMEOUT);
        }
    }
    umh_broker_wake(supervisor->broker);
}

bool umh_supervisor_is_starting(const umh_supervisor *supervisor)
{
    return supervisor->is_starting;
}

bool umh_supervisor_is_idle(const umh_supervisor *supervisor)
{
    return supervisor->is_stopping && umh_list_is_empty(&supervisor->hosts);
}
