/* SPDX-License-Identifier: MIT */
/* Bytes into lines, so many a second. */
#include "broker/log_lines.h"

#include "formats/logfmt.h"
#include "ipc/limits.h"

#include <string.h>

#define THOUSAND 1000u
#define TOKENS_MAX ((uint64_t)UMH_LOG_LINES_PER_SECOND * THOUSAND)
#define REST_BYTES_KEPT 4096u /* a buffer that a long line has grown is given back */

void umh_log_lines_init(umh_log_lines *lines, uint64_t now_ms)
{
    *lines = (umh_log_lines){
        .rest = UMH_BUFFER_INIT, .tokens_thousand = TOKENS_MAX, .filled_ms = now_ms};
    lines->rest.max_bytes = UMH_LOGFMT_LINE_BYTES_MAX;
}

static void fill(umh_log_lines *lines, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > lines->filled_ms ? now_ms - lines->filled_ms : 0;

    if (passed_ms >= THOUSAND)
        lines->tokens_thousand = TOKENS_MAX;
    else
        lines->tokens_thousand += passed_ms * UMH_LOG_LINES_PER_SECOND;
    if (lines->tokens_thousand > TOKENS_MAX)
        lines->tokens_thousand = TOKENS_MAX;
    lines->filled_ms = now_ms;
}

static void pass(umh_log_lines *lines, umh_bytes line, umh_log_on_line on_line, void *context)
{
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (line.size == 0)
        return;
    if (lines->tokens_thousand < THOUSAND) {
        lines->dropped_count++;
        return;
    }
    lines->tokens_thousand -= THOUSAND;
    on_line(context, line);
}

static void pass_rest(umh_log_lines *lines, umh_log_on_line on_line, void *context)
{
    pass(lines, umh_bytes_of(lines->rest.data, lines->rest.size), on_line, context);
    if (lines->rest.capacity > REST_BYTES_KEPT)
        umh_buffer_deinit(&lines->rest);
    else
        umh_buffer_clear(&lines->rest);
}

/* A part of a line, behind what there is of it. */
static void keep(umh_log_lines *lines, umh_bytes part, umh_log_on_line on_line, void *context)
{
    while (part.size > 0) {
        size_t room = lines->rest.max_bytes - lines->rest.size;
        size_t size = part.size < room ? part.size : room;

        if (umh_buffer_append(&lines->rest, part.data, size) != 0) {
            umh_failure_take(); /* no memory for it: the line is lost, and counted */
            umh_buffer_clear(&lines->rest);
            lines->dropped_count++;
            return;
        }
        part = umh_bytes_of(part.data + size, part.size - size);
        if (lines->rest.size == lines->rest.max_bytes)
            pass_rest(lines, on_line, context);
    }
}

void umh_log_lines_add(umh_log_lines *lines, umh_bytes bytes, uint64_t now_ms,
                       umh_log_on_line on_line, void *context)
{
    fill(lines, now_ms);
    while (bytes.size > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.size);
        size_t size = end ? (size_t)(end - bytes.data) : bytes.size;
        umh_bytes part = umh_bytes_of(bytes.data, size);

        if (end && lines->rest.size == 0 && size < UMH_LOGFMT_LINE_BYTES_MAX) {
            pass(lines, part, on_line, context);
        } else {
            keep(lines, part, on_line, context);
            if (end)
                pass_rest(lines, on_line, context);
        }
        size += end != NULL;
        bytes = umh_bytes_of(bytes.data + size, bytes.size - size);
    }
}

void umh_log_lines_end(umh_log_lines *lines, umh_log_on_line on_line, void *context)
{
    pass_rest(lines, on_line, context);
}

void umh_log_lines_deinit(umh_log_lines *lines)
{
    umh_buffer_deinit(&lines->rest);
}
