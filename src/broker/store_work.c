/* SPDX-License-Identifier: MIT */
/* What the store does on libuv's pool. */
#include "broker/store_work.h"

#include "broker/store.h"
#include "config/layout.h"

#include <stdlib.h>
#include <string.h>

#define STALE_COUNT_MAX 1024u

static const umh_copy_limits limits = {
    .max_bytes = UMH_STORE_MODULE_BYTES_MAX,
    .max_files = UMH_STORE_MODULE_FILES_MAX,
    .max_depth = UMH_STORE_DEPTH_MAX,
};
/* What is for users becomes no more readable than it was. */
static const umh_copy_limits limits_for_users = {
    .max_bytes = UMH_STORE_MODULE_BYTES_MAX,
    .max_files = UMH_STORE_MODULE_FILES_MAX,
    .max_depth = UMH_STORE_DEPTH_MAX,
    .keeps_closed = true,
};

bool umh_store_key_is_equal(const umh_store_key *one, const umh_store_key *other)
{
    return one->fingerprint == other->fingerprint && one->content == other->content &&
           one->is_for_users == other->is_for_users && strcmp(one->name, other->name) == 0;
}

/* What is copied: the folder, or the file alone. */
static const char *root_of(const umh_module_file *file)
{
    return file->copy_folder ? file->folder : file->path;
}

/* FNV-1a over the path, begun with the content's: two places never share a copy. */
static uint64_t mix_path(uint64_t content, const char *path)
{
    uint64_t hash = content ^ UINT64_C(0xCBF29CE484222325);

    for (; *path; path++)
        hash = (hash ^ (uint8_t)*path) * UINT64_C(0x100000001B3);
    return hash;
}

/* --- looking ------------------------------------------------------------------------------ */

int umh_store_look_init(umh_store_look *look, const umh_host_config *host,
                        const umh_module_config *module)
{
    look->host = (umh_host_config){.session = host->session,
                                   .wow64 = host->wow64,
                                   .ui = host->ui,
                                   .line = host->line,
                                   .name = umh_text_copy(host->name)};
    /* Of the arguments only whether there are any. */
    look->module = (umh_module_config){.name = umh_text_copy(module->name),
                                       .argument_count = module->argument_count};
    if (module->path)
        look->module.path = umh_text_copy(module->path);
    if (host->dotnet.root)
        look->host.dotnet.root = umh_text_copy(host->dotnet.root);
    if (!look->host.name || !look->module.name || (module->path && !look->module.path) ||
        (host->dotnet.root && !look->host.dotnet.root))
        return UMH_E_MEMORY;
    return 0;
}

static void forget_folders(umh_store_look *look)
{
    while (look->folder_count > 0)
        umh_text_free(look->folders[--look->folder_count]);
}

void umh_store_look_deinit(umh_store_look *look)
{
    look->host.name = umh_text_free(look->host.name);
    look->host.dotnet.root = umh_text_free(look->host.dotnet.root);
    look->module.name = umh_text_free(look->module.name);
    look->module.path = umh_text_free(look->module.path);
    forget_folders(look);
}

/* Where .NET was looked for is said here: the host knows only whether it was given any. */
static int find_what_it_needs(umh_store_look *look, char *ret_dotnet_root)
{
    int r = 0;

    ret_dotnet_root[0] = '\0';
    if (umh_image_is_managed(&look->file.image))
        r = umh_modules_find_dotnet(&look->host.dotnet, ret_dotnet_root, &look->why);
    return r == UMH_MODULES_UNUSABLE ? r : umh_fold(r);
}

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int check_readable(umh_store_look *look)
{
    const char *closed = NULL;

    if (umh_file_is_closed(look->file.path))
        closed = look->file.path;
    else if (umh_file_is_closed(root_of(&look->file)))
        closed = root_of(&look->file);
    if (!look->is_for_users || !closed)
        return 0;
    umh_why_set(&look->why, "its host runs as each user, and '%s' is not readable by other users",
                closed);
    return UMH_MODULES_UNUSABLE;
}

/*
 * What another user may write decides what this one runs: a service refuses it, in a terminal it is
 * said. Outcomes: UMH_MODULES_UNUSABLE.
 */
static int check_trust(umh_store_look *look, const char *dotnet_root)
{
    umh_why doubt = UMH_WHY_INIT;
    int r = umh_modules_check_trust(&look->file, &doubt);

    if (r == 0 && dotnet_root[0])
        r = umh_modules_check_dotnet_trust(dotnet_root, &doubt);
    if (r == 0)
        return 0;
    if (r != UMH_MODULES_UNUSABLE)
        return umh_fold(r);
    if (!look->is_strict) {
        look->doubt = doubt;
        return 0;
    }
    umh_why_set(&look->why,
                "%s; a service runs only what root alone may change: chown root and "
                "chmod go-w what is named",
                doubt.text);
    return UMH_MODULES_UNUSABLE;
}

/* Outcomes: UMH_MODULES_UNUSABLE (also for what only this module can be blamed for). */
static int find_and_fingerprint(umh_store_look *look, const umh_config *config)
{
    char dotnet_root[UMH_PATH_BYTES];
    int r = umh_modules_find(config, &look->host, &look->module, &look->file, &look->why);

    if (r == 0)
        r = find_what_it_needs(look, dotnet_root);
    if (r == 0)
        r = umh_layout_check(config, &look->host, &look->module, &look->file, &look->why);
    if (r == 0)
        r = check_readable(look);
    if (r == UMH_MODULES_UNUSABLE)
        return UMH_MODULES_UNUSABLE;
    if (r)
        return umh_fold(r);
    r = umh_file_fingerprint(root_of(&look->file), &limits, &look->key.content, &look->why);
    if (r == UMH_FILE_NONE)
        umh_why_set(&look->why, "'%s' was removed while it was looked at", root_of(&look->file));
    if (r == 0)
        r = check_trust(look, dotnet_root);
    return r > 0 ? UMH_MODULES_UNUSABLE : umh_fold(r);
}

static void list_folder(umh_store_look *look, const char *folder)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];

    if (umh_file_list(folder, UMH_STORE_MODULE_FILES_MAX, &names) != 0)
        return;
    for (size_t i = 0; i < names.count && look->folder_count < UMH_STORE_LISTED_MAX; i++) {
        if (umh_file_join(folder, names.names[i], path) != 0 ||
            umh_file_inspect(path).kind != FILE_KIND_FOLDER)
            continue;
        look->folders[look->folder_count] = umh_text_copy(path);
        if (look->folders[look->folder_count])
            look->folder_count++;
    }
}

/* Breadth first, so that what is left out of too many lies deepest. */
static void list_folders(umh_store_look *look)
{
    forget_folders(look);
    list_folder(look, look->file.folder);
    for (size_t i = 0; i < look->folder_count; i++)
        list_folder(look, look->folders[i]);
    umh_failure_take(); /* a folder that cannot be read is not watched */
}

void umh_store_look_do(umh_store_look *look, const umh_config *config)
{
    int r;

    look->why = (umh_why)UMH_WHY_INIT;
    look->doubt = (umh_why)UMH_WHY_INIT;
    r = find_and_fingerprint(look, config);
    if (r < 0)
        umh_why_set_failure(&look->why);
    look->outcome = r ? STORE_WORK_REFUSED : STORE_WORK_DONE;
    umh_text_put(look->key.name, sizeof(look->key.name), look->module.name);
    look->key.fingerprint = mix_path(look->key.content, look->file.path);
    look->key.is_for_users = look->is_for_users;
    if (r == 0 && look->lists_folders && look->file.copy_folder)
        list_folders(look);
}

/* --- copying ------------------------------------------------------------------------------ */

/*
 * Into the temporary folder; a file alone keeps its name in it. Outcomes: UMH_FILE_NONE,
 * UMH_FILE_TOO_LARGE, UMH_FILE_TOO_MANY.
 */
static int copy_root(const umh_store_copy *copy, const umh_module_file *original, char *ret_root,
                     umh_why *ret_why)
{
    const umh_copy_limits *own = copy->is_for_users ? &limits_for_users : &limits;
    int r;

    if (original->copy_folder) {
        umh_text_put(ret_root, UMH_PATH_BYTES, copy->temporary);
        return umh_file_copy(original->folder, ret_root, own, ret_why);
    }
    r = umh_file_make_folder(copy->temporary);
    if (r == 0 && copy->is_for_users)
        r = umh_file_let_pass(copy->temporary);
    if (r == 0)
        r = umh_file_join(copy->temporary, umh_file_name(original->path), ret_root);
    if (r)
        return r;
    return umh_file_copy(original->path, ret_root, own, ret_why);
}

static umh_store_outcome changed(umh_store_copy *copy, const umh_module_file *original)
{
    umh_why_set(&copy->why, "'%s' changes while it is copied", root_of(original));
    return STORE_WORK_CHANGED;
}

static umh_store_outcome refused(umh_store_copy *copy, int r)
{
    if (r < 0)
        umh_why_set_failure(&copy->why);
    return STORE_WORK_REFUSED;
}

static umh_store_outcome make_copy(umh_store_copy *copy, const umh_module_file *original,
                                   const umh_store_key *key)
{
    char root[UMH_PATH_BYTES];
    uint64_t content = 0;
    int r = copy_root(copy, original, root, &copy->why);

    if (r == UMH_FILE_NONE)
        return changed(copy, original);
    if (r)
        return refused(copy, r);
    r = umh_file_fingerprint(root, &limits, &content, &copy->why);
    if (r)
        return refused(copy, r);
    if (content != key->content)
        return changed(copy, original);
    r = umh_file_move(copy->temporary, copy->folder);
    return r ? refused(copy, r) : STORE_WORK_DONE;
}

void umh_store_copy_do(umh_store_copy *copy, const umh_module_file *original,
                       const umh_store_key *key)
{
    copy->why = (umh_why)UMH_WHY_INIT;
    copy->outcome = make_copy(copy, original, key);
    if (copy->outcome != STORE_WORK_DONE && umh_file_remove_tree(copy->temporary) != 0)
        umh_failure_take(); /* why it failed is told; what is left goes with the store */
}

/* --- removing ----------------------------------------------------------------------------- */

typedef struct store_removal {
    uv_work_t work;
    char *prefix; /* owned; NULL: the folder itself */
    char path[UMH_PATH_BYTES];
} store_removal;

static void remove_entries(const store_removal *removal)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];

    if (umh_file_list(removal->path, STALE_COUNT_MAX, &names) != 0)
        return;
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], removal->prefix, strlen(removal->prefix)) == 0 &&
            umh_file_join(removal->path, names.names[i], path) == 0)
            umh_ignore(umh_file_remove_tree(path));
    }
}

static void do_remove(uv_work_t *work)
{
    store_removal *removal = work->data;

    if (removal->prefix)
        remove_entries(removal);
    else
        umh_ignore(umh_file_remove_tree(removal->path));
    umh_failure_take();
}

static void on_removed(uv_work_t *work, int status)
{
    store_removal *removal = work->data;

    UMH_UNUSED(status);
    umh_text_free(removal->prefix);
    free(removal);
}

void umh_store_remove_soon(uv_loop_t *loop, const char *path, const char *prefix)
{
    store_removal *removal = calloc(1, sizeof(*removal));

    if (!removal)
        return;
    removal->work.data = removal;
    umh_text_put(removal->path, sizeof(removal->path), path);
    removal->prefix = prefix ? umh_text_copy(prefix) : NULL;
    if ((prefix && !removal->prefix) ||
        uv_queue_work(loop, &removal->work, do_remove, on_removed) != 0) {
        umh_failure_take();
        on_removed(&removal->work, 0);
    }
}
