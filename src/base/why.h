/* SPDX-License-Identifier: MIT */
/*
 * An outcome explained to a person: bounded text and the place in a file it is about. A plain
 * value, copied freely.
 */
#pragma once

#include "base/err.h"

typedef struct umh_why {
    char text[512]; /* what is wrong and what to do about it; empty: nothing to say */
    char file[256]; /* cut at the front with "..." when longer; empty: about no file */
    char key[96];   /* path of the key, "ChildProcesses[2].Modules[0].Path"; empty: none */
    int line;       /* from 1; 0: unknown */
    int column;     /* from 1; 0: unknown */
} umh_why;

#define UMH_WHY_INIT                                                                               \
    {                                                                                              \
        .text = "", .file = "", .key = "", .line = 0, .column = 0                                  \
    }

/*
 * Replace the text, keep the place. Too long a text is cut at a character's border. `why` may be
 * NULL: nothing happens.
 */
void umh_why_set(umh_why *why, const char *format, ...) UMH_PRINTF(2, 3);

/* Replace the place, keep the text. NULL or 0 leaves that part as it is. */
void umh_why_place(umh_why *why, const char *file, int line, int column, const char *key);

/* Fill from the thread's last failure (taken). */
void umh_why_set_failure(umh_why *why);

/*
 * "broker.json:12:5: ChildProcesses[2].Ui: expected true or false" into `buffer`, always
 * terminated.
 */
void umh_why_format(const umh_why *why, char *buffer, size_t capacity);

/*
 * A growing list of them, for readers that report all they find. At most UMH_WHY_LIST_MAX are kept;
 * the rest is counted.
 */
#define UMH_WHY_LIST_MAX 100

typedef struct umh_why_list {
    umh_why *items; /* owned */
    size_t count;
    size_t dropped_count;
} umh_why_list;

#define UMH_WHY_LIST_INIT                                                                          \
    {                                                                                              \
        .items = NULL, .count = 0, .dropped_count = 0                                              \
    }

void umh_why_list_add(umh_why_list *list, const umh_why *why);
void umh_why_list_deinit(umh_why_list *list);
