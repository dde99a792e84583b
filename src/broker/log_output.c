/* SPDX-License-Identifier: MIT */
/*
 * Where the log goes.
 *
 * Descriptor 2 is shared with whoever started the broker, so it must not become non-blocking for
 * them. A terminal is opened anew by libuv, and its own copy never blocks. A pipe or a socket that
 * polls writable takes PIECE_BYTES without blocking, which is the smallest room that makes it
 * writable. A file always takes what it is given.
 */
#include "broker/log_output.h"

#include "broker/log_journal.h"
#include "ipc/limits.h"
#include "platform/clock.h"

#include <stdlib.h>

#define PIECE_BYTES 4096u

/* more is written, in front of what is kept, before the rest is moved to the front */
#define WRITTEN_BYTES_MAX (64u * 1024)

static void on_terminal_closed(uv_handle_t *handle)
{
    free(handle);
}

static uv_tty_t *open_terminal(uv_loop_t *loop, umh_pipe pipe)
{
    uv_tty_t *terminal = malloc(sizeof(*terminal));

    if (!terminal)
        return NULL;
    if (uv_tty_init(loop, terminal, (uv_file)pipe.handle, 0) == 0)
        return terminal;
    free(terminal); /* libuv has not put it on the loop: written like a pipe then */
    return NULL;
}

void umh_log_output_init(umh_log_output *output, uv_loop_t *loop, umh_pipe pipe)
{
    *output = (umh_log_output){.pipe = pipe, .journal = UMH_PIPE_NONE, .pending = UMH_BUFFER_INIT};
    output->pending.max_bytes = UMH_LOG_PENDING_BYTES;
    if (umh_pipe_is_terminal(pipe))
        output->terminal = open_terminal(loop, pipe);
}

void umh_log_output_use_journal_take(umh_log_output *output, umh_pipe journal_take)
{
    umh_pipe_close(&output->journal);
    output->journal = journal_take;
}

static void forget_written(umh_log_output *output)
{
    umh_buffer_consume(&output->pending, output->written);
    output->written = 0;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append(umh_log_output *output, umh_log_format *format, const umh_log_line *line)
{
    int r;

    if (umh_pipe_is_open(output->journal))
        r = umh_log_journal_append(line, &output->pending);
    else
        r = umh_log_format_append(format, line, &output->pending);
    return r;
}

void umh_log_output_put(umh_log_output *output, umh_log_format *format, const umh_log_line *line)
{
    int r;

    if (output->is_broken)
        return;
    r = append(output, format, line);
    if (r == UMH_BUFFER_FULL && output->written > 0) {
        forget_written(output);
        r = append(output, format, line);
    }
    if (r == 0)
        return;
    output->dropped_count++;
    if (r < 0)
        umh_failure_take(); /* out of memory: the log is the last that may end the broker for it */
}

/* Outcomes: UMH_PIPE_EOF, UMH_PIPE_WOULD_BLOCK. */
static int write_terminal(uv_tty_t *terminal, umh_bytes bytes, size_t *ret_size)
{
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.size);
    int status = uv_try_write((uv_stream_t *)terminal, &buffer, 1);

    if (status == UV_EAGAIN)
        return UMH_PIPE_WOULD_BLOCK;
    if (status < 0)
        return UMH_PIPE_EOF;
    *ret_size = (size_t)status;
    return 0;
}

/* Outcomes: UMH_PIPE_EOF, UMH_PIPE_WOULD_BLOCK. */
static int write_piece(umh_log_output *output, size_t *ret_size)
{
    umh_bytes piece = umh_bytes_of(output->pending.data + output->written,
                                   output->pending.size - output->written);
    int r;

    if (umh_pipe_is_open(output->journal))
        return umh_log_journal_send(output->journal, piece, 0, ret_size) ? 0 : UMH_PIPE_WOULD_BLOCK;
    if (output->terminal)
        return write_terminal(output->terminal, piece, ret_size);
    if (piece.size > PIECE_BYTES)
        piece.size = PIECE_BYTES;
    r = umh_pipe_wait_writable(output->pipe, 0);
    if (r == UMH_PIPE_TIMEOUT)
        return UMH_PIPE_WOULD_BLOCK;
    if (r == 0)
        r = umh_pipe_write_parts(output->pipe, &piece, 1, ret_size);
    return r;
}

bool umh_log_output_flush(umh_log_output *output)
{
    while (output->written < output->pending.size) {
        size_t size = 0;
        int r = write_piece(output, &size);

        if (r == UMH_PIPE_WOULD_BLOCK)
            return false;
        if (r) {
            /* Closed, or a full disk: there is nobody to tell. */
            if (r < 0)
                umh_failure_take();
            output->is_broken = r == UMH_PIPE_EOF;
            break;
        }
        output->written += size;
        if (output->written > WRITTEN_BYTES_MAX)
            forget_written(output);
    }
    umh_buffer_clear(&output->pending);
    output->written = 0;
    return true;
}

/* The journal has nothing to be polled: a send waits, or says that it will not be. */
static bool wait_for_journal(umh_log_output *output, uint64_t deadline_ns)
{
    umh_bytes rest = umh_bytes_of(output->pending.data + output->written,
                                  output->pending.size - output->written);
    size_t size;

    if (!umh_log_journal_send(output->journal, rest, deadline_ns, &size))
        return false;
    output->written += size;
    return true;
}

static bool wait_for_room(umh_log_output *output, uint64_t deadline_ns)
{
    int r;

    if (umh_pipe_is_open(output->journal))
        return wait_for_journal(output, deadline_ns);
    r = umh_pipe_wait_writable(output->pipe, deadline_ns);
    if (r < 0)
        umh_failure_take();
    return r == 0;
}

void umh_log_output_close(umh_log_output *output, uint64_t deadline_ns)
{
    /* A terminal with room for half a line break polls writable and takes nothing. */
    while (!umh_log_output_flush(output) && umh_clock_now_ns() < deadline_ns) {
        if (!wait_for_room(output, deadline_ns))
            break;
    }
    umh_pipe_close(&output->journal);
    umh_buffer_deinit(&output->pending);
    output->written = 0;
    if (output->terminal)
        uv_close((uv_handle_t *)UMH_MOVE(output->terminal), on_terminal_closed);
}
