/* SPDX-License-Identifier: MIT */
/* A connection to a running broker: who is there, and questions with their answers. */
#include "cli/client_state.h"

#include "ipc/services.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "watch/listener.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------- connect */

static void explain_nobody(const umh_cli *cli, const char *path, umh_why *ret_why)
{
    if (cli->control_path)
        umh_why_set(ret_why,
                    "no broker is running at %s; start one with: umh run FILE --control PATH",
                    path);
    else
        umh_why_set(ret_why,
                    "no broker is running for instance '%s' (no socket at %s); start one with: umh "
                    "run FILE",
                    cli->instance, path);
}

/* Outcomes: UMH_CLIENT_REFUSED. */
static int open_socket(const umh_cli *cli, const char *path, umh_pipe *ret_socket, umh_why *ret_why)
{
    uv_file file = -1;
    int r = umh_listener_connect(path, &file, ret_why);

    if (r == UMH_LISTENER_NONE) {
        explain_nobody(cli, path, ret_why);
        return UMH_CLIENT_REFUSED;
    }
    if (r == UMH_LISTENER_UNSAFE)
        return UMH_CLIENT_REFUSED;
    if (r)
        return umh_fold(r);
    ret_socket->handle = file;
    return umh_pipe_set_non_blocking(*ret_socket);
}

/* Outcomes: UMH_CLIENT_REFUSED. */
static int greet(umh_client *client, const char *path, umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    int64_t max_bytes;
    int r = umh_client_ask_take(
        client, &(umh_client_question){"hello", NULL, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
        &answer, ret_why);

    if (r == UMH_CLIENT_TIMEOUT) {
        umh_why_set(ret_why, "the broker at %s does not answer", path);
        return UMH_CLIENT_REFUSED;
    }
    if (r == UMH_CLIENT_EOF) {
        umh_why_set(ret_why, "the broker at %s closed the connection", path);
        return UMH_CLIENT_REFUSED;
    }
    if (r == UMH_CLIENT_REFUSED)
        return UMH_CLIENT_REFUSED;
    if (r)
        return umh_fold(r);
    if (umh_jsonc_get_integer(answer.body, "lowest", 0) > UMH_PROTOCOL_HIGHEST ||
        umh_jsonc_get_integer(answer.body, "highest", 0) < UMH_PROTOCOL_LOWEST) {
        umh_why_set(ret_why, "the broker at %s, version %s, speaks another protocol", path,
                    umh_jsonc_get_text(answer.body, "version", "unknown"));
        return UMH_CLIENT_REFUSED;
    }
    max_bytes = umh_jsonc_get_integer(answer.body, "max_message_bytes", UMH_MESSAGE_BYTES_DEFAULT);
    if (max_bytes >= 0 && max_bytes <= (int64_t)UMH_MESSAGE_BYTES_HIGHEST)
        client->max_message_bytes = (uint32_t)max_bytes;
    return 0;
}

int umh_client_connect(const umh_cli *cli, umh_client **ret_client, umh_why *ret_why)
{
    UMH_AUTO_PTR(umh_client) client = calloc(1, sizeof *client);
    char path[UMH_PATH_BYTES];
    int r;

    if (!client)
        return UMH_FAIL(UMH_E_MEMORY, "make a connection");
    client->socket = UMH_PIPE_NONE;
    client->max_message_bytes = UMH_MESSAGE_BYTES_DEFAULT;
    umh_list_init(&client->kept);
    umh_list_init(&client->current);
    r = umh_listener_find_path(cli->instance, cli->control_path, path);
    if (r)
        return umh_fold(r);
    r = open_socket(cli, path, &client->socket, ret_why);
    if (r == 0)
        r = greet(client, path, ret_why);
    if (r == UMH_CLIENT_REFUSED)
        return UMH_CLIENT_REFUSED;
    if (r)
        return umh_fold(r);
    *ret_client = UMH_MOVE(client);
    return 0;
}

umh_client *umh_client_free(umh_client *client)
{
    if (!client)
        return NULL;
    umh_client_clear_kept(client);
    umh_client_forget_services(client);
    umh_pipe_close(&client->socket);
    free(client->in);
    free(client);
    return NULL;
}

int umh_client_descriptor(const umh_client *client)
{
    return (int)client->socket.handle;
}

/* ------------------------- questions */

int umh_client_begin_take(umh_client *client, const umh_client_question *question, int64_t *ret_id)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_MESSAGE,
                       .service = *umh_service_guid(SERVICE_BROKER),
                       .session = UMH_SESSION_EVERY,
                       .source_slot = UMH_SLOT_NONE,
                       .slot = UMH_SLOT_NONE};
    int64_t id = ++client->last_id;
    int r = umh_command_encode_take(id, question->command, question->body, &payload);

    if (r == UMH_BUFFER_FULL)
        return UMH_FAIL(UMH_E_LIMIT, "the command %s is too long", question->command);
    if (r)
        return umh_fold(r);
    frame.payload_bytes = (uint32_t)payload.size;
    r = umh_client_write(client, &frame, umh_bytes_of(payload.data, payload.size),
                         question->deadline_ns);
    if (r == 0)
        *ret_id = id;
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

static int decode_answer(const umh_frame *frame, umh_bytes payload, umh_answer *ret_answer)
{
    umh_why why = UMH_WHY_INIT;
    umh_bytes text;
    int r;

    if (umh_frame_text(frame, payload, &text))
        return UMH_FAIL(UMH_E_PROTOCOL, "the extensions of an answer do not add up");
    r = umh_answer_decode(text, ret_answer, &why);
    if (r == UMH_CONTROL_BAD)
        return UMH_FAIL(UMH_E_PROTOCOL, "the broker sent no answer: %s", why.text);
    return umh_fold(r);
}

/* Outcomes: UMH_CLIENT_REFUSED. */
static int judge(umh_answer *answer, umh_answer *ret_answer, umh_why *ret_why)
{
    if (!answer->is_ok) {
        *ret_why = answer->why;
        if (!ret_why->text[0])
            umh_why_set(ret_why, "the broker refused (%s)", answer->error);
        return UMH_CLIENT_REFUSED;
    }
    umh_answer_deinit(ret_answer);
    *ret_answer = *answer;
    answer->body = NULL;
    return 0;
}

/* The next frame, where it is the answer to `id`; *ret_is_it says so. Outcomes: the contract's. */
static int look_for_answer(umh_client *client, int64_t id, uint64_t deadline_ns, bool *ret_is_it,
                           umh_answer *ret_answer)
{
    umh_frame frame;
    umh_bytes payload;
    int r = umh_client_next(client, deadline_ns, &frame, &payload);

    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r == 0 && frame.kind == FRAME_MESSAGE)
        r = umh_client_keep(client, &frame, payload);
    if (r == 0 && frame.kind == FRAME_ANSWER) {
        umh_answer_deinit(ret_answer);
        r = decode_answer(&frame, payload, ret_answer);
        /* An error without a question is what a broker says before it disconnects. */
        *ret_is_it =
            r == 0 && (ret_answer->id == id || (ret_answer->id == 0 && !ret_answer->is_ok));
    }
    return umh_fold(r);
}

int umh_client_finish(umh_client *client, int64_t id, uint64_t deadline_ns, umh_answer *ret_answer,
                      umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    bool is_it = false;
    int r = 0;

    while (r == 0 && !is_it)
        r = look_for_answer(client, id, deadline_ns, &is_it, &answer);
    if (r == 0)
        r = judge(&answer, ret_answer, ret_why);
    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

int umh_client_ask_take(umh_client *client, const umh_client_question *question,
                        umh_answer *ret_answer, umh_why *ret_why)
{
    int64_t id = 0;
    int r = umh_client_begin_take(client, question, &id);

    /* A broker that closed the connection has said why before. */
    if (r == 0 || r == UMH_CLIENT_EOF)
        r = umh_client_finish(client, id, question->deadline_ns, ret_answer, ret_why);
    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

int umh_client_resolve(umh_client *client, const char *service, umh_guid *ret_guid,
                       umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_json *body;
    const char *text;
    int r;

    /* A GUID is nobody's name. */
    if (umh_guid_decode(umh_bytes_of_text(service), ret_guid) == 0)
        return 0;
    body = json_pack("{s:s}", "service", service);
    if (!body) {
        umh_why_set(ret_why, "'%s' cannot be the name of a service", service);
        return UMH_CLIENT_REFUSED;
    }
    r = umh_client_ask_take(
        client,
        &(umh_client_question){"resolve", body, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
        &answer, ret_why);
    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r)
        return umh_fold(r);
    text = umh_jsonc_get_text(answer.body, "guid", "");
    if (umh_guid_decode(umh_bytes_of_text(text), ret_guid))
        return UMH_FAIL(UMH_E_PROTOCOL, "the broker resolved '%s' to no GUID", service);
    return 0;
}

int umh_client_count_lost(umh_client *client, uint64_t *ret_count, umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    int64_t count;
    int r = umh_client_ask_take(
        client, &(umh_client_question){"lost", NULL, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
        &answer, ret_why);

    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r)
        return umh_fold(r);
    count = umh_jsonc_get_integer(answer.body, "count", 0);
    *ret_count = client->dropped_count + (count > 0 ? (uint64_t)count : 0);
    return 0;
}

int umh_client_explain(int r, const umh_why *why)
{
    switch (r) {
    case UMH_CLIENT_REFUSED:
        return umh_cli_refuse_why(why);
    case UMH_CLIENT_TIMEOUT:
        return umh_cli_refuse("the broker did not answer in time");
    case UMH_CLIENT_EOF:
        return umh_cli_refuse("the broker ended the connection");
    default:
        umh_ignore(umh_fold(r));
        return umh_cli_fail();
    }
}
