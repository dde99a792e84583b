/* SPDX-License-Identifier: MIT */
/*
 * JSON with comments for people's files, strict JSON for the wire: jansson parses, this file blanks
 * comments in place first, rejects duplicate keys and finds the line and column of a key by
 * rescanning. The only header with json_t in it. Any thread, a document is not shared.
 */
#pragma once

#include "base/auto.h"
#include "base/bytes.h"
#include "base/why.h"

#include <jansson.h>

#define UMH_JSONC_FILE_BYTES_MAX (16u * 1024 * 1024)
#define UMH_JSONC_DEPTH_MAX 64 /* deeper nesting is UMH_JSONC_BAD */

enum {
    UMH_JSONC_BAD = 1, /* not JSON, a duplicate key, too deep; why has line and column */
};

/*
 * Parse `text`: // and block comments and commas before a closing bracket are blanked in a private
 * copy (line breaks stay, so positions are the file's). A UTF-8 byte-order mark is skipped.
 * Outcomes: UMH_JSONC_BAD.
 */
UMH_MUST_USE int umh_jsonc_parse(umh_bytes text, json_t **ret_root, umh_why *ret_why);

/* Strict: no comments, no BOM; for commands. Outcomes: UMH_JSONC_BAD. */
UMH_MUST_USE int umh_jsonc_parse_strict(umh_bytes text, json_t **ret_root, umh_why *ret_why);

/*
 * Line and column (from 1) of the value at `path` ("ChildProcesses[2].Modules[0].Path"; "" is the
 * root) in the original text; of the key itself when `of_key`. 0, 0 when it is not there.
 */
void umh_jsonc_locate(umh_bytes text, const char *path, bool of_key, int *ret_line,
                      int *ret_column);

/* Compact text of a value, appended. Outcomes: UMH_BUFFER_FULL. */
UMH_MUST_USE int umh_jsonc_print(const json_t *value, umh_buffer *text);

/*
 * Borrowed members with a type: NULL, the fallback or false when absent or of another type. Used on
 * commands, not on people's files.
 */
const char *umh_jsonc_get_text(const json_t *object, const char *key, const char *fallback);
int64_t umh_jsonc_get_integer(const json_t *object, const char *key, int64_t fallback);
bool umh_jsonc_get_bool(const json_t *object, const char *key, bool fallback);
json_t *umh_jsonc_get_object(const json_t *object, const char *key);
json_t *umh_jsonc_get_array(const json_t *object, const char *key);

/* Any bytes as a text of JSON: what is no UTF-8 loses its bytes beyond ASCII. NULL: no memory. */
json_t *umh_jsonc_text(const char *text);

/* umh_json: an owned document, for UMH_AUTO_PTR. */
typedef json_t umh_json;
static inline umh_json *umh_json_free(umh_json *json)
{
    json_decref(json);
    return NULL;
}
UMH_DEFINE_AUTO_PTR(umh_json);
