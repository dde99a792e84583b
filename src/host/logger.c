/* SPDX-License-Identifier: MIT */
/*
 * Log records as lines on descriptor 2, which nothing moves: one write each, so that lines of
 * several threads stay whole.
 */
#include "host/logger.h"

#include "platform/pipe.h"

#include <stdio.h>

#define SAY_BYTES 1024

/* The record counts all of them and has room for some: the line says how many are missing. */
static void add_fields(umh_logfmt_record *record, const umh_logfmt_field *fields, size_t count)
{
    for (size_t i = 0; i < count && i < UMH_COUNT_OF(record->fields); i++)
        record->fields[i] = fields[i];
    record->field_count = count;
}

void umh_logger_write(umh_log_level level, const char *module, const char *message,
                      const umh_logfmt_field *fields, size_t field_count)
{
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;
    umh_logfmt_record record = {
        .level = level,
        .module = umh_bytes_of_text(module),
        .message = umh_bytes_of_text(message),
    };

    add_fields(&record, fields, field_count);
    if (umh_logfmt_encode(&record, &line) == 0)
        umh_ignore(umh_pipe_write_all(umh_pipe_standard(2), umh_bytes_of(line.data, line.size)));
}

void umh_logger_say(umh_log_level level, const char *module, const char *format, ...)
{
    char text[SAY_BYTES];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    umh_logger_write(level, module, text, NULL, 0);
}
