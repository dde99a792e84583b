/* SPDX-License-Identifier: MIT */
/*
 * What an operator changes at run time: remembered as an override, then performed like any other
 * difference between what is wanted and what there is.
 */
#include "broker/host_actions.h"
#include "broker/supervisor_names.h"
#include "broker/supervisor_parts.h"
#include "config/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is said last counts; a row that says the same thing anew replaces the one before. */
static int remember(umh_supervisor *supervisor, const umh_override *row)
{
    umh_override *rows;

    for (size_t i = 0; i < supervisor->override_count; i++) {
        umh_override *old = &supervisor->overrides[i];

        if (strcmp(old->host, row->host) == 0 && strcmp(old->module, row->module) == 0) {
            *old = *row;
            return 0;
        }
    }
    rows = realloc(supervisor->overrides, (supervisor->override_count + 1) * sizeof(*rows));
    if (!rows)
        return UMH_FAIL(UMH_E_MEMORY, "remember a change of host '%s'", row->host);
    supervisor->overrides = rows;
    rows[supervisor->override_count++] = *row;
    return 0;
}

/* Of a host's id, which may end in its session: "Sensors@2". */
static const umh_host_config *find_entry(const umh_config *config, const char *host_id)
{
    size_t size = strcspn(host_id, "@");

    for (size_t i = 0; i < config->host_count; i++) {
        const char *name = config->hosts[i].name;

        if (strncmp(name, host_id, size) == 0 && name[size] == '\0')
            return &config->hosts[i];
    }
    return NULL;
}

static bool have_equal_modules(const umh_host_config *one, const umh_host_config *other)
{
    if (one->module_count != other->module_count)
        return false;
    for (size_t i = 0; i < one->module_count; i++) {
        if (strcmp(one->modules[i].name, other->modules[i].name) != 0 ||
            umh_changes_find(OBJECT_MODULE, &one->modules[i], &other->modules[i]) != 0)
            return false;
    }
    return true;
}

bool umh_supervisor_has_changed(const umh_config *before, const umh_config *after,
                                const char *host_id)
{
    const umh_host_config *one = find_entry(before, host_id);
    const umh_host_config *other = find_entry(after, host_id);

    if (!one || !other)
        return one != other;
    return umh_changes_find(OBJECT_HOST, one, other) != 0 || !have_equal_modules(one, other);
}

void umh_supervisor_forget_changed(umh_supervisor *supervisor, const umh_config *before)
{
    size_t kept = 0;

    for (size_t i = 0; i < supervisor->override_count; i++) {
        const umh_override *row = &supervisor->overrides[i];

        if (!umh_supervisor_has_changed(before, &supervisor->broker->config, row->host))
            supervisor->overrides[kept++] = *row;
    }
    supervisor->override_count = kept;
}

void umh_supervisor_forget_overrides(umh_supervisor *supervisor, const char *host_id)
{
    size_t kept = 0;

    for (size_t i = 0; i < supervisor->override_count; i++) {
        if (!umh_names_are_equal(supervisor->overrides[i].host, host_id))
            supervisor->overrides[kept++] = supervisor->overrides[i];
    }
    supervisor->override_count = kept;
    umh_supervisor_reconcile_soon(supervisor);
}

void umh_supervisor_forget_session(umh_supervisor *supervisor, uint32_t number)
{
    char ending[16];
    size_t kept = 0;

    snprintf(ending, sizeof(ending), "@%u", number);
    for (size_t i = 0; i < supervisor->override_count; i++) {
        const char *mark = strchr(supervisor->overrides[i].host, '@');

        if (!mark || strcmp(mark, ending) != 0)
            supervisor->overrides[kept++] = supervisor->overrides[i];
    }
    supervisor->override_count = kept;
}

/* What was refused must not happen when there is room one day. */
static void forget_module(umh_supervisor *supervisor, const umh_override *row)
{
    size_t kept = 0;

    for (size_t i = 0; i < supervisor->override_count; i++) {
        const umh_override *old = &supervisor->overrides[i];

        if (strcmp(old->host, row->host) != 0 || strcmp(old->module, row->module) != 0)
            supervisor->overrides[kept++] = *old;
    }
    supervisor->override_count = kept;
}

/* One that should exist, whether it runs or not. Outcomes: UMH_SUPERVISOR_REFUSED. */
static int find_any_host(umh_supervisor *supervisor, const char *host_id, umh_host **ret_host,
                         umh_why *ret_why)
{
    umh_host *host = umh_supervisor_find_named(supervisor, host_id);

    if (host && !supervisor->is_stopping) {
        *ret_host = host;
        return 0;
    }
    if (supervisor->is_stopping)
        umh_why_set(ret_why, "the broker is stopping");
    else
        umh_supervisor_explain_no_host(supervisor, host_id, ret_why);
    return UMH_SUPERVISOR_REFUSED;
}

/* Outcomes: UMH_SUPERVISOR_REFUSED. */
static int find_host(umh_supervisor *supervisor, const char *host_id, umh_host **ret_host,
                     umh_why *ret_why)
{
    umh_host *host;

    if (find_any_host(supervisor, host_id, &host, ret_why) != 0)
        return UMH_SUPERVISOR_REFUSED;
    if (umh_host_is_given_up(host)) {
        umh_why_set(ret_why, "host '%s' has ended and is not started again; reset it", host->id);
        return UMH_SUPERVISOR_REFUSED;
    }
    *ret_host = host;
    return 0;
}

/* Outcomes: UMH_SUPERVISOR_REFUSED. */
static int find_module(umh_supervisor *supervisor, const char *host_id, const char *name,
                       umh_host_module **ret_module, umh_why *ret_why)
{
    umh_host *host;
    umh_host_module *module;

    if (find_host(supervisor, host_id, &host, ret_why) != 0)
        return UMH_SUPERVISOR_REFUSED;
    module = umh_host_find_named(host, name);
    if (!module || !module->is_wanted) {
        umh_supervisor_explain_no_module(supervisor, host, name, ret_why);
        return UMH_SUPERVISOR_REFUSED;
    }
    *ret_module = module;
    return 0;
}

/*
 * A path is what has a '/'; the module is then called as its file.
 * Outcomes: UMH_SUPERVISOR_REFUSED.
 */
static int name_override(const char *host_id, const char *module, umh_override *row,
                         umh_why *ret_why)
{
    bool is_path = strchr(module, '/') != NULL;
    const char *name = is_path ? umh_file_name(module) : module;
    char *ending;

    *row = (umh_override){.is_wanted = true};
    umh_text_put(row->host, sizeof(row->host), host_id);
    if (!umh_text_put(row->module, sizeof(row->module), name) || !name[0] ||
        (is_path && !umh_text_put(row->path, sizeof(row->path), module))) {
        umh_why_set(ret_why, "'%s' cannot be a module's name or path", module);
        return UMH_SUPERVISOR_REFUSED;
    }
    /* As in the configuration a file's name without its ending is the module's. */
    ending = is_path ? strrchr(row->module, '.') : NULL;
    if (ending && ending != row->module)
        *ending = '\0';
    return 0;
}

/* Names of any case are the same: what was typed becomes what is there, so that rows compare. */
static void spell_override(const umh_host *host, umh_override *row)
{
    const umh_host_module *module = umh_host_find_named(host, row->module);
    const char *name = umh_host_spell_module(host, row->module);

    if (module && (module->is_wanted || !name))
        name = module->name;
    umh_text_put(row->host, sizeof(row->host), host->id);
    if (name)
        umh_text_put(row->module, sizeof(row->module), name);
}

int umh_supervisor_load(umh_supervisor *supervisor, const char *host_id, const char *module,
                        umh_waiter *waiter, umh_why *ret_why)
{
    umh_host_module *found;
    umh_override row;
    umh_host *host;
    int r;

    if (name_override(host_id, module, &row, ret_why) != 0 ||
        find_host(supervisor, host_id, &host, ret_why) != 0)
        return UMH_SUPERVISOR_REFUSED;
    spell_override(host, &row);
    found = umh_host_find_module(host, row.module);
    if (found && found->is_wanted && found->state != SLOT_FAILED) {
        umh_why_set(ret_why, "host '%s' has the module '%s' already; reload it", host->id,
                    row.module);
        return UMH_SUPERVISOR_REFUSED;
    }
    r = remember(supervisor, &row);
    if (r == 0 && found && found->is_wanted)
        umh_module_reload(found, NULL);
    if (r == 0)
        r = umh_supervisor_reconcile(supervisor, NULL, NULL);
    if (r)
        return umh_fold(r);
    found = umh_host_find_module(host, row.module);
    if (!found) {
        forget_module(supervisor, &row);
        umh_why_set(ret_why, "host '%s' has no place for module '%s'", host->id, row.module);
        return UMH_SUPERVISOR_REFUSED;
    }
    umh_module_await(found, waiter);
    /* What could not even be asked for has failed before anybody could wait for it. */
    if (found->state == SLOT_FAILED)
        umh_module_tell_waiters(found, false, NULL, &found->why);
    return 0;
}

/* Unloaded once, but its process has it still; NULL: it is none of these. */
static umh_host_module *find_stuck(umh_supervisor *supervisor, const char *host_id,
                                   const char *name)
{
    umh_host *host = umh_supervisor_find_named(supervisor, host_id);
    umh_host_module *module = host ? umh_host_find_named(host, name) : NULL;

    return module && !module->is_wanted && module->state == SLOT_FAILED ? module : NULL;
}

int umh_supervisor_unload(umh_supervisor *supervisor, const char *host_id, const char *module,
                          umh_waiter *waiter, umh_why *ret_why)
{
    umh_host_module *found = find_stuck(supervisor, host_id, module);
    umh_override row;
    int r;

    if (found) {
        umh_module_remove(found, waiter);
        return 0;
    }
    if (find_module(supervisor, host_id, module, &found, ret_why) != 0 ||
        name_override(host_id, module, &row, ret_why) != 0)
        return UMH_SUPERVISOR_REFUSED;
    spell_override(found->host, &row);
    row.is_wanted = false;
    r = remember(supervisor, &row);
    if (r)
        return r;
    umh_module_await(found, waiter);
    r = umh_supervisor_reconcile(supervisor, NULL, NULL);
    return umh_fold(r);
}

int umh_supervisor_reload(umh_supervisor *supervisor, const char *host_id, const char *module,
                          umh_waiter *waiter, umh_why *ret_why)
{
    umh_host_module *found;

    if (find_module(supervisor, host_id, module, &found, ret_why) != 0)
        return UMH_SUPERVISOR_REFUSED;
    umh_module_reload(found, waiter);
    return 0;
}

int umh_supervisor_reset(umh_supervisor *supervisor, const char *host_id, bool *ret_starts,
                         umh_why *ret_why)
{
    umh_host *host;
    bool starts;

    if (find_any_host(supervisor, host_id, &host, ret_why) != 0)
        return UMH_SUPERVISOR_REFUSED;
    starts = host->state == HOST_ABSENT;
    umh_backoff_reset(&host->backoff, &host->config.restart);
    umh_logs_say(supervisor->broker->logs, UMH_LOG_INFO, host->id, "is reset%s",
                 starts ? "; starts now" : "");
    /* What it waits for, if anything, passes now. */
    if (starts) {
        umh_deadline_clear(&host->deadline);
        umh_host_happen(host, ON_TIMEOUT);
    }
    *ret_starts = starts;
    return 0;
}
