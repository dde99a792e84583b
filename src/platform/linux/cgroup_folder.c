/* SPDX-License-Identifier: MIT */
/* The files of control groups: small texts, written in one go. */
#include "platform/linux/cgroup_folder.h"

#include "platform/linux/cgroup_place.h"
#include "platform/linux/poll.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 32 /* of groups that hosts made themselves; deeper ones stay */

int umh_cgroup_write_file(int folder, const char *name, const char *text)
{
    int file = openat(folder, name, O_WRONLY | O_CLOEXEC);
    int error = 0;

    if (file < 0)
        return errno;
    /* One write is one command to the kernel: it is taken whole or not at all. */
    if (write(file, text, strlen(text)) < 0)
        error = errno;
    close(file);
    return error;
}

int umh_cgroup_read_file(int folder, const char *name, char *ret_text)
{
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t size;
    int error;

    ret_text[0] = '\0';
    if (file < 0)
        return errno;
    size = read(file, ret_text, UMH_CGROUP_TEXT_BYTES - 1);
    error = size < 0 ? errno : 0;
    close(file);
    ret_text[size > 0 ? size : 0] = '\0';
    return error;
}

static bool join(const char *group, const char *file, char *ret_name, size_t capacity)
{
    int length = snprintf(ret_name, capacity, "%s/%s", group, file);

    return length > 0 && (size_t)length < capacity;
}

int umh_cgroup_write_of(int folder, const char *group, const char *file, const char *text)
{
    char name[UMH_CGROUP_NAME_BYTES * 2];

    if (!join(group, file, name, sizeof name))
        return ENAMETOOLONG;
    return umh_cgroup_write_file(folder, name, text);
}

int umh_cgroup_read_of(int folder, const char *group, const char *file, char *ret_text)
{
    char name[UMH_CGROUP_NAME_BYTES * 2];

    ret_text[0] = '\0';
    if (!join(group, file, name, sizeof name))
        return ENAMETOOLONG;
    return umh_cgroup_read_file(folder, name, ret_text);
}

/* The kernel tells of a change once for every time the text was read. */
static bool is_populated(int events)
{
    char text[UMH_CGROUP_TEXT_BYTES];
    ssize_t size = pread(events, text, sizeof text - 1, 0);

    if (size < 0)
        return false;
    text[size] = '\0';
    return umh_cgroup_find_number(text, "populated") == 1;
}

void umh_cgroup_await_empty(int folder, const char *group, uint64_t deadline_ns)
{
    char name[UMH_CGROUP_NAME_BYTES * 2];
    short happened;
    int events;

    if (!join(group, "cgroup.events", name, sizeof name))
        return;
    events = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return;
    while (is_populated(events) && umh_poll(events, POLLPRI, deadline_ns, &happened) == 0) {
        /* it changed: look again */
    }
    close(events);
}

static int remove_deep(int folder, const char *group, int depth);

/* The first error stands for all: what can go goes. */
static int remove_below(int folder, int depth)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    int first = 0;

    if (!stream) {
        int error = errno;

        if (copy >= 0)
            close(copy);
        return error;
    }
    while ((entry = readdir(stream)) != NULL) {
        int error = 0;

        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            error = remove_deep(dirfd(stream), entry->d_name, depth + 1);
        if (first == 0)
            first = error;
    }
    closedir(stream);
    return first;
}

static int remove_deep(int folder, const char *group, int depth)
{
    int below;
    int error;

    if (unlinkat(folder, group, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY || depth > DEPTH_MAX)
        return errno;
    /* busy: with a process, or only with groups below it */
    below = openat(folder, group, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return errno;
    error = remove_below(below, depth);
    close(below);
    if (error)
        return error;
    return unlinkat(folder, group, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

int umh_cgroup_remove(int folder, const char *group)
{
    return remove_deep(folder, group, 0);
}

void umh_cgroup_remove_all_below(int folder)
{
    umh_ignore(remove_below(folder, 0));
}
