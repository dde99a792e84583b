/* SPDX-License-Identifier: MIT */
/*
 * Finds the files of modules and the .NET root, and says in words what is wrong with what it finds.
 */
#include "config/modules.h"

#include "config/nearest.h"
#include "formats/elf_symbols.h"
#include "platform/dotnet.h"

#include <stdio.h>
#include <string.h>

#define FOLDER_ENTRIES_MAX 4096 /* looked through for a similar name */
#define DOTNET_MAJOR "10."
#define DOTNET_VERSIONS_BYTES 128 /* of a message; what is longer is cut */
#define ENTRY_SYMBOL "umh_module_entry"
#define ENTRY_FILE_BYTES_MAX (64u * 1024 * 1024) /* a larger file is not looked into */

/* What stands behind the name in the file's name, in the order of the search. */
#define SUFFIX_COUNT 3
static const char *const suffixes[SUFFIX_COUNT] = {"64.so", ".so", ".dll"};
static const char *const suffixes_32[SUFFIX_COUNT] = {"32.so", ".so", ".dll"};

static const char *const *suffixes_of(const umh_host_config *host)
{
    return host->wow64 ? suffixes_32 : suffixes;
}

/* X/X64.so below `folder`. False: too long a path, so it is not there. */
static bool join_candidate(const char *folder, const char *name, const char *suffix, char *path)
{
    int size = snprintf(path, UMH_PATH_BYTES, "%s/%s/%s%s", folder, name, name, suffix);

    return size > 0 && size < UMH_PATH_BYTES;
}

static bool find_candidate(const char *folder, const char *name, const umh_host_config *host,
                           char *path)
{
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        if (join_candidate(folder, name, suffixes_of(host)[i], path) &&
            umh_file_inspect(path).kind == FILE_KIND_FILE)
            return true;
    }
    return false;
}

/* Add to a text of bounded size; what does not fit is left out. */
static void add_text(char *text, size_t capacity, const char *more)
{
    size_t size = strlen(text);

    umh_text_put(text + size, capacity - size, more);
}

static void offer_folder(const char *folder, const umh_host_config *host, umh_nearest *nearest,
                         char *best)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    int r = umh_file_list(folder, FOLDER_ENTRIES_MAX, &names);

    if (r < 0)
        umh_failure_take(); /* a folder that cannot be read suggests nothing */
    for (size_t i = 0; r == 0 && i < names.count; i++) {
        umh_nearest alone = UMH_NEAREST_OF(nearest->wanted);
        char path[UMH_PATH_BYTES];

        umh_nearest_offer(&alone, names.names[i]);
        if (alone.best && find_candidate(folder, names.names[i], host, path))
            umh_nearest_offer(nearest, names.names[i]);
    }
    /* The names end with the list. */
    if (nearest->best && nearest->best != best) {
        umh_text_put(best, UMH_NAME_BYTES_MAX + 1, nearest->best);
        nearest->best = best;
    }
}

static void explain_missing(const umh_config *config, const umh_host_config *host, const char *name,
                            umh_why *ret_why)
{
    const char *const *suffix = suffixes_of(host);
    umh_nearest nearest = UMH_NEAREST_OF(name);
    char best[UMH_NAME_BYTES_MAX + 1];
    char hint[UMH_NAME_BYTES_MAX + 32] = "";
    char places[sizeof ret_why->text] = "";

    for (size_t i = 0; i < config->module_folder_count; i++) {
        offer_folder(config->module_folders[i], host, &nearest, best);
        if (i > 0)
            add_text(places, sizeof places, ", ");
        add_text(places, sizeof places, config->module_folders[i]);
    }
    if (nearest.best)
        snprintf(hint, sizeof hint, " (did you mean '%s'?)", nearest.best);
    umh_why_set(ret_why, "there is no module '%s'%s; looked for %s/%s%s, %s%s and %s%s in %s", name,
                hint, name, name, suffix[0], name, suffix[1], name, suffix[2], places);
}

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int find_by_name(const umh_config *config, const umh_host_config *host, const char *name,
                        umh_module_file *file, umh_why *ret_why)
{
    for (size_t i = 0; i < config->module_folder_count; i++) {
        if (find_candidate(config->module_folders[i], name, host, file->path)) {
            file->copy_folder = true;
            return 0;
        }
    }
    explain_missing(config, host, name, ret_why);
    return UMH_MODULES_UNUSABLE;
}

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int find_by_path(const umh_config *config, const char *path, umh_module_file *file,
                        umh_why *ret_why)
{
    int r = umh_file_join(config->folder, path, file->path);
    umh_file_kind kind;

    if (r)
        return umh_fold(r);
    kind = umh_file_inspect(file->path).kind;
    if (kind == FILE_KIND_FILE)
        return 0;
    umh_why_set(ret_why, "%s: %s",
                kind == FILE_KIND_NONE     ? "there is no such file"
                : kind == FILE_KIND_FOLDER ? "a folder; Path is that of the module's file"
                                           : "this is no regular file",
                file->path);
    return UMH_MODULES_UNUSABLE;
}

/*
 * What is wrong with the image for this host, as words to put before the file's name; NULL:
 * nothing.
 */
static const char *find_fault(const umh_host_config *host, const umh_image *image)
{
    umh_image native = umh_image_native();
    int bits = host->wow64 ? 32 : native.bits;
    umh_image_machine machine = host->wow64 ? MACHINE_X86 : native.machine;

    switch (image->kind) {
    case IMAGE_UNKNOWN:
        return "neither a shared library nor a .NET assembly";
    case IMAGE_TRUNCATED:
        return "cut off: it begins like a library and ends too soon";
    case IMAGE_ELF_PROGRAM:
    case IMAGE_PE_PROGRAM:
        return "a program, where a shared library is needed";
    case IMAGE_CLI_PROGRAM:
        if (!host->ui)
            return "marked as a program (EXE), which only a host with \"Ui\": true can load";
        break;
    case IMAGE_CLI_SHARED:
        break;
    case IMAGE_ELF_SHARED:
    case IMAGE_PE_SHARED:
        if (image->kind != native.kind)
            return "made for another operating system";
        break;
    }
    if (umh_image_is_managed(image) && host->wow64)
        return "managed, which a 32-bit host cannot load";
    if (image->bits != 0 && image->bits != bits)
        return bits == 64 ? "32-bit, where this host is 64-bit"
                          : "64-bit, where this host is 32-bit";
    if (image->machine != MACHINE_ANY && image->machine != machine)
        return "made for another processor";
    return NULL;
}

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int check_image(const umh_host_config *host, umh_module_file *file, umh_why *ret_why)
{
    uint8_t header[UMH_IMAGE_HEADER_BYTES];
    uint64_t file_bytes = 0;
    size_t size = 0;
    const char *fault;
    int r = umh_file_read_head(file->path, header, sizeof header, &size, &file_bytes);

    if (r == UMH_FILE_NONE) {
        umh_why_set(ret_why, "there is no such file: %s", file->path);
        return UMH_MODULES_UNUSABLE;
    }
    if (r < 0) {
        umh_why_set_failure(ret_why); /* one module's file that cannot be read stops nobody else */
        return UMH_MODULES_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    file->image = umh_image_decode(umh_bytes_of(header, size), file_bytes);
    file->has_sections = umh_image_has_sections(umh_bytes_of(header, size), file_bytes);
    fault = find_fault(host, &file->image);
    if (!fault)
        return 0;
    umh_why_set(ret_why, "not a module for this host: %s (%s): %s", fault,
                umh_image_describe(&file->image), file->path);
    return UMH_MODULES_UNUSABLE;
}

static bool has_host_program_32(void)
{
    char installation[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];

    if (umh_file_installation(installation) || umh_file_host_program(installation, 32, path)) {
        umh_failure_take(); /* without an installation there is none */
        return false;
    }
    return umh_file_inspect(path).kind == FILE_KIND_FILE;
}

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int find_file(const umh_config *config, const umh_host_config *host,
                     const umh_module_config *module, umh_module_file *file, umh_why *ret_why)
{
    int r;

    if (host->wow64 && !has_host_program_32()) {
        umh_why_set(ret_why, "Wow64 needs the 32-bit host program (umh-host32), which is not "
                             "installed");
        return UMH_MODULES_UNUSABLE;
    }
    if (module->path)
        r = find_by_path(config, module->path, file, ret_why);
    else
        r = find_by_name(config, host, module->name, file, ret_why);
    if (r)
        return r;
    r = check_image(host, file, ret_why);
    if (r)
        return r;
    umh_file_parent(file->path, file->folder);
    if (!umh_image_is_managed(&file->image))
        return 0;
    /* A managed module's dependencies lie beside it, wherever that is. */
    file->copy_folder = true;
    r = umh_runtime_read_needs(file->path, &file->needs, ret_why);
    return r == UMH_RUNTIME_UNUSABLE ? UMH_MODULES_UNUSABLE : umh_fold(r);
}

int umh_modules_find(const umh_config *config, const umh_host_config *host,
                     const umh_module_config *module, umh_module_file *ret_file, umh_why *ret_why)
{
    umh_module_file file = {.copy_folder = false};
    int r = find_file(config, host, module, &file, ret_why);

    if (r == UMH_MODULES_UNUSABLE) {
        umh_why_place(ret_why, config->path, host->line, 0, NULL);
        return UMH_MODULES_UNUSABLE;
    }
    if (r)
        return r;
    *ret_file = file;
    return 0;
}

int umh_modules_check_entry(const umh_module_file *file, umh_why *ret_why)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;

    if (file->image.kind != IMAGE_ELF_SHARED)
        return 0;
    if (umh_file_read(file->path, ENTRY_FILE_BYTES_MAX, &content) != 0) {
        umh_failure_take(); /* the host will say what is wrong with it */
        return 0;
    }
    if (umh_elf_find_symbol(umh_bytes_of(content.data, content.size), ENTRY_SYMBOL) !=
        ELF_SYMBOL_MISSING)
        return 0;
    umh_why_set(ret_why, "not a module: it has no function " ENTRY_SYMBOL ": %s", file->path);
    return UMH_MODULES_UNUSABLE;
}

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int check_tree(const char *path, umh_why *ret_why)
{
    int r = umh_file_check_trusted_tree(path, ret_why);

    if (r < 0)
        umh_why_set_failure(ret_why); /* what cannot be looked at is not trusted either */
    /* One that has gone meanwhile is reported by who reads it. */
    return r == 0 || r == UMH_FILE_NONE ? 0 : UMH_MODULES_UNUSABLE;
}

int umh_modules_check_trust(const umh_module_file *file, umh_why *ret_why)
{
    return check_tree(file->copy_folder ? file->folder : file->path, ret_why) ? UMH_MODULES_UNUSABLE
                                                                              : 0;
}

int umh_modules_check_dotnet_trust(const char *root, umh_why *ret_why)
{
    static const char *const parts[] = {"host", "shared"}; /* an SDK beside them is not run */
    char path[UMH_PATH_BYTES];
    int r = 0;

    for (size_t i = 0; i < UMH_COUNT_OF(parts) && r == 0; i++) {
        r = umh_file_join(root, parts[i], path);
        if (r)
            return umh_fold(r);
        r = check_tree(path, ret_why);
    }
    return r ? UMH_MODULES_UNUSABLE : 0;
}

/*
 * Whether `root`/`folder` has an entry that begins with `prefix` and holds `file` (NULL: whatever
 * it holds).
 */
static bool has_version(const char *root, const char *folder, const char *prefix, const char *file)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/%s", root, folder);

    if (size < 0 || (size_t)size >= sizeof path)
        return false;
    if (umh_file_list(path, FOLDER_ENTRIES_MAX, &names)) {
        umh_failure_take();
        return false;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], prefix, strlen(prefix)) != 0)
            continue;
        size = snprintf(path, sizeof path, "%s/%s/%s%s%s", root, folder, names.names[i],
                        file ? "/" : "", file ? file : "");
        if (size > 0 && (size_t)size < sizeof path &&
            umh_file_inspect(path).kind == (file ? FILE_KIND_FILE : FILE_KIND_FOLDER))
            return true;
    }
    return false;
}

static bool is_dotnet_root(const char *root)
{
    return has_version(root, "host/fxr", "", umh_dotnet_resolver()) &&
           has_version(root, "shared/Microsoft.NETCore.App", DOTNET_MAJOR, NULL);
}

/* Take `root` when it is one, else note that it was looked at. */
static bool try_dotnet(const char *root, char *ret_root, char *tried, size_t tried_capacity)
{
    if (is_dotnet_root(root) && strlen(root) < UMH_PATH_BYTES) {
        umh_text_put(ret_root, UMH_PATH_BYTES, root);
        return true;
    }
    if (tried[0])
        add_text(tried, tried_capacity, ", ");
    add_text(tried, tried_capacity, root);
    return false;
}

static bool find_usual_dotnet(char *ret_root, char *tried, size_t tried_capacity)
{
    char root[UMH_PATH_BYTES];

    for (size_t i = 0; umh_dotnet_get_place(i, root); i++) {
        if (root[0] && try_dotnet(root, ret_root, tried, tried_capacity))
            return true;
    }
    return false;
}

/* " (it has 8.0.1, 9.0.2)": the versions of the runtime that are there. Empty: none. */
static void describe_versions(const char *root, char *text, size_t capacity)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];

    if (umh_file_join(root, "shared/Microsoft.NETCore.App", path) ||
        umh_file_list(path, FOLDER_ENTRIES_MAX, &names)) {
        umh_failure_take(); /* what cannot be listed has no versions to tell */
        return;
    }
    for (size_t i = 0; i < names.count; i++) {
        add_text(text, capacity, i == 0 ? " (it has " : ", ");
        add_text(text, capacity, names.names[i]);
    }
    if (names.count > 0)
        add_text(text, capacity, ")");
}

int umh_modules_find_dotnet(const umh_dotnet_config *dotnet, char *ret_root, umh_why *ret_why)
{
    char versions[DOTNET_VERSIONS_BYTES] = "";
    char tried[sizeof ret_why->text] = "";

    if (dotnet->root) {
        if (try_dotnet(dotnet->root, ret_root, tried, sizeof tried))
            return 0;
        describe_versions(dotnet->root, versions, sizeof versions);
        umh_why_set(ret_why,
                    "DotNet.Root has no .NET 10 runtime (host/fxr and "
                    "shared/Microsoft.NETCore.App/10.*): %s%s; install it there, or correct "
                    "DotNet.Root",
                    tried, versions);
        return UMH_MODULES_UNUSABLE;
    }
    if (find_usual_dotnet(ret_root, tried, sizeof tried))
        return 0;
    umh_why_set(ret_why,
                "no .NET 10 runtime was found: install the package dotnet-runtime-10.0, or say in "
                "DotNet.Root where it is; looked in %s",
                tried);
    return UMH_MODULES_UNUSABLE;
}
