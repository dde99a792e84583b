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
#include "broker/service.h"
#include "broker/supervisor_parts.h"

#include <stdlib.h>
#include <string.h>

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

void umh_supervisor_free_hosts(umh_supervisor *supervisor, bool only_unwanted)
{
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);

        if (!only_unwanted || (!host->is_wanted && host->state == HOST_ABSENT))
            umh_host_free(host);
    }
}

bool umh_supervisor_is_on_its_way(const umh_host *host)
{
    return host->state == HOST_SPAWNING || host->state == HOST_GREETING ||
           host->state == HOST_LOADING;
}

/* --- stages ------------------------------------------------------------------------------- */

/*
 * It will go on its way to ready: those that wait for their back-off are not waited for, and those
 * of a later stage wait for this one.
 */
static bool is_pending(const umh_supervisor *supervisor, const umh_host *host)
{
    if (host->config.stage > supervisor->stage)
        return false;
    return umh_supervisor_is_on_its_way(host) || (host->state == HOST_ABSENT && host->is_due);
}

static bool is_any_pending(umh_supervisor *supervisor)
{
    umh_list_each (item, &supervisor->hosts) {
        if (is_pending(supervisor, umh_container_of(item, umh_host, entry)))
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
    supervisor->must_look = true;
    umh_supervisor_reconcile_soon(supervisor);
}

static void end_stage(umh_supervisor *supervisor)
{
    begin_stage(supervisor);
    umh_list_each (item, &supervisor->hosts)
        umh_host_happen(umh_container_of(item, umh_host, entry), ON_GO);
}

/* With one stage there is nothing to be ordered: hosts start at once and go when they are ready. */
static void begin_stages_again(umh_supervisor *supervisor)
{
    int64_t stage = INT64_MIN;

    if (supervisor->is_starting || !umh_plan_next_stage(&supervisor->broker->config, &stage) ||
        !umh_plan_next_stage(&supervisor->broker->config, &stage))
        return;
    supervisor->stage = INT64_MIN;
    supervisor->is_starting = true;
    begin_stage(supervisor);
}

void umh_supervisor_on_config(umh_supervisor *supervisor, const umh_config *before)
{
    supervisor->must_adopt = true;
    umh_list_each (item, &supervisor->hosts)
        umh_host_forget_origin(umh_container_of(item, umh_host, entry));
    umh_supervisor_forget_changed(supervisor, before);
    if (!supervisor->is_stopping)
        begin_stages_again(supervisor);
}

static void on_together(void *context)
{
    umh_supervisor *supervisor = context;

    if (supervisor->is_starting && !supervisor->is_stopping)
        end_stage(supervisor);
}

static void on_crowd(void *context)
{
    umh_supervisor_reconcile_soon(context);
}

void umh_supervisor_on_host_change(umh_supervisor *supervisor, umh_host *host)
{
    supervisor->must_look = true;
    umh_service_note(supervisor->broker->service);
    /* There may be room for a start that was put off. */
    if (umh_deadline_is_set(&supervisor->crowd) && !umh_supervisor_is_on_its_way(host))
        umh_supervisor_reconcile_soon(supervisor);
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
    if (supervisor->must_reconcile && umh_supervisor_reconcile(supervisor, NULL, NULL) != 0)
        umh_broker_fail(supervisor->broker);
    if (!supervisor->must_look)
        return;
    supervisor->must_look = false;
    if (supervisor->is_starting && !supervisor->is_stopping && !is_any_pending(supervisor))
        end_stage(supervisor);
    if (supervisor->is_stopping)
        umh_supervisor_free_hosts(supervisor, true);
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
    supervisor->starts_max = UMH_STARTS_PER_PROCESSOR * uv_available_parallelism();
    umh_deadline_init(&supervisor->together, on_together, supervisor);
    umh_deadline_init(&supervisor->crowd, on_crowd, supervisor);
    begin_stage(supervisor);
    *ret_supervisor = supervisor;
    return 0;
}

umh_supervisor *umh_supervisor_free(umh_supervisor *supervisor)
{
    if (!supervisor)
        return NULL;
    supervisor->is_stopping = true;
    umh_supervisor_free_hosts(supervisor, false);
    umh_deadline_clear(&supervisor->crowd);
    umh_deadline_clear(&supervisor->together);
    free(supervisor->overrides);
    free(supervisor);
    return NULL;
}

void umh_supervisor_stop(umh_supervisor *supervisor, bool is_hard)
{
    supervisor->is_stopping = true;
    supervisor->must_look = true;
    umh_deadline_clear(&supervisor->crowd);
    umh_deadline_clear(&supervisor->together);
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);

        umh_supervisor_stop_host(host);
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
