/* SPDX-License-Identifier: MIT */
/* Bytes into lines, however they come, and so many a second. */
#include "broker/log_lines.h"

#include "formats/logfmt.h"
#include "ipc/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    umh_log_lines lines;
    umh_buffer seen; /* the lines, each with '|' behind */
    size_t count;
    size_t longest;
} fixture;

static void on_line(void *context, umh_bytes line)
{
    fixture *f = context;

    f->count++;
    if (line.size > f->longest)
        f->longest = line.size;
    if (line.size < 100) {
        assert_int_equal(umh_buffer_append(&f->seen, line.data, line.size), 0);
        assert_int_equal(umh_buffer_append_text(&f->seen, "|"), 0);
    }
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    umh_log_lines_init(&f->lines, 1000);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    umh_log_lines_deinit(&f->lines);
    umh_buffer_deinit(&f->seen);
    free(f);
    return 0;
}

static void add(fixture *f, const char *text, uint64_t now_ms)
{
    umh_log_lines_add(&f->lines, umh_bytes_of_text(text), now_ms, on_line, f);
}

static void test_cuts_at_any_byte(void **state)
{
    static const char text[] = "one\ntwo\r\n\n\r\nthree three\nfour";
    fixture *f = *state;

    for (size_t cut = 0; cut < sizeof text; cut++) {
        umh_buffer_clear(&f->seen);
        umh_log_lines_add(&f->lines, umh_bytes_of(text, cut), 1000, on_line, f);
        add(f, text + cut, 1000);
        umh_log_lines_end(&f->lines, on_line, f);
        assert_string_equal((char *)f->seen.data, "one|two|three three|four|");
    }
    assert_int_equal(f->lines.dropped_count, 0);
}

static void test_a_long_line_comes_in_pieces(void **state)
{
    fixture *f = *state;
    size_t size = UMH_LOGFMT_LINE_BYTES_MAX * 2 + 10;
    char *text = malloc(size + 1);

    assert_non_null(text);
    memset(text, 'x', size);
    text[size] = '\n';
    umh_log_lines_add(&f->lines, umh_bytes_of(text, size + 1), 1000, on_line, f);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->longest, UMH_LOGFMT_LINE_BYTES_MAX);
    assert_string_equal((char *)f->seen.data, "xxxxxxxxxx|");
    /* What a long line took is given back. */
    assert_true(f->lines.rest.capacity <= 4096);
    free(text);
}

static void add_many(fixture *f, unsigned count, uint64_t now_ms)
{
    for (unsigned i = 0; i < count; i++)
        add(f, "x\n", now_ms);
}

static void test_passes_so_many_a_second(void **state)
{
    fixture *f = *state;

    add_many(f, UMH_LOG_LINES_PER_SECOND + 5, 1000);
    assert_int_equal(f->count, UMH_LOG_LINES_PER_SECOND);
    assert_int_equal(f->lines.dropped_count, 5);
    /* Half a second later half as many more, at any granularity. */
    for (uint64_t ms = 1001; ms <= 1500; ms++)
        add(f, "", ms);
    add_many(f, UMH_LOG_LINES_PER_SECOND, 1500);
    assert_int_equal(f->count, UMH_LOG_LINES_PER_SECOND + UMH_LOG_LINES_PER_SECOND / 2);
    assert_int_equal(f->lines.dropped_count, 5 + UMH_LOG_LINES_PER_SECOND / 2);
}

static void test_saves_no_more_than_one_burst(void **state)
{
    fixture *f = *state;

    add_many(f, UMH_LOG_LINES_PER_SECOND, 1000);
    add_many(f, 3 * UMH_LOG_LINES_PER_SECOND, 1000 + 3600 * 1000);
    assert_int_equal(f->count, 2 * UMH_LOG_LINES_PER_SECOND);
    /* A clock that went back gives nothing. */
    add_many(f, 1, 5);
    assert_int_equal(f->count, 2 * UMH_LOG_LINES_PER_SECOND);
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_cuts_at_any_byte),
        FRESH(test_a_long_line_comes_in_pieces),
        FRESH(test_passes_so_many_a_second),
        FRESH(test_saves_no_more_than_one_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
