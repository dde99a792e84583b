/* SPDX-License-Identifier: MIT */
/* What is written must be a line of JSON whatever a publisher sends. */
#include "line.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_KEPT_BYTES ((size_t)64 * 1024)
#define HEAD_BYTES 256
#define ESCAPED_BYTES 6 /* of one byte at most: \u0000 */

static bool reserve(agent_line *line, size_t bytes)
{
    size_t capacity = bytes < 1024 ? 1024 : bytes;
    char *text;

    if (bytes <= line->capacity)
        return true;
    text = (char *)realloc(line->text, capacity);
    if (!text)
        return false;
    line->text = text;
    line->capacity = capacity;
    return true;
}

static size_t format_head(char *text, size_t size, const char *service,
                          const umh_message_v1 *message)
{
    struct timespec now;
    struct tm utc;
    char date[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    return (size_t)snprintf(text, size,
                            "{\"time\":\"%s.%03ldZ\",\"service\":\"%s\",\"host\":%u,\"slot\":%u,"
                            "\"message\":",
                            date, now.tv_nsec / 1000000, service, (unsigned)message->source_host,
                            (unsigned)message->source_slot);
}

/* JSON may be spread over lines between its values, never within one. */
static void append_json(agent_line *line, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        line->text[line->size++] = c == '\n' || c == '\r' ? ' ' : c;
    }
}

static void append_text(agent_line *line, const char *text, size_t size)
{
    line->text[line->size++] = '"';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20)
            line->size +=
                (size_t)snprintf(line->text + line->size, ESCAPED_BYTES + 1, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            line->text[line->size++] = '\\';
        if (c >= 0x20)
            line->text[line->size++] = (char)c;
    }
    line->text[line->size++] = '"';
}

bool line_format(agent_line *line, const char *service, const umh_message_v1 *message)
{
    const char *text = message->text;
    size_t size = message->text_bytes;
    bool is_json = json_is_value(text, size);
    /* the head, the text and its quotes, "}\n", and the NUL of the last snprintf */
    size_t room = HEAD_BYTES + (is_json ? size : size * ESCAPED_BYTES) + 5;

    if (!reserve(line, room))
        return false;
    line->size = format_head(line->text, HEAD_BYTES, service, message);
    if (is_json)
        append_json(line, text, size);
    else
        append_text(line, text, size);
    line->text[line->size++] = '}';
    line->text[line->size++] = '\n';
    return true;
}

void line_trim(agent_line *line)
{
    if (line->capacity > LINE_KEPT_BYTES)
        line_deinit(line);
}

void line_deinit(agent_line *line)
{
    free(line->text);
    *line = (agent_line)AGENT_LINE_INIT;
}
