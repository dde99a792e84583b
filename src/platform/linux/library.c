/* SPDX-License-Identifier: MIT */
/*
 * Dynamic libraries through dlopen. dlclose says nothing about whether the image went, so it is
 * looked for in /proc/self/maps, by the device and inode that were mapped when it was loaded: the
 * path may name another file by then.
 */
#include "platform/library.h"

#include "base/bytes.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The file behind a mapping, as /proc/self/maps writes it (with some file systems another device
 * than stat's).
 */
typedef struct image_file {
    unsigned device_major;
    unsigned device_minor;
    unsigned long inode; /* 0: none */
} image_file;

typedef struct image_mapping {
    uintptr_t begin;
    uintptr_t end;
    image_file file;
} image_mapping;

struct umh_library {
    void *handle;               /* NULL: closed */
    const struct link_map *map; /* the loader's own record, valid while the handle is */
    image_file file;
    char *path; /* owned */
};

typedef bool (*mapping_test)(const image_mapping *mapping, const void *wanted);

static bool holds_address(const image_mapping *mapping, const void *wanted)
{
    return mapping->begin <= (uintptr_t)wanted && (uintptr_t)wanted < mapping->end;
}

static bool is_of_file(const image_mapping *mapping, const void *wanted)
{
    const image_file *file = wanted;

    return mapping->file.inode == file->inode && mapping->file.device_major == file->device_major &&
           mapping->file.device_minor == file->device_minor;
}

/*
 * The first mapping of this process that passes the test; *ret_is_found says whether there is one.
 */
static int find_mapping(mapping_test test, const void *wanted, image_mapping *ret_mapping,
                        bool *ret_is_found)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char *line = NULL;
    size_t capacity = 0;
    bool is_found = false;

    if (!maps)
        return UMH_FAIL_OS(errno, "open /proc/self/maps");
    while (!is_found && getline(&line, &capacity, maps) > 0) {
        image_mapping mapping;

        is_found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %x:%x %lu", &mapping.begin,
                          &mapping.end, &mapping.file.device_major, &mapping.file.device_minor,
                          &mapping.file.inode) == 5 &&
                   test(&mapping, wanted);
        if (is_found)
            *ret_mapping = mapping;
    }
    free(line);
    fclose(maps);
    *ret_is_found = is_found;
    return 0;
}

/* The dynamic section lies in a part of the image that is mapped from its file. */
static int identify(umh_library *library)
{
    struct link_map *map = NULL;
    image_mapping mapping;
    bool is_found;
    int r;

    if (dlinfo(library->handle, RTLD_DI_LINKMAP, &map) < 0)
        return UMH_FAIL(UMH_E_OS, "find where '%s' was loaded: %s", library->path, dlerror());
    library->map = map;
    r = find_mapping(holds_address, map->l_ld, &mapping, &is_found);
    if (r)
        return r;
    if (!is_found || mapping.file.inode == 0)
        return UMH_FAIL(UMH_E_OS, "'%s' was loaded, but is not in /proc/self/maps", library->path);
    library->file = mapping.file;
    return 0;
}

umh_library *umh_library_free(umh_library *library)
{
    if (!library)
        return NULL;
    umh_text_free(library->path);
    free(library);
    return NULL;
}

const char *umh_library_path(const umh_library *library)
{
    return library->path;
}

int umh_library_load(const char *path, umh_library **ret_library, umh_why *ret_why)
{
    umh_library *library;
    int r;

    if (path[0] != '/')
        return UMH_FAIL(UMH_E_USAGE, "the path of a library must be absolute, not '%s'", path);
    library = calloc(1, sizeof *library);
    if (!library)
        return UMH_FAIL(UMH_E_MEMORY, "load '%s'", path);
    library->path = umh_text_copy(path);
    if (!library->path) {
        umh_library_free(library);
        return UMH_E_MEMORY;
    }

    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library->handle) {
        umh_why_set(ret_why, "%s", dlerror());
        umh_library_free(library);
        return UMH_LIBRARY_UNLOADABLE;
    }
    r = identify(library);
    if (r) {
        dlclose(library->handle);
        umh_library_free(library);
        return r;
    }
    *ret_library = library;
    return 0;
}

/* dlsym looks into what the library links as well; a symbol of those is not the library's. */
int umh_library_find(umh_library *library, const char *symbol, void **ret_address)
{
    void *address = dlsym(library->handle, symbol);
    struct link_map *owner = NULL;
    Dl_info info;

    if (!address || !dladdr1(address, &info, (void **)&owner, RTLD_DL_LINKMAP) ||
        owner != library->map)
        return UMH_LIBRARY_NO_SYMBOL;
    *ret_address = address;
    return 0;
}

static int look_for(const umh_library *library, bool *ret_is_mapped)
{
    image_mapping mapping;

    return find_mapping(is_of_file, &library->file, &mapping, ret_is_mapped);
}

/*
 * A thread-local with a destructor keeps the image at dlclose, and when that destructor has run, at
 * its thread's end, nothing looks again: the next dlclose does. RTLD_NOLOAD finds the image that is
 * still there by the name it was loaded with and cannot load another file that has this name today.
 */
static void close_once_more(const umh_library *library)
{
    void *again = dlopen(library->path, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);

    if (again)
        dlclose(again);
}

int umh_library_unload(umh_library *library)
{
    bool is_mapped = true;
    int r;

    if (library->handle)
        dlclose(UMH_MOVE(library->handle));
    r = look_for(library, &is_mapped);
    if (r == 0 && is_mapped) {
        close_once_more(library);
        r = look_for(library, &is_mapped);
    }
    if (r)
        return r;
    return is_mapped ? UMH_LIBRARY_STILL_MAPPED : 0;
}

int umh_library_unload_take(umh_library *library)
{
    int r = umh_library_unload(library);

    umh_library_free(library);
    return r == UMH_LIBRARY_STILL_MAPPED ? UMH_LIBRARY_STILL_MAPPED : umh_fold(r);
}
