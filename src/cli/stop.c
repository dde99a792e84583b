/* SPDX-License-Identifier: MIT */
/* umh stop: asks the broker to end, and waits until it has. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "platform/clock.h"

#define TIMEOUT_MS_DEFAULT 60000u

/* The connection ends with the broker. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int wait_for_end(umh_client *client, uint64_t deadline_ns)
{
    umh_client_message message;
    int r;

    do
        r = umh_client_receive(client, deadline_ns, &message);
    while (r == 0);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

int umh_cli_stop(const umh_cli *cli)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    uint64_t timeout_ms = TIMEOUT_MS_DEFAULT;
    uint64_t deadline_ns;
    const umh_option options[] = {
        {.name = "timeout", .kind = OPTION_SECONDS, .to = &timeout_ms},
    };
    const umh_arguments_spec spec = {.options = options, .option_count = UMH_COUNT_OF(options)};
    umh_why why = UMH_WHY_INIT;
    const char *none;
    size_t count;
    int code;
    int r;

    if (!umh_arguments_read(cli, &spec, &none, &count, &code))
        return code;
    deadline_ns = umh_clock_deadline_ns(timeout_ms);
    r = umh_client_connect(cli, &client, &why);
    if (r)
        return umh_client_explain(r, &why);
    r = umh_client_ask_take(client, &(umh_client_question){"stop", NULL, deadline_ns}, &answer,
                            &why);
    if (r == 0)
        r = wait_for_end(client, deadline_ns);
    if (r == UMH_CLIENT_TIMEOUT)
        return umh_cli_refuse("the broker has not ended in time; it is still stopping");
    if (r == UMH_CLIENT_EOF)
        return CLI_DONE;
    return umh_client_explain(r, &why);
}
