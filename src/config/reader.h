/* SPDX-License-Identifier: MIT */
/*
 * Reads JSON values into the structs of config.h as the table in schema.h says. Every mistake is
 * reported with its place; reading goes on behind it, so that a person sees all of them. Pure. Any
 * thread.
 */
#pragma once

#include "config/report.h"
#include "config/schema.h"
#include "formats/jsonc.h"

/*
 * `value`: the struct of `object`, zeroed or with defaults before. All fields of the table become
 * what the table says.
 */
UMH_MUST_USE int umh_reader_set_defaults(umh_schema_object object, void *value);

/*
 * Read the keys that are there into `value`, a struct with defaults; check that the required ones
 * are. Entries of ChildProcesses and a `Broker` are left to the caller: they have rules of their
 * own.
 * Outcomes: UMH_READER_BAD (something was reported; `value` is partly read and still to be
 * released).
 */
enum { UMH_READER_BAD = 1 };
UMH_MUST_USE int umh_reader_read(umh_report *report, umh_schema_object object, json_t *json,
                                 const char *path, void *value);

/*
 * Free what the fields of the table own and leave them empty. Twice is harmless; so is a zeroed
 * struct.
 */
void umh_reader_release(umh_schema_object object, void *value);
