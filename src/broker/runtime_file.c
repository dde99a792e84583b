/* SPDX-License-Identifier: MIT */
/* Small files in the store, found again by their content. */
#include "broker/runtime_file.h"

#include "base/list.h"
#include "broker/store_work.h"

#include <stdio.h>
#include <stdlib.h>

struct umh_runtime_file {
    umh_list entry; /* in the store's list */
    umh_store *store;
    unsigned use_count;
    bool is_for_users;
    umh_buffer content;
    char path[UMH_PATH_BYTES];
};

/* FNV-1a, for a name that tells them apart; that two are the same is found by comparing them. */
static uint64_t hash_of(umh_bytes content)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < content.size; i++)
        hash = (hash ^ content.data[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static umh_runtime_file *find(umh_store *store, umh_bytes content, bool is_for_users)
{
    umh_list_each (item, umh_store_runtime_files(store)) {
        umh_runtime_file *file = umh_container_of(item, umh_runtime_file, entry);
        umh_bytes own = umh_bytes_of(file->content.data, file->content.size);

        if (file->is_for_users == is_for_users && umh_bytes_are_equal(own, content))
            return file;
    }
    return NULL;
}

/* `name` in one of the store's two folders. */
static int place(umh_store *store, const umh_runtime_file *file, bool is_for_users, char *ret_path)
{
    umh_bytes content = umh_bytes_of(file->content.data, file->content.size);
    char name[64];

    snprintf(name, sizeof name, "runtime-%016llx-%llu.json", (unsigned long long)hash_of(content),
             (unsigned long long)umh_store_next_serial(store));
    return umh_file_join(umh_store_place(store, is_for_users), name, ret_path);
}

/* A file that is written is its owner's alone; one that is copied may be read by others. */
static int publish(umh_store *store, umh_runtime_file *file, umh_bytes content)
{
    static const umh_copy_limits limits = {
        .max_bytes = UMH_BUFFER_DEFAULT_MAX, .max_files = 1, .max_depth = 1};
    char own[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;
    int r = place(store, file, false, own);

    if (r == 0)
        r = umh_file_write(own, content);
    if (r)
        return umh_fold(r);
    r = umh_file_copy(own, file->path, &limits, &why);
    umh_store_remove_soon(umh_store_loop(store), own, NULL);
    return umh_fold(r);
}

static int write_file(umh_store *store, umh_runtime_file *file)
{
    umh_bytes content = umh_bytes_of(file->content.data, file->content.size);
    int r = place(store, file, file->is_for_users, file->path);

    if (r)
        return umh_fold(r);
    r = file->is_for_users ? publish(store, file, content) : umh_file_write(file->path, content);
    return umh_fold(r);
}

static void free_file(umh_runtime_file *file)
{
    umh_buffer_deinit(&file->content);
    free(file);
}

int umh_runtime_file_get(umh_store *store, umh_bytes content, bool is_for_users,
                         umh_runtime_file **ret_file)
{
    umh_runtime_file *file = find(store, content, is_for_users);
    int r;

    if (file) {
        file->use_count++;
        *ret_file = file;
        return 0;
    }
    file = calloc(1, sizeof(*file));
    if (!file)
        return UMH_FAIL(UMH_E_MEMORY, "write a runtimeconfig.json");
    file->store = store;
    file->use_count = 1;
    file->is_for_users = is_for_users;
    r = umh_buffer_append(&file->content, content.data, content.size);
    if (r == 0)
        r = write_file(store, file);
    if (r) {
        free_file(file);
        return umh_fold(r);
    }
    umh_list_init(&file->entry);
    umh_list_push_back(umh_store_runtime_files(store), &file->entry);
    *ret_file = file;
    return 0;
}

const char *umh_runtime_file_path(const umh_runtime_file *file)
{
    return file->path;
}

umh_runtime_file *umh_runtime_file_unref(umh_runtime_file *file)
{
    if (!file || --file->use_count > 0)
        return NULL;
    umh_list_remove(&file->entry);
    umh_store_remove_soon(umh_store_loop(file->store), file->path, NULL);
    free_file(file);
    return NULL;
}
