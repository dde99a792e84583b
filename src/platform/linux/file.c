/* SPDX-License-Identifier: MIT */
/* Single files: what they are, their content, moving and locking them. */
#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK_BYTES 16384u
#define NEW_FILE_MODE 0644

static bool means_none(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

umh_file_info umh_file_inspect(const char *path)
{
    umh_file_info info = {.kind = FILE_KIND_NONE};
    struct stat about;

    if (stat(path, &about) < 0)
        return info;
    info.kind = S_ISREG(about.st_mode)   ? FILE_KIND_FILE
                : S_ISDIR(about.st_mode) ? FILE_KIND_FOLDER
                                         : FILE_KIND_OTHER;
    info.bytes = (uint64_t)about.st_size;
    info.changed_ns =
        (uint64_t)about.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)about.st_mtim.tv_nsec;
    info.identity = (uint64_t)about.st_dev * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)about.st_ino;
    return info;
}

/*
 * A pipe would make open wait for its writer, so it is opened without waiting, and refused.
 * Outcomes: UMH_FILE_NONE.
 */
static int open_regular(const char *path, int *ret_descriptor, struct stat *ret_about)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int error;

    if (descriptor < 0 && means_none(errno))
        return UMH_FILE_NONE;
    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "open '%s'", path);
    if (fstat(descriptor, ret_about) == 0 && S_ISREG(ret_about->st_mode)) {
        *ret_descriptor = descriptor;
        return 0;
    }
    error = S_ISDIR(ret_about->st_mode) ? EISDIR : EINVAL;
    close(descriptor);
    return UMH_FAIL_OS(error, "read '%s': no regular file", path);
}

/* Up to `capacity` bytes; fewer only at the end of the file. */
static int read_full(int descriptor, const char *path, void *buffer, size_t capacity,
                     size_t *ret_size)
{
    size_t size = 0;

    while (size < capacity) {
        ssize_t count = read(descriptor, (char *)buffer + size, capacity - size);

        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return UMH_FAIL_OS(errno, "read '%s'", path);
        size += count > 0 ? (size_t)count : 0;
    }
    *ret_size = size;
    return 0;
}

/*
 * The file may grow while it is read: what counts is what was read. Outcomes: UMH_FILE_TOO_LARGE.
 */
static int read_all(int descriptor, const char *path, umh_buffer *content)
{
    uint8_t chunk[READ_CHUNK_BYTES];
    size_t size = 0;

    do {
        int r = read_full(descriptor, path, chunk, sizeof chunk, &size);

        if (r)
            return r;
        r = umh_buffer_append(content, chunk, size);
        if (r == UMH_BUFFER_FULL)
            return UMH_FILE_TOO_LARGE;
        if (r)
            return umh_fold(r);
    } while (size == sizeof chunk);
    return 0;
}

int umh_file_read(const char *path, size_t max_bytes, umh_buffer *ret_content)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    struct stat about;
    int descriptor;
    int r = open_regular(path, &descriptor, &about);

    if (r == UMH_FILE_NONE)
        return UMH_FILE_NONE;
    if (r)
        return umh_fold(r);
    content.max_bytes = max_bytes;
    r = (uint64_t)about.st_size > max_bytes ? UMH_FILE_TOO_LARGE
                                            : read_all(descriptor, path, &content);
    close(descriptor);
    if (r == UMH_FILE_TOO_LARGE)
        return UMH_FILE_TOO_LARGE;
    if (r)
        return umh_fold(r);
    *ret_content = content;
    content = (umh_buffer)UMH_BUFFER_INIT;
    return 0;
}

int umh_file_read_head(const char *path, void *buffer, size_t capacity, size_t *ret_size,
                       uint64_t *ret_file_bytes)
{
    struct stat about;
    size_t size;
    int descriptor;
    int r = open_regular(path, &descriptor, &about);

    if (r == UMH_FILE_NONE)
        return UMH_FILE_NONE;
    if (r)
        return umh_fold(r);
    r = read_full(descriptor, path, buffer, capacity, &size);
    close(descriptor);
    if (r)
        return r;
    *ret_size = size;
    *ret_file_bytes = (uint64_t)about.st_size;
    return 0;
}

static int write_all(int descriptor, const char *path, umh_bytes content)
{
    while (content.size > 0) {
        ssize_t count = write(descriptor, content.data, content.size);

        if (count < 0 && errno != EINTR)
            return UMH_FAIL_OS(errno, "write '%s'", path);
        if (count > 0) {
            content.data += count;
            content.size -= (size_t)count;
        }
    }
    return 0;
}

/*
 * mkstemp's mode is for secrets; ours is that of any new file, and a folder is what keeps a file
 * private.
 */
static int write_temporary(char *temporary, umh_bytes content)
{
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    int r;

    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "create '%s'", temporary);
    r = write_all(descriptor, temporary, content);
    if (r == 0 && fchmod(descriptor, NEW_FILE_MODE) < 0)
        r = UMH_FAIL_OS(errno, "set the mode of '%s'", temporary);
    if (close(descriptor) < 0 && r == 0)
        r = UMH_FAIL_OS(errno, "write '%s'", temporary);
    if (r)
        unlink(temporary);
    return r;
}

int umh_file_write(const char *path, umh_bytes content)
{
    char temporary[UMH_PATH_BYTES];
    int r;

    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return UMH_FAIL(UMH_E_LIMIT, "the path '%s' is too long", path);
    r = write_temporary(temporary, content);
    if (r)
        return r;
    r = umh_file_move(temporary, path);
    if (r)
        unlink(temporary);
    return r;
}

int umh_file_move(const char *from, const char *to)
{
    if (rename(from, to) < 0)
        return UMH_FAIL_OS(errno, "move '%s' to '%s'", from, to);
    return 0;
}

int umh_file_lock(const char *path, intptr_t *ret_lock)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error;

    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "open '%s'", path);
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = descriptor;
        return 0;
    }
    error = errno;
    close(descriptor);
    if (error == EWOULDBLOCK)
        return UMH_FILE_UNSAFE;
    return UMH_FAIL_OS(error, "lock '%s'", path);
}

void umh_file_unlock(intptr_t *lock)
{
    if (*lock >= 0)
        close((int)*lock);
    *lock = -1;
}
