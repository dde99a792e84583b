/* SPDX-License-Identifier: MIT */
/* A reader that keeps nothing: brackets in an array, everything else in the position. */
#include "json.h"

#include <string.h>

typedef struct json_reader {
    const char *at;
    const char *end;
    char open[JSON_DEPTH_MAX]; /* '{' or '[' */
    size_t depth;
} json_reader;

static bool take(json_reader *reader, char c)
{
    bool is_there = reader->at < reader->end && *reader->at == c;

    reader->at += is_there;
    return is_there;
}

static void skip_space(json_reader *reader)
{
    while (reader->at < reader->end && *reader->at != '\0' && strchr(" \t\n\r", *reader->at))
        reader->at++;
}

static bool is_digit(const json_reader *reader)
{
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static bool read_digits(json_reader *reader)
{
    if (!is_digit(reader))
        return false;
    while (is_digit(reader))
        reader->at++;
    return true;
}

static bool read_number(json_reader *reader)
{
    take(reader, '-');
    if (!take(reader, '0') && !read_digits(reader))
        return false;
    if (take(reader, '.') && !read_digits(reader))
        return false;
    if (!take(reader, 'e') && !take(reader, 'E'))
        return true;
    if (!take(reader, '+'))
        take(reader, '-');
    return read_digits(reader);
}

static bool read_word(json_reader *reader, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
        return false;
    reader->at += size;
    return true;
}

/* Past the backslash. */
static bool read_escape(json_reader *reader)
{
    if (reader->at == reader->end || *reader->at == '\0')
        return false;
    if (!take(reader, 'u'))
        return strchr("\"\\/bfnrt", *reader->at++) != NULL;
    for (int i = 0; i < 4; i++, reader->at++) {
        if (reader->at == reader->end || *reader->at == '\0' ||
            !strchr("0123456789abcdefABCDEF", *reader->at))
            return false;
    }
    return true;
}

static bool read_text(json_reader *reader)
{
    if (!take(reader, '"'))
        return false;
    while (reader->at < reader->end && *reader->at != '"') {
        unsigned char c = (unsigned char)*reader->at++;

        if (c < 0x20 || (c == '\\' && !read_escape(reader)))
            return false;
    }
    return take(reader, '"');
}

static bool read_key(json_reader *reader)
{
    skip_space(reader);
    if (!read_text(reader))
        return false;
    skip_space(reader);
    return take(reader, ':');
}

static bool push(json_reader *reader, char open)
{
    if (reader->depth == JSON_DEPTH_MAX)
        return false;
    reader->open[reader->depth++] = open;
    return true;
}

/* A value, or the beginning of one: *ret_is_open when its first member or element comes next. */
static bool read_begin(json_reader *reader, bool *ret_is_open)
{
    *ret_is_open = false;
    skip_space(reader);
    if (take(reader, '{')) {
        skip_space(reader);
        if (take(reader, '}'))
            return true;
        *ret_is_open = true;
        return push(reader, '{') && read_key(reader);
    }
    if (take(reader, '[')) {
        skip_space(reader);
        if (take(reader, ']'))
            return true;
        *ret_is_open = true;
        return push(reader, '[');
    }
    if (reader->at < reader->end && *reader->at == '"')
        return read_text(reader);
    return read_word(reader, "true") || read_word(reader, "false") || read_word(reader, "null") ||
           read_number(reader);
}

/* After a value: close what ends here. *ret_is_next: another value follows. */
static bool read_end(json_reader *reader, bool *ret_is_next)
{
    *ret_is_next = false;
    while (reader->depth > 0) {
        char open = reader->open[reader->depth - 1];

        skip_space(reader);
        if (take(reader, ',')) {
            *ret_is_next = true;
            return open == '[' || read_key(reader);
        }
        if (!take(reader, open == '{' ? '}' : ']'))
            return false;
        reader->depth--;
    }
    return true;
}

bool json_is_value(const char *text, size_t size)
{
    json_reader reader = {.at = text, .end = text + size, .depth = 0};
    bool is_next = true;

    while (is_next) {
        if (!read_begin(&reader, &is_next))
            return false;
        if (!is_next && !read_end(&reader, &is_next))
            return false;
    }
    skip_space(&reader);
    return reader.at == reader.end;
}
