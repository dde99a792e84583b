/* SPDX-License-Identifier: MIT */
/* The built module of a project's folder: candidates are offered, one is kept. */
#include "cli/built.h"

#include "platform/file.h"

#include <string.h>

#define NATIVE ".so"
#define MANAGED ".dll"
#define PROJECT ".csproj"
#define TESTS ".Tests"
#define OUTPUT_DEPTH 4 /* below bin: configuration, framework, runtime, publish */

typedef struct built_search {
    const char *preferred; /* the name of the folder, or the one that is wanted */
    char path[UMH_PATH_BYTES];
    char name[UMH_PATH_BYTES];  /* empty: none yet */
    char other[UMH_PATH_BYTES]; /* of another one that is as good; empty: none */
    uint64_t changed_ns;
    bool has_project;
} built_search;

/* "x.so" to "x"; false where it does not end so. */
static bool cut_ending(const char *name, const char *ending, char *ret_stem)
{
    size_t size = strlen(name);
    size_t ending_size = strlen(ending);

    if (size <= ending_size || strcmp(name + size - ending_size, ending) != 0)
        return false;
    umh_text_put(ret_stem, UMH_PATH_BYTES, name);
    ret_stem[size - ending_size] = '\0';
    return true;
}

static void offer(built_search *search, const char *name, const char *path)
{
    umh_file_info info = umh_file_inspect(path);
    bool is_same = strcmp(search->name, name) == 0;
    bool is_preferred = strcmp(search->preferred, name) == 0;

    if (info.kind != FILE_KIND_FILE)
        return;
    if (is_same && info.changed_ns <= search->changed_ns)
        return;
    if (!is_same && search->name[0] && !is_preferred) {
        if (strcmp(search->preferred, search->name) != 0)
            umh_text_put(search->other, sizeof search->other, name);
        return;
    }
    if (is_preferred)
        search->other[0] = '\0';
    umh_text_put(search->name, sizeof search->name, name);
    umh_text_put(search->path, sizeof search->path, path);
    search->changed_ns = info.changed_ns;
}

/* What cannot be listed has nothing for us. */
static int list(const char *folder, umh_file_names *ret_names)
{
    int r = umh_file_list(folder, UMH_BUILT_ENTRIES_MAX, ret_names);

    return r < 0 ? r : 0;
}

static int offer_libraries(built_search *search, const char *folder)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];
    char name[UMH_PATH_BYTES];
    int r = list(folder, &names);

    for (size_t i = 0; i < names.count && r == 0; i++) {
        if (!cut_ending(names.names[i], NATIVE, name))
            continue;
        r = umh_file_join(folder, names.names[i], path);
        if (r == 0)
            offer(search, name, path);
    }
    return umh_fold(r);
}

/* NAME.dll in `folder` and below. */
static int offer_output(built_search *search, const char *folder, const char *name, int depth)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];
    char stem[UMH_PATH_BYTES];
    int r = list(folder, &names);

    for (size_t i = 0; i < names.count && r == 0; i++) {
        r = umh_file_join(folder, names.names[i], path);
        if (r)
            return umh_fold(r);
        if (cut_ending(names.names[i], MANAGED, stem) && strcmp(stem, name) == 0)
            offer(search, name, path);
        else if (depth < OUTPUT_DEPTH && umh_file_inspect(path).kind == FILE_KIND_FOLDER)
            r = offer_output(search, path, name, depth + 1);
    }
    return umh_fold(r);
}

static int offer_projects(built_search *search, const char *folder, bool and_below)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];
    char name[UMH_PATH_BYTES];
    char rest[UMH_PATH_BYTES];
    int r = list(folder, &names);

    for (size_t i = 0; i < names.count && r == 0; i++) {
        bool is_project = cut_ending(names.names[i], PROJECT, name);

        r = umh_file_join(folder, is_project ? "bin" : names.names[i], path);
        if (r)
            return umh_fold(r);
        if (is_project && !cut_ending(name, TESTS, rest)) {
            search->has_project = true;
            r = offer_output(search, path, name, 0);
        } else if (!is_project && and_below && umh_file_inspect(path).kind == FILE_KIND_FOLDER) {
            r = offer_projects(search, path, false);
        }
    }
    return umh_fold(r);
}

static void explain_none(const built_search *search, const char *folder, bool has_makefile,
                         umh_why *ret_why)
{
    if (search->has_project || has_makefile)
        umh_why_set(ret_why, "there is no built module in %s; build it first: %s", folder,
                    search->has_project ? "dotnet build" : "make");
    else
        umh_why_set(ret_why,
                    "there is no module's project in %s; name a MODULE, or make a project with "
                    "umh new",
                    folder);
}

static int look_around(built_search *search, const char *folder)
{
    char path[UMH_PATH_BYTES];
    int r = offer_libraries(search, folder);

    if (r == 0)
        r = umh_file_join(folder, "build", path);
    if (r == 0)
        r = offer_libraries(search, path);
    if (r == 0)
        r = offer_projects(search, folder, true);
    return umh_fold(r);
}

int umh_built_find_named(const char *folder, const char *name, char *ret_path)
{
    built_search search = {.preferred = name};
    int r = look_around(&search, folder);

    if (r)
        return umh_fold(r);
    if (strcmp(search.name, name) != 0)
        return UMH_BUILT_NONE;
    umh_text_put(ret_path, UMH_PATH_BYTES, search.path);
    return 0;
}

int umh_built_find(const char *folder, char *ret_path, umh_why *ret_why)
{
    built_search search = {.preferred = umh_file_name(folder)};
    char path[UMH_PATH_BYTES];
    int r = look_around(&search, folder);

    if (r == 0)
        r = umh_file_join(folder, "Makefile", path);
    if (r)
        return umh_fold(r);
    if (!search.name[0]) {
        explain_none(&search, folder, umh_file_inspect(path).kind == FILE_KIND_FILE, ret_why);
        return UMH_BUILT_NONE;
    }
    if (search.other[0]) {
        umh_why_set(ret_why, "there are several modules in %s, such as %s and %s; name one", folder,
                    search.name, search.other);
        return UMH_BUILT_NONE;
    }
    umh_text_put(ret_path, UMH_PATH_BYTES, search.path);
    return 0;
}
