/* SPDX-License-Identifier: MIT */
/* A host over its processes: its modules, and what is judged of all of them together. */
#include "broker/host.h"

#include "broker/host_actions.h"
#include "broker/host_runtime.h"
#include "broker/liveness.h"
#include "broker/supervisor.h"
#include "config/copy.h"
#include "ipc/services.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_deadline(void *context)
{
    umh_host *host = context;

    if (!umh_liveness_puts_off(host, &host->deadline))
        umh_host_happen(host, ON_TIMEOUT);
}

static void on_no_pong(void *context)
{
    umh_host *host = context;

    if (umh_liveness_puts_off(host, &host->pong))
        return;
    umh_host_kill(host, DEATH_BY_DEADLINE, "did not answer a ping for %lld ms",
                  (long long)host->config.timeouts.ping_ms);
}

static int add_wanted(umh_host *host, const umh_wanted_module *wanted)
{
    umh_module_config config = umh_module_config_of(wanted);
    umh_host_module *module;
    int r = umh_host_add_module(host, &config, &module);

    return umh_fold(r);
}

int umh_host_new(umh_broker *broker, const umh_wanted_host *wanted, uint32_t number,
                 umh_host **ret_host)
{
    umh_host *host = calloc(1, sizeof(*host));
    int r;

    if (!host)
        return UMH_FAIL(UMH_E_MEMORY, "make host '%s'", wanted->id);
    umh_list_init(&host->entry);
    host->broker = broker;
    umh_text_put(host->id, sizeof(host->id), wanted->id);
    umh_service_of_host(host->id, &host->service);
    host->number = number;
    host->session = wanted->session;
    host->page = (umh_page)UMH_PAGE_INIT;
    host->is_wanted = true;
    umh_deadline_init(&host->deadline, on_deadline, host);
    umh_deadline_init(&host->pong, on_no_pong, host);
    r = umh_host_config_copy(wanted->config, &host->config);
    if (r == 0)
        umh_backoff_reset(&host->backoff, &host->config.restart);
    for (size_t i = 0; r == 0 && i < wanted->module_count; i++)
        r = add_wanted(host, &wanted->modules[i]);
    if (r) {
        umh_host_free(host);
        return r;
    }
    *ret_host = host;
    return 0;
}

umh_host *umh_host_free(umh_host *host)
{
    umh_why why = UMH_WHY_INIT;

    if (!host)
        return NULL;
    umh_why_set(&why, "host '%s' is gone", host->id);
    umh_host_release_process(host);
    for (uint16_t i = 0; i < UMH_MODULES_PER_HOST_MAX; i++) {
        if (host->modules[i])
            umh_module_free(host->modules[i], NULL, &why);
    }
    umh_deadline_clear(&host->deadline);
    umh_deadline_clear(&host->pong);
    umh_list_remove(&host->entry);
    umh_deaths_deinit(&host->deaths);
    umh_host_config_release(&host->config);
    umh_text_free(host->dotnet_root);
    free(host);
    return NULL;
}

/* --- modules ------------------------------------------------------------------------------ */

umh_host_module *umh_host_find_module(umh_host *host, const char *name)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && strcmp(host->modules[i]->name, name) == 0)
            return host->modules[i];
    }
    return NULL;
}

int umh_host_add_module(umh_host *host, const umh_module_config *config,
                        umh_host_module **ret_module)
{
    umh_host_module *module = umh_host_find_module(host, config->name);
    uint16_t number = 0;
    int r;

    if (module) {
        if (!module->is_wanted)
            umh_module_reload(module, NULL);
        *ret_module = module;
        return 0;
    }
    while (number < UMH_MODULES_PER_HOST_MAX && host->modules[number])
        number++;
    if (number == UMH_MODULES_PER_HOST_MAX)
        return UMH_HOST_FULL;
    r = umh_module_new(host, config, number, &module);
    if (r)
        return umh_fold(r);
    host->modules[number] = module;
    host->slots[number] = &module->slot;
    if (number >= host->module_count)
        host->module_count = (uint16_t)(number + 1);
    if (host->peer)
        umh_slot_connect(&module->slot, umh_peer_outbox(host->peer));
    umh_module_happen(module, ON_FETCH);
    *ret_module = module;
    return 0;
}

bool umh_host_is_given_up(const umh_host *host)
{
    return host->state == HOST_ABSENT && host->is_wanted && !host->is_due &&
           !umh_deadline_is_set(&host->deadline);
}

static bool is_pending(umh_module_state state)
{
    return state == SLOT_ABSENT || state == SLOT_FETCHING || state == SLOT_WAITING ||
           state == SLOT_LOADING;
}

bool umh_host_is_settled(const umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && is_pending(host->modules[i]->state))
            return false;
    }
    return true;
}

/* --- being replaced ----------------------------------------------------------------------- */

bool umh_host_takes_commands(const umh_host *host)
{
    return !host->is_orderly && (host->state == HOST_LOADING || host->state == HOST_READY ||
                                 host->state == HOST_RUNNING);
}

/* Something of it is still to be stopped, or waits for an answer after which it can be. */
static bool is_at_work(umh_module_state state)
{
    return state == SLOT_LOADING || state == SLOT_LOADED || state == SLOT_STARTING ||
           state == SLOT_RUNNING || state == SLOT_CONFIGURING || state == SLOT_STOPPING;
}

static bool is_any_at_work(const umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && is_at_work(host->modules[i]->state))
            return true;
    }
    return false;
}

void umh_host_on_module_change(umh_host *host)
{
    umh_host_load_waiting(host);
    if (host->is_orderly && !is_any_at_work(host))
        umh_host_happen(host, ON_STOP);
    else if (host->state == HOST_LOADING && umh_host_is_settled(host))
        umh_host_happen(host, ON_SETTLED);
}

void umh_host_replace(umh_host *host, const char *why)
{
    if (host->is_orderly || !umh_host_takes_commands(host))
        return;
    umh_logs_say(host->broker->logs, UMH_LOG_INFO, host->id, "is replaced by a fresh process: %s",
                 why);
    host->is_orderly = true;
    for (uint16_t i = 0; i < host->module_count; i++) {
        umh_host_module *module = host->modules[i];

        /* What is being loaded or started is stopped after its answer. */
        if (module && (module->state == SLOT_LOADED || module->state == SLOT_RUNNING))
            umh_module_happen(module, ON_MODULE_STOP);
    }
    umh_host_on_module_change(host);
}

/* --- an end for cause --------------------------------------------------------------------- */

/* NULL: it has none. */
static const umh_host_module *find_program(const umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && strcmp(host->modules[i]->loader, "program") == 0)
            return host->modules[i];
    }
    return NULL;
}

void umh_host_add_evidence(umh_host *host)
{
    const umh_host_module *module = umh_liveness_culprit(host);
    umh_activity activity;
    uint64_t for_ms;

    /* Whoever is in a callback then may have nothing to do with it. */
    if (module)
        umh_death_add_culprit(&host->death, module->name);
    else if (umh_liveness_evidence(host, &module, &activity, &for_ms))
        umh_death_add_activity(&host->death, module->name, activity, for_ms);
    else if ((module = find_program(host)) != NULL)
        umh_death_add_program(&host->death, module->name);
}

UMH_PRINTF(3, 0)
static void lose(umh_host *host, umh_death_kind kind, const char *format, va_list arguments)
{
    if (host->is_lost)
        return;
    host->is_lost = true;
    umh_death_begin(&host->death, kind);
    vsnprintf(host->death.text, sizeof(host->death.text), format, arguments);
    umh_host_add_evidence(host);
    umh_logs_say(host->broker->logs, UMH_LOG_ERROR, host->id, "is killed: %s", host->death.text);
}

void umh_host_lose(umh_host *host, umh_death_kind kind, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    lose(host, kind, format, arguments);
    va_end(arguments);
}

void umh_host_kill(umh_host *host, umh_death_kind kind, const char *format, ...)
{
    va_list arguments;

    if (host->state == HOST_ABSENT || host->state == HOST_SPAWNING || host->state == HOST_KILLED)
        return;
    va_start(arguments, format);
    lose(host, kind, format, arguments);
    va_end(arguments);
    umh_host_happen(host, ON_VIOLATION);
}
