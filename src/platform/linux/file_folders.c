/* SPDX-License-Identifier: MIT */
/* Folders: making, checking, listing and removing them. */
#include "platform/file.h"

#include "platform/environment.h"
#include "platform/linux/file_folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PRIVATE_MODE 0700
#define OPEN_TO_OTHERS 0077
#define PASSABLE 0011
#define NAMES_AT_FIRST 16u
#define REMOVE_DEPTH_MAX                                                                           \
    128u /* a descriptor per level; deeper trees are refused: nothing of ours makes them */

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int make_one(const char *path)
{
    struct stat about;

    if (mkdir(path, PRIVATE_MODE) == 0)
        return 0;
    if (errno != EEXIST)
        return UMH_FAIL_OS(errno, "make the folder '%s'", path);
    if (stat(path, &about) < 0 || !S_ISDIR(about.st_mode))
        return UMH_FAIL_OS(ENOTDIR, "make the folder '%s'", path);
    return 0;
}

int umh_file_make_folder(const char *path)
{
    char part[UMH_PATH_BYTES];

    if (!umh_text_put(part, sizeof part, path))
        return UMH_FAIL(UMH_E_LIMIT, "the path '%.100s...' is too long", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = make_one(part);
        if (r)
            return r;
        *slash = '/';
    }
    return make_one(part);
}

/* `open_to_others`: the bits that must not be set. Outcomes: those of umh_file_check_private. */
static int check_folder(const char *path, unsigned open_to_others, umh_why *ret_why)
{
    struct stat about;
    int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;

    if (folder < 0 && error == ENOENT)
        return UMH_FILE_NONE;
    if (folder < 0 && (error == ENOTDIR || error == ELOOP || error == EACCES)) {
        umh_why_set(ret_why, "'%s' is %s", path,
                    error == EACCES ? "not open to this user" : "no folder or behind a link");
        return UMH_FILE_UNSAFE;
    }
    if (folder < 0)
        return UMH_FAIL_OS(error, "open the folder '%s'", path);
    error = fstat(folder, &about) < 0 ? errno : 0;
    close(folder);
    if (error)
        return UMH_FAIL_OS(error, "look at the folder '%s'", path);

    if (about.st_uid != geteuid() && about.st_uid != 0) {
        umh_why_set(ret_why, "'%s' belongs to another user (%lu)", path,
                    (unsigned long)about.st_uid);
        return UMH_FILE_UNSAFE;
    }
    if (about.st_mode & open_to_others) {
        umh_why_set(ret_why, "'%s' is open to other users (mode %04o, 0700 is right)", path,
                    (unsigned)about.st_mode & 07777u);
        return UMH_FILE_UNSAFE;
    }
    return 0;
}

int umh_file_check_private(const char *path, umh_why *ret_why)
{
    int r = check_folder(path, OPEN_TO_OTHERS, ret_why);

    if (r == UMH_FILE_NONE || r == UMH_FILE_UNSAFE)
        return r;
    return umh_fold(r);
}

int umh_file_check_guarded(const char *path, umh_why *ret_why)
{
    int r = check_folder(path, OPEN_TO_OTHERS & ~PASSABLE, ret_why);

    if (r == UMH_FILE_NONE || r == UMH_FILE_UNSAFE)
        return r;
    return umh_fold(r);
}

int umh_file_let_pass(const char *path)
{
    struct stat about;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = 0;

    if (folder < 0)
        return UMH_FAIL_OS(errno, "open the folder '%s'", path);
    if (fstat(folder, &about) < 0 || fchmod(folder, (about.st_mode & 07777) | PASSABLE) < 0)
        error = errno;
    close(folder);
    return error ? UMH_FAIL_OS(error, "let others pass through '%s'", path) : 0;
}

bool umh_file_is_closed(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && !(about.st_mode & S_IROTH);
}

bool umh_file_allows_execution(const char *path)
{
    struct statvfs about;

    return statvfs(path, &about) < 0 || !(about.f_flag & ST_NOEXEC);
}

int umh_file_make_temporary(const char *prefix, char *ret_path)
{
    const char *folder = umh_environment_get("TMPDIR");
    char path[UMH_PATH_BYTES];
    int length;

    if (!folder || folder[0] != '/')
        folder = P_tmpdir;
    length = snprintf(path, sizeof path, "%s/%sXXXXXX", folder, prefix);
    if (length < 0 || (size_t)length >= sizeof path)
        return UMH_FAIL(UMH_E_LIMIT, "the path '%.100s...' is too long", path);
    if (!mkdtemp(path))
        return UMH_FAIL_OS(errno, "make the folder '%s'", path);
    memcpy(ret_path, path, (size_t)length + 1);
    return 0;
}

static int remove_below(int folder, const char *name, unsigned depth);

/* Takes `folder`. */
static int empty_folder_take(int folder, const char *name, unsigned depth)
{
    DIR *stream = fdopendir(folder);
    struct dirent *entry;
    int error = 0;
    int r = 0;

    if (!stream) {
        error = errno;
        close(folder);
        return UMH_FAIL_OS(error, "list the folder '%s'", name);
    }
    while (r == 0 && (errno = 0, entry = readdir(stream)) != NULL) {
        if (!is_dot(entry->d_name))
            r = remove_below(dirfd(stream), entry->d_name, depth + 1);
    }
    if (r == 0 && errno)
        r = UMH_FAIL_OS(errno, "list the folder '%s'", name);
    closedir(stream);
    return r;
}

/* Unlinked first and only then taken for a folder: a link is removed, whatever it leads to. */
static int remove_below(int parent, const char *name, unsigned depth)
{
    int folder;
    int r;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT || errno == ENOTDIR)
        return 0;
    if (errno != EISDIR)
        return UMH_FAIL_OS(errno, "remove '%s'", name);
    if (depth >= REMOVE_DEPTH_MAX)
        return UMH_FAIL(UMH_E_LIMIT, "remove '%s': more than %u folders deep", name,
                        REMOVE_DEPTH_MAX);
    folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? 0 : UMH_FAIL_OS(errno, "open the folder '%s'", name);
    r = empty_folder_take(folder, name, depth);
    if (r)
        return r;
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return UMH_FAIL_OS(errno, "remove the folder '%s'", name);
    return 0;
}

int umh_file_remove_tree(const char *path)
{
    return remove_below(AT_FDCWD, path, 0);
}

int umh_file_remove_folder(const char *path)
{
    if (rmdir(path) == 0 || errno == ENOENT)
        return 0;
    if (errno == ENOTEMPTY || errno == EEXIST)
        return UMH_FILE_TOO_MANY;
    if (errno == ENOTDIR)
        return UMH_FILE_UNSAFE;
    return UMH_FAIL_OS(errno, "remove the folder '%s'", path);
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static int add_name(umh_file_names *names, const char *name, size_t *capacity)
{
    char *copy;

    if (names->count == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : NAMES_AT_FIRST;
        char **grown = realloc(names->names, larger * sizeof *grown);

        if (!grown)
            return UMH_FAIL(UMH_E_MEMORY, "list %zu names", larger);
        names->names = grown;
        *capacity = larger;
    }
    copy = umh_text_copy(name);
    if (!copy)
        return UMH_E_MEMORY;
    names->names[names->count++] = copy;
    return 0;
}

/* Outcomes: UMH_FILE_TOO_MANY. */
static int collect_names(DIR *stream, size_t max_count, umh_file_names *names)
{
    size_t capacity = 0;
    struct dirent *entry;

    while ((errno = 0, entry = readdir(stream)) != NULL) {
        int r;

        if (is_dot(entry->d_name))
            continue;
        if (names->count == max_count)
            return UMH_FILE_TOO_MANY;
        r = add_name(names, entry->d_name, &capacity);
        if (r)
            return r;
    }
    return errno ? UMH_FAIL_OS(errno, "list a folder") : 0;
}

int umh_file_list_descriptor_take(int folder, size_t max_count, umh_file_names *ret_names)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    DIR *stream = fdopendir(folder);
    int r;

    if (!stream) {
        int error = errno;

        close(folder);
        return UMH_FAIL_OS(error, "list a folder");
    }
    r = collect_names(stream, max_count, &names);
    closedir(stream);
    if (r == UMH_FILE_TOO_MANY)
        return UMH_FILE_TOO_MANY;
    if (r)
        return umh_fold(r);
    if (names.count > 1)
        qsort(names.names, names.count, sizeof *names.names, compare_names);
    *ret_names = names;
    names = (umh_file_names)UMH_FILE_NAMES_INIT;
    return 0;
}

int umh_file_list(const char *folder, size_t max_count, umh_file_names *ret_names)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r;

    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR))
        return UMH_FILE_NONE;
    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "open the folder '%s'", folder);
    r = umh_file_list_descriptor_take(descriptor, max_count, ret_names);
    if (r == UMH_FILE_TOO_MANY)
        return UMH_FILE_TOO_MANY;
    return umh_fold(r);
}

void umh_file_names_deinit(umh_file_names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->count; i++)
        umh_text_free(names->names[i]);
    free(names->names);
    *names = (umh_file_names)UMH_FILE_NAMES_INIT;
}
