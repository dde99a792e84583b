/* SPDX-License-Identifier: MIT */
/* What an instance leaves: only what a broker makes is removed, and only while none runs. */
#include "cli/remains.h"

#include "platform/file.h"

#include <string.h>

#define ENTRIES_MAX 4096u

static bool is_ours(const char *name)
{
    return strcmp(name, UMH_STORE_MODULES) == 0 || strcmp(name, UMH_STORE_USERS) == 0 ||
           strcmp(name, UMH_STORE_LOCK) == 0 ||
           strncmp(name, UMH_STORE_STALE, sizeof UMH_STORE_STALE - 1) == 0;
}

/* Outcomes: UMH_REMAINS_STAY. */
static int stay(umh_why *why, const char *folder, const char *reason, const char *name)
{
    umh_why_set(why, "%s stays: %s%s", folder, reason, name);
    return UMH_REMAINS_STAY;
}

/* `*ret_other`: an entry that is not ours, owned by the names; NULL: none. */
static int remove_ours(const char *folder, const umh_file_names *names, const char **ret_other)
{
    char path[UMH_PATH_BYTES];
    int r = 0;

    *ret_other = NULL;
    for (size_t i = 0; i < names->count && r == 0; i++) {
        if (!is_ours(names->names[i])) {
            *ret_other = names->names[i];
            continue;
        }
        r = umh_file_join(folder, names->names[i], path);
        if (r == 0)
            r = umh_file_remove_tree(path);
    }
    return umh_fold(r);
}

/* Outcomes: UMH_REMAINS_STAY. */
static int empty(const char *folder, umh_why *ret_why)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    const char *other = NULL;
    int r = umh_file_list(folder, ENTRIES_MAX, &names);

    if (r == UMH_FILE_TOO_MANY)
        return stay(ret_why, folder, "more is in it than a broker leaves", "");
    if (r == UMH_FILE_NONE)
        return 0;
    if (r == 0)
        r = remove_ours(folder, &names, &other);
    if (r == 0 && other)
        return stay(ret_why, folder, "it has what no broker put there: ", other);
    return umh_fold(r);
}

/* Of all instances: others may be there. */
static int remove_parent(const char *folder)
{
    char parent[UMH_PATH_BYTES];
    int r;

    umh_file_parent(folder, parent);
    r = umh_file_remove_folder(parent);
    return r == UMH_FILE_TOO_MANY || r == UMH_FILE_UNSAFE ? 0 : umh_fold(r);
}

/* Outcomes: UMH_REMAINS_STAY. */
static int remove_all(const char *folder, umh_why *ret_why)
{
    int r = empty(folder, ret_why);

    if (r == UMH_REMAINS_STAY)
        return UMH_REMAINS_STAY;
    if (r == 0)
        r = umh_file_remove_folder(folder);
    if (r == UMH_FILE_TOO_MANY || r == UMH_FILE_UNSAFE)
        return stay(ret_why, folder, "something was put there meanwhile", "");
    if (r == 0)
        r = remove_parent(folder);
    return umh_fold(r);
}

int umh_remains_remove(const char *folder, umh_why *ret_why)
{
    umh_why why = UMH_WHY_INIT;
    char path[UMH_PATH_BYTES];
    intptr_t lock = -1;
    int r = umh_file_check_guarded(folder, &why);

    if (r == UMH_FILE_NONE)
        return 0;
    if (r == UMH_FILE_UNSAFE)
        return stay(ret_why, folder, why.text, "");
    if (r == 0)
        r = umh_file_join(folder, UMH_STORE_LOCK, path);
    if (r == 0)
        r = umh_file_lock(path, &lock);
    if (r == UMH_FILE_UNSAFE)
        return stay(ret_why, folder, "a broker of this instance runs", "");
    if (r == 0)
        r = remove_all(folder, ret_why);
    umh_file_unlock(&lock);
    if (r == UMH_REMAINS_STAY)
        return UMH_REMAINS_STAY;
    return umh_fold(r);
}
