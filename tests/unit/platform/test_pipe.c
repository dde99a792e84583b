/* SPDX-License-Identifier: MIT */
/*
 * Pipes: partial writes, deadlines, the end of the other side, and the descriptors a host takes
 * away.
 */
#include "platform/pipe.h"
#include "platform/process.h"
#include "platform/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS 10000

typedef struct ends {
    umh_pipe in;
    umh_pipe out;
} ends;

static int set_up(void **state)
{
    static ends pipe;

    *state = &pipe;
    return umh_pipe_new(&pipe.in, &pipe.out);
}

static int tear_down(void **state)
{
    ends *pipe = *state;

    umh_pipe_close(&pipe->in);
    umh_pipe_close(&pipe->out);
    umh_pipe_close(&pipe->out);
    assert_false(umh_pipe_is_open(pipe->out));
    return 0;
}

/* Fills the pipe and says with how much. */
static size_t fill(umh_pipe out)
{
    static const uint8_t zeros[8192];
    umh_bytes part = umh_bytes_of(zeros, sizeof zeros);
    size_t total = 0;
    int r = 0;

    assert_int_equal(umh_pipe_set_non_blocking(out), 0);
    while (r == 0) {
        size_t size = 0;

        r = umh_pipe_write_parts(out, &part, 1, &size);
        total += size;
    }
    assert_int_equal(r, UMH_PIPE_WOULD_BLOCK);
    return total;
}

static void test_parts_arrive_in_order(void **state)
{
    ends *pipe = *state;
    umh_bytes parts[] = {umh_bytes_of_text("one "), umh_bytes_of(NULL, 0),
                         umh_bytes_of_text("two")};
    char text[32];
    size_t size;

    assert_int_equal(umh_pipe_write_parts(pipe->out, parts, 3, &size), 0);
    assert_int_equal(size, 7);
    assert_int_equal(umh_pipe_read(pipe->in, text, sizeof text, UMH_FOREVER, &size), 0);
    assert_int_equal(size, 7);
    assert_memory_equal(text, "one two", 7);
}

static void test_read_stops_at_its_capacity(void **state)
{
    ends *pipe = *state;
    char byte;
    size_t size;

    assert_int_equal(umh_pipe_write_all(pipe->out, umh_bytes_of_text("ab")), 0);
    assert_int_equal(umh_pipe_read(pipe->in, &byte, 1, 0, &size), 0);
    assert_int_equal(byte, 'a');
    assert_int_equal(umh_pipe_read(pipe->in, &byte, 1, 0, &size), 0);
    assert_int_equal(byte, 'b');
    assert_int_equal(umh_pipe_read(pipe->in, &byte, 1, 0, &size), UMH_PIPE_TIMEOUT);
}

static void test_read_waits_until_its_deadline(void **state)
{
    ends *pipe = *state;
    uint64_t deadline = umh_clock_deadline_ns(20);
    char byte;
    size_t size;

    assert_int_equal(umh_pipe_read(pipe->in, &byte, 1, deadline, &size), UMH_PIPE_TIMEOUT);
    assert_true(umh_clock_now_ns() >= deadline);
    assert_int_equal(umh_pipe_set_non_blocking(pipe->in), 0);
    deadline = umh_clock_deadline_ns(20);
    assert_int_equal(umh_pipe_read(pipe->in, &byte, 1, deadline, &size), UMH_PIPE_TIMEOUT);
    assert_true(umh_clock_now_ns() >= deadline);
}

static void test_read_gives_the_rest_and_then_the_end(void **state)
{
    ends *pipe = *state;
    char text[8];
    size_t size;

    assert_int_equal(umh_pipe_write_all(pipe->out, umh_bytes_of_text("x")), 0);
    umh_pipe_close(&pipe->out);
    assert_int_equal(umh_pipe_read(pipe->in, text, sizeof text, UMH_FOREVER, &size), 0);
    assert_int_equal(size, 1);
    assert_int_equal(umh_pipe_read(pipe->in, text, sizeof text, UMH_FOREVER, &size), UMH_PIPE_EOF);
    assert_int_equal(umh_pipe_read(pipe->in, text, sizeof text, 0, &size), UMH_PIPE_EOF);
}

static void test_write_without_a_reader_is_the_end(void **state)
{
    ends *pipe = *state;
    umh_bytes part = umh_bytes_of_text("x");
    size_t size;

    umh_pipe_close(&pipe->in);
    assert_int_equal(umh_pipe_write_parts(pipe->out, &part, 1, &size), UMH_PIPE_EOF);
    assert_int_equal(umh_pipe_write_all(pipe->out, part), UMH_PIPE_EOF);
    assert_int_equal(umh_pipe_wait_writable(pipe->out, UMH_FOREVER), UMH_PIPE_EOF);
}

static void test_full_pipe_becomes_writable_again(void **state)
{
    ends *pipe = *state;
    size_t total = fill(pipe->out);
    uint8_t *buffer = malloc(total);
    uint64_t deadline = umh_clock_deadline_ns(20);
    size_t size;

    assert_int_equal(umh_pipe_wait_writable(pipe->out, deadline), UMH_PIPE_TIMEOUT);
    assert_true(umh_clock_now_ns() >= deadline);
    while (total > 0) {
        assert_int_equal(umh_pipe_read(pipe->in, buffer, total, 0, &size), 0);
        total -= size;
    }
    assert_int_equal(umh_pipe_wait_writable(pipe->out, UMH_FOREVER), 0);
    free(buffer);
}

static void test_full_pipe_without_a_reader_is_the_end(void **state)
{
    ends *pipe = *state;

    fill(pipe->out);
    umh_pipe_close(&pipe->in);
    assert_int_equal(umh_pipe_wait_writable(pipe->out, UMH_FOREVER), UMH_PIPE_EOF);
}

#define LARGE_BYTES (3u * 1024 * 1024 + 17)

static void write_large(void *context)
{
    ends *pipe = context;
    uint8_t *content = malloc(LARGE_BYTES);
    int r;

    for (size_t i = 0; i < LARGE_BYTES; i++)
        content[i] = (uint8_t)(i * 7);
    r = umh_pipe_write_all(pipe->out, umh_bytes_of(content, LARGE_BYTES));
    umh_assert(r == 0);
    umh_pipe_close(&pipe->out);
    free(content);
}

static void pass_large(ends *pipe)
{
    uint8_t buffer[4096];
    size_t total = 0;
    umh_thread *writer;
    int r = 0;

    assert_int_equal(umh_thread_start(write_large, pipe, "writer", &writer), 0);
    while (r == 0) {
        size_t size = 0;

        r = umh_pipe_read(pipe->in, buffer, sizeof buffer, umh_clock_deadline_ns(PATIENCE_MS),
                          &size);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(buffer[i], (uint8_t)((total + i) * 7));
        total += size;
    }
    umh_thread_join(writer);
    assert_int_equal(r, UMH_PIPE_EOF);
    assert_int_equal(total, LARGE_BYTES);
}

static void test_writes_all_to_a_slow_reader(void **state)
{
    pass_large(*state);
}

static void test_writes_all_through_non_blocking_ends(void **state)
{
    ends *pipe = *state;

    assert_int_equal(umh_pipe_set_non_blocking(pipe->in), 0);
    assert_int_equal(umh_pipe_set_non_blocking(pipe->out), 0);
    pass_large(pipe);
}

static void test_grows_and_never_shrinks(void **state)
{
    ends *pipe = *state;

    assert_true(umh_pipe_grow(pipe->out, 256 * 1024));
    assert_true(umh_pipe_grow(pipe->out, 4096));
    assert_true(fill(pipe->out) >= 256 * 1024);
}

static void test_knows_what_an_end_is(void **state)
{
    ends *pipe = *state;

    assert_true(umh_pipe_is_pipe(pipe->in));
    assert_true(umh_pipe_is_pipe(pipe->out));
    assert_false(umh_pipe_is_terminal(pipe->in));
    assert_false(umh_pipe_is_pipe(UMH_PIPE_NONE));
    assert_false(umh_pipe_is_terminal(UMH_PIPE_NONE));
    assert_false(umh_pipe_is_open(UMH_PIPE_NONE));
    assert_int_equal(umh_pipe_standard(2).handle, 2);
}

static void test_closed_end_is_a_failure(void **state)
{
    char byte;
    size_t size;

    (void)state;
    assert_int_equal(umh_pipe_read(UMH_PIPE_NONE, &byte, 1, UMH_FOREVER, &size), UMH_E_OS);
    assert_int_equal(umh_pipe_write_all(UMH_PIPE_NONE, umh_bytes_of_text("x")), UMH_E_OS);
    assert_int_equal(umh_pipe_set_non_blocking(UMH_PIPE_NONE), UMH_E_OS);
    assert_false(umh_pipe_grow(UMH_PIPE_NONE, 4096));
}

/*
 * The program itself, started as a host: says on its protocol pipe how reads and writes of its
 * standard descriptors go.
 */
static int be_host(void)
{
    umh_pipe in;
    umh_pipe out;
    char byte;
    size_t size;
    int r = umh_pipe_take_standard(&in, &out);

    if (r || in.handle < 3 || out.handle < 3)
        return 1;
    if (umh_pipe_read(umh_pipe_standard(0), &byte, 1, UMH_FOREVER, &size) != UMH_PIPE_EOF)
        return 2;
    if (umh_pipe_write_all(umh_pipe_standard(1), umh_bytes_of_text("log")))
        return 3;
    if (umh_pipe_read(in, &byte, 1, umh_clock_deadline_ns(PATIENCE_MS), &size) || byte != 'q')
        return 4;
    return umh_pipe_write_all(out, umh_bytes_of_text("a")) ? 5 : 0;
}

static void expect_text(umh_pipe in, const char *expected)
{
    uint64_t deadline = umh_clock_deadline_ns(PATIENCE_MS);
    char text[64] = "";
    size_t total = 0;
    size_t size;

    while (umh_pipe_read(in, text + total, sizeof text - 1 - total, deadline, &size) == 0)
        total += size;
    text[total] = '\0';
    assert_string_equal(text, expected);
}

static void test_host_takes_its_standard_descriptors(void **state)
{
    const char *arguments[] = {"test_pipe", "host", NULL};
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    umh_process host = UMH_PROCESS_INIT;
    umh_process_end end;
    ends in;
    ends out;
    ends log;

    (void)state;
    assert_int_equal(umh_pipe_new(&in.in, &in.out), 0);
    assert_int_equal(umh_pipe_new(&out.in, &out.out), 0);
    assert_int_equal(umh_pipe_new(&log.in, &log.out), 0);
    spec.program = "/proc/self/exe";
    spec.arguments = arguments;
    spec.standard[0] = in.in;
    spec.standard[1] = out.out;
    spec.standard[2] = log.out;
    assert_int_equal(umh_process_start(&spec, &host), 0);
    umh_pipe_close(&in.in);
    umh_pipe_close(&out.out);
    umh_pipe_close(&log.out);

    assert_int_equal(umh_pipe_write_all(in.out, umh_bytes_of_text("q")), 0);
    expect_text(out.in, "a");
    expect_text(log.in, "log");
    assert_int_equal(umh_process_wait(&host, umh_clock_deadline_ns(PATIENCE_MS), &end), 0);
    assert_int_equal(end.exit_code, 0);
    umh_process_deinit(&host);
    umh_pipe_close(&in.out);
    umh_pipe_close(&out.in);
    umh_pipe_close(&log.in);
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        WITH_PIPE(test_parts_arrive_in_order),
        WITH_PIPE(test_read_stops_at_its_capacity),
        WITH_PIPE(test_read_waits_until_its_deadline),
        WITH_PIPE(test_read_gives_the_rest_and_then_the_end),
        WITH_PIPE(test_write_without_a_reader_is_the_end),
        WITH_PIPE(test_full_pipe_becomes_writable_again),
        WITH_PIPE(test_full_pipe_without_a_reader_is_the_end),
        WITH_PIPE(test_writes_all_to_a_slow_reader),
        WITH_PIPE(test_writes_all_through_non_blocking_ends),
        WITH_PIPE(test_grows_and_never_shrinks),
        WITH_PIPE(test_knows_what_an_end_is),
        cmocka_unit_test(test_closed_end_is_a_failure),
        cmocka_unit_test(test_host_takes_its_standard_descriptors),
    };

    if (umh_process_prepare())
        return 1;
    if (argc > 1 && strcmp(argv[1], "host") == 0)
        return be_host();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
