/* SPDX-License-Identifier: MIT */
/* What the tests of processes share: starting one, hearing all it says, and its end. */
#include "process_fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

uint64_t soon(void)
{
    return umh_clock_deadline_ns(PATIENCE_MS);
}

void expect_text(umh_pipe in, const char *expected)
{
    char text[512] = "";
    size_t total = 0;
    size_t size;
    int r;

    do {
        r = umh_pipe_read(in, text + total, sizeof text - 1 - total, soon(), &size);
        total += r == 0 ? size : 0;
    } while (r == 0);
    text[total] = '\0';
    assert_int_equal(r, UMH_PIPE_EOF);
    assert_string_equal(text, expected);
}

/* Up to the expected text, while writers go on to exist. */
void await_text(umh_pipe in, const char *expected)
{
    char text[64] = "";
    size_t size;

    for (size_t total = 0; total < strlen(expected); total += size)
        assert_int_equal(umh_pipe_read(in, text + total, 1, soon(), &size), 0);
    assert_string_equal(text, expected);
}

void start_process(umh_process_spec *spec, umh_process *child)
{
    assert_int_equal(umh_process_start(spec, child), 0);
    assert_true(child->handle >= 0 && child->pid > 1);
}

umh_process_end finish_process(umh_process *child)
{
    umh_process_end end;

    assert_int_equal(umh_process_wait(child, soon(), &end), 0);
    umh_process_deinit(child);
    return end;
}

int count_descriptors(void)
{
    int count = 0;

    for (int descriptor = 0; descriptor < 4096; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}
