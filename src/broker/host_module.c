/* SPDX-License-Identifier: MIT */
/*
 * A module of a host: fetched, loaded, started, stopped, unloaded, and round again.
 *
 * Wishes are flags (is_wanted, is_reloading, the host's is_orderly), acted upon where the module
 * stands still: what is asked while an answer is awaited happens after the answer.
 */
#include "broker/handshake.h"
#include "broker/host_actions.h"
#include "broker/host_runtime.h"
#include "broker/liveness.h"
#include "broker/module_watch.h"
#include "broker/supervisor.h"
#include "config/copy.h"

#include <stdio.h>
#include <stdlib.h>

/* A stop that waits for memory is tried again at every turn's end, and after that long. */
#define RESERVE_RETRY_MS 20u

static void set_deadline(umh_host_module *module, int64_t from_now_ms)
{
    umh_deadline_set(module->host->broker->deadlines, &module->deadline, (uint64_t)from_now_ms);
}

static void on_late(void *context)
{
    umh_host_module *module = context;

    if (!umh_liveness_puts_off(module->host, &module->deadline))
        umh_module_happen(module, ON_LATE);
}

static void reload_as_asked(void *context);

int umh_module_new(umh_host *host, const umh_module_config *config, uint16_t number,
                   umh_host_module **ret_module)
{
    umh_host_module *module = calloc(1, sizeof(*module));
    int r;

    if (!module)
        return UMH_FAIL(UMH_E_MEMORY, "make module '%s'", config->name);
    r = umh_module_config_copy(config, &module->config);
    if (r) {
        free(module);
        return r;
    }
    module->host = host;
    umh_text_put(module->name, sizeof(module->name), config->name);
    module->is_wanted = true;
    umh_deadline_init(&module->deadline, on_late, module);
    umh_deadline_init(&module->asked_reload, reload_as_asked, module);
    umh_list_init(&module->reserve_entry);
    umh_list_init(&module->waiters);
    module->unloading_ms = -1;
    umh_slot_init(&module->slot, host->broker, number, (umh_overflow)config->overflow);
    module->slot.owner = host;
    module->slot.session = host->session;
    module->slot.host_number = host->number;
    umh_module_watch_set(module);
    *ret_module = module;
    return 0;
}

void umh_module_free(umh_host_module *module, const char *outcome, const umh_why *why)
{
    umh_host *host = module->host;
    uint16_t number = module->slot.number;

    host->modules[number] = NULL;
    host->slots[number] = NULL;
    while (host->module_count > 0 && !host->modules[host->module_count - 1])
        host->module_count--;
    umh_store_cancel(UMH_MOVE(module->request));
    module->watch = umh_module_watch_free(module->watch);
    umh_deadline_clear(&module->deadline);
    umh_deadline_clear(&module->asked_reload);
    umh_list_remove(&module->reserve_entry);
    umh_slot_deinit(&module->slot);
    umh_module_tell_waiters(module, outcome != NULL, outcome, why);
    umh_store_unref(module->copy);
    umh_module_config_release(&module->config);
    umh_text_free(module->left_state);
    free(module);
    umh_host_on_module_change(host);
}

/* --- the copy ----------------------------------------------------------------------------- */

static void on_no_copy(void *context, const umh_why *why)
{
    umh_host_module *module = context;

    module->request = NULL;
    module->why = *why;
    umh_module_watch_look(module->watch);
    umh_module_happen(module, ON_NO_COPY);
}

static void on_copy(void *context, umh_store_entry *entry_take)
{
    umh_host_module *module = context;
    umh_why why = UMH_WHY_INIT;

    if (!umh_host_accepts_copy(module, entry_take, &why)) {
        umh_store_unref(entry_take);
        on_no_copy(module, &why);
        return;
    }
    module->request = NULL;
    umh_store_unref(module->copy);
    module->copy = entry_take;
    umh_module_watch_look(module->watch);
    umh_module_happen(module, ON_COPY);
}

/* In quarantine nothing is fetched, and no version before goes on. */
static void stay_out(umh_host_module *module)
{
    module->is_quarantined = false;
    umh_store_unref(UMH_MOVE(module->copy));
    on_no_copy(module, &module->quarantine);
}

void umh_module_fetch(umh_host_module *module)
{
    umh_store_events events = {.context = module, .on_ready = on_copy, .on_failed = on_no_copy};
    umh_why why = UMH_WHY_INIT;
    int r;

    module->is_reloading = false;
    if (module->is_quarantined) {
        stay_out(module);
        return;
    }
    module->why = why;
    r = umh_store_fetch(module->host->broker->store, &module->host->config, &module->config,
                        &events, &module->request);
    if (r) {
        umh_why_set_failure(&why);
        on_no_copy(module, &why);
    }
}

void umh_module_cancel_fetch(umh_host_module *module)
{
    umh_store_cancel(UMH_MOVE(module->request));
    umh_module_go_on(module);
}

void umh_module_take_copy(umh_host_module *module)
{
    umh_host_load_waiting(module->host);
    umh_host_retry_runtime(module->host);
}

/* A reload whose new file is no good: the version before goes on. */
static void keep_version_before(umh_host_module *module)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};

    umh_logs_about(module->host->broker->logs, UMH_LOG_WARNING, &about,
                   "goes on in the version before", &module->why);
    umh_module_tell_waiters(module, false, NULL, &module->why);
    umh_module_happen(module, ON_COPY);
}

void umh_module_miss_copy(umh_host_module *module)
{
    if (module->copy)
        keep_version_before(module);
    else
        umh_module_fail(module);
}

/* --- up ----------------------------------------------------------------------------------- */

/* It is to leave the process as soon as nothing is under way. */
static bool must_leave(const umh_host_module *module)
{
    return !module->is_wanted || module->is_reloading || module->is_quarantined ||
           module->host->is_orderly;
}

void umh_module_load(umh_host_module *module)
{
    umh_subscriptions_begin_renewal(umh_router_subscriptions(module->host->broker->router),
                                    &module->slot);
    if (module->slot.gate == SLOT_SHUT)
        umh_slot_set_gate(&module->slot, SLOT_HELD);
    if (module->slot.connected_count == 0)
        module->consumed_base = umh_liveness_consumed(module);
    module->must_configure = false;
    set_deadline(module, module->host->config.timeouts.load_ms);
    umh_handshake_load(module);
}

void umh_module_take_loaded(umh_host_module *module)
{
    umh_deadline_clear(&module->deadline);
    module->is_resident = true;
    module->loaded_count++;
    if (must_leave(module))
        umh_module_happen(module, ON_MODULE_STOP);
    else if (module->host->state == HOST_RUNNING)
        umh_module_happen(module, ON_MODULE_GO);
    else
        umh_host_on_module_change(module->host);
}

void umh_module_start(umh_host_module *module)
{
    set_deadline(module, module->host->config.timeouts.start_ms);
    umh_handshake_start(module);
}

void umh_module_take_started(umh_host_module *module)
{
    umh_deadline_clear(&module->deadline);
    umh_text_free(UMH_MOVE(module->left_state));
    umh_subscriptions_end_renewal(umh_router_subscriptions(module->host->broker->router),
                                  &module->slot);
    if (must_leave(module)) {
        umh_module_happen(module, ON_MODULE_STOP);
        return;
    }
    umh_slot_set_gate(&module->slot, SLOT_OPEN);
    umh_module_tell_waiters(module, true, "running", NULL);
    if (module->must_configure)
        umh_module_happen(module, ON_CONFIGURE);
}

/* --- a changed Config ---------------------------------------------------------------------- */

int umh_module_take_config(umh_host_module *module, const umh_wanted_module *wanted)
{
    umh_module_config config = umh_module_config_of(wanted);
    umh_module_config copy;
    int r = umh_module_config_copy(&config, &copy);

    if (r)
        return r;
    umh_module_config_release(&module->config);
    module->config = copy;
    module->origin = wanted->config;
    module->slot.overflow = (umh_overflow)copy.overflow;
    umh_module_watch_set(module);
    return 0;
}

/* Between its load and its start it has no time for it: it is told when it runs. */
void umh_module_configure(umh_host_module *module)
{
    if (module->state == SLOT_FAILED) {
        umh_module_reload(module, NULL);
        return;
    }
    module->must_configure = module->state >= SLOT_LOADING && module->state <= SLOT_CONFIGURING;
    umh_module_happen(module, ON_CONFIGURE);
}

void umh_module_ask_configure(umh_host_module *module)
{
    module->must_configure = false;
    set_deadline(module, module->host->config.timeouts.start_ms);
    umh_handshake_configure(module);
}

/* What was wished meanwhile happens now. */
void umh_module_take_configured(umh_host_module *module)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};
    const umh_why nothing = UMH_WHY_INIT;

    umh_deadline_clear(&module->deadline);
    umh_logs_about(module->host->broker->logs, UMH_LOG_INFO, &about, "took its changed Config over",
                   &nothing);
    if (must_leave(module))
        umh_module_happen(module, ON_MODULE_STOP);
    else if (module->must_configure)
        umh_module_happen(module, ON_CONFIGURE);
}

void umh_module_refuse_config(umh_host_module *module)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};

    umh_deadline_clear(&module->deadline);
    if (!must_leave(module)) {
        umh_logs_about(module->host->broker->logs, UMH_LOG_INFO, &about,
                       "is reloaded for its changed Config", &module->why);
        module->is_reloading = true;
    }
    umh_module_happen(module, ON_MODULE_STOP);
}

/* --- down --------------------------------------------------------------------------------- */

/*
 * The slot stays open and flowing until there is memory for what the module may have been accepted
 * for: closing it first could keep that memory from coming free.
 */
static void try_stop(umh_host_module *module)
{
    umh_host *host = module->host;

    if (!umh_credit_reserve_stop(host->account, module->slot.number)) {
        module->waits_for_stop_reserve = true;
        umh_supervisor_await_reserve(host->broker->supervisor, module);
        umh_deadline_wait(host->broker->deadlines, &module->deadline, RESERVE_RETRY_MS);
        return;
    }
    module->waits_for_stop_reserve = false;
    umh_list_remove(&module->reserve_entry);
    umh_slot_set_gate(&module->slot, SLOT_HELD);
    module->stop_consumed_count = umh_liveness_consumed(module);
    set_deadline(module, host->config.timeouts.stop_ms);
    umh_handshake_stop(module);
}

void umh_module_stop(umh_host_module *module)
{
    const umh_why nothing = UMH_WHY_INIT;

    module->held_by = nothing;
    try_stop(module);
}

void umh_module_retry_stop(umh_host_module *module)
{
    if (module->waits_for_stop_reserve && module->host->account)
        try_stop(module);
}

void umh_module_take_stopped(umh_host_module *module)
{
    umh_slot_reset_window(&module->slot);
    umh_credit_end_stop(module->host->account, module->slot.number);
    if (module->host->is_orderly) {
        umh_deadline_clear(&module->deadline);
        umh_host_on_module_change(module->host);
    } else {
        umh_module_unload(module);
    }
}

static int64_t unload_ms(const umh_host_module *module)
{
    return module->host->config.timeouts.unload_ms +
           (module->wants_explanation ? (int64_t)UMH_EXPLAIN_MS : 0);
}

void umh_module_unload(umh_host_module *module)
{
    set_deadline(module, unload_ms(module));
    umh_handshake_unload(module);
}

void umh_module_stop_failed(umh_host_module *module)
{
    /* When the host is replaced anyway, that is how it leaves the process. */
    if (module->host->is_orderly)
        return;
    umh_module_happen(module, module->is_resident ? ON_STOPPED : ON_UNLOADED);
}

void umh_module_go_on(umh_host_module *module)
{
    umh_deadline_clear(&module->deadline);
    module->is_resident = false;
    if (!module->is_wanted)
        umh_module_free(module, "unloaded", NULL);
    else
        umh_module_happen(module, ON_FETCH);
}

void umh_module_replace(umh_host_module *module)
{
    char text[sizeof(module->why.text) + sizeof(module->name) + 32];

    umh_deadline_clear(&module->deadline);
    module->is_replaced = true;
    module->held_by = module->why;
    snprintf(text, sizeof(text), "module %s could not be unloaded: %s", module->name,
             module->why.text);
    umh_host_replace(module->host, text);
}

/* --- what goes wrong ---------------------------------------------------------------------- */

void umh_module_fail(umh_host_module *module)
{
    umh_host *host = module->host;
    const umh_log_about about = {.host = host->id, .module = module->name};

    umh_deadline_clear(&module->deadline);
    umh_slot_set_gate(&module->slot, SLOT_SHUT);
    umh_subscriptions_remove_slot(umh_router_subscriptions(host->broker->router), &module->slot);
    umh_logs_about(host->broker->logs, UMH_LOG_ERROR, &about, "failed", &module->why);
    if (must_leave(module) && !host->is_orderly) {
        umh_module_happen(module, ON_MODULE_STOP);
        return;
    }
    umh_module_tell_waiters(module, false, NULL, &module->why);
    umh_host_on_module_change(host);
}

void umh_module_violate(umh_host_module *module)
{
    umh_host_kill(module->host, DEATH_BY_VIOLATION, "refused to stop module %s: %s", module->name,
                  module->why.text);
}

/*
 * It works off what it had been given before the stop: a window at most, so this ends. What it
 * loses by being killed instead would be lost without need.
 */
static bool gets_on_with_its_messages(umh_host_module *module)
{
    uint64_t count = umh_liveness_consumed(module);
    bool gets_on = count != module->stop_consumed_count;

    module->stop_consumed_count = count;
    return gets_on;
}

void umh_module_be_late(umh_host_module *module)
{
    const umh_timeouts_config *timeouts = &module->host->config.timeouts;

    if (module->state == SLOT_LOADING)
        umh_host_kill(module->host, DEATH_BY_DEADLINE, "module %s was not loaded within %lld ms",
                      module->name, (long long)timeouts->load_ms);
    else if (module->state == SLOT_STARTING)
        umh_host_kill(module->host, DEATH_BY_DEADLINE, "module %s did not start within %lld ms",
                      module->name, (long long)timeouts->start_ms);
    else if (module->state == SLOT_CONFIGURING)
        umh_host_kill(module->host, DEATH_BY_DEADLINE,
                      "module %s did not take its changed Config within %lld ms", module->name,
                      (long long)timeouts->start_ms);
    else if (module->waits_for_stop_reserve)
        umh_module_retry_stop(module);
    else if (module->state == SLOT_STOPPING && gets_on_with_its_messages(module))
        set_deadline(module, timeouts->stop_ms);
    else if (module->state == SLOT_STOPPING)
        umh_host_kill(module->host, DEATH_BY_DEADLINE, "module %s did not stop within %lld ms",
                      module->name, (long long)timeouts->stop_ms);
    else
        umh_host_kill(module->host, DEATH_BY_DEADLINE, "module %s was not unloaded within %lld ms",
                      module->name, (long long)unload_ms(module));
}

/* The process and everything in it is gone; the copy is not. */
static void forget_process(umh_host_module *module)
{
    umh_deadline_clear(&module->deadline);
    umh_deadline_clear(&module->asked_reload);
    umh_list_remove(&module->reserve_entry);
    module->waits_for_stop_reserve = false;
    module->is_resident = false;
    module->command_id = 0;
    module->must_configure = false;
    module->noticed_since_ns = 0;
    module->callback_since_ns = 0;
    module->consumed_count = 0;
}

void umh_module_be_gone(umh_host_module *module)
{
    forget_process(module);
    if (!umh_list_is_empty(&module->waiters))
        module->is_replaced = true;
    if (!module->is_wanted || module->is_reloading || module->is_quarantined)
        umh_module_happen(module, ON_MODULE_STOP);
}

void umh_module_be_gone_early(umh_host_module *module)
{
    umh_why why = UMH_WHY_INIT;

    if (!must_leave(module)) {
        umh_why_set(&why, "its host ended meanwhile: %s", module->host->death.text);
        umh_module_tell_waiters(module, false, NULL, &why);
    }
    umh_module_be_gone(module);
}

void umh_module_be_gone_failed(umh_host_module *module)
{
    forget_process(module);
    if (!module->is_wanted || module->is_reloading)
        umh_module_happen(module, ON_MODULE_STOP);
    else if (module->copy)
        umh_module_happen(module, ON_COPY);
}

/* --- what is left to a successor, and exceptions ---------------------------------------------- */

void umh_module_keep_left_state(umh_host_module *module, const char *text)
{
    umh_text_free(module->left_state);
    module->left_state = text ? umh_text_copy(text) : NULL;
}

void umh_module_on_exception(umh_host_module *module, const char *why)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};
    umh_why said = UMH_WHY_INIT;

    /* What throws in its stop is on its way out already, and so is all of a host that was asked. */
    if (must_leave(module) || module->host->state != HOST_RUNNING ||
        module->config.on_exception == ON_EXCEPTION_LOG)
        return;
    umh_why_set(&said, "%s", why);
    if (module->config.on_exception == ON_EXCEPTION_RELOAD) {
        umh_logs_about(module->host->broker->logs, UMH_LOG_WARNING, &about,
                       "is reloaded after an exception", &said);
        umh_module_reload(module, NULL);
        return;
    }
    umh_why_set(&module->quarantine,
                "in quarantine after an exception; `umh reload` lets it out: %s", why);
    module->is_quarantined = true;
    umh_module_happen(module, ON_MODULE_STOP);
}

static void reload_as_asked(void *context)
{
    umh_host_module *module = context;
    const umh_log_about about = {.host = module->host->id, .module = module->name};
    const umh_why nothing = UMH_WHY_INIT;

    if (must_leave(module) || module->host->state > HOST_RUNNING)
        return;
    if (module->host->state < HOST_RUNNING) {
        umh_deadline_wait(module->host->broker->deadlines, &module->asked_reload,
                          UMH_ASKED_RELOAD_MS);
        return;
    }
    module->last_asked_ns = umh_clock_now_ns();
    umh_logs_about(module->host->broker->logs, UMH_LOG_INFO, &about, "is reloaded as it asked",
                   &nothing);
    umh_module_reload(module, NULL);
}

void umh_module_on_reload_asked(umh_host_module *module)
{
    uint64_t since_ms = (umh_clock_now_ns() - module->last_asked_ns) / UMH_NS_PER_MS;
    bool is_due = module->last_asked_ns == 0 || since_ms >= UMH_ASKED_RELOAD_MS;

    if (is_due)
        reload_as_asked(module);
    else
        umh_deadline_wait(module->host->broker->deadlines, &module->asked_reload,
                          UMH_ASKED_RELOAD_MS - since_ms);
}

/* --- wishes ------------------------------------------------------------------------------- */

static void add_waiter(umh_host_module *module, umh_waiter *waiter)
{
    if (!waiter)
        return;
    umh_list_init(&waiter->entry);
    umh_list_push_back(&module->waiters, &waiter->entry);
    if (waiter->held_wish != HELD_AS_CONFIGURED)
        module->held_wish = waiter->held_wish;
    module->wants_explanation = module->wants_explanation || waiter->wants_explanation;
}

void umh_module_await(umh_host_module *module, umh_waiter *waiter)
{
    add_waiter(module, waiter);
}

void umh_module_reload(umh_host_module *module, umh_waiter *waiter)
{
    umh_deadline_clear(&module->asked_reload); /* whoever asked, this is it */
    module->is_wanted = true;
    module->is_reloading = true;
    module->is_quarantined = false;
    add_waiter(module, waiter);
    umh_module_happen(module, ON_MODULE_STOP);
}

void umh_module_remove(umh_host_module *module, umh_waiter *waiter)
{
    module->is_wanted = false;
    add_waiter(module, waiter);
    umh_module_happen(module, ON_MODULE_STOP);
}
