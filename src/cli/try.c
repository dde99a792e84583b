/* SPDX-License-Identifier: MIT */
/*
 * umh try: a module alone, with lines of text in and out.
 *
 * A loop waits for stdin, the broker and signals at once. Questions to the broker block it: they
 * are few, have deadlines, and a signal that comes meanwhile is seen after them.
 */
#include "cli/arguments.h"
#include "cli/built.h"
#include "cli/try_run.h"
#include "platform/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 20000u
#define CONNECT_AGAIN_MS 3u
#define STOP_MS 15000u

/* ------------------------- the end */

static void close_handle(uv_handle_t *handle, void *context)
{
    UMH_UNUSED(context);
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void umh_try_end(umh_try_run *run, int code)
{
    if (code != CLI_DONE)
        run->code = code;
    if (run->state == TRY_ENDED)
        return;
    run->state = TRY_ENDED;
    uv_stop(&run->loop);
}

/* A result of the client that is not 0, said on stderr. */
void umh_try_end_explained(umh_try_run *run, int r, const umh_why *why)
{
    umh_try_end(run, umh_client_explain(r, why));
}

static void ask_to_stop(umh_try_run *run)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = UMH_CLIENT_EOF;

    if (run->client)
        r = umh_client_ask_take(
            run->client, &(umh_client_question){"stop", NULL, umh_clock_deadline_ns(STOP_MS)},
            &answer, &why);
    if (r < 0)
        umh_failure_take();
    /* Without a connection, or while it still starts: the system's way to say it. */
    if (r)
        umh_process_terminate(&run->trial.broker);
}

static const char *last_end(const umh_json *status)
{
    const json_t *host = json_array_get(umh_jsonc_get_array(status, "hosts"), 0);
    const json_t *end = json_array_get(umh_jsonc_get_array(host, "deaths"), 0);

    /* Replaced by a fresh process as somebody asked for is no fault of the module. */
    if (!end || strcmp(umh_jsonc_get_text(end, "kind", ""), "asked") == 0)
        return NULL;
    return umh_jsonc_get_text(end, "text", "?");
}

static int64_t count_exceptions(const umh_json *status)
{
    const json_t *host = json_array_get(umh_jsonc_get_array(status, "hosts"), 0);
    const json_t *module = json_array_get(umh_jsonc_get_array(host, "modules"), 0);

    return umh_jsonc_get_integer(module, "exceptions", 0);
}

/* The broker started it again, so all may look well by now. */
static void judge_module(umh_try_run *run)
{
    int64_t exceptions;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    const char *text;
    int r;

    if (!run->client || !run->is_loaded)
        return;
    r = umh_client_ask_take(
        run->client,
        &(umh_client_question){"status", NULL, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
        &answer, &why);
    if (r) {
        umh_try_end_explained(run, r, &why);
        return;
    }
    text = last_end(answer.body);
    exceptions = count_exceptions(answer.body);
    if (text)
        run->code = umh_cli_refuse("the module did not survive: %s", text);
    else if (exceptions > 0)
        run->code = umh_cli_refuse("the module threw %lld exception%s", (long long)exceptions,
                                   exceptions == 1 ? "" : "s");
}

/* ------------------------- the broker */

/* The reason alone: the place is in a file that is gone in a moment. */
static void refuse_module(umh_try_run *run, const umh_why *why)
{
    umh_try_end(run, umh_cli_refuse("%s", why->text));
}

static void take_load_answer(umh_try_run *run)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_client_finish(run->client, run->load_id, 0, &answer, &why);

    if (r == UMH_CLIENT_TIMEOUT)
        return;
    if (r == UMH_CLIENT_REFUSED) {
        refuse_module(run, &why);
        return;
    }
    if (r) {
        umh_try_end_explained(run, r, &why);
        return;
    }
    run->is_loaded = true;
    umh_try_talk(run);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    umh_try_run *run = poll->data;

    UMH_UNUSED(status); /* whatever it is, reading says it */
    UMH_UNUSED(events);
    if (run->state == TRY_LOADING)
        take_load_answer(run);
    /* What it said before that answer came has been kept. */
    if (run->state != TRY_ENDED && run->state != TRY_LOADING)
        umh_try_print(run);
}

/*
 * Before the module is loaded, so that not even its first message is missed.
 * Outcomes: UMH_CLIENT_REFUSED, UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF.
 */
static int begin(umh_try_run *run, umh_why *ret_why)
{
    uint64_t deadline_ns = umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS);
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_json *body;
    int r = umh_directory_new(run->client, &run->directory);

    if (r == 0)
        r = umh_client_ask_take(
            run->client,
            &(umh_client_question){"subscribe", json_pack("{s:[]}", "services"), deadline_ns},
            &answer, ret_why);
    if (r)
        return r;
    body = json_pack("{s:s, s:s}", "host", UMH_TRIAL_HOST, "module", run->trial.module);
    if (!body) {
        umh_why_set(ret_why, "the path of a module is UTF-8: %s", run->trial.module);
        return UMH_CLIENT_REFUSED;
    }
    return umh_client_begin_take(run->client, &(umh_client_question){"load", body, deadline_ns},
                                 &run->load_id);
}

static void on_connected(umh_try_run *run)
{
    umh_why why = UMH_WHY_INIT;
    int status;
    int r = begin(run, &why);

    umh_ignore(uv_timer_stop(&run->again));
    if (r) {
        umh_try_end_explained(run, r, &why);
        return;
    }
    run->state = TRY_LOADING;
    status = uv_poll_init(&run->loop, &run->socket, umh_client_descriptor(run->client));
    run->socket.data = run;
    if (status == 0)
        status = uv_poll_start(&run->socket, UV_READABLE, on_socket);
    if (status != 0)
        umh_try_end(run, umh_cli_refuse("wait for the broker: %s", uv_strerror(status)));
}

static void on_again(uv_timer_t *timer)
{
    umh_try_run *run = timer->data;
    umh_why why = UMH_WHY_INIT;
    char how[128];
    int r = umh_client_connect(&run->cli, &run->client, &why);

    if (r == 0)
        on_connected(run);
    else if (r < 0)
        umh_try_end_explained(run, r, &why);
    else if (umh_trial_has_ended(&run->trial, how, sizeof how))
        umh_try_end(run, umh_cli_refuse("the broker did not start: %s", how));
    else if (umh_clock_now_ns() >= run->connect_until_ns)
        umh_try_end(run, umh_cli_refuse_why(&why));
}

/* ------------------------- the whole */

static void on_signal(uv_signal_t *handle, int number)
{
    UMH_UNUSED(number);
    umh_try_end(handle->data, CLI_DONE);
}

static int start_signal(umh_try_run *run, uv_signal_t *handle, int number)
{
    int status = uv_signal_init(&run->loop, handle);

    handle->data = run;
    return status == 0 ? uv_signal_start(handle, on_signal, number) : status;
}

static int start_handles(umh_try_run *run)
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
static void try_module(umh_try_run *run, const char *module, bool is_verbose)
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
        judge_module(run);
        ask_to_stop(run);
    }
    umh_trial_close(&run->trial, umh_clock_deadline_ns(STOP_MS));
}

static void close_run(umh_try_run *run)
{
    uv_walk(&run->loop, close_handle, NULL);
    umh_ignore(uv_run(&run->loop, UV_RUN_DEFAULT));
    umh_ignore(uv_loop_close(&run->loop));
    umh_directory_free(run->directory);
    umh_client_free(run->client);
    umh_buffer_deinit(&run->lines);
    free(run);
}

/* CLI_DONE, or the code after saying why there is none. */
static int find_built(char *ret_path)
{
    umh_why why = UMH_WHY_INIT;
    char folder[UMH_PATH_BYTES];
    int r = umh_file_absolute(".", folder);

    if (r == 0)
        r = umh_built_find(folder, ret_path, &why);
    if (r == UMH_BUILT_NONE)
        return umh_cli_refuse("%s", why.text);
    return r ? umh_cli_fail() : CLI_DONE;
}

static int has_file(const char *folder, const char *name, const char *ending, bool *ret_has)
{
    char file[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    int r = 0;

    if (snprintf(file, sizeof file, "%s%s", name, ending) >= (int)sizeof file)
        return 0;
    r = umh_file_join(folder, file, path);
    if (r == 0 && umh_file_inspect(path).kind == FILE_KIND_FILE)
        *ret_has = true;
    return umh_fold(r);
}

/*
 * A bare name that is neither a file nor a folder with a module of its name: what was built here is
 * meant, if it is called so. Its path comes into `built`, else `*module` stays.
 */
static int find_built_named(const char **module, char built[UMH_PATH_BYTES])
{
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    bool has_module = strchr(*module, '/') != NULL;
    int r = umh_file_absolute(".", folder);

    if (r == 0)
        r = umh_file_absolute(*module, path);
    if (r == 0)
        has_module |= umh_file_inspect(path).kind == FILE_KIND_FILE;
    if (r == 0 && !has_module)
        r = has_file(path, *module, ".so", &has_module);
    if (r == 0 && !has_module)
        r = has_file(path, *module, ".dll", &has_module);
    if (r || has_module)
        return umh_fold(r);
    r = umh_built_find_named(folder, *module, built);
    if (r == 0)
        *module = built;
    return r == UMH_BUILT_NONE ? 0 : umh_fold(r);
}

int umh_cli_try(const umh_cli *cli)
{
    uint64_t wait_ms = UMH_FOREVER;
    bool is_verbose = false;
    const umh_option options[] = {
        {.name = "wait", .kind = OPTION_SECONDS, .to = &wait_ms},
        {.name = "verbose", .kind = OPTION_FLAG, .to = &is_verbose},
    };
    const umh_arguments_spec spec = {
        .options = options, .option_count = UMH_COUNT_OF(options), .positional_max = 1};
    char built[UMH_PATH_BYTES];
    const char *module;
    umh_try_run *run;
    size_t count;
    int status;
    int code;

    if (!umh_arguments_read(cli, &spec, &module, &count, &code))
        return code;
    if (count == 0) {
        code = find_built(built);
        if (code != CLI_DONE)
            return code;
        module = built;
    } else if (find_built_named(&module, built)) {
        return umh_cli_fail();
    }
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
