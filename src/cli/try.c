/* SPDX-License-Identifier: MIT */
/*
 * umh try: a module alone, with lines of text in and out.
 *
 * A loop waits for stdin, the broker and signals at once. Questions to the broker block it: they
 * are few, have deadlines, and a signal that comes meanwhile is seen after them.
 *
 *   state          what is true                                    leaves it
 *   TRY_CONNECTING the broker starts                               connected, ended, too late
 *   TRY_LOADING    subscribed to everything; `load` was sent       answered
 *   TRY_TALKING    stdin is read                                   its end
 *   TRY_DRAINING   all of stdin is published                       silence, or the time is over
 *   TRY_ENDED      the loop runs out
 */
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/directory.h"
#include "cli/output.h"
#include "cli/trial.h"
#include "platform/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CONNECT_MS 20000u
#define CONNECT_AGAIN_MS 3u
#define SILENCE_MS 200u
#define SILENCE_MS_MAX 10000u /* a module that is never silent does not keep a script waiting */
#define STOP_MS 15000u
#define READ_BYTES (64u * 1024)

typedef enum try_state {
    TRY_CONNECTING,
    TRY_LOADING,
    TRY_TALKING,
    TRY_DRAINING,
    TRY_ENDED
} try_state;

typedef union try_input {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tty_t tty;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
    uv_idle_t idle; /* of a file: it is always ready */
} try_input;

typedef struct try_run {
    try_state state;
    int code;
    umh_trial trial;
    umh_cli cli; /* as which it connects */
    umh_client *client;
    umh_directory *directory;
    int64_t load_id;
    uint64_t wait_ms; /* UMH_FOREVER: until it is silent */
    uint64_t connect_until_ns;
    umh_buffer lines; /* of stdin, without those that were published */
    uv_loop_t loop;
    uv_timer_t again;   /* CONNECTING: the next attempt */
    uv_timer_t silence; /* DRAINING: it has been silent */
    uv_timer_t at_most; /* DRAINING: the time is over */
    uv_poll_t socket;
    uv_signal_t interrupt, terminate, hangup;
    try_input input;
    char piece[READ_BYTES];
} try_run;

/* ------------------------- the end */

static void close_handle(uv_handle_t *handle, void *context)
{
    umh_ignore(context != NULL);
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void end(try_run *run, int code)
{
    if (code != CLI_DONE)
        run->code = code;
    if (run->state == TRY_ENDED)
        return;
    run->state = TRY_ENDED;
    uv_stop(&run->loop);
}

/* A result of the client that is not 0, said on stderr. */
static void end_explained(try_run *run, int r, const umh_why *why)
{
    end(run, umh_client_explain(r, why));
}

static void ask_to_stop(try_run *run)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = UMH_CLIENT_EOF;

    if (run->client)
        r = umh_client_ask_take(run->client, "stop", NULL, umh_clock_deadline_ns(STOP_MS), &answer,
                                &why);
    if (r < 0)
        umh_failure_take();
    /* Without a connection, or while it still starts: the system's way to say it. */
    if (r)
        umh_process_terminate(&run->trial.broker);
}

/* ------------------------- out */

static void print_message(try_run *run, const umh_client_message *message)
{
    const char *name = umh_directory_service(run->directory, &message->frame.service);
    char guid[UMH_GUID_TEXT_BYTES];

    umh_guid_encode(&message->frame.service, guid);
    printf("%s ", name ? name : guid);
    umh_output_text(stdout, message->text);
    putchar('\n');
}

static void expect_silence(try_run *run);

/* Everything that has come. What was typed here is not repeated: only modules are heard. */
static void print_messages(try_run *run)
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
        end(run, umh_cli_refuse("what the module says cannot be written to stdout"));
    else if (r != UMH_CLIENT_TIMEOUT)
        end_explained(run, r, &none);
    else if (!is_silent && run->state == TRY_DRAINING)
        expect_silence(run);
}

/* ------------------------- in */

static int publish(try_run *run, const char *service, umh_bytes text, umh_why *ret_why)
{
    umh_client_send send = {.session = UMH_SESSION_EVERY,
                            .text = text,
                            .deadline_ns = umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)};
    int r = umh_client_resolve(run->client, service, &send.service, ret_why);

    if (r == 0)
        r = umh_client_post(run->client, &send, ret_why);
    if (r == 0 && !umh_directory_service(run->directory, &send.service) &&
        umh_guid_decode(umh_bytes_of_text(service), &send.service) != 0)
        r = umh_directory_add_service(run->directory, &send.service, service);
    return r;
}

/* What is wrong with a line is said, and spoils no other. */
static void judge_line(try_run *run, const char *service, int r, const umh_why *why)
{
    if (r == UMH_CLIENT_REFUSED)
        run->code = umh_cli_refuse_why(why);
    else if (r == UMH_CLIENT_TIMEOUT)
        run->code = umh_cli_refuse(
            "full: a message to %s was not sent; the module does not keep up", service);
    else if (r)
        end_explained(run, r, why);
}

/* `line` is terminated and ends at `size`. */
static void take_line(try_run *run, char *line, size_t size)
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

static void take_lines(try_run *run)
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
static void synchronise(try_run *run)
{
    umh_why why = UMH_WHY_INIT;
    int r;

    if (run->state == TRY_ENDED)
        return;
    r = umh_client_sync(run->client, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS), &why);
    if (r == UMH_CLIENT_REFUSED)
        run->code = umh_cli_refuse_why(&why);
    else if (r)
        end_explained(run, r, &why);
    if (run->state != TRY_ENDED)
        print_messages(run);
}

static void take_input(try_run *run, const char *piece, size_t size)
{
    int r = umh_buffer_append(&run->lines, piece, size);

    if (r) {
        if (r < 0)
            umh_failure_take();
        end(run, umh_cli_refuse("a line of stdin is too long"));
        return;
    }
    take_lines(run);
    synchronise(run);
}

static void on_silent(uv_timer_t *timer)
{
    end(timer->data, CLI_DONE);
}

static void expect_silence(try_run *run)
{
    if (run->wait_ms == UMH_FOREVER)
        umh_ignore(uv_timer_start(&run->silence, on_silent, SILENCE_MS, 0));
}

static void end_of_input(try_run *run)
{
    uint64_t at_most_ms = run->wait_ms == UMH_FOREVER ? SILENCE_MS_MAX : run->wait_ms;

    if (run->state != TRY_TALKING)
        return;
    close_handle(&run->input.handle, NULL);
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
    try_run *run = handle->data;

    umh_ignore(suggested == 0);
    *buffer = uv_buf_init(run->piece, sizeof run->piece);
}

static void on_stream(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    try_run *run = stream->data;

    if (count > 0)
        take_input(run, buffer->base, (size_t)count);
    else if (count < 0)
        end_of_input(run);
}

static void on_file(uv_idle_t *idle)
{
    try_run *run = idle->data;
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
static int open_input(try_run *run)
{
    uv_loop_t *loop = &run->loop;
    try_input *input = &run->input;
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

/* ------------------------- the broker */

/* The reason alone: the place is in a file that is gone in a moment. */
static void refuse_module(try_run *run, const umh_why *why)
{
    end(run, umh_cli_refuse("%s", why->text));
}

static void take_load_answer(try_run *run)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_client_finish(run->client, run->load_id, 0, &answer, &why);
    int status;

    if (r == UMH_CLIENT_TIMEOUT)
        return;
    if (r == UMH_CLIENT_REFUSED) {
        refuse_module(run, &why);
        return;
    }
    if (r) {
        end_explained(run, r, &why);
        return;
    }
    run->state = TRY_TALKING;
    status = open_input(run);
    if (status != 0)
        end(run, umh_cli_refuse("read stdin: %s", uv_strerror(status)));
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    try_run *run = poll->data;

    umh_ignore(status != 0 || events == 0); /* whatever it is, reading says it */
    if (run->state == TRY_LOADING)
        take_load_answer(run);
    /* What it said before that answer came has been kept. */
    if (run->state != TRY_ENDED && run->state != TRY_LOADING)
        print_messages(run);
}

/* Before the module is loaded, so that not even its first message is missed. */
static int begin(try_run *run, umh_why *ret_why)
{
    uint64_t deadline_ns = umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS);
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_json *body;
    int r = umh_directory_new(run->client, &run->directory);

    if (r == 0)
        r = umh_client_ask_take(run->client, "subscribe", json_pack("{s:[]}", "services"),
                                deadline_ns, &answer, ret_why);
    if (r)
        return r;
    body = json_pack("{s:s, s:s}", "host", UMH_TRIAL_HOST, "module", run->trial.module);
    if (!body) {
        umh_why_set(ret_why, "the path of a module is UTF-8: %s", run->trial.module);
        return UMH_CLIENT_REFUSED;
    }
    return umh_client_begin_take(run->client, "load", body, deadline_ns, &run->load_id);
}

static void on_connected(try_run *run)
{
    umh_why why = UMH_WHY_INIT;
    int status;
    int r = begin(run, &why);

    umh_ignore(uv_timer_stop(&run->again));
    if (r) {
        end_explained(run, r, &why);
        return;
    }
    run->state = TRY_LOADING;
    status = uv_poll_init(&run->loop, &run->socket, umh_client_descriptor(run->client));
    run->socket.data = run;
    if (status == 0)
        status = uv_poll_start(&run->socket, UV_READABLE, on_socket);
    if (status != 0)
        end(run, umh_cli_refuse("wait for the broker: %s", uv_strerror(status)));
}

static void on_again(uv_timer_t *timer)
{
    try_run *run = timer->data;
    umh_why why = UMH_WHY_INIT;
    char how[128];
    int r = umh_client_connect(&run->cli, &run->client, &why);

    if (r == 0)
        on_connected(run);
    else if (r < 0)
        end_explained(run, r, &why);
    else if (umh_trial_has_ended(&run->trial, how, sizeof how))
        end(run, umh_cli_refuse("the broker did not start: %s", how));
    else if (umh_clock_now_ns() >= run->connect_until_ns)
        end(run, umh_cli_refuse_why(&why));
}

/* ------------------------- the whole */

static void on_signal(uv_signal_t *handle, int number)
{
    umh_ignore(number == 0);
    end(handle->data, CLI_DONE);
}

static int start_signal(try_run *run, uv_signal_t *handle, int number)
{
    int status = uv_signal_init(&run->loop, handle);

    handle->data = run;
    return status == 0 ? uv_signal_start(handle, on_signal, number) : status;
}

static int start_handles(try_run *run)
{
    uv_timer_t *const timers[] = {&run->again, &run->silence, &run->at_most};
    int status = 0;

    for (size_t i = 0; i < UMH_COUNT_OF(timers) && status == 0; i++) {
        status = uv_timer_init(&run->loop, timers[i]);
        timers[i]->data = run;
    }
    if (status == 0)
        status = start_signal(run, &run->interrupt, SIGINT);
    if (status == 0)
        status = start_signal(run, &run->terminate, SIGTERM);
    if (status == 0)
        status = start_signal(run, &run->hangup, SIGHUP);
    if (status == 0)
        status = uv_timer_start(&run->again, on_again, 0, CONNECT_AGAIN_MS);
    return status;
}

/* Signals are watched from before the temporary folder is made until after it is removed. */
static void try_module(try_run *run, const char *module, bool is_verbose)
{
    umh_why why = UMH_WHY_INIT;
    int status = start_handles(run);
    int r;

    if (status != 0) {
        run->code = umh_cli_refuse("make the event loop: %s", uv_strerror(status));
        return;
    }
    r = umh_trial_open(&run->trial, module, is_verbose, &why);
    if (r == UMH_TRIAL_REFUSED) {
        run->code = umh_cli_refuse("%s", why.text);
    } else if (r) {
        umh_ignore(umh_fold(r));
        run->code = umh_cli_fail();
    } else {
        run->cli.control_path = run->trial.control;
        run->connect_until_ns = umh_clock_deadline_ns(CONNECT_MS);
        umh_ignore(uv_run(&run->loop, UV_RUN_DEFAULT));
        ask_to_stop(run);
    }
    umh_trial_close(&run->trial, umh_clock_deadline_ns(STOP_MS));
}

static void close_run(try_run *run)
{
    uv_walk(&run->loop, close_handle, NULL);
    umh_ignore(uv_run(&run->loop, UV_RUN_DEFAULT));
    umh_ignore(uv_loop_close(&run->loop));
    umh_directory_free(run->directory);
    umh_client_free(run->client);
    umh_buffer_deinit(&run->lines);
    free(run);
}

int umh_cli_try(const umh_cli *cli)
{
    uint64_t wait_ms = UMH_FOREVER;
    bool is_verbose = false;
    const umh_option options[] = {
        {.name = "wait", .kind = OPTION_SECONDS, .to = &wait_ms},
        {.name = "verbose", .kind = OPTION_FLAG, .to = &is_verbose},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_text = "MODULE is",
                                     .positional_min = 1,
                                     .positional_max = 1};
    const char *module;
    try_run *run;
    size_t count;
    int status;
    int code;

    if (!umh_arguments_read(cli, &spec, &module, &count, &code))
        return code;
    run = calloc(1, sizeof *run);
    status = run ? uv_loop_init(&run->loop) : UV_ENOMEM;
    if (status != 0) {
        free(run);
        return umh_cli_refuse("make the event loop: %s", uv_strerror(status));
    }
    run->trial = (umh_trial)UMH_TRIAL_INIT;
    run->wait_ms = wait_ms;
    try_module(run, module, is_verbose);
    code = run->code;
    close_run(run);
    return code;
}
