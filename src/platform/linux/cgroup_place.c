/* SPDX-License-Identifier: MIT */
/* What the kernel says of control groups, in its own words. */
#include "platform/linux/cgroup_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 255
/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS" */
#define FIELD_ROOT 3
#define FIELD_POINT 4

/* A space or a backslash in a path is "\040", "\134". */
static size_t decode_octal(const char *text, size_t size, char *ret_text)
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\' && size - i > 3) {
            ret_text[used++] =
                (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
            i += 3;
        } else {
            ret_text[used++] = text[i];
        }
    }
    ret_text[used] = '\0';
    return used;
}

static bool take_field(const char *line, int number, char *ret_text)
{
    size_t size;

    while (number-- > 0) {
        line += strcspn(line, " \n");
        if (*line != ' ')
            return false;
        line++;
    }
    size = strcspn(line, " \n");
    return size > 0 && size < UMH_PATH_BYTES && decode_octal(line, size, ret_text) > 0;
}

static bool is_cgroup2(const char *line)
{
    const char *end = line + strcspn(line, "\n");
    const char *type = strstr(line, " - cgroup2 ");

    return type && type < end;
}

/* `own` below `root`, as a path below the mount. */
static const char *below(const char *own, const char *root)
{
    size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);

    if (strncmp(own, root, size) != 0 || (own[size] != '/' && own[size] != '\0'))
        return NULL;
    return own + size;
}

/* "0::/system.slice/umh.service"; of another namespace's tree it is "/../..". */
static bool find_own(const char *text, char *ret_own)
{
    const char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
    size_t size;

    if (!line)
        return false;
    line += *line == '\n';
    size = strcspn(line + 3, "\n");
    if (size >= UMH_PATH_BYTES)
        return false;
    memcpy(ret_own, line + 3, size);
    ret_own[size] = '\0';
    return !strstr(ret_own, "/..") && !strstr(ret_own, " (deleted)");
}

int umh_cgroup_find_place(const char *mounts, const char *own, char *ret_path, umh_why *ret_why)
{
    char group[UMH_PATH_BYTES];
    char root[UMH_PATH_BYTES];
    char point[UMH_PATH_BYTES];
    bool has_tree = false;
    int r;

    if (!find_own(own, group)) {
        umh_why_set(ret_why, "this process is in no group of the cgroup v2 tree");
        return UMH_CGROUP_NOWHERE;
    }
    for (const char *line = mounts; line && *line; line = strchr(line, '\n')) {
        const char *rest;

        line += *line == '\n';
        if (!is_cgroup2(line) || !take_field(line, FIELD_ROOT, root) ||
            !take_field(line, FIELD_POINT, point))
            continue;
        has_tree = true;
        rest = below(group, root);
        if (!rest)
            continue;
        r = rest[0] == '/' && rest[1] ? umh_file_join(point, rest + 1, ret_path)
                                      : umh_file_join(point, ".", ret_path);
        return umh_fold(r);
    }
    umh_why_set(ret_why,
                has_tree ? "the group '%s' is not in the cgroup v2 tree that is mounted here"
                         : "no cgroup v2 tree is mounted that has the group '%s'",
                group);
    return UMH_CGROUP_NOWHERE;
}

static bool is_plain(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '.';
}

bool umh_cgroup_encode_name(const char *prefix, const char *text, char *ret_name)
{
    size_t used = strlen(prefix);

    memcpy(ret_name, prefix, used);
    for (; *text; text++) {
        size_t size = is_plain(*text) ? 1 : 3;

        if (used + size > NAME_BYTES_MAX)
            return false;
        if (size == 1)
            ret_name[used] = *text;
        else
            snprintf(ret_name + used, UMH_CGROUP_NAME_BYTES - used, "%%%02X",
                     (unsigned)(unsigned char)*text);
        used += size;
    }
    ret_name[used] = '\0';
    return true;
}

int64_t umh_cgroup_find_number(const char *text, const char *key)
{
    size_t size = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, size) == 0 && line[size] == ' ' && line[size + 1] >= '0' &&
            line[size + 1] <= '9')
            return strtoll(line + size + 1, NULL, 10);
    }
    return -1;
}
