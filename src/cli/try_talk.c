/* SPDX-License-Identifier: MIT */
/* umh try: lines of stdin become messages, messages become lines of stdout. */
#include "cli/output.h"
#include "cli/try_run.h"
#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

#define SILENCE_MS 200u
#define SILENCE_MS_MAX 10000u /* a module that is never silent does not keep a script waiting */

/* ------------------------- out */

static void print_message(umh_try_run *run, const umh_client_message *message)
{
    const char *name = umh_directory_service(run->directory, &message->frame.service);
    char guid[UMH_GUID_TEXT_BYTES];

    umh_guid_encode(&message->frame.service, guid);
    printf("%s ", name ? name : guid);
    umh_output_text(stdout, message->text);
    putchar('\n');
}

static void expect_silence(umh_try_run *run);

/* Everything that has come. What was typed here is not repeated: only modules are heard. */
void umh_try_print(umh_try_run *run)
{
    const umh_why none = UMH_WHY_INIT;
    umh_client_message message;
    bool is_silent = true;
    int r;

    while ((r = umh_client_receive(run->client, 0, &message)) == 0) {
        is_silent = false;
        if (message.frame.source_host != UMH_HOST_NUMBER_BROKER)
            print_message(run, &message);
    }
    if (fflush(stdout) != 0)
        umh_try_end(run, umh_cli_refuse("what the module says cannot be written to stdout"));
    else if (r != UMH_CLIENT_TIMEOUT)
        umh_try_end_explained(run, r, &none);
    else if (!is_silent && run->state == TRY_DRAINING)
        expect_silence(run);
}

/* ------------------------- in */

/* Outcomes: UMH_CLIENT_REFUSED, UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int synchronise_client(umh_try_run *run, int64_t *ret_reached, umh_why *ret_why)
{
    int r = umh_client_sync(run->client, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS), ret_reached,
                            ret_why);

    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/*
 * Of lines to one service in a row the first is looked at, so that many cost one sync. We ourselves
 * hear everything. Outcomes: UMH_CLIENT_REFUSED, UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF.
 */
static int post(umh_try_run *run, const char *service, const umh_client_send *send,
                umh_why *ret_why)
{
    bool is_known = run->has_last_service && umh_guid_is_equal(&run->last_service, &send->service);
    int64_t reached = UMH_CLIENT_NOT_SAID;
    int r = is_known ? 0 : synchronise_client(run, &reached, ret_why);

    if (r == 0)
        r = umh_client_post(run->client, send, ret_why);
    if (r == 0 && !is_known)
        r = synchronise_client(run, &reached, ret_why);
    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r == 0 && !is_known && (reached == 0 || reached == 1))
        fprintf(stderr, "umh: warning: nobody has subscribed to %s\n", service);
    run->last_service = send->service;
    run->has_last_service = true;
    return umh_fold(r);
}

static int publish(umh_try_run *run, const char *service, umh_bytes text, umh_why *ret_why)
{
    umh_client_send send = {.session = UMH_SESSION_EVERY,
                            .text = text,
                            .deadline_ns = umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)};
    int r = umh_client_resolve(run->client, service, &send.service, ret_why);

    if (r == 0)
        r = post(run, service, &send, ret_why);
    if (r == 0 && !umh_directory_service(run->directory, &send.service) &&
        umh_guid_decode(umh_bytes_of_text(service), &send.service) != 0)
        r = umh_directory_add_service(run->directory, &send.service, service);
    return r;
}

/* What is wrong with a line is said, and spoils no other. */
static void judge_line(umh_try_run *run, const char *service, int r, const umh_why *why)
{
    if (r == UMH_CLIENT_REFUSED)
        run->code = umh_cli_refuse_why(why);
    else if (r == UMH_CLIENT_TIMEOUT)
        run->code = umh_cli_refuse(
            "full: a message to %s was not sent; the module does not keep up", service);
    else if (r)
        umh_try_end_explained(run, r, why);
}

/* `line` is terminated and ends at `size`. */
static void take_line(umh_try_run *run, char *line, size_t size)
{
    size_t name_size;
    umh_bytes text;
    umh_why why = UMH_WHY_INIT;

    if (size > 0 && line[size - 1] == '\r')
        line[--size] = '\0';
    if (size == 0)
        return;
    name_size = strcspn(line, " \t");
    text = name_size < size ? umh_bytes_of(line + name_size + 1, size - name_size - 1)
                            : umh_bytes_of(NULL, 0);
    line[name_size] = '\0';
    judge_line(run, line, publish(run, line, text, &why), &why);
}

static void take_lines(umh_try_run *run)
{
    char *start = (char *)run->lines.data;
    size_t rest = run->lines.size;
    char *end_of_line;

    while (run->state == TRY_TALKING && rest > 0 && (end_of_line = memchr(start, '\n', rest))) {
        size_t size = (size_t)(end_of_line - start);

        *end_of_line = '\0';
        take_line(run, start, size);
        start += size + 1;
        rest -= size + 1;
    }
    umh_buffer_consume(&run->lines, run->lines.size - rest);
}

/* The broker has taken, or refused, all that was published until now. */
static void synchronise(umh_try_run *run)
{
    umh_why why = UMH_WHY_INIT;
    int64_t reached;
    int r;

    if (run->state == TRY_ENDED)
        return;
    r = synchronise_client(run, &reached, &why);
    if (r == UMH_CLIENT_REFUSED)
        run->code = umh_cli_refuse_why(&why);
    else if (r)
        umh_try_end_explained(run, r, &why);
    if (run->state != TRY_ENDED)
        umh_try_print(run);
}

static void take_input(umh_try_run *run, const char *piece, size_t size)
{
    int r = umh_buffer_append(&run->lines, piece, size);

    if (r) {
        if (r < 0)
            umh_failure_take();
        umh_try_end(run, umh_cli_refuse("a line of stdin is too long"));
        return;
    }
    take_lines(run);
    synchronise(run);
}

static void on_silent(uv_timer_t *timer)
{
    umh_try_end(timer->data, CLI_DONE);
}

static void expect_silence(umh_try_run *run)
{
    if (run->wait_ms == UMH_FOREVER)
        umh_ignore(uv_timer_start(&run->silence, on_silent, SILENCE_MS, 0));
}

static void end_of_input(umh_try_run *run)
{
    uint64_t at_most_ms = run->wait_ms == UMH_FOREVER ? SILENCE_MS_MAX : run->wait_ms;

    if (run->state != TRY_TALKING)
        return;
    uv_close(&run->input.handle, NULL);
    if (run->lines.size > 0)
        take_line(run, (char *)run->lines.data, run->lines.size);
    umh_buffer_clear(&run->lines);
    synchronise(run);
    if (run->state == TRY_ENDED)
        return;
    run->state = TRY_DRAINING;
    expect_silence(run);
    umh_ignore(uv_timer_start(&run->at_most, on_silent, at_most_ms, 0));
}

static void on_place_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    umh_try_run *run = handle->data;

    UMH_UNUSED(suggested);
    *buffer = uv_buf_init(run->piece, sizeof run->piece);
}

static void on_stream(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    umh_try_run *run = stream->data;

    if (count > 0)
        take_input(run, buffer->base, (size_t)count);
    else if (count < 0)
        end_of_input(run);
}

static void on_file(uv_idle_t *idle)
{
    umh_try_run *run = idle->data;
    size_t size = 0;
    int r = umh_pipe_read(umh_pipe_standard(0), run->piece, sizeof run->piece, UMH_FOREVER, &size);

    if (r == 0) {
        take_input(run, run->piece, size);
        return;
    }
    if (r < 0)
        run->code = umh_cli_fail();
    end_of_input(run);
}

/* As libuv reads what it is; a stream is made non-blocking, a terminal is opened anew for that. */
static int open_input(umh_try_run *run)
{
    uv_loop_t *loop = &run->loop;
    umh_try_input *input = &run->input;
    int status;

    switch (uv_guess_handle(0)) {
    case UV_TTY:
        status = uv_tty_init(loop, &input->tty, 0, 1);
        break;
    case UV_NAMED_PIPE:
        status = uv_pipe_init(loop, &input->pipe, 0);
        if (status == 0)
            status = uv_pipe_open(&input->pipe, 0);
        break;
    case UV_TCP:
        status = uv_tcp_init(loop, &input->tcp);
        if (status == 0)
            status = uv_tcp_open(&input->tcp, 0);
        break;
    default:
        status = uv_idle_init(loop, &input->idle);
        input->idle.data = run;
        return status == 0 ? uv_idle_start(&input->idle, on_file) : status;
    }
    input->stream.data = run;
    return status == 0 ? uv_read_start(&input->stream, on_place_wanted, on_stream) : status;
}

void umh_try_talk(umh_try_run *run)
{
    int status;

    run->state = TRY_TALKING;
    status = open_input(run);
    if (status != 0)
        umh_try_end(run, umh_cli_refuse("read stdin: %s", uv_strerror(status)));
}
