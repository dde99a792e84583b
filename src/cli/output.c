/* SPDX-License-Identifier: MIT */
/* What people read on stdout. */
#include "cli/output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP "  "

/* ------------------------- texts */

/* U+0080 to U+009F, which terminals obey as well, are C2 80 to C2 9F. */
static bool is_control_pair(umh_bytes text, size_t at)
{
    return text.data[at] == 0xC2 && at + 1 < text.size && text.data[at + 1] < 0xA0;
}

static void put_escaped(FILE *to, unsigned code)
{
    switch (code) {
    case '\n':
        fputs("\\n", to);
        break;
    case '\r':
        fputs("\\r", to);
        break;
    case '\t':
        fputs("\\t", to);
        break;
    default:
        fprintf(to, "\\x%02x", code);
        break;
    }
}

void umh_output_text(FILE *to, umh_bytes text)
{
    size_t done = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned code = text.data[i];
        bool is_pair = is_control_pair(text, i);

        if (code >= 0x20 && code != 0x7F && !is_pair)
            continue;
        fwrite(text.data + done, 1, i - done, to);
        put_escaped(to, is_pair ? text.data[i + 1] : code);
        i += is_pair;
        done = i + 1;
    }
    if (done < text.size)
        fwrite(text.data + done, 1, text.size - done, to);
}

/* ------------------------- columns */

static void clear_row(umh_table_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        row->cells[i] = umh_text_free(row->cells[i]);
    row->count = 0;
}

static int add_row(umh_table *table, umh_table_row *row)
{
    umh_table_row *rows = realloc(table->rows, (table->count + 1) * sizeof *rows);

    if (!rows) {
        clear_row(row);
        return UMH_FAIL(UMH_E_MEMORY, "print a table");
    }
    table->rows = rows;
    rows[table->count++] = *row;
    return 0;
}

int umh_table_add(umh_table *table, const char *const *cells)
{
    umh_table_row row = {.count = 0};

    umh_assert(table->column_count <= UMH_TABLE_COLUMNS_MAX);
    for (size_t i = 0; i < table->column_count; i++) {
        row.cells[i] = umh_text_copy(cells[i]);
        if (!row.cells[i]) {
            clear_row(&row);
            return UMH_E_MEMORY;
        }
        row.count++;
    }
    return add_row(table, &row);
}

int umh_table_note(umh_table *table, const char *format, ...)
{
    umh_table_row row = {.count = 1, .is_note = true};
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    row.cells[0] = umh_text_copy(text);
    if (!row.cells[0])
        return UMH_E_MEMORY;
    return add_row(table, &row);
}

/* In characters, each of which is taken to be one column wide. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void put_spaces(FILE *to, size_t count)
{
    while (count-- > 0)
        fputc(' ', to);
}

/* Nothing trails on a line. */
static void print_row(const umh_table *table, const umh_table_row *row, const size_t *widths,
                      FILE *to)
{
    size_t pending = 0;

    for (size_t i = 0; i < row->count; i++) {
        size_t width = width_of(row->cells[i]);
        size_t rest = widths[i] - width;
        bool is_right = table->right_columns >> i & 1;

        if (width > 0) {
            put_spaces(to, pending + (is_right ? rest : 0));
            fputs(row->cells[i], to);
            pending = is_right ? 0 : rest;
        } else {
            pending += rest;
        }
        pending += sizeof GAP - 1;
    }
    fputc('\n', to);
}

void umh_table_print(const umh_table *table, FILE *to)
{
    size_t widths[UMH_TABLE_COLUMNS_MAX] = {0};

    for (size_t i = 0; i < table->count; i++) {
        for (size_t j = 0; !table->rows[i].is_note && j < table->rows[i].count; j++) {
            size_t width = width_of(table->rows[i].cells[j]);

            widths[j] = width > widths[j] ? width : widths[j];
        }
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].is_note)
            fprintf(to, "%s\n", table->rows[i].cells[0]);
        else
            print_row(table, &table->rows[i], widths, to);
    }
}

void umh_table_deinit(umh_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        clear_row(&table->rows[i]);
    free(table->rows);
    table->rows = NULL;
    table->count = 0;
}
