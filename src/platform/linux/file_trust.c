/* SPDX-License-Identifier: MIT */
/*
 * Whether another user could change a file or put a different one in its place. The way to it is
 * walked by hand, as every link on it can be exchanged by whoever may write where the link is.
 */
#include "platform/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40u /* as many as the kernel follows */
#define DEPTH_MAX 16u
#define ENTRIES_MAX 8192u /* of one folder; an installation has some hundred */

typedef struct file_way {
    char at[UMH_PATH_BYTES];   /* walked and without links */
    char rest[UMH_PATH_BYTES]; /* still to go */
    struct stat about;         /* of `at` */
    unsigned link_count;
} file_way;

/* A group that has its user's number has that user alone; root's is joined for other reasons. */
static bool is_own_group(gid_t group)
{
    return geteuid() != 0 && group == geteuid() && group == getegid();
}

/* Outcomes: UMH_FILE_UNSAFE. */
static int judge(const char *path, const struct stat *about, bool is_passed, umh_why *ret_why)
{
    unsigned open_to = S_IWOTH | (is_own_group(about->st_gid) ? 0 : S_IWGRP);

    if (about->st_uid != 0 && about->st_uid != geteuid()) {
        umh_why_set(ret_why, "'%s' belongs to another user (%lu)", path,
                    (unsigned long)about->st_uid);
        return UMH_FILE_UNSAFE;
    }
    if (S_ISLNK(about->st_mode) || !(about->st_mode & open_to))
        return 0;
    /* Where the sticky bit is, only its owner can exchange an entry, and that is judged next. */
    if (is_passed && S_ISDIR(about->st_mode) && (about->st_mode & S_ISVTX))
        return 0;
    umh_why_set(ret_why, "other users may write '%s' (mode %04o)", path,
                (unsigned)about->st_mode & 07777u);
    return UMH_FILE_UNSAFE;
}

/* The first part of what is left, out of it. False: nothing is left. */
static bool take_part(file_way *way, char ret_part[UMH_PATH_BYTES])
{
    const char *start = way->rest + strspn(way->rest, "/");
    size_t size = strcspn(start, "/");

    if (size == 0)
        return false;
    memcpy(ret_part, start, size);
    ret_part[size] = '\0';
    memmove(way->rest, start + size, strlen(start + size) + 1);
    return true;
}

/* Outcomes: UMH_FILE_NONE, UMH_FILE_UNSAFE. */
static int follow_link(file_way *way, const char *link, umh_why *ret_why)
{
    char target[UMH_PATH_BYTES];
    char rest[UMH_PATH_BYTES];
    ssize_t size = readlink(link, target, sizeof target - 1);
    int length;

    if (size < 0)
        return errno == ENOENT ? UMH_FILE_NONE : UMH_FAIL_OS(errno, "read the link '%s'", link);
    target[size] = '\0';
    length = snprintf(rest, sizeof rest, "%s/%s", target, way->rest);
    if (length < 0 || (size_t)length >= sizeof rest || ++way->link_count > LINKS_MAX) {
        umh_why_set(ret_why, "'%s' leads through too many links", link);
        return UMH_FILE_UNSAFE;
    }
    memcpy(way->rest, rest, (size_t)length + 1);
    if (target[0] == '/')
        memcpy(way->at, "/", 2);
    return 0;
}

/* Outcomes: UMH_FILE_NONE, UMH_FILE_UNSAFE. */
static int take_step(file_way *way, const char *part, umh_why *ret_why)
{
    char next[UMH_PATH_BYTES];
    bool is_passed = way->rest[strspn(way->rest, "/")] != '\0';
    int r;

    if (strcmp(part, ".") == 0)
        return 0;
    if (strcmp(part, "..") == 0) {
        umh_file_parent(way->at, way->at);
        return 0;
    }
    r = umh_file_join(way->at, part, next);
    if (r)
        return umh_fold(r);
    if (lstat(next, &way->about) < 0)
        return errno == ENOENT || errno == ENOTDIR ? UMH_FILE_NONE
                                                   : UMH_FAIL_OS(errno, "look at '%s'", next);
    r = judge(next, &way->about, is_passed, ret_why);
    if (r == 0 && S_ISLNK(way->about.st_mode))
        r = follow_link(way, next, ret_why);
    else if (r == 0)
        memcpy(way->at, next, strlen(next) + 1);
    if (r == UMH_FILE_NONE || r == UMH_FILE_UNSAFE)
        return r;
    return umh_fold(r);
}

/* All parts of an absolute path. Outcomes: UMH_FILE_NONE, UMH_FILE_UNSAFE. */
static int walk(const char *path, file_way *way, umh_why *ret_why)
{
    char part[UMH_PATH_BYTES];
    int r = 0;

    *way = (file_way){.at = "/"};
    if (!umh_text_put(way->rest, sizeof way->rest, path))
        return UMH_FAIL(UMH_E_LIMIT, "the path '%.100s...' is too long", path);
    if (lstat("/", &way->about) < 0)
        return UMH_FAIL_OS(errno, "look at '/'");
    r = judge("/", &way->about, true, ret_why);
    while (r == 0 && take_part(way, part))
        r = take_step(way, part, ret_why);
    if (r == UMH_FILE_NONE || r == UMH_FILE_UNSAFE)
        return r;
    return umh_fold(r);
}

static int check_below(const char *folder, unsigned depth, umh_why *ret_why);

/* Outcomes: UMH_FILE_UNSAFE. */
static int check_entry(const char *path, unsigned depth, umh_why *ret_why)
{
    struct stat about;
    int r;

    if (lstat(path, &about) < 0)
        return errno == ENOENT ? 0 : UMH_FAIL_OS(errno, "look at '%s'", path);
    if (S_ISLNK(about.st_mode)) {
        r = umh_file_check_trusted(path, ret_why);
        if (r == UMH_FILE_NONE)
            return 0;
    } else {
        r = judge(path, &about, false, ret_why);
        if (r == 0 && S_ISDIR(about.st_mode))
            r = check_below(path, depth + 1, ret_why);
    }
    if (r == UMH_FILE_UNSAFE)
        return UMH_FILE_UNSAFE;
    return umh_fold(r);
}

/* Outcomes: UMH_FILE_UNSAFE. */
static int check_below(const char *folder, unsigned depth, umh_why *ret_why)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];
    int r = depth > DEPTH_MAX ? UMH_FILE_TOO_MANY : umh_file_list(folder, ENTRIES_MAX, &names);

    if (r == UMH_FILE_NONE)
        return 0;
    if (r == UMH_FILE_TOO_MANY) {
        umh_why_set(ret_why, "'%s' has more in it than is looked through", folder);
        return UMH_FILE_UNSAFE;
    }
    for (size_t i = 0; i < names.count && r == 0; i++) {
        r = umh_file_join(folder, names.names[i], path);
        if (r == 0)
            r = check_entry(path, depth, ret_why);
    }
    if (r == UMH_FILE_UNSAFE)
        return UMH_FILE_UNSAFE;
    return umh_fold(r);
}

int umh_file_check_trusted(const char *path, umh_why *ret_why)
{
    file_way way;
    int r = walk(path, &way, ret_why);

    if (r == UMH_FILE_NONE || r == UMH_FILE_UNSAFE)
        return r;
    return umh_fold(r);
}

int umh_file_check_trusted_tree(const char *path, umh_why *ret_why)
{
    file_way way;
    int r = walk(path, &way, ret_why);

    if (r == 0 && S_ISDIR(way.about.st_mode))
        r = check_below(way.at, 0, ret_why);
    if (r == UMH_FILE_NONE || r == UMH_FILE_UNSAFE)
        return r;
    return umh_fold(r);
}

int umh_file_check_installation(const char *installation, umh_why *ret_why)
{
    static const char *const parts[] = {"bin/umh", "libexec/umh", "lib/umh", "share/umh/systemd"};
    char path[UMH_PATH_BYTES];
    int r = 0;

    for (size_t i = 0; i < UMH_COUNT_OF(parts) && r == 0; i++) {
        r = umh_file_join(installation, parts[i], path);
        if (r == 0)
            r = umh_file_check_trusted_tree(path, ret_why);
        if (r == UMH_FILE_NONE)
            r = 0;
    }
    if (r == UMH_FILE_UNSAFE)
        return UMH_FILE_UNSAFE;
    return umh_fold(r);
}
