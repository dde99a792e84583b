/* SPDX-License-Identifier: MIT */
/*
 * A file that lines are appended to, and that gives way to a new one when it is full: journal.jsonl
 * becomes journal.1.jsonl, that one journal.2.jsonl, and so on. One thread at a time. Functions
 * that return an int return 0 or an errno.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

typedef struct agent_rotation {
    char path[PATH_MAX];
    long long bytes_max; /* of one file; a line that is longer has a file of its own */
    int keep;            /* older files */
    int file;            /* descriptor; -1: none */
} agent_rotation;

#define AGENT_ROTATION_INIT                                                                        \
    {                                                                                              \
        .file = -1                                                                                 \
    }

/* Open or make the file. `path`, `bytes_max` and `keep` are set. */
int rotation_open(agent_rotation *rotation);
/* One whole line or none of it, handed to the system before this returns. */
int rotation_append(agent_rotation *rotation, const char *line, size_t size);
void rotation_close(agent_rotation *rotation); /* twice is once */
