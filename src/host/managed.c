/* SPDX-License-Identifier: MIT */
/*
 * Starts the CLR on the main thread when the first managed module asks for it, and passes the calls
 * of managed modules over the border.
 *
 * Main never returns: ManagedHost's Main stays in wait_for_end, because a CLR that shuts down takes
 * the process with it while native modules still work. A CLR that failed to start is not tried
 * again: hostfxr keeps what it decided once.
 */
#include "host/managed.h"

#include "host/clr.h"
#include "host/host.h"
#include "host/logger.h"
#include "platform/file.h"
#include "platform/thread.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANAGED_ASSEMBLY "ManagedHost.dll"

typedef enum clr_state { CLR_IDLE, CLR_WANTED, CLR_READY, CLR_FAILED, CLR_LENT } clr_state;

struct umh_managed {
    char *dotnet_root;    /* owned; empty: none */
    char *managed_folder; /* owned */
    char *runtime_config; /* of the first caller; owned; NULL: that beside ManagedHost */
    bool diagnostics;
    umh_lock *lock;
    umh_condition *changed;
    clr_state state;
    umh_why why; /* of CLR_FAILED and CLR_LENT */
    umh_managed_calls calls;
};

int umh_managed_new(const char *dotnet_root, const char *managed_folder, bool diagnostics,
                    umh_managed **ret_managed)
{
    umh_managed *managed = calloc(1, sizeof(*managed));
    int r;

    if (!managed)
        return UMH_FAIL(UMH_E_MEMORY, "prepare .NET");
    managed->diagnostics = diagnostics;
    managed->dotnet_root = umh_text_copy(dotnet_root ? dotnet_root : "");
    managed->managed_folder = umh_text_copy(managed_folder ? managed_folder : "");
    r = managed->dotnet_root && managed->managed_folder ? 0 : UMH_E_MEMORY;
    if (r == 0)
        r = umh_lock_new(&managed->lock);
    if (r == 0)
        r = umh_condition_new(&managed->changed);
    if (r) {
        umh_lock_free(managed->lock);
        umh_text_free(managed->managed_folder);
        umh_text_free(managed->dotnet_root);
        free(managed);
        return umh_fold(r);
    }
    *ret_managed = managed;
    return 0;
}

static void on_ready(void *context, const umh_managed_calls *calls)
{
    umh_managed *managed = context;

    umh_lock_take(managed->lock);
    if (calls->size == sizeof(*calls) && calls->version == 1) {
        managed->calls = *calls;
        managed->state = CLR_READY;
    } else {
        umh_why_set(&managed->why, MANAGED_ASSEMBLY " in '%s' is not of this host's version",
                    managed->managed_folder);
        managed->state = CLR_FAILED;
    }
    umh_condition_wake_all(managed->changed);
    umh_lock_release(managed->lock);
}

_Noreturn static void wait_for_end(umh_managed *managed)
{
    umh_lock_take(managed->lock);
    for (;;)
        umh_ignore(umh_condition_wait(managed->changed, managed->lock, UMH_FOREVER));
}

static void stay_in_main(void *context)
{
    wait_for_end(context);
}

static void log_record(uint32_t level, const char *module, const char *message,
                       size_t message_bytes)
{
    char *text = umh_text_copy_bytes(message, message_bytes);

    if (text && level < UMH_LOG_LEVEL_COUNT)
        umh_logger_write((umh_log_level)level, module, text, NULL, 0);
    umh_text_free(text);
}

umh_managed_start umh_managed_functions(void)
{
    return (umh_managed_start){
        .size = sizeof(umh_managed_start),
        .version = 1,
        .log = log_record,
        .send_inside = umh_module_send_inside,
        .failed = umh_module_note_failure,
        .keep_state = umh_module_keep_state,
        .ended = umh_module_note_culprit,
        .gone = umh_module_note_gone,
    };
}

/* Returns only when ManagedHost did not get ready. Outcomes: UMH_CLR_UNUSABLE. */
static int run_main(umh_managed *managed, umh_why *ret_why)
{
    umh_managed_start start = umh_managed_functions();
    char path[UMH_PATH_BYTES];
    char address[24];
    const char *const arguments[] = {address};
    /* Tools listen to them; ManagedHost's own runtimeconfig.json does without. */
    const umh_clr_property events = {.name = "System.Diagnostics.Tracing.EventSource.IsSupported",
                                     .value = "true"};
    const umh_clr_spec spec = {.dotnet_root = managed->dotnet_root,
                               .runtime_config = managed->runtime_config,
                               .assembly = path,
                               .arguments = arguments,
                               .argument_count = UMH_COUNT_OF(arguments),
                               .properties = &events,
                               .property_count = managed->diagnostics ? 1 : 0,
                               .diagnostics = managed->diagnostics};
    umh_clr *clr;
    int code;
    int r;

    start.context = managed;
    start.on_ready = on_ready;
    start.wait_for_end = stay_in_main;
    r = umh_file_join(managed->managed_folder, MANAGED_ASSEMBLY, path);
    if (r)
        return umh_fold(r);
    snprintf(address, sizeof(address), "%" PRIxPTR, (uintptr_t)&start);
    r = umh_clr_open(&spec, &clr, ret_why);
    if (r == 0)
        r = umh_clr_run(clr, &code, ret_why);
    if (r == 0) {
        umh_why_set(ret_why, MANAGED_ASSEMBLY " ended by itself with %d", code);
        return UMH_CLR_UNUSABLE;
    }
    return r == UMH_CLR_UNUSABLE ? UMH_CLR_UNUSABLE : umh_fold(r);
}

_Noreturn void umh_managed_serve_main_thread(umh_managed *managed)
{
    umh_why why = UMH_WHY_INIT;
    int r;

    umh_lock_take(managed->lock);
    while (managed->state != CLR_WANTED)
        umh_ignore(umh_condition_wait(managed->changed, managed->lock, UMH_FOREVER));
    umh_lock_release(managed->lock);

    r = run_main(managed, &why);
    if (r < 0)
        umh_why_set_failure(&why);

    umh_lock_take(managed->lock);
    managed->why = why;
    managed->state = CLR_FAILED;
    umh_condition_wake_all(managed->changed);
    umh_lock_release(managed->lock);
    wait_for_end(managed);
}

/* Under the lock. */
static int want(umh_managed *managed, const char *runtime_config)
{
    if (runtime_config) {
        managed->runtime_config = umh_text_copy(runtime_config);
        if (!managed->runtime_config)
            return UMH_E_MEMORY;
    }
    managed->state = CLR_WANTED;
    umh_condition_wake_all(managed->changed);
    return 0;
}

int umh_managed_ensure(umh_managed *managed, const char *runtime_config, umh_why *ret_why)
{
    bool is_ready;
    int r = 0;

    umh_lock_take(managed->lock);
    if (managed->state == CLR_IDLE)
        r = want(managed, runtime_config);
    if (r) {
        umh_lock_release(managed->lock);
        return r;
    }
    while (managed->state == CLR_WANTED)
        umh_ignore(umh_condition_wait(managed->changed, managed->lock, UMH_FOREVER));
    is_ready = managed->state == CLR_READY;
    if (!is_ready)
        *ret_why = managed->why;
    umh_lock_release(managed->lock);
    return is_ready ? 0 : UMH_MODULE_UNUSABLE;
}

int umh_managed_lend(umh_managed *managed, const char *program, umh_managed_place *ret_place,
                     umh_why *ret_why)
{
    clr_state before;

    umh_lock_take(managed->lock);
    before = managed->state;
    if (before == CLR_IDLE) {
        managed->state = CLR_LENT;
        umh_why_set(&managed->why,
                    "its host runs the program '%s', which has .NET to itself; a managed module "
                    "beside it needs another host",
                    program);
        *ret_place = (umh_managed_place){.dotnet_root = managed->dotnet_root,
                                         .managed_folder = managed->managed_folder,
                                         .diagnostics = managed->diagnostics};
    } else if (before == CLR_LENT) {
        *ret_why = managed->why;
    } else {
        umh_why_set(ret_why, "its host has managed modules, and a program has .NET to itself; give "
                             "it another host");
    }
    umh_lock_release(managed->lock);
    return before == CLR_IDLE ? 0 : UMH_MODULE_UNUSABLE;
}

void umh_managed_take_back(umh_managed *managed)
{
    umh_lock_take(managed->lock);
    managed->state = CLR_IDLE;
    umh_lock_release(managed->lock);
}

const umh_managed_calls *umh_managed_get_calls(const umh_managed *managed)
{
    return &managed->calls;
}

typedef struct managed_module {
    const umh_managed_calls *calls;
    const umh_module *module;
    void *handle; /* ManagedHost's */
} managed_module;

static void gather_facts(const umh_managed_facts *managed, umh_module_facts *ret_facts)
{
    umh_module_facts facts = {.service_count = managed->service_count};

    umh_text_put(facts.name, sizeof(facts.name), managed->name);
    umh_text_put(facts.version, sizeof(facts.version), managed->version);
    memcpy(facts.services, managed->services, sizeof(facts.services));
    *ret_facts = facts;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int managed_load(umh_module *module, const umh_module_spec *spec,
                        umh_module_facts *ret_facts, void **ret_state, umh_why *ret_why)
{
    umh_managed *managed = spec->host->managed;
    umh_managed_facts facts = {.size = sizeof(facts)};
    const umh_managed_load load = {
        .size = sizeof(load),
        .slot = spec->slot,
        .name = spec->name,
        .path = spec->path,
        .folder = spec->folder,
        .original_folder = spec->original_folder,
        .config = spec->config,
        .state = spec->state,
        .host = umh_module_host_table(module),
        .log_level = (uint32_t)spec->host->log_level,
    };
    char why[UMH_MANAGED_WHY_BYTES] = "";
    managed_module *state;
    int r;

    if (!managed) {
        umh_why_set(ret_why, "the module is managed and its host was started without .NET");
        return UMH_MODULE_UNUSABLE;
    }
    r = umh_managed_ensure(managed, spec->runtime_config, ret_why);
    if (r == UMH_MODULE_UNUSABLE)
        return UMH_MODULE_UNUSABLE;
    if (r)
        return umh_fold(r);
    state = calloc(1, sizeof(*state));
    if (!state)
        return UMH_FAIL(UMH_E_MEMORY, "module '%s'", spec->name);
    state->calls = umh_managed_get_calls(managed);
    state->module = module;
    /* Its assemblies are loaded on the way to its constructor; the CLR is running already. */
    umh_module_note_init(module);
    if (state->calls->load(&load, &facts, &state->handle, why) != 0) {
        free(state);
        umh_why_set(ret_why, "%s", why);
        return UMH_MODULE_UNUSABLE;
    }
    gather_facts(&facts, ret_facts);
    *ret_state = state;
    return 0;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int managed_start(void *state, umh_why *ret_why)
{
    const managed_module *module = state;
    char why[UMH_MANAGED_WHY_BYTES] = "";

    if (module->calls->start(module->handle, why) == 0)
        return 0;
    umh_why_set(ret_why, "%s", why);
    return UMH_MODULE_UNUSABLE;
}

static void managed_on_message(void *state, const umh_message_v1 *message)
{
    const managed_module *module = state;

    module->calls->on_message(module->handle, message);
}

static void managed_stop(void *state)
{
    const managed_module *module = state;

    module->calls->stop(module->handle, umh_module_has_successor(module->module));
}

static void managed_begin_stop(void *state)
{
    const managed_module *module = state;

    module->calls->begin_stop(module->handle);
}

/* Outcomes: UMH_MODULE_NOT_TAKEN. */
static int managed_configure(void *state, const char *config, umh_why *ret_why)
{
    const managed_module *module = state;
    char why[UMH_MANAGED_WHY_BYTES] = "";

    if (module->calls->configure(module->handle, config, why) == 0)
        return 0;
    umh_why_set(ret_why, "%s", why);
    return UMH_MODULE_NOT_TAKEN;
}

/* Outcomes: UMH_MODULE_STILL_THERE. */
static int managed_unload_take(void *state, umh_why *ret_why)
{
    managed_module *module = state;
    char why[UMH_MANAGED_WHY_BYTES] = "";
    char explanation[UMH_EXPLANATION_BYTES] = "";
    const umh_managed_unload spec = {
        .size = sizeof(spec),
        .wants_explanation = umh_module_wants_explanation(module->module),
        .host = umh_module_host_table(module->module),
        .explanation = explanation,
    };
    bool is_gone = module->calls->unload(module->handle, &spec, why) == 0;

    if (!is_gone) {
        umh_why_set(ret_why, "%s", why);
        umh_module_explain(module->module, explanation);
    }
    free(module);
    return is_gone ? 0 : UMH_MODULE_STILL_THERE;
}

const umh_loader umh_loader_managed = {
    .name = "managed",
    .load = managed_load,
    .start = managed_start,
    .on_message = managed_on_message,
    .begin_stop = managed_begin_stop,
    .stop = managed_stop,
    .configure = managed_configure,
    .unload_take = managed_unload_take,
};
