/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a host's stderr into lines, so many a second. Pure: the caller says what time it is.
 */
#pragma once

#include "base/bytes.h"

typedef struct umh_log_lines {
    umh_buffer rest;          /* of a line that has not ended */
    uint64_t tokens_thousand; /* lines that may pass now, in thousandths */
    uint64_t filled_ms;       /* when tokens were last added */
    uint64_t dropped_count;   /* since it was last taken */
} umh_log_lines;

typedef void (*umh_log_on_line)(void *context, umh_bytes line); /* without its end */

void umh_log_lines_init(umh_log_lines *lines, uint64_t now_ms);
/*
 * Calls back for every line that ends in `bytes` and may pass; others are counted. A line longer
 * than UMH_LOGFMT_LINE_BYTES_MAX comes in pieces, an empty one not at all.
 */
void umh_log_lines_add(umh_log_lines *lines, umh_bytes bytes, uint64_t now_ms,
                       umh_log_on_line on_line, void *context);
/* There is no more: a line without an end has ended. */
void umh_log_lines_end(umh_log_lines *lines, umh_log_on_line on_line, void *context);
void umh_log_lines_deinit(umh_log_lines *lines);
