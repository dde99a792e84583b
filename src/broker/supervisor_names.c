/* SPDX-License-Identifier: MIT */
/* Hosts and modules by the names that people type. */
#include "broker/supervisor_names.h"

#include "broker/supervisor_parts.h"
#include "config/names.h"
#include "config/nearest.h"

#include <string.h>

umh_host *umh_supervisor_find_named(umh_supervisor *supervisor, const char *host_id)
{
    umh_list_each (item, &supervisor->hosts) {
        umh_host *host = umh_container_of(item, umh_host, entry);

        if (host->is_wanted && umh_names_are_equal(host->id, host_id))
            return host;
    }
    return NULL;
}

umh_host_module *umh_host_find_named(const umh_host *host, const char *name)
{
    umh_host_module *found = NULL;

    for (uint16_t i = 0; i < host->module_count; i++) {
        umh_host_module *module = host->modules[i];

        if (!module || !umh_names_are_equal(module->name, name))
            continue;
        if (module->is_wanted)
            return module;
        found = module;
    }
    return found;
}

/* The host has its keys alone; its modules are in the broker's configuration. */
static const umh_host_config *find_entry(const umh_host *host)
{
    static const umh_host_config nothing = {.modules = NULL, .module_count = 0};
    const umh_config *config = &host->broker->config;

    for (size_t i = 0; i < config->host_count; i++) {
        if (strcmp(config->hosts[i].name, host->config.name) == 0)
            return &config->hosts[i];
    }
    return &nothing;
}

const char *umh_host_spell_module(const umh_host *host, const char *name)
{
    const umh_host_config *entry = find_entry(host);

    for (size_t i = 0; i < entry->module_count; i++) {
        if (umh_names_are_equal(entry->modules[i].name, name))
            return entry->modules[i].name;
    }
    return NULL;
}

/* Of two rows about the same module the later counts. */
static bool is_unloaded(const umh_supervisor *supervisor, const umh_host *host, const char *name)
{
    for (size_t i = supervisor->override_count; i > 0; i--) {
        const umh_override *row = &supervisor->overrides[i - 1];

        if (umh_names_are_equal(row->host, host->id) && umh_names_are_equal(row->module, name))
            return !row->is_wanted;
    }
    return false;
}

void umh_supervisor_explain_no_host(umh_supervisor *supervisor, const char *host_id,
                                    umh_why *ret_why)
{
    umh_nearest nearest = UMH_NEAREST_OF(host_id);

    umh_list_each (item, &supervisor->hosts) {
        const umh_host *host = umh_container_of(item, umh_host, entry);

        if (host->is_wanted)
            umh_nearest_offer(&nearest, host->id);
    }
    if (nearest.best)
        umh_why_set(ret_why, "there is no host '%s' (did you mean '%s'?)", host_id, nearest.best);
    else
        umh_why_set(ret_why, "there is no host '%s'", host_id);
}

void umh_supervisor_explain_no_module(const umh_supervisor *supervisor, const umh_host *host,
                                      const char *name, umh_why *ret_why)
{
    const umh_host_config *entry = find_entry(host);
    const char *spelt = umh_host_spell_module(host, name);
    umh_nearest nearest = UMH_NEAREST_OF(name);

    if (spelt && is_unloaded(supervisor, host, spelt)) {
        umh_why_set(ret_why, "module '%s' of host '%s' was unloaded; umh load %s %s brings it back",
                    spelt, host->id, host->id, spelt);
        return;
    }
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && host->modules[i]->is_wanted)
            umh_nearest_offer(&nearest, host->modules[i]->name);
    }
    for (size_t i = 0; i < entry->module_count; i++)
        umh_nearest_offer(&nearest, entry->modules[i].name);
    if (nearest.best)
        umh_why_set(ret_why, "host '%s' has no module '%s' (did you mean '%s'?)", host->id, name,
                    nearest.best);
    else
        umh_why_set(ret_why, "host '%s' has no module '%s'", host->id, name);
}

umh_json *umh_supervisor_describe_unloaded(const umh_supervisor *supervisor, const umh_host *host)
{
    const umh_host_config *entry;
    umh_json *list = json_array();

    if (supervisor->override_count == 0)
        return list;
    entry = find_entry(host);
    for (size_t i = 0; i < entry->module_count; i++) {
        const char *name = entry->modules[i].name;

        if (is_unloaded(supervisor, host, name))
            umh_ignore(json_array_append_new(list, umh_jsonc_text(name)));
    }
    return list;
}
