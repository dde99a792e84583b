/* SPDX-License-Identifier: MIT */
/* Finds hostfxr below a .NET root, and lets it find the frameworks and run Main. */
#include "host/clr.h"

#include "base/bytes.h"
#include "formats/image.h"
#include "formats/version.h"
#include "host/hostfxr.h"
#include "platform/dotnet.h"
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
    hostfxr_get_property_function get_property;
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

/* In <root>/host/fxr/<highest>. Outcomes: UMH_CLR_UNUSABLE. */
static int find_hostfxr(const char *dotnet_root, char *ret_path, umh_why *ret_why)
{
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
    if (highest) {
        r = umh_file_join(root, highest, folder);
        if (r == 0)
            r = umh_file_join(folder, umh_dotnet_resolver(), ret_path);
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
        r = find_function(fxr.library, HOSTFXR_GET_PROPERTY, &fxr.get_property, ret_why);
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

/* Of a list of paths, as in PATH. */
static char list_separator(void)
{
    return umh_image_native().kind == IMAGE_PE_SHARED ? ';' : ':';
}

/* Empty where there is none. */
static const char *get_property(const umh_clr *clr, const char *name)
{
    const char *value = NULL;

    return clr->fxr.get_property(clr->handle, name, &value) == 0 && value ? value : "";
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int set_property(umh_clr *clr, const char *name, const char *value, umh_why *ret_why)
{
    int32_t code = clr->fxr.set_property(clr->handle, name, value);

    return code == 0 ? 0 : explain(clr, code, ret_why);
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int put_property(umh_clr *clr, const umh_clr_property *property, umh_why *ret_why)
{
    const char *before = property->is_in_front ? get_property(clr, property->name) : "";
    UMH_AUTO(umh_buffer) list = UMH_BUFFER_INIT;
    int r;

    if (!*before)
        return set_property(clr, property->name, property->value, ret_why) ? UMH_CLR_UNUSABLE : 0;
    r = umh_buffer_append_format(&list, "%s%c%s", property->value, list_separator(), before);
    if (r)
        return umh_fold(r);
    return set_property(clr, property->name, (const char *)list.data, ret_why) ? UMH_CLR_UNUSABLE
                                                                               : 0;
}

/*
 * In the list of all assemblies that the CLR may load by name: what is lent at the front, and
 * nothing else under that name. Outcomes: UMH_CLR_UNUSABLE.
 */
static int lend_assembly(umh_clr *clr, const char *lent, umh_why *ret_why)
{
    static const char name[] = "TRUSTED_PLATFORM_ASSEMBLIES";
    const char *rest = get_property(clr, name);
    const char separator = list_separator();
    const char *file = umh_file_name(lent);
    size_t file_bytes = strlen(file);
    UMH_AUTO(umh_buffer) list = UMH_BUFFER_INIT;
    int r = umh_buffer_append_text(&list, lent);

    while (r == 0 && *rest) {
        const char *end = strchr(rest, separator);
        size_t size = end ? (size_t)(end - rest) : strlen(rest);
        bool is_replaced = size > file_bytes && strchr("/\\", rest[size - file_bytes - 1]) &&
                           memcmp(rest + size - file_bytes, file, file_bytes) == 0;

        if (size > 0 && !is_replaced)
            r = umh_buffer_append_format(&list, "%c%.*s", separator, (int)size, rest);
        rest += size + (end != NULL);
    }
    if (r)
        return umh_fold(r);
    return set_property(clr, name, (const char *)list.data, ret_why) ? UMH_CLR_UNUSABLE : 0;
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int put_properties(umh_clr *clr, const umh_clr_spec *spec, umh_why *ret_why)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < spec->property_count; i++)
        r = put_property(clr, &spec->properties[i], ret_why);
    if (r == 0 && spec->lent_assembly)
        r = lend_assembly(clr, spec->lent_assembly, ret_why);
    return r == UMH_CLR_UNUSABLE ? UMH_CLR_UNUSABLE : umh_fold(r);
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int initialize(umh_clr *clr, const umh_clr_spec *spec, umh_why *ret_why)
{
    const hostfxr_parameters parameters = {.size = sizeof(parameters),
                                           .dotnet_root = clr->dotnet_root};
    const char *line[UMH_CLR_ARGUMENTS_MAX + 4];
    int count = 0;
    int32_t code;
    int r;

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
    r = code == 0 ? put_properties(clr, spec, ret_why) : explain(clr, code, ret_why);
    clr->fxr.set_error_writer(NULL);
    listening = NULL;
    return r == UMH_CLR_UNUSABLE ? UMH_CLR_UNUSABLE : umh_fold(r);
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
