/* SPDX-License-Identifier: MIT */
/* How a log record looks. */
#include "broker/log_format.h"

#include "formats/utf8.h"
#include "ipc/limits.h"

#include <stdio.h>
#include <string.h>

#define WHO_COLUMNS_MIN 12
#define OWN_NAME "broker"
#define CONTINUATION "\n             " /* under the level: a record begins in the first column */
#define MINUTES_PER_DAY (24 * 60)

#define COLOUR_NONE "\x1b[0m"
#define COLOUR_FAINT "\x1b[2m"
#define COLOUR_WHO "\x1b[36m"

/* All of one width, so that what follows stands in a column. */
static const char *const short_names[UMH_LOG_LEVEL_COUNT] = {
    [UMH_LOG_TRACE] = "trace",   [UMH_LOG_DEBUG] = "debug", [UMH_LOG_INFO] = "info ",
    [UMH_LOG_WARNING] = "warn ", [UMH_LOG_ERROR] = "error", [UMH_LOG_CRITICAL] = "crit ",
};

static const char *const level_colours[UMH_LOG_LEVEL_COUNT] = {
    [UMH_LOG_TRACE] = "\x1b[2m",    [UMH_LOG_DEBUG] = "\x1b[2m",  [UMH_LOG_INFO] = "\x1b[32m",
    [UMH_LOG_WARNING] = "\x1b[33m", [UMH_LOG_ERROR] = "\x1b[31m", [UMH_LOG_CRITICAL] = "\x1b[1;31m",
};

/* What a host calls like one of our own keys would be told apart by position only. */
static const char *const own_keys[][2] = {
    {"time", "time_"},     {"host", "host_"}, {"level", "level_"},
    {"module", "module_"}, {"msg", "msg_"},
};

/* --- for programs ------------------------------------------------------------------------- */

static const char *foreign_key(const char *key)
{
    for (size_t i = 0; i < UMH_COUNT_OF(own_keys); i++) {
        if (strcmp(key, own_keys[i][0]) == 0)
            return own_keys[i][1];
    }
    return key;
}

static int append_logfmt(const umh_log_line *line, umh_buffer *text)
{
    umh_logfmt_record record = *line->record;
    int r = umh_buffer_append_format(text, "time=%s ", line->time);

    if (r == 0 && line->host)
        r = umh_buffer_append_format(text, "host=%s ", line->host);
    for (size_t i = 0; i < record.field_count; i++)
        record.fields[i].key = foreign_key(record.fields[i].key);
    if (line->is_library && record.field_count < UMH_LOGFMT_FIELDS_MAX)
        record.fields[record.field_count++] =
            (umh_logfmt_field){.key = "stream", .value = umh_bytes_of_text("text")};
    if (r == 0)
        r = umh_logfmt_encode(&record, text);
    return r;
}

/* --- for people --------------------------------------------------------------------------- */

typedef struct log_columns {
    umh_buffer *text;
    bool is_coloured;
} log_columns;

static int colour(log_columns *columns, const char *code)
{
    return columns->is_coloured ? umh_buffer_append_text(columns->text, code) : 0;
}

static bool is_control(umh_bytes character)
{
    return character.data[0] < 0x20 || character.data[0] == 0x7F ||
           (character.size == 2 && character.data[0] == 0xC2 && character.data[1] < 0xA0);
}

/* A control character, so that the terminal does not see it. Outcomes: UMH_BUFFER_FULL. */
static int append_control(umh_buffer *text, umh_bytes character, bool breaks_lines)
{
    uint8_t code = character.data[character.size - 1];

    if (code == '\n')
        return umh_buffer_append_text(text, breaks_lines ? CONTINUATION : "\\n");
    if (code == '\t')
        return umh_buffer_append_text(text, breaks_lines ? "    " : "\\t");
    if (code == '\r' && breaks_lines)
        return 0;
    return umh_buffer_append_format(text, "\\u%04x", code);
}

static int append_visible(umh_buffer *text, umh_bytes value, bool breaks_lines)
{
    int r = 0;

    for (size_t at = 0; at < value.size && r == 0;) {
        umh_bytes rest = umh_bytes_of(value.data + at, value.size - at);
        size_t size = umh_utf8_measure(rest);

        rest.size = size ? size : 1;
        if (size == 0)
            r = umh_buffer_append_text(text, UMH_UTF8_REPLACEMENT);
        else if (is_control(rest))
            r = append_control(text, rest, breaks_lines);
        else
            r = umh_buffer_append(text, rest.data, rest.size);
        at += rest.size;
    }
    return r;
}

/* "HH:MM:SS.mmm" here, of "2026-11-22T17:36:08.123Z". */
static int append_time(log_columns *columns, const char *time, int offset_minutes)
{
    int hours = 0;
    int minutes = 0;
    int r = colour(columns, COLOUR_FAINT);

    if (strlen(time) >= 23 && sscanf(time + 11, "%2d:%2d", &hours, &minutes) == 2) {
        int here = (hours * 60 + minutes + offset_minutes) % MINUTES_PER_DAY;

        here += here < 0 ? MINUTES_PER_DAY : 0;
        if (r == 0)
            r = umh_buffer_append_format(columns->text, "%02d:%02d%.7s ", here / 60, here % 60,
                                         time + 16);
    }
    return r ? r : colour(columns, COLOUR_NONE);
}

static int append_level(log_columns *columns, umh_log_level level)
{
    unsigned index = (unsigned)level < UMH_LOG_LEVEL_COUNT ? (unsigned)level : UMH_LOG_INFO;
    int r = colour(columns, level_colours[index]);

    if (r == 0)
        r = umh_buffer_append_format(columns->text, "%s ", short_names[index]);
    return r ? r : colour(columns, COLOUR_NONE);
}

static size_t count_characters(const uint8_t *data, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += (data[i] & 0xC0) != 0x80;
    return count;
}

/* "host/module", padded to the widest so far. Outcomes: UMH_BUFFER_FULL. */
static int append_who(log_columns *columns, umh_log_format *format, const umh_log_line *line)
{
    umh_bytes module = line->record->module;
    umh_buffer *text = columns->text;
    size_t start;
    size_t count;
    int r = colour(columns, COLOUR_WHO);

    start = text->size;
    if (r == 0)
        r = umh_buffer_append_text(text, line->host ? line->host : OWN_NAME);
    if (r == 0 && module.size > 0)
        r = umh_buffer_append_text(text, "/");
    if (module.size > UMH_NAME_BYTES_MAX)
        module.size = UMH_NAME_BYTES_MAX;
    if (r == 0)
        r = append_visible(text, module, false);
    if (r)
        return r;

    count = count_characters(text->data + start, text->size - start);
    if (count > format->who_columns)
        format->who_columns = count < UMH_LOG_WHO_COLUMNS_MAX ? count : UMH_LOG_WHO_COLUMNS_MAX;
    if (format->who_columns < WHO_COLUMNS_MIN)
        format->who_columns = WHO_COLUMNS_MIN;
    r = colour(columns, COLOUR_NONE);
    if (r == 0 && count < format->who_columns)
        r = umh_buffer_append_format(text, "%*s", (int)(format->who_columns - count), "");
    return r ? r : umh_buffer_append_text(text, "  ");
}

static bool needs_quotes(umh_bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] <= ' ' || value.data[i] == '"')
            return true;
    }
    return value.size == 0;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append_field(log_columns *columns, const umh_logfmt_field *field)
{
    const char *quote = needs_quotes(field->value) ? "\"" : "";
    int r = colour(columns, COLOUR_FAINT);

    if (r == 0)
        r = umh_buffer_append_format(columns->text, "  %s=", field->key);
    if (r == 0)
        r = colour(columns, COLOUR_NONE);
    if (r == 0)
        r = umh_buffer_append_text(columns->text, quote);
    if (r == 0)
        r = append_visible(columns->text, field->value, false);
    return r ? r : umh_buffer_append_text(columns->text, quote);
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append_columns(umh_log_format *format, const umh_log_line *line, umh_buffer *text)
{
    log_columns columns = {.text = text, .is_coloured = format->style == LOG_STYLE_COLOURED};
    const umh_logfmt_record *record = line->record;
    int r = append_time(&columns, line->time, format->offset_minutes);

    if (r == 0)
        r = append_level(&columns, record->level);
    if (r == 0)
        r = append_who(&columns, format, line);
    if (r == 0)
        r = append_visible(text, record->message, true);
    for (size_t i = 0; i < record->field_count && r == 0; i++)
        r = append_field(&columns, &record->fields[i]);
    return r ? r : umh_buffer_append_text(text, "\n");
}

int umh_log_format_append(umh_log_format *format, const umh_log_line *line, umh_buffer *text)
{
    size_t start = text->size;
    int r = format->style == LOG_STYLE_LOGFMT ? append_logfmt(line, text)
                                              : append_columns(format, line, text);

    if (r)
        umh_buffer_cut(text, start);
    if (r == UMH_BUFFER_FULL)
        return UMH_BUFFER_FULL;
    return umh_fold(r);
}
