/* SPDX-License-Identifier: MIT */
/*
 * The first implementation's vocabulary, which stays valid: keys at the top or under `Broker`,
 * sessions as names or numbers. Any thread.
 */
#pragma once

#include "config/reader.h"

/* An object whose keys are those of OBJECT_ROOT. */
typedef struct umh_legacy_section {
    json_t *json;     /* borrowed from the document */
    const char *path; /* "" or "Broker" */
} umh_legacy_section;

#define UMH_LEGACY_SECTIONS_MAX 2

typedef struct umh_legacy_sections {
    umh_legacy_section items[UMH_LEGACY_SECTIONS_MAX];
    size_t count;
    json_t *entries;          /* the list ChildProcesses; NULL: none */
    const char *entries_path; /* "ChildProcesses" or "Broker.ChildProcesses" */
} umh_legacy_sections;

/*
 * Where the keys of the whole stand. A key in both sections, a `Broker` in a `Broker` and what is
 * no object or list are reported.
 * Outcomes: UMH_READER_BAD.
 */
UMH_MUST_USE int umh_legacy_find_sections(umh_report *report, json_t *root,
                                          umh_legacy_sections *ret_sections);

/* "Broker" or 0, "AllUsers" or -1; names in any case. False: neither; *ret_session untouched. */
bool umh_legacy_find_session(const json_t *json, int64_t *ret_session);
