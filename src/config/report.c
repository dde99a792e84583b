/* SPDX-License-Identifier: MIT */
/* Problems of a configuration and their places in its file. */
#include "config/report.h"

#include "formats/jsonc.h"

#include <stdio.h>
#include <string.h>

#define CUT_SIGN "..."

umh_report_shown umh_report_show(const char *text)
{
    umh_report_shown shown;

    if (!umh_text_put(shown.text, sizeof shown.text - strlen(CUT_SIGN), text))
        memcpy(shown.text + strlen(shown.text), CUT_SIGN, sizeof CUT_SIGN);
    for (char *at = shown.text; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == '\x7F')
            *at = '?';
    }
    return shown;
}

/* To the path of what `path` is in. */
static void cut_path(char *path)
{
    size_t size = strlen(path);

    while (size > 0 && path[size - 1] != '.' && path[size - 1] != '[')
        size--;
    path[size > 0 ? size - 1 : 0] = '\0';
}

bool umh_report_is_full(const umh_report *report)
{
    return report->problems->count >= UMH_WHY_LIST_MAX ||
           report->located_bytes >= UMH_REPORT_LOCATED_BYTES_MAX;
}

void umh_report_add(umh_report *report, const char *path, umh_report_place place,
                    const char *format, ...)
{
    umh_why why = UMH_WHY_INIT;
    umh_report_shown shown = umh_report_show(path);
    char text[sizeof why.text + 8]; /* so that the cut is made where a character ends */
    char at[UMH_REPORT_PATH_BYTES];
    va_list arguments;
    int line = 0;
    int column = 0;

    report->bad_count++;
    if (umh_report_is_full(report)) {
        report->problems->dropped_count++;
        return;
    }
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    umh_why_set(&why, "%s", text);

    umh_text_put(at, sizeof at, path);
    for (;;) {
        umh_jsonc_locate(report->text, at, place == PLACE_OF_KEY, &line, &column);
        report->located_bytes += report->text.size;
        if (line > 0 || at[0] == '\0')
            break;
        cut_path(at);
    }
    umh_why_place(&why, report->file, line, column, shown.text);
    umh_why_list_add(report->problems, &why);
}

/*
 * Where in the text a place is; the size of the text when it is not there. Columns are characters,
 * a byte-order mark is none.
 */
static size_t find_offset(umh_bytes text, int line, int column)
{
    size_t at = text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    for (; line > 1 && at < text.size; at++)
        line -= text.data[at] == '\n';
    for (; at < text.size; at++) {
        if ((text.data[at] & 0xC0) != 0x80 && --column == 0)
            break;
    }
    return at;
}

/* Behind the string or comment that begins at `at`, or `at` itself. */
static size_t skip_opaque(umh_bytes text, size_t at)
{
    const uint8_t *data = text.data;

    if (data[at] == '"') {
        for (at++; at < text.size && data[at] != '"'; at++)
            at += data[at] == '\\';
        return at + 1;
    }
    if (data[at] != '/' || at + 1 >= text.size)
        return at;
    if (data[at + 1] == '/') {
        while (at < text.size && data[at] != '\n')
            at++;
        return at;
    }
    for (at += 2; at + 1 < text.size && (data[at] != '*' || data[at + 1] != '/'); at++) {
    }
    return at + 2;
}

static int count_lines(umh_bytes text, size_t from, size_t to)
{
    int lines = 0;

    for (; from < to && from < text.size; from++)
        lines += text.data[from] == '\n';
    return lines;
}

/*
 * umh_jsonc_locate once per element would be a pass over the file for each. The text is known to be
 * JSON with comments.
 */
void umh_report_find_lines(const umh_report *report, const char *path, int *ret_lines, size_t count)
{
    umh_bytes text = report->text;
    size_t found = 0;
    size_t depth = 0;
    bool is_at_element = false;
    int line;
    int column;
    size_t at;

    for (size_t i = 0; i < count; i++)
        ret_lines[i] = 0;
    umh_jsonc_locate(text, path, false, &line, &column);
    at = line > 0 ? find_offset(text, line, column) : text.size;

    while (at < text.size && found < count) {
        uint8_t byte = text.data[at];
        bool is_comment = byte == '/';
        bool is_space = byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
        size_t next = skip_opaque(text, at);

        if (is_at_element && depth == 1 && !is_comment && !is_space && byte != ']') {
            ret_lines[found++] = line;
            is_at_element = false;
        }
        if (byte == '[' || byte == '{')
            depth++;
        if (byte == ']' || byte == '}')
            depth--;
        if (depth == 0)
            return;
        is_at_element =
            is_at_element || (depth == 1 && (byte == ',' || (byte == '[' && found == 0)));
        next = next > at ? next : at + 1;
        line += count_lines(text, at, next);
        at = next;
    }
}
