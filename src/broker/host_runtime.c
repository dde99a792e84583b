/* SPDX-License-Identifier: MIT */
/* Which runtime a process of a host gets, and what becomes of modules that it does not suit. */
#include "broker/host_runtime.h"

#include "broker/host_actions.h"
#include "broker/runtime_file.h"
#include "broker/supervisor.h"
#include "config/runtime.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANAGED_HOST "lib/umh/managed/ManagedHost.dll"

struct umh_host_runtime {
    umh_runtime runtime;
    umh_runtime_file *file; /* NULL: it needs none */
};

const char *umh_host_find_dotnet(umh_host *host)
{
    char root[UMH_PATH_BYTES];

    if (!host->dotnet_root && umh_modules_find_dotnet(&host->config.dotnet, root, NULL) == 0)
        host->dotnet_root = umh_text_copy(root);
    return host->dotnet_root ? host->dotnet_root : "";
}

static bool is_managed(const umh_store_entry *copy)
{
    return copy && umh_image_is_managed(&umh_store_original(copy)->image);
}

/* What the host's managed modules can share, with `copy` as that of `changed`. */
typedef struct proposal {
    umh_host *host;
    const umh_host_module *changed; /* NULL: as they are */
    const umh_store_entry *copy;
} proposal;

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int decide(const proposal *proposed, umh_runtime *ret_runtime, umh_why *ret_why)
{
    umh_host *host = proposed->host;
    umh_runtime_module modules[UMH_MODULES_PER_HOST_MAX];
    char own[UMH_PATH_BYTES];
    umh_runtime_spec spec = {.dotnet = &host->config.dotnet,
                             .root = umh_host_find_dotnet(host),
                             .main_file = own,
                             .modules = modules};
    int r = umh_file_join(host->broker->installation, MANAGED_HOST, own);

    if (r)
        return umh_fold(r);
    for (uint16_t i = 0; i < host->module_count; i++) {
        const umh_host_module *module = host->modules[i];
        const umh_store_entry *copy = NULL;

        if (module && module->is_wanted)
            copy = module == proposed->changed ? proposed->copy : module->copy;
        if (!is_managed(copy))
            continue;
        modules[spec.module_count++] =
            (umh_runtime_module){.name = module->name, .needs = &umh_store_original(copy)->needs};
        if (umh_store_original(copy)->image.kind == IMAGE_CLI_PROGRAM)
            spec.main_file = umh_store_path(copy);
    }
    r = umh_runtime_decide(&spec, ret_runtime, ret_why);
    return r == UMH_RUNTIME_UNUSABLE ? UMH_RUNTIME_UNUSABLE : umh_fold(r);
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int settle_runtime(umh_host *host, umh_why *ret_why)
{
    const umh_broker *broker = host->broker;
    bool is_for_users =
        broker->options.is_service && host->config.session == UMH_CONFIG_SESSION_ALL_USERS;
    umh_host_runtime *made = calloc(1, sizeof(*made));
    umh_buffer *config;
    int r;

    if (!made)
        return UMH_FAIL(UMH_E_MEMORY, "decide what .NET host '%s' has", host->id);
    r = decide(&(proposal){.host = host}, &made->runtime, ret_why);
    config = &made->runtime.config;
    if (r == 0 && config->size > 0)
        r = umh_runtime_file_get(broker->store, umh_bytes_of(config->data, config->size),
                                 is_for_users, &made->file);
    if (r) {
        umh_host_runtime_free(made);
        return r == UMH_RUNTIME_UNUSABLE ? UMH_RUNTIME_UNUSABLE : umh_fold(r);
    }
    host->runtime = made;
    return 0;
}

umh_host_runtime *umh_host_runtime_free(umh_host_runtime *runtime)
{
    if (!runtime)
        return NULL;
    umh_runtime_file_unref(runtime->file);
    umh_runtime_deinit(&runtime->runtime);
    free(runtime);
    return NULL;
}

const char *umh_host_runtime_config(const umh_host *host)
{
    return host->runtime && host->runtime->file ? umh_runtime_file_path(host->runtime->file) : NULL;
}

/* --- what does not fit ------------------------------------------------------------------------ */

/* Its modules cannot share a process: it does not run until one of them, or its entry, changes. */
static void refuse(umh_host *host, const umh_why *why)
{
    host->is_lost = true;
    host->is_refused = true;
    host->is_misfit = true;
    umh_death_begin(&host->death, DEATH_AT_START);
    umh_text_put(host->death.text, sizeof(host->death.text), why->text);
    umh_host_happen(host, ON_STOP);
}

void umh_host_fetch_anew(umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && host->modules[i]->state == SLOT_WAITING)
            umh_module_reload(host->modules[i], NULL);
    }
}

void umh_host_retry_runtime(umh_host *host)
{
    if (!host->is_misfit || !umh_host_is_given_up(host))
        return;
    host->is_misfit = false; /* the copy that has come is new enough */
    umh_ignore(umh_supervisor_revive(host->broker->supervisor, host->id));
}

bool umh_host_accepts_copy(const umh_host_module *module, const umh_store_entry *copy,
                           umh_why *ret_why)
{
    UMH_AUTO(umh_runtime) runtime = UMH_RUNTIME_INIT;
    umh_host *host = module->host;
    int r;

    /* At the start it is the layout that is right or wrong, not one module of it. */
    if ((host->state != HOST_READY && host->state != HOST_RUNNING) || !is_managed(copy))
        return true;
    r = decide(&(proposal){host, module, copy}, &runtime, ret_why);
    if (r < 0)
        umh_why_set_failure(ret_why);
    return r == 0;
}

static bool is_any_managed_resident(const umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        const umh_host_module *module = host->modules[i];

        if (module && module->is_resident && is_managed(module->copy))
            return true;
    }
    return false;
}

/*
 * A CLR that is to have cultures and finds no ICU says so in the log and aborts, before any module
 * is there.
 */
void umh_host_blame_runtime(umh_host *host)
{
    size_t used = strlen(host->death.text);

    if (!host->runtime || host->runtime->runtime.settings.value[RUNTIME_INVARIANT] ||
        host->end.signal != SIGABRT || is_any_managed_resident(host))
        return;
    snprintf(
        host->death.text + used, sizeof(host->death.text) - used,
        "; with InvariantGlobalization false, .NET ends where libicu is not installed: the log "
        "has its words");
}

/* --- loading ---------------------------------------------------------------------------------- */

static bool is_any_fetched(const umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i] && host->modules[i]->state == SLOT_FETCHING)
            return true;
    }
    return false;
}

static bool is_any_managed_waiting(const umh_host *host)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        const umh_host_module *module = host->modules[i];

        if (module && module->state == SLOT_WAITING && is_managed(module->copy))
            return true;
    }
    return false;
}

/*
 * Whether managed modules may be loaded now. The runtime of a process that has none yet is decided,
 * which may refuse the host.
 */
static bool is_settled(umh_host *host)
{
    umh_why why = UMH_WHY_INIT;
    int r;

    if (host->runtime || !is_any_managed_waiting(host))
        return true;
    if (is_any_fetched(host))
        return false;
    r = settle_runtime(host, &why);
    if (r == 0)
        return true;
    if (r < 0) {
        umh_why_set_failure(&why);
        umh_host_kill(host, DEATH_AT_START, "its .NET could not be prepared: %s", why.text);
        return false;
    }
    refuse(host, &why);
    return false;
}

/* Whether the process was born with what the module needs; else it is replaced. */
static bool suits(umh_host_module *module)
{
    UMH_AUTO(umh_runtime) wanted = UMH_RUNTIME_INIT;
    umh_host *host = module->host;
    umh_why why = UMH_WHY_INIT;
    char text[sizeof(why.text) + sizeof(module->name) + 16];

    if (decide(&(proposal){.host = host}, &wanted, &why) != 0) {
        umh_failure_take(); /* what is missing now hostfxr or the CLR will say */
        return true;
    }
    if (umh_runtime_serves(&host->runtime->runtime, &wanted, &why))
        return true;
    module->is_replaced = !umh_list_is_empty(&module->waiters);
    snprintf(text, sizeof(text), "for module %s: %s", module->name, why.text);
    umh_host_replace(host, text);
    return false;
}

void umh_host_load_waiting(umh_host *host)
{
    bool is_runtime_settled;

    if (!umh_host_takes_commands(host))
        return;
    is_runtime_settled = is_settled(host);
    for (uint16_t i = 0; i < host->module_count && umh_host_takes_commands(host); i++) {
        umh_host_module *module = host->modules[i];

        if (!module || module->state != SLOT_WAITING || !module->copy)
            continue;
        if (!is_managed(module->copy) || (is_runtime_settled && suits(module)))
            umh_module_happen(module, ON_GREETED);
    }
}
