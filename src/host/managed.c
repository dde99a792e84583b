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

#include "formats/version.h"
#include "host/host.h"
#include "host/hostfxr.h"
#include "host/logger.h"
#include "platform/environment.h"
#include "platform/file.h"
#include "platform/library.h"
#include "platform/thread.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANAGED_WORDS_BYTES 4096u /* of hostfxr's own words; what is longer is cut */
#define MANAGED_VERSIONS_MAX 256u /* folders in host/fxr */
#define MANAGED_ASSEMBLY "ManagedHost.dll"

typedef enum clr_state { CLR_IDLE, CLR_WANTED, CLR_READY, CLR_FAILED } clr_state;

struct umh_managed {
    char *dotnet_root;    /* owned; empty: none */
    char *managed_folder; /* owned */
    bool diagnostics;
    umh_lock *lock;
    umh_condition *changed;
    clr_state state;
    umh_why why; /* of CLR_FAILED */
    umh_managed_calls calls;
    size_t words_bytes;
    char words[MANAGED_WORDS_BYTES];
};

typedef struct hostfxr {
    umh_library *library;
    hostfxr_initialize_function initialize;
    hostfxr_run_function run;
    hostfxr_set_error_writer_function set_error_writer;
} hostfxr;

/* hostfxr's error writer has no context, but is of one thread. */
static _Thread_local umh_managed *listening;

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

/* Lines become one: an explanation is one text. */
static void hear(const char *line)
{
    umh_managed *managed = listening;
    bool is_blank = true;

    if (!managed)
        return;
    if (managed->words_bytes > 0 && managed->words_bytes + 1 < sizeof(managed->words))
        managed->words[managed->words_bytes++] = ' ';
    for (; *line && managed->words_bytes + 1 < sizeof(managed->words); line++) {
        bool is_space = (unsigned char)*line <= ' ';

        if (is_space && is_blank)
            continue;
        managed->words[managed->words_bytes++] = is_space ? ' ' : *line;
        is_blank = is_space;
    }
    while (managed->words_bytes > 0 && managed->words[managed->words_bytes - 1] == ' ')
        managed->words_bytes--;
    managed->words[managed->words_bytes] = '\0';
}

/* <root>/host/fxr/<highest>/libhostfxr.so, as it is called here. Outcomes: UMH_MODULE_UNUSABLE. */
static int find_hostfxr(const char *dotnet_root, char *ret_path, umh_why *ret_why)
{
    static const char *const names[] = {"libhostfxr.so", "hostfxr.dll", "libhostfxr.dylib"};
    UMH_AUTO(umh_file_names) versions = UMH_FILE_NAMES_INIT;
    const char *highest = NULL;
    char root[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];
    int r;

    r = umh_file_join(dotnet_root, "host/fxr", root);
    if (r == 0)
        r = umh_file_list(root, MANAGED_VERSIONS_MAX, &versions);
    if (r < 0)
        return umh_fold(r);
    for (size_t i = 0; i < versions.count; i++)
        if (!highest || umh_version_is_higher(versions.names[i], highest))
            highest = versions.names[i];
    for (size_t i = 0; highest && i < UMH_COUNT_OF(names); i++) {
        r = umh_file_join(root, highest, folder);
        if (r == 0)
            r = umh_file_join(folder, names[i], ret_path);
        if (r)
            return umh_fold(r);
        if (umh_file_inspect(ret_path).kind == FILE_KIND_FILE)
            return 0;
    }
    umh_why_set(
        ret_why,
        "no .NET in '%s' (no host/fxr/VERSION with hostfxr in it); install the .NET 10 runtime",
        dotnet_root);
    return UMH_MODULE_UNUSABLE;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int find_function(umh_library *library, const char *symbol, void *ret_function,
                         umh_why *ret_why)
{
    void *address = NULL;
    int r;

    r = umh_library_find(library, symbol, &address);
    if (r == UMH_LIBRARY_NO_SYMBOL) {
        umh_why_set(ret_why, ".NET's hostfxr has no function %s", symbol);
        return UMH_MODULE_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    memcpy(ret_function, &address, sizeof(address));
    return 0;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int load_hostfxr(const umh_managed *managed, hostfxr *ret_fxr, umh_why *ret_why)
{
    char path[UMH_PATH_BYTES];
    hostfxr fxr = {.library = NULL};
    int r;

    if (!*managed->dotnet_root) {
        umh_why_set(ret_why, "no .NET was found; install the .NET 10 runtime or set DotNet.Root");
        return UMH_MODULE_UNUSABLE;
    }
    r = find_hostfxr(managed->dotnet_root, path, ret_why);
    if (r == 0) {
        r = umh_library_load(path, &fxr.library, ret_why);
        if (r == UMH_LIBRARY_UNLOADABLE)
            r = UMH_MODULE_UNUSABLE;
    }
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_INITIALIZE, &fxr.initialize, ret_why);
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_RUN, &fxr.run, ret_why);
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_SET_ERROR_WRITER, &fxr.set_error_writer, ret_why);
    if (r == 0)
        *ret_fxr = fxr;
    return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
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

/* Returns only when ManagedHost did not get ready. Outcomes: UMH_MODULE_UNUSABLE. */
static int run_main(umh_managed *managed, const hostfxr *fxr, umh_why *ret_why)
{
    const umh_managed_start start = {
        .size = sizeof(start),
        .version = 1,
        .context = managed,
        .on_ready = on_ready,
        .wait_for_end = stay_in_main,
        .log = log_record,
        .send_inside = umh_module_send_inside,
        .failed = umh_module_note_failure,
        .keep_state = umh_module_keep_state,
    };
    const hostfxr_parameters parameters = {.size = sizeof(parameters),
                                           .dotnet_root = managed->dotnet_root};
    hostfxr_handle handle = NULL;
    const char *arguments[2];
    char path[UMH_PATH_BYTES];
    char address[24];
    int32_t code;
    int r;

    r = umh_file_join(managed->managed_folder, MANAGED_ASSEMBLY, path);
    if (r)
        return umh_fold(r);
    if (umh_file_inspect(path).kind != FILE_KIND_FILE) {
        umh_why_set(ret_why, "there is no '%s'; the managed parts are not installed", path);
        return UMH_MODULE_UNUSABLE;
    }
    snprintf(address, sizeof(address), "%" PRIxPTR, (uintptr_t)&start);
    arguments[0] = path;
    arguments[1] = address;

    listening = managed;
    fxr->set_error_writer(hear);
    code = fxr->initialize(2, arguments, &parameters, &handle);
    if (code == 0)
        code = fxr->run(handle);
    fxr->set_error_writer(NULL);
    listening = NULL;

    umh_why_set(ret_why,
                ".NET in '%s' did not start (0x%08" PRIx32 "); install the .NET 10 runtime: %s",
                managed->dotnet_root, (uint32_t)code,
                managed->words_bytes > 0 ? managed->words : MANAGED_ASSEMBLY " ended by itself");
    return UMH_MODULE_UNUSABLE;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int start_clr(umh_managed *managed, umh_why *ret_why)
{
    static const char diagnostics[] = "DOTNET_EnableDiagnostics";
    const char *set = umh_environment_get(diagnostics);
    hostfxr fxr = {.library = NULL};
    int r;

    /* The CLR knows it from the environment only. A broker has set it; this is the net. */
    if (!managed->diagnostics && (!set || strcmp(set, "0") != 0)) {
        r = umh_environment_set(diagnostics, "0");
        if (r)
            return umh_fold(r);
    }
    r = load_hostfxr(managed, &fxr, ret_why);
    if (r == 0)
        r = run_main(managed, &fxr, ret_why);
    return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
}

_Noreturn void umh_managed_serve_main_thread(umh_managed *managed)
{
    umh_why why = UMH_WHY_INIT;
    int r;

    umh_lock_take(managed->lock);
    while (managed->state != CLR_WANTED)
        umh_ignore(umh_condition_wait(managed->changed, managed->lock, UMH_FOREVER));
    umh_lock_release(managed->lock);

    r = start_clr(managed, &why);
    if (r < 0)
        umh_why_set_failure(&why);

    umh_lock_take(managed->lock);
    managed->why = why;
    managed->state = CLR_FAILED;
    umh_condition_wake_all(managed->changed);
    umh_lock_release(managed->lock);
    wait_for_end(managed);
}

int umh_managed_ensure(umh_managed *managed, umh_why *ret_why)
{
    bool is_ready;

    umh_lock_take(managed->lock);
    if (managed->state == CLR_IDLE) {
        managed->state = CLR_WANTED;
        umh_condition_wake_all(managed->changed);
    }
    while (managed->state == CLR_WANTED)
        umh_ignore(umh_condition_wait(managed->changed, managed->lock, UMH_FOREVER));
    is_ready = managed->state == CLR_READY;
    if (!is_ready)
        *ret_why = managed->why;
    umh_lock_release(managed->lock);
    return is_ready ? 0 : UMH_MODULE_UNUSABLE;
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
    r = umh_managed_ensure(managed, ret_why);
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
    bool is_gone = module->calls->unload(module->handle, why) == 0;

    free(module);
    if (is_gone)
        return 0;
    umh_why_set(ret_why, "%s", why);
    return UMH_MODULE_STILL_THERE;
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
