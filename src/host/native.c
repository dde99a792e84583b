/* SPDX-License-Identifier: MIT */
/*
 * Native modules: a dynamic library with one symbol. Nothing it says is believed before it was
 * looked at: the symbol, the version, the size, then what the struct holds.
 */
#include "host/host.h"
#include "host/module.h"
#include "host/ui.h"
#include "platform/file.h"
#include "platform/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct native_module {
    umh_module *owner;
    umh_host *host;
    umh_library *library;
    const umh_module_v1 *module; /* in the library */
    void *state;                 /* the module's */
    umh_ui ui;
} native_module;

typedef const umh_module_v1 *(*native_entry)(void);

/* The first version of the struct; later ones are longer. */
#define NATIVE_STRUCT_BYTES_MIN offsetof(umh_module_v1, configure)
#define NATIVE_CONFIGURE_BYTES                                                                     \
    (offsetof(umh_module_v1, configure) + sizeof(((umh_module_v1 *)NULL)->configure))
#define NATIVE_VERSION_BYTES (offsetof(umh_module_v1, abi_version) + sizeof(uint32_t))

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int refuse_size(size_t size, umh_why *ret_why)
{
    umh_why_set(ret_why,
                "the struct of " UMH_MODULE_ENTRY_SYMBOL
                " is too small: its size is %lu, at least %lu is needed",
                (unsigned long)size, (unsigned long)NATIVE_STRUCT_BYTES_MIN);
    return UMH_MODULE_UNUSABLE;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int check_struct(const umh_module_v1 *module, bool is_ui_host, umh_why *ret_why)
{
    const char *what = NULL;

    if (!module) {
        umh_why_set(ret_why, UMH_MODULE_ENTRY_SYMBOL " returned NULL");
        return UMH_MODULE_UNUSABLE;
    }
    if (module->size < NATIVE_VERSION_BYTES)
        return refuse_size(module->size, ret_why);
    if (module->abi_version == 0 || module->abi_version > UMH_MODULE_ABI_VERSION) {
        umh_why_set(
            ret_why,
            "built for version %u of the module interface, this host speaks versions 1 to %u",
            module->abi_version, UMH_MODULE_ABI_VERSION);
        return UMH_MODULE_UNUSABLE;
    }
    if (module->size < NATIVE_STRUCT_BYTES_MIN)
        return refuse_size(module->size, ret_why);
    if (!module->init)
        what = "has no init function";
    else if (module->flags != 0)
        what = "sets flags that this host does not know";
    else if (module->service_count > UMH_MODULE_SERVICES_MAX)
        what = "lists more services than UMH_MODULE_SERVICES_MAX";
    else if (module->service_count > 0 && !module->services)
        what = "counts services and lists none";
    else if (!module->run != !module->quit)
        what = "has only one of run and quit: an event loop must be left, too";
    else if (module->run && !is_ui_host)
        what = "has an event loop of its own (run, quit): its host needs \"Ui\": true";
    if (!what)
        return 0;
    umh_why_set(ret_why, "the module %s", what);
    return UMH_MODULE_UNUSABLE;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int find_struct(native_module *native, bool is_ui_host, umh_why *ret_why)
{
    native_entry entry = NULL;
    void *address = NULL;
    int r;

    r = umh_library_find(native->library, UMH_MODULE_ENTRY_SYMBOL, &address);
    if (r == UMH_LIBRARY_NO_SYMBOL) {
        umh_why_set(ret_why, "not a module: the library has no symbol " UMH_MODULE_ENTRY_SYMBOL
                             " (is it marked UMH_MODULE_EXPORT, and extern \"C\" in C++?)");
        return UMH_MODULE_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    /* ISO C has no conversion between pointers to objects and to functions. */
    memcpy(&entry, &address, sizeof(entry));
    native->module = entry();
    r = check_struct(native->module, is_ui_host, ret_why);
    return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
}

static void gather_facts(const umh_module_v1 *module, umh_module_facts *ret_facts)
{
    umh_module_facts facts = {.service_count = module->service_count};

    umh_text_put(facts.name, sizeof(facts.name), module->name ? module->name : "");
    umh_text_put(facts.version, sizeof(facts.version), module->version ? module->version : "");
    if (module->service_count > 0)
        memcpy(facts.services, module->services, module->service_count * sizeof(facts.services[0]));
    *ret_facts = facts;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int initialise(native_module *native, umh_module *module, umh_why *ret_why)
{
    int number;

    umh_module_note_init(module);
    number = native->module->init(umh_module_host_table(module), &native->state);
    if (number == 0)
        return 0;
    umh_why_set(ret_why, "init failed with number %d", number);
    return UMH_MODULE_UNUSABLE;
}

static int close_library(native_module *native)
{
    int r = umh_library_unload_take(UMH_MOVE(native->library));

    return r == UMH_LIBRARY_STILL_MAPPED ? UMH_MODULE_STILL_THERE : umh_fold(r);
}

static void prepare_ui(native_module *native, const umh_module *module, umh_host *host)
{
    const umh_host_v1 *table = umh_module_host_table(module);

    native->ui.host = host;
    native->ui.identity = table->identity(table);
    native->ui.module = native->module->run ? native->module : NULL;
    native->ui.state = native->state;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int native_load(umh_module *module, const umh_module_spec *spec, umh_module_facts *ret_facts,
                       void **ret_state, umh_why *ret_why)
{
    native_module native = {.library = NULL};
    native_module *kept;
    int r;

    if (umh_remains_has(spec->host->remains, spec->path)) {
        umh_why_set(ret_why, "its image is still in this process from before and would be taken "
                             "again as it was left; it loads when its host is replaced, or when "
                             "its file is another");
        return UMH_MODULE_UNUSABLE;
    }
    r = umh_library_load(spec->path, &native.library, ret_why);
    if (r == UMH_LIBRARY_UNLOADABLE)
        return UMH_MODULE_UNUSABLE;
    if (r)
        return umh_fold(r);
    kept = calloc(1, sizeof(*kept));
    r = kept ? 0 : UMH_FAIL(UMH_E_MEMORY, "module '%s'", spec->name);
    if (r == 0)
        r = find_struct(&native, spec->host->main_thread, ret_why);
    if (r == 0)
        r = initialise(&native, module, ret_why);
    if (r == 0) {
        gather_facts(native.module, ret_facts);
        kept->owner = module;
        kept->host = spec->host;
        kept->library = native.library;
        kept->module = native.module;
        kept->state = native.state;
        prepare_ui(kept, module, spec->host);
        *ret_state = kept;
        return 0;
    }

    /* It was refused; whether its image stays until the process ends changes nothing about that. */
    free(kept);
    umh_ignore(close_library(&native));
    return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int native_start(void *state, umh_why *ret_why)
{
    native_module *native = state;
    int number = native->module->start ? native->module->start(native->state) : 0;

    if (number == 0)
        return umh_ui_start(&native->ui, ret_why) ? UMH_MODULE_UNUSABLE : 0;
    umh_why_set(ret_why, "start failed with number %d", number);
    return UMH_MODULE_UNUSABLE;
}

static void native_on_message(void *state, const umh_message_v1 *message)
{
    native_module *native = state;

    if (native->module->on_message)
        native->module->on_message(native->state, message);
}

static void native_stop(void *state)
{
    native_module *native = state;

    umh_ui_stop(&native->ui);
    if (native->module->stop)
        native->module->stop(native->state);
}

/* Outcomes: UMH_MODULE_NOT_TAKEN. */
static int native_configure(void *state, const char *config, umh_why *ret_why)
{
    native_module *native = state;
    const umh_module_v1 *module = native->module;
    int number;

    if (module->size < NATIVE_CONFIGURE_BYTES || !module->configure) {
        umh_why_set(ret_why, "it has no configure function");
        return UMH_MODULE_NOT_TAKEN;
    }
    number = module->configure(native->state, config);
    if (number == 0)
        return 0;
    umh_why_set(ret_why, "configure answered with number %d", number);
    return UMH_MODULE_NOT_TAKEN;
}

static void explain_image(const native_module *native)
{
    char line[UMH_PATH_BYTES + 64];

    snprintf(line, sizeof(line), "the image of %s is still mapped",
             umh_library_path(native->library));
    umh_module_explain(native->owner, line);
}

/* Outcomes: UMH_MODULE_STILL_THERE. */
static int native_unload_take(void *state, umh_why *ret_why)
{
    native_module *native = state;
    int r;

    r = umh_library_unload(native->library);
    if (r == UMH_LIBRARY_STILL_MAPPED) {
        umh_why_set(ret_why,
                    "its library stays in memory: linked with -z nodelete, a unique symbol of "
                    "C++ (-fno-gnu-unique avoids it), a thread-local or a thread of its "
                    "own, or another library needs it");
        if (umh_module_wants_explanation(native->owner))
            explain_image(native);
    }
    /* A failure to look is no proof that nothing of it can call its host any more. */
    if (r < 0)
        umh_why_set_failure(ret_why);
    if (r)
        umh_remains_keep_take(native->host->remains, UMH_MOVE(native->library), native->owner);
    umh_library_free(native->library);
    free(native);
    return r ? UMH_MODULE_STILL_THERE : 0;
}

const umh_loader umh_loader_native = {
    .name = "native",
    .load = native_load,
    .start = native_start,
    .on_message = native_on_message,
    .stop = native_stop,
    .configure = native_configure,
    .unload_take = native_unload_take,
};
