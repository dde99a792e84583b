/* SPDX-License-Identifier: MIT */
/* What leads to a file: the links on the way, walked by hand, and the file itself. */
#include "platform/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct links_way {
    char at[UMH_PATH_BYTES];   /* walked and without links */
    char rest[UMH_PATH_BYTES]; /* still to go */
    umh_file_names *places;
} links_way;

static int add_place(links_way *way, const char *path)
{
    umh_file_names *places = way->places;

    places->names[places->count] = umh_text_copy(path);
    if (!places->names[places->count])
        return UMH_E_MEMORY;
    places->count++;
    return 0;
}

/* The first part of what is left, out of it. False: nothing is left. */
static bool take_part(links_way *way, char ret_part[UMH_PATH_BYTES])
{
    const char *start = way->rest + strspn(way->rest, "/");
    size_t size = strcspn(start, "/");

    memcpy(ret_part, start, size);
    ret_part[size] = '\0';
    memmove(way->rest, start + size, strlen(start + size) + 1);
    return size > 0;
}

/* What it leads to stands before what is left. */
static int follow(links_way *way, const char *link, const char *target)
{
    char rest[UMH_PATH_BYTES];
    int length = snprintf(rest, sizeof rest, "%s/%s", target, way->rest);

    if (length < 0 || (size_t)length >= sizeof rest)
        return UMH_FAIL(UMH_E_LIMIT, "the path behind '%s' is too long", link);
    memcpy(way->rest, rest, (size_t)length + 1);
    if (target[0] == '/')
        memcpy(way->at, "/", 2);
    return add_place(way, link);
}

static int take_step(links_way *way, const char *part)
{
    char next[UMH_PATH_BYTES];
    char target[UMH_PATH_BYTES];
    ssize_t size;
    int r;

    if (strcmp(part, ".") == 0)
        return 0;
    if (strcmp(part, "..") == 0) {
        umh_file_parent(way->at, way->at);
        return 0;
    }
    r = umh_file_join(way->at, part, next);
    if (r)
        return r;
    size = readlink(next, target, sizeof target - 1);
    if (size >= 0 && way->places->count < UMH_FILE_PLACES_MAX - 1) {
        target[size] = '\0';
        return follow(way, next, target);
    }
    /* Where the way ends early, what may come there one day is the last place. */
    if (size < 0 && errno == ENOENT)
        way->rest[0] = '\0';
    memcpy(way->at, next, strlen(next) + 1);
    return 0;
}

int umh_file_trace(const char *path, umh_file_names *ret_places)
{
    UMH_AUTO(umh_file_names) places = UMH_FILE_NAMES_INIT;
    links_way way = {.at = "/", .places = &places};
    char part[UMH_PATH_BYTES];
    int r = 0;

    places.names = calloc(UMH_FILE_PLACES_MAX, sizeof *places.names);
    if (!places.names || !umh_text_put(way.rest, sizeof way.rest, path))
        return UMH_FAIL(UMH_E_LIMIT, "follow the links of '%.100s'", path);
    while (r == 0 && take_part(&way, part))
        r = take_step(&way, part);
    if (r == 0)
        r = add_place(&way, way.at);
    if (r)
        return r;
    *ret_places = places;
    places = (umh_file_names)UMH_FILE_NAMES_INIT;
    return 0;
}
