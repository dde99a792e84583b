/* SPDX-License-Identifier: MIT */
/* Every line is written at once: after a crash of the process all that was heard is there. */
#include "rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBER_BYTES 16 /* ".12", with room */

int rotation_open(agent_rotation *rotation)
{
    rotation_close(rotation);
    /* Whoever can write the folder cannot turn the journal into a link to something of ours. */
    rotation->file =
        open(rotation->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return rotation->file < 0 ? errno : 0;
}

void rotation_close(agent_rotation *rotation)
{
    if (rotation->file >= 0)
        close(rotation->file);
    rotation->file = -1;
}

/* journal.jsonl, journal.1.jsonl, journal.2.jsonl, ... */
static int number_path(const agent_rotation *rotation, int number, char *ret_path, size_t size)
{
    const char *name = strrchr(rotation->path, '/');
    const char *dot = strrchr(name ? name : rotation->path, '.');
    size_t stem = dot ? (size_t)(dot - rotation->path) : strlen(rotation->path);
    char text[NUMBER_BYTES] = "";
    int count;

    if (number > 0)
        snprintf(text, sizeof(text), ".%d", number);
    count = snprintf(ret_path, size, "%.*s%s%s", (int)stem, rotation->path, text, dot ? dot : "");
    return count < 0 || (size_t)count >= size ? ENAMETOOLONG : 0;
}

/* The oldest is overwritten by the one before it. */
static int rotate(agent_rotation *rotation)
{
    char older[PATH_MAX];
    char newer[PATH_MAX];
    int error = 0;

    if (rotation->keep == 0)
        return ftruncate(rotation->file, 0) == 0 ? 0 : errno;
    for (int number = rotation->keep; number > 0; number--) {
        error = number_path(rotation, number, older, sizeof(older));
        if (!error)
            error = number_path(rotation, number - 1, newer, sizeof(newer));
        if (error)
            return error;
        if (rename(newer, older) != 0 && errno != ENOENT)
            return errno;
    }
    return rotation_open(rotation);
}

static int write_all(int file, const char *line, size_t size)
{
    while (size > 0) {
        ssize_t count = write(file, line, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno;
        line += count;
        size -= (size_t)count;
    }
    return 0;
}

int rotation_append(agent_rotation *rotation, const char *line, size_t size)
{
    struct stat status;
    int error;

    /* Somebody may have moved or removed the file: then the line belongs into a new one. */
    if (rotation->file < 0 || fstat(rotation->file, &status) != 0 || status.st_nlink == 0) {
        error = rotation_open(rotation);
        if (!error && fstat(rotation->file, &status) != 0)
            error = errno;
        if (error)
            return error;
    }
    if (status.st_size > 0 && status.st_size + (long long)size > rotation->bytes_max) {
        error = rotate(rotation);
        if (error)
            return error;
        status.st_size = 0;
    }
    error = write_all(rotation->file, line, size);
    /* On a full disk half a line may be there: the next one is not to continue it. */
    if (error && ftruncate(rotation->file, status.st_size) != 0)
        rotation_close(rotation);
    return error;
}
