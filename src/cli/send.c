/* SPDX-License-Identifier: MIT */
/* umh send: one message, done when the broker has taken it. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "formats/utf8.h"
#include "platform/clock.h"
#include "platform/pipe.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS_DEFAULT 10000u
#define PIECE_BYTES (64u * 1024)

typedef struct sending {
    const char *service;
    int64_t session;
    uint64_t timeout_ms;
    umh_bytes text;
} sending;

/* All of stdin as it is. Outcomes: UMH_BUFFER_FULL. */
static int read_stdin(umh_buffer *content)
{
    char piece[PIECE_BYTES];
    size_t size;
    int r = 0;

    while (r == 0) {
        r = umh_pipe_read(umh_pipe_standard(0), piece, sizeof piece, UMH_FOREVER, &size);
        if (r == UMH_PIPE_EOF)
            return 0;
        if (r)
            return umh_fold(r);
        r = umh_buffer_append(content, piece, size);
    }
    return r == UMH_BUFFER_FULL ? UMH_BUFFER_FULL : umh_fold(r);
}

/* No failure: who is to hear it may start later, and did not miss anything that it was promised. */
static void warn_of_nobody(const sending *send)
{
    if (send->session == UMH_SESSION_EVERY)
        fprintf(stderr, "umh: warning: nobody has subscribed to %s\n", send->service);
    else
        fprintf(stderr, "umh: warning: nobody in session %lld has subscribed to %s\n",
                (long long)send->session, send->service);
}

static int publish(const umh_cli *cli, const sending *send)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    umh_why why = UMH_WHY_INIT;
    int64_t reached = 0;
    umh_client_send message = {.session = (uint32_t)send->session,
                               .text = send->text,
                               .deadline_ns = umh_clock_deadline_ns(send->timeout_ms)};
    int r = umh_client_connect(cli, &client, &why);

    if (r == 0)
        r = umh_client_resolve(client, send->service, &message.service, &why);
    if (r)
        return umh_client_explain(r, &why);
    r = umh_client_publish(client, &message, &reached, &why);
    if (r == UMH_CLIENT_TIMEOUT)
        return umh_cli_refuse("full: there was no room for the message in time; who receives it "
                              "does not keep up");
    if (r)
        return umh_client_explain(r, &why);
    if (reached == 0)
        warn_of_nobody(send);
    return CLI_DONE;
}

int umh_cli_send(const umh_cli *cli)
{
    sending send = {.session = UMH_SESSION_EVERY, .timeout_ms = TIMEOUT_MS_DEFAULT};
    const umh_option options[] = {
        {.name = "session", .kind = OPTION_NUMBER, .to = &send.session, 0, UMH_SESSION_EVERY},
        {.name = "timeout", .kind = OPTION_SECONDS, .to = &send.timeout_ms},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_text = "SERVICE is",
                                     .positional_min = 1,
                                     .positional_max = 2};
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    const char *words[2];
    size_t count;
    int code;
    int r;

    if (!umh_arguments_read(cli, &spec, words, &count, &code))
        return code;
    send.service = words[0];
    if (count == 2 && strcmp(words[1], "-") != 0) {
        send.text = umh_bytes_of_text(words[1]);
    } else {
        content.max_bytes = UMH_MESSAGE_BYTES_HIGHEST;
        r = read_stdin(&content);
        if (r == UMH_BUFFER_FULL)
            return umh_cli_refuse("stdin has more than the %u bytes that any message may have",
                                  UMH_MESSAGE_BYTES_HIGHEST);
        if (r)
            return umh_cli_fail();
        send.text = umh_bytes_of(content.data, content.size);
    }
    if (!umh_utf8_is_valid(send.text))
        return umh_cli_refuse("not text: a message is well-formed UTF-8; nothing was sent");
    return publish(cli, &send);
}
