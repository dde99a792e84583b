/* SPDX-License-Identifier: MIT */
/* Texts of strangers on a terminal, and columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/output.h"

typedef struct sheet {
    FILE *file;
    char *text;
    size_t size;
} sheet;

static void open_sheet(sheet *to)
{
    *to = (sheet){.file = NULL};
    to->file = open_memstream(&to->text, &to->size);
    assert_non_null(to->file);
}

static void assert_sheet(sheet *from, const char *expected)
{
    fclose(from->file);
    assert_string_equal(from->text, expected);
    free(from->text);
}

static void assert_text(const void *text, size_t size, const char *expected)
{
    sheet page;

    open_sheet(&page);
    umh_output_text(page.file, umh_bytes_of(text, size));
    assert_sheet(&page, expected);
}

static void test_text_stays_on_its_line(void **state)
{
    (void)state;
    assert_text("", 0, "");
    assert_text(NULL, 0, "");
    assert_text("plain \\ text", 12, "plain \\ text");
    assert_text("a\nb\r\tc", 6, "a\\nb\\r\\tc");
    assert_text("\0x\0", 3, "\\x00x\\x00");
    assert_text("\x1b[31m\x7f", 6, "\\x1b[31m\\x7f");
}

static void test_text_keeps_what_is_no_control_character(void **state)
{
    (void)state;
    assert_text("gr\xc3\xbc\xc3\x9f \xe2\x82\xac", 10, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac");
    /* U+009B begins an escape sequence like ESC [; U+00A0 is a space. */
    assert_text("\xc2\x9b"
                "31m\xc2\xa0",
                7, "\\x9b31m\xc2\xa0");
    assert_text("\xc2", 1, "\xc2");
}

static void test_columns_are_aligned(void **state)
{
    UMH_AUTO(umh_table) table = {.column_count = 3, .right_columns = 1u << 1};
    sheet page;

    (void)state;
    assert_int_equal(umh_table_add(&table, (const char *[]){"NAME", "PID", "STATE"}), 0);
    assert_int_equal(umh_table_add(&table, (const char *[]){"gr\xc3\xbc\xc3\x9f", "7", "runs"}), 0);
    assert_int_equal(umh_table_note(&table, "  %s is wider than all columns together", "this"), 0);
    assert_int_equal(umh_table_add(&table, (const char *[]){"a-long-name", "12345", ""}), 0);
    assert_int_equal(umh_table_add(&table, (const char *[]){"x", "", "end"}), 0);
    open_sheet(&page);
    umh_table_print(&table, page.file);
    assert_sheet(&page, "NAME           PID  STATE\n"
                        "gr\xc3\xbc\xc3\x9f             7  runs\n"
                        "  this is wider than all columns together\n"
                        "a-long-name  12345\n"
                        "x                   end\n");
}

static void test_empty_table(void **state)
{
    UMH_AUTO(umh_table) table = UMH_TABLE_INIT;
    sheet page;

    (void)state;
    open_sheet(&page);
    umh_table_print(&table, page.file);
    assert_sheet(&page, "");
    umh_table_deinit(&table);
    umh_table_deinit(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_stays_on_its_line),
        cmocka_unit_test(test_text_keeps_what_is_no_control_character),
        cmocka_unit_test(test_columns_are_aligned),
        cmocka_unit_test(test_empty_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
