/* SPDX-License-Identifier: MIT */
/*
 * Where the log goes: descriptor 2, or the system's journal where that is one and the same; written
 * as much as goes without waiting. What does not go waits here, up to UMH_LOG_PENDING_BYTES; then
 * whole lines are dropped and counted. Loop thread only.
 */
#pragma once

#include "broker/log_format.h"
#include "platform/pipe.h"

#include <uv.h>

typedef struct umh_log_output {
    umh_pipe pipe;      /* borrowed */
    uv_tty_t *terminal; /* owned; ends with umh_log_output_close; NULL: none */
    umh_pipe journal;   /* owned; takes records instead of lines; UMH_PIPE_NONE: none */
    umh_buffer pending;
    size_t written; /* of `pending`, at its front */
    uint64_t dropped_count;
    bool is_broken; /* nobody reads any more */
} umh_log_output;

/* `pipe` is borrowed until close. */
void umh_log_output_init(umh_log_output *output, uv_loop_t *loop, umh_pipe pipe);
/* From now on to the journal; before the first line. */
void umh_log_output_use_journal_take(umh_log_output *output, umh_pipe journal_take);
/* The whole line, or it is counted as dropped. */
void umh_log_output_put(umh_log_output *output, umh_log_format *format, const umh_log_line *line);
/* True: nothing waits. */
bool umh_log_output_flush(umh_log_output *output);
/* Write what waits until the deadline; what waits then is lost. Ends on the loop. */
void umh_log_output_close(umh_log_output *output, uint64_t deadline_ns);
