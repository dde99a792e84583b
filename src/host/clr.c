/* SPDX-License-Identifier: MIT */
/* Finds hostfxr below a .NET root, and lets it find the frameworks and run Main. */
#include "host/clr.h"

#include "base/bytes.h"
#include "formats/version.h"
#include "host/hostfxr.h"
#include "platform/environment.h"
#include "platform/file.h"
#include "platform/library.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLR_WORDS_BYTES 4096u /* of hostfxr's own words; what is longer is cut */
#define CLR_VERSIONS_MAX 256u /* folders in host/fxr */

/* What hostfxr gives in place of Main's exit code: its own numbers, which have this in common. */
#define CLR_FAILURE_MASK 0xffffff00u
#define CLR_FAILURE 0x80008000u

typedef struct hostfxr {
    umh_library *library;
    hostfxr_initialize_function initialize;
    hostfxr_set_property_function set_property;
    hostfxr_run_function run;
    hostfxr_set_error_writer_function set_error_writer;
} hostfxr;

typedef struct words {
    size_t size;
    char text[CLR_WORDS_BYTES];
} words;

struct umh_clr {
    char *dotnet_root; /* owned */
    hostfxr fxr;
    hostfxr_handle handle;
    words words;
};

/* hostfxr's error writer has no context, but is of one thread. */
static _Thread_local words *listening;

/* Lines become one: an explanation is one text. */
static void hear(const char *line)
{
    words *heard = listening;
    bool is_blank = true;

    if (!heard)
        return;
    if (heard->size > 0 && heard->size + 1 < sizeof(heard->text))
        heard->text[heard->size++] = ' ';
    for (; *line && heard->size + 1 < sizeof(heard->text); line++) {
        bool is_space = (unsigned char)*line <= ' ';

        if (is_space && is_blank)
            continue;
        heard->text[heard->size++] = is_space ? ' ' : *line;
        is_blank = is_space;
    }
    while (heard->size > 0 && heard->text[heard->size - 1] == ' ')
        heard->size--;
    heard->text[heard->size] = '\0';
}

/* <root>/host/fxr/<highest>/libhostfxr.so, as it is called here. Outcomes: UMH_CLR_UNUSABLE. */
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
        r = umh_file_list(root, CLR_VERSIONS_MAX, &versions);
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
    return UMH_CLR_UNUSABLE;
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int find_function(umh_library *library, const char *symbol, void *ret_function,
                         umh_why *ret_why)
{
    void *address = NULL;
    int r;

    r = umh_library_find(library, symbol, &address);
    if (r == UMH_LIBRARY_NO_SYMBOL) {
        umh_why_set(ret_why, ".NET's hostfxr has no function %s", symbol);
        return UMH_CLR_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    memcpy(ret_function, &address, sizeof(address));
    return 0;
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int load_hostfxr(const char *dotnet_root, hostfxr *ret_fxr, umh_why *ret_why)
{
    char path[UMH_PATH_BYTES];
    hostfxr fxr = {.library = NULL};
    int r;

    if (!*dotnet_root) {
        umh_why_set(ret_why, "no .NET was found; install the .NET 10 runtime or set DotNet.Root");
        return UMH_CLR_UNUSABLE;
    }
    r = find_hostfxr(dotnet_root, path, ret_why);
    if (r == 0) {
        r = umh_library_load(path, &fxr.library, ret_why);
        if (r == UMH_LIBRARY_UNLOADABLE)
            r = UMH_CLR_UNUSABLE;
    }
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_INITIALIZE, &fxr.initialize, ret_why);
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_SET_PROPERTY, &fxr.set_property, ret_why);
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_RUN, &fxr.run, ret_why);
    if (r == 0)
        r = find_function(fxr.library, HOSTFXR_SET_ERROR_WRITER, &fxr.set_error_writer, ret_why);
    if (r == 0)
        *ret_fxr = fxr;
    return r == UMH_CLR_UNUSABLE ? UMH_CLR_UNUSABLE : umh_fold(r);
}

/* The CLR knows it from the environment only. A broker has set it; this is the net. */
static int close_diagnostics(void)
{
    static const char name[] = "DOTNET_EnableDiagnostics";
    const char *set = umh_environment_get(name);

    return set && strcmp(set, "0") == 0 ? 0 : umh_environment_set(name, "0");
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int explain(const umh_clr *clr, int32_t code, umh_why *ret_why)
{
    umh_why_set(ret_why,
                ".NET in '%s' did not start (0x%08" PRIx32 "); install the .NET 10 runtime: %s",
                clr->dotnet_root, (uint32_t)code,
                clr->words.size > 0 ? clr->words.text : "hostfxr gives no reason");
    return UMH_CLR_UNUSABLE;
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int initialize(umh_clr *clr, const umh_clr_spec *spec, umh_why *ret_why)
{
    const hostfxr_parameters parameters = {.size = sizeof(parameters),
                                           .dotnet_root = clr->dotnet_root};
    const char *line[UMH_CLR_ARGUMENTS_MAX + 4];
    int count = 0;
    int32_t code;

    if (spec->argument_count > UMH_CLR_ARGUMENTS_MAX) {
        umh_why_set(ret_why, "more than %u arguments", UMH_CLR_ARGUMENTS_MAX);
        return UMH_CLR_UNUSABLE;
    }
    if (spec->runtime_config) {
        line[count++] = "exec";
        line[count++] = "--runtimeconfig";
        line[count++] = spec->runtime_config;
    }
    line[count++] = spec->assembly;
    for (size_t i = 0; i < spec->argument_count; i++)
        line[count++] = spec->arguments[i];

    listening = &clr->words;
    clr->fxr.set_error_writer(hear);
    code = clr->fxr.initialize(count, line, &parameters, &clr->handle);
    for (size_t i = 0; code == 0 && i < spec->property_count; i++)
        code =
            clr->fxr.set_property(clr->handle, spec->properties[i].name, spec->properties[i].value);
    clr->fxr.set_error_writer(NULL);
    listening = NULL;
    return code == 0 ? 0 : explain(clr, code, ret_why);
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int find_assembly(const char *path, umh_why *ret_why)
{
    if (umh_file_inspect(path).kind == FILE_KIND_FILE)
        return 0;
    umh_why_set(ret_why, "there is no '%s'; the managed parts are not installed", path);
    return UMH_CLR_UNUSABLE;
}

int umh_clr_open(const umh_clr_spec *spec, umh_clr **ret_clr, umh_why *ret_why)
{
    umh_clr *clr;
    int r = 0;

    clr = calloc(1, sizeof(*clr));
    if (!clr)
        return UMH_FAIL(UMH_E_MEMORY, "prepare .NET");
    clr->dotnet_root = umh_text_copy(spec->dotnet_root);
    if (!clr->dotnet_root)
        r = UMH_E_MEMORY;
    if (r == 0 && !spec->diagnostics)
        r = close_diagnostics();
    if (r == 0)
        r = load_hostfxr(clr->dotnet_root, &clr->fxr, ret_why);
    if (r == 0)
        r = find_assembly(spec->assembly, ret_why);
    if (r == 0)
        r = initialize(clr, spec, ret_why);
    if (r) {
        umh_text_free(clr->dotnet_root);
        free(clr); /* hostfxr stays mapped: it cannot be had again in this process */
        return r == UMH_CLR_UNUSABLE ? UMH_CLR_UNUSABLE : umh_fold(r);
    }
    *ret_clr = clr;
    return 0;
}

int umh_clr_run(umh_clr *clr, int *ret_code, umh_why *ret_why)
{
    int32_t code;

    listening = &clr->words;
    clr->fxr.set_error_writer(hear);
    code = clr->fxr.run(clr->handle);
    clr->fxr.set_error_writer(NULL);
    listening = NULL;
    if (((uint32_t)code & CLR_FAILURE_MASK) == CLR_FAILURE)
        return explain(clr, code, ret_why);
    *ret_code = code;
    return 0;
}
