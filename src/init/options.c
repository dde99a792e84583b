/* SPDX-License-Identifier: MIT */
/* The command line of umh-init. */
#include "init/init.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Digits up to `end`, which follows them; *text moves behind it. */
static bool read_number(const char **text, char end, unsigned long max, unsigned long *ret_number)
{
    char *stop = NULL;
    unsigned long number;

    /* strtoul would take blanks and a sign. */
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    number = strtoul(*text, &stop, 10);
    if (errno != 0 || number > max || *stop != end)
        return false;
    *text = end == '\0' ? stop : stop + 1;
    *ret_number = number;
    return true;
}

static bool read_descriptor(const char **text, char end, int *ret_descriptor)
{
    unsigned long number;

    if (!read_number(text, end, INT_MAX, &number))
        return false;
    *ret_descriptor = (int)number;
    return true;
}

static bool read_report(const char *text, umh_init_options *options)
{
    unsigned long offset;

    if (!read_descriptor(&text, ':', &options->report) ||
        !read_number(&text, '\0', LONG_MAX, &offset))
        return false;
    options->report_offset = (long)offset;
    return true;
}

/* GID,... behind those that there are. */
static bool read_groups(const char *text, umh_init_options *options)
{
    const char *comma;
    unsigned long number;

    do {
        comma = strchr(text, ',');
        if (options->group_count == INIT_GROUPS_MAX ||
            !read_number(&text, comma ? ',' : '\0', UINT32_MAX - 1, &number))
            return false;
        options->groups[options->group_count++] = (gid_t)number;
    } while (comma);
    return true;
}

/* UID:GID[:GID,...]. The highest number is no id: the system takes it for "leave as it is". */
static bool read_user(const char *text, umh_init_options *options)
{
    const char *end_of_gid;
    unsigned long number;

    if (!read_number(&text, ':', UINT32_MAX - 1, &number))
        return false;
    options->uid = (uid_t)number;
    options->group_count = 0;
    end_of_gid = strchr(text, ':');
    if (!read_number(&text, end_of_gid ? ':' : '\0', UINT32_MAX - 1, &number))
        return false;
    options->gid = (gid_t)number;
    options->has_user = true;
    return !end_of_gid || read_groups(text, options);
}

static bool read_open_files(const char *text, umh_init_options *options)
{
    return read_number(&text, '\0', INT_MAX, &options->open_files) && options->open_files > 0;
}

static bool read_option(const char *name, const char *value, umh_init_options *options)
{
    if (strcmp(name, "--parent") == 0)
        return read_descriptor(&value, '\0', &options->parent);
    if (strcmp(name, "--report") == 0)
        return read_report(value, options);
    if (strcmp(name, "--cgroup") == 0)
        return read_descriptor(&value, '\0', &options->cgroup);
    if (strcmp(name, "--user") == 0)
        return read_user(value, options);
    if (strcmp(name, "--groups") == 0)
        return options->has_user && read_groups(value, options);
    if (strcmp(name, "--folder") == 0) {
        options->folder = value;
        return true;
    }
    return strcmp(name, "--open-files") == 0 && read_open_files(value, options);
}

bool umh_init_read_options(int argc, char **argv, umh_init_options *ret_options)
{
    int i = 1;

    ret_options->is_namespace = false;
    ret_options->parent = ret_options->report = ret_options->cgroup = -1;
    ret_options->report_offset = 0;
    ret_options->has_user = false;
    ret_options->group_count = 0;
    ret_options->folder = NULL;
    ret_options->open_files = 0;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        if (strcmp(argv[i], "--namespace") == 0) {
            ret_options->is_namespace = true;
            i++;
            continue;
        }
        if (i + 1 >= argc || !read_option(argv[i], argv[i + 1], ret_options))
            return false;
        i += 2;
    }
    ret_options->program = argv + i + 1;
    return i + 2 < argc;
}
