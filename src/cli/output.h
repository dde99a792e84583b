/* SPDX-License-Identifier: MIT */
/* What people read on stdout: texts of strangers made harmless, and aligned columns. */
#pragma once

#include "base/bytes.h"

#include <stdio.h>

/* On one line, whatever it holds: control characters as \n, \t, \x1b; the rest as it is. */
void umh_output_text(FILE *to, umh_bytes text);

#define UMH_TABLE_COLUMNS_MAX 8

/* Rows that are printed when all widths are known. */
typedef struct umh_table_row {
    char *cells[UMH_TABLE_COLUMNS_MAX]; /* owned */
    size_t count;
    bool is_note; /* its one cell goes over all columns */
} umh_table_row;

typedef struct umh_table {
    size_t column_count;
    unsigned right_columns; /* bit by column: numbers, to the right */
    umh_table_row *rows;    /* owned */
    size_t count;
} umh_table;

#define UMH_TABLE_INIT                                                                             \
    {                                                                                              \
        .column_count = 0, .right_columns = 0, .rows = NULL, .count = 0                            \
    }

/* `cells`: column_count texts, copied. */
UMH_MUST_USE int umh_table_add(umh_table *table, const char *const *cells);
/* A line below the row before it. */
UMH_MUST_USE int umh_table_note(umh_table *table, const char *format, ...) UMH_PRINTF(2, 3);
void umh_table_print(const umh_table *table, FILE *to);
void umh_table_deinit(umh_table *table);
UMH_DEFINE_AUTO(umh_table);
