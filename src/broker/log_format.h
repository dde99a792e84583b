/* SPDX-License-Identifier: MIT */
/*
 * How a log record looks: a line of logfmt for programs, columns for people. Pure; whatever a host
 * wrote, the result is text of one record that no terminal obeys.
 */
#pragma once

#include "formats/logfmt.h"

typedef enum umh_log_style { LOG_STYLE_LOGFMT, LOG_STYLE_PLAIN, LOG_STYLE_COLOURED } umh_log_style;

typedef struct umh_log_format {
    umh_log_style style;
    int offset_minutes; /* of local time, for people */
    size_t who_columns; /* of the widest "host/module" so far, within bounds */
} umh_log_format;

#define UMH_LOG_WHO_COLUMNS_MAX 28u /* a longer name pushes its own line aside, no other */

#define UMH_LOG_FORMAT_INIT                                                                        \
    {                                                                                              \
        .style = LOG_STYLE_LOGFMT, .offset_minutes = 0, .who_columns = 0                           \
    }

/* Borrowed. */
typedef struct umh_log_line {
    const char *time; /* of umh_clock_wall_text */
    const char *host; /* NULL: the broker itself */
    const umh_logfmt_record *record;
    bool is_library; /* it was no record: `message` is the line as it came */
} umh_log_line;

/*
 * Append the record with its '\n':
 *   logfmt   time=2026-11-22T17:36:08.123Z host=sensors level=info module=sysload msg=text
 *   people   17:36:08.123 info  sensors/sysload  text  key=value
 * Outcomes: UMH_BUFFER_FULL (nothing appended).
 */
UMH_MUST_USE int umh_log_format_append(umh_log_format *format, const umh_log_line *line,
                                       umh_buffer *text);
