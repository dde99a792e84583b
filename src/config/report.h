/* SPDX-License-Identifier: MIT */
/*
 * What is wrong in a configuration, with file, line, column and key of each mistake. Pure. Any
 * thread.
 */
#pragma once

#include "base/bytes.h"
#include "base/why.h"

/* of a key; a longer one is cut, and its place is that of what it is in */
#define UMH_REPORT_PATH_BYTES 320

/*
 * A place costs a pass over the file. In a file of ordinary size all that the list keeps have one;
 * in a huge one, problems after so many bytes are counted and not kept.
 */
#define UMH_REPORT_LOCATED_BYTES_MAX (256u * 1024 * 1024)

typedef struct umh_report {
    umh_bytes text;         /* the whole file; borrowed */
    const char *file;       /* its name; borrowed */
    umh_why_list *problems; /* borrowed */
    size_t bad_count;       /* added through this report */
    uint64_t located_bytes; /* gone through for places */
} umh_report;

typedef enum umh_report_place { PLACE_OF_VALUE, PLACE_OF_KEY } umh_report_place;

/*
 * Add a problem at `path` ("ChildProcesses[2].Ui"; "" is the file): the place of that in the file,
 * or else of what it is in.
 */
void umh_report_add(umh_report *report, const char *path, umh_report_place place,
                    const char *format, ...) UMH_PRINTF(4, 5);

/* What is added now is only counted: nothing needs to be found out for it. */
bool umh_report_is_full(const umh_report *report);

/*
 * Lines of the first `count` elements of the list at `path`, in one pass over the file; 0 where
 * there is none.
 */
void umh_report_find_lines(const umh_report *report, const char *path, int *ret_lines,
                           size_t count);

/* A person's text in a message: cut, and control characters as '?'. */
typedef struct umh_report_shown {
    char text[96];
} umh_report_shown;
umh_report_shown umh_report_show(const char *text);
