/* SPDX-License-Identifier: MIT */
/* A project from a template: its files under another name, with words replaced in all of them. */
#pragma once

#include "base/why.h"
#include "formats/jsonc.h"

#define UMH_PROJECT_FILE_BYTES_MAX (256u * 1024) /* of a file of a template */
#define UMH_PROJECT_ENTRIES_MAX 64               /* in one folder of it */
#define UMH_PROJECT_DEPTH_MAX 8

/* What stands in the template, and what in its place in the project: in paths and in contents. */
typedef struct umh_project_word {
    const char *from, *to;
} umh_project_word;

typedef struct umh_project_spec {
    const char *template_folder;
    const char *folder; /* absolute; not there yet, or empty */
    const umh_project_word *words;
    size_t word_count;
} umh_project_spec;

/*
 * Write it, and append the paths of its files, within the folder, to the array `files`. Nothing of
 * it is left where it could not be written whole. What only the template's own tools need is not
 * part of it: .template.config, and what a build of the template itself has left.
 *
 * Outcomes: UMH_PROJECT_REFUSED (why: the folder is in use, or what could not be read or written).
 */
enum { UMH_PROJECT_REFUSED = 1 };
UMH_MUST_USE int umh_project_write(const umh_project_spec *spec, json_t *files, umh_why *ret_why);
