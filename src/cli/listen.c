/* SPDX-License-Identifier: MIT */
/* umh listen: messages as lines, each as soon as it has come. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/directory.h"
#include "cli/output.h"
#include "ipc/services.h"
#include "platform/clock.h"
#include "platform/pipe.h"

#include <stdio.h>

#define OUTPUT_BYTES (64 * 1024)
#define LOOK_FOR_LOST_MS 1000u

/* Beside the outcomes of the client: a message that is waited for was dropped. */
enum { LISTEN_LOST = UMH_CLIENT_EOF + 1 };

typedef struct listening {
    int64_t count; /* 0: no end */
    uint64_t timeout_ms;
    bool as_json;
    umh_client *client;
    umh_directory *directory;
    umh_buffer line; /* of JSON */
} listening;

/* ------------------------- one message */

static void print_for_people(listening *listen, const umh_client_message *message)
{
    char guid[UMH_GUID_TEXT_BYTES];
    const char *name = umh_directory_service(listen->directory, &message->frame.service);

    umh_guid_encode(&message->frame.service, guid);
    printf("%s %s ", name ? name : guid, umh_directory_sender(listen->directory, &message->frame));
    if (message->frame.session == UMH_SESSION_EVERY)
        fputs("* ", stdout);
    else
        printf("%lu ", (unsigned long)message->frame.session);
    umh_output_text(stdout, message->text);
    putchar('\n');
}

static int print_as_json(listening *listen, const umh_client_message *message)
{
    const umh_frame *frame = &message->frame;
    UMH_AUTO_PTR(umh_json) object = json_object();
    const char *name = umh_directory_service(listen->directory, &frame->service);
    char guid[UMH_GUID_TEXT_BYTES];
    int bad = 0;
    int r;

    umh_guid_encode(&frame->service, guid);
    bad |= json_object_set_new(object, "service", json_string(guid));
    if (name)
        bad |= json_object_set_new(object, "name", json_string(name));
    bad |= json_object_set_new(object, "source_host", json_integer(frame->source_host));
    bad |= json_object_set_new(object, "source_slot", json_integer(frame->source_slot));
    bad |= json_object_set_new(object, "source_session", json_integer(frame->source_session));
    bad |= json_object_set_new(object, "session", json_integer(frame->session));
    bad |= json_object_set_new(object, "text",
                               json_stringn((const char *)message->text.data, message->text.size));
    if (bad)
        return UMH_FAIL(UMH_E_MEMORY, "print a message as JSON");
    umh_buffer_clear(&listen->line);
    r = umh_jsonc_print(object, &listen->line);
    if (r)
        return umh_fold(r);
    fwrite(listen->line.data, 1, listen->line.size, stdout);
    putchar('\n');
    return 0;
}

/* ------------------------- all of them */

/*
 * What has come is shown before more is waited for.
 * Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF.
 */
static int receive(listening *listen, uint64_t deadline_ns, umh_client_message *ret_message)
{
    int r = umh_client_receive(listen->client, 0, ret_message);

    if (r == UMH_CLIENT_TIMEOUT) {
        if (fflush(stdout) != 0)
            return UMH_FAIL(UMH_E_OS, "write to stdout");
        r = umh_client_receive(listen->client, deadline_ns, ret_message);
    }
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/*
 * Among a number of messages those that were lost would be waited for without end: when it is quiet
 * that is looked for. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF, LISTEN_LOST.
 */
static int receive_or_miss(listening *listen, uint64_t deadline_ns, umh_client_message *ret_message)
{
    for (;;) {
        uint64_t look_ns = umh_clock_deadline_ns(LOOK_FOR_LOST_MS);
        umh_why why = UMH_WHY_INIT;
        uint64_t lost = 0;
        int r = receive(listen, look_ns < deadline_ns ? look_ns : deadline_ns, ret_message);

        if (r == 0)
            return 0;
        if (r == UMH_CLIENT_EOF || (r == UMH_CLIENT_TIMEOUT && look_ns >= deadline_ns))
            return r;
        if (r != UMH_CLIENT_TIMEOUT)
            return umh_fold(r);
        r = umh_client_count_lost(listen->client, &lost, &why);
        if (r < 0)
            return r;
        if (r == UMH_CLIENT_EOF)
            return UMH_CLIENT_EOF;
        /* What came while that was asked has been kept. */
        if (r == 0 && lost > 0)
            return receive(listen, 0, ret_message) == 0 ? 0 : LISTEN_LOST;
    }
}

/* Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF, LISTEN_LOST. */
static int print_messages(listening *listen, int64_t *ret_count)
{
    uint64_t deadline_ns =
        listen->timeout_ms == UMH_FOREVER ? UMH_FOREVER : umh_clock_deadline_ns(listen->timeout_ms);
    int64_t count = 0;
    int r = 0;

    while (r == 0 && (listen->count == 0 || count < listen->count)) {
        umh_client_message message;

        r = listen->count == 0 ? receive(listen, deadline_ns, &message)
                               : receive_or_miss(listen, deadline_ns, &message);
        if (r)
            break;
        count++;
        if (listen->as_json)
            r = print_as_json(listen, &message);
        else
            print_for_people(listen, &message);
    }
    *ret_count = count;
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF || r == LISTEN_LOST)
        return r;
    return umh_fold(r);
}

static int judge_lost(const listening *listen, int64_t count)
{
    umh_why why = UMH_WHY_INIT;
    uint64_t lost = 0;
    int r = umh_client_count_lost(listen->client, &lost, &why);

    if (r)
        return umh_client_explain(r, &why);
    if (count < listen->count)
        return umh_cli_refuse("%lld of %lld messages came, %llu were lost", (long long)count,
                              (long long)listen->count, (unsigned long long)lost);
    if (lost > 0)
        return umh_cli_refuse("%llu message%s lost: they came faster than they were read",
                              (unsigned long long)lost, lost == 1 ? " was" : "s were");
    return CLI_DONE;
}

static int judge_end(const listening *listen, int64_t count, int r)
{
    const umh_why none = UMH_WHY_INIT;

    if (r && r != UMH_CLIENT_TIMEOUT && r != LISTEN_LOST)
        return umh_client_explain(r, &none);
    return listen->count == 0 ? CLI_DONE : judge_lost(listen, count);
}

/* ------------------------- subscribing */

static json_t *list_services(const char *const *names, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(list, json_string(names[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The answer has the GUIDs in the order of the question. */
static int learn_names(umh_directory *directory, const char *const *names, size_t count,
                       const json_t *guids)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        const char *text = json_string_value(json_array_get(guids, i));
        umh_guid guid;

        if (umh_guid_decode(umh_bytes_of_text(names[i]), &guid) == 0 ||
            umh_guid_decode(umh_bytes_of_text(text), &guid) != 0)
            continue; /* a GUID was asked for, and is its own name */
        r = umh_directory_add_service(directory, &guid, names[i]);
    }
    return umh_fold(r);
}

/* Outcomes: UMH_CLIENT_REFUSED, UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int subscribe(listening *listen, const char *const *names, size_t count, umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    json_t *services = list_services(names, count);
    umh_json *body = services ? json_pack("{s:o}", "services", services) : NULL;
    int r;

    if (!body) {
        umh_why_set(ret_why, "the name of a service is no text");
        return UMH_CLIENT_REFUSED;
    }
    r = umh_directory_new(listen->client, &listen->directory);
    if (r)
        json_decref(body);
    else
        r = umh_client_ask_take(
            listen->client,
            &(umh_client_question){"subscribe", body, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
            &answer, ret_why);
    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r == 0)
        r = learn_names(listen->directory, names, count,
                        umh_jsonc_get_array(answer.body, "services"));
    return umh_fold(r);
}

static int listen_with(listening *listen, const umh_cli *cli, const char *const *names,
                       size_t count)
{
    umh_why why = UMH_WHY_INIT;
    int64_t received = 0;
    int r = umh_client_connect(cli, &listen->client, &why);

    if (r == 0)
        r = subscribe(listen, names, count, &why);
    if (r)
        return umh_client_explain(r, &why);
    fputs("listening\n", stderr);
    r = print_messages(listen, &received);
    return judge_end(listen, received, r);
}

int umh_cli_listen(const umh_cli *cli)
{
    listening listen = {.timeout_ms = UMH_FOREVER, .line = UMH_BUFFER_INIT};
    const umh_option options[] = {
        {.name = "count", .kind = OPTION_NUMBER, .to = &listen.count, 1, INT64_MAX},
        {.name = "timeout", .kind = OPTION_SECONDS, .to = &listen.timeout_ms},
        {.name = "json", .kind = OPTION_FLAG, .to = &listen.as_json},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_max = UMH_SUBSCRIPTIONS_PER_MODULE_MAX};
    const char *names[UMH_SUBSCRIPTIONS_PER_MODULE_MAX];
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, names, &count, &code))
        return code;
    if (!umh_pipe_is_terminal(umh_pipe_standard(1)))
        umh_ignore(setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES));
    listen.line.max_bytes = SIZE_MAX;
    code = listen_with(&listen, cli, names, count);
    umh_directory_free(listen.directory);
    umh_client_free(listen.client);
    umh_buffer_deinit(&listen.line);
    return code;
}
