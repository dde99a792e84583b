/* SPDX-License-Identifier: MIT */
/*
 * One log record as one line: level=info module=Alerts msg="disk is \"full\"\nsee ..." key=value
 *
 * Escapes inside quotes: \" \\ \n \r \t and \u00XX for other control characters. A value without
 * space, quote, '=' or control character needs no quotes. A line that does not begin with "level="
 * is from a library: it is not logfmt. Any thread.
 */
#pragma once

#include "base/bytes.h"
#include "base/log.h"

/* further ones are dropped and counted in a field `dropped_fields` */
#define UMH_LOGFMT_FIELDS_MAX 32
#define UMH_LOGFMT_LINE_BYTES_MAX 65536 /* a longer record is cut, with a field `cut=true` */

typedef struct umh_logfmt_field {
    const char *key; /* borrowed; [A-Za-z0-9_.-]+, other characters are written as '_' */
    umh_bytes value; /* borrowed, any bytes; invalid UTF-8 is written as U+FFFD */
} umh_logfmt_field;

typedef struct umh_logfmt_record {
    umh_log_level level;
    umh_bytes module; /* size 0: none */
    umh_bytes message;
    umh_logfmt_field fields[UMH_LOGFMT_FIELDS_MAX]; /* all other keys, in order */
    size_t field_count;
} umh_logfmt_record;

/* Append one line with its '\n'. Outcomes: UMH_BUFFER_FULL (nothing appended). */
UMH_MUST_USE int umh_logfmt_encode(const umh_logfmt_record *record, umh_buffer *line);

/*
 * Decode one line (without '\n'); values are unescaped into `storage`, which the record borrows
 * from and which is cleared first.
 * Outcomes: UMH_LOGFMT_NOT_A_RECORD (a library's line).
 */
enum { UMH_LOGFMT_NOT_A_RECORD = 1 };
UMH_MUST_USE int umh_logfmt_decode(umh_bytes line, umh_buffer *storage,
                                   umh_logfmt_record *ret_record);
