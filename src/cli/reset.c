/* SPDX-License-Identifier: MIT */
/* umh reset: a host that waits for its next start, or has given up, starts now. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "platform/clock.h"

#include <stdio.h>

int umh_cli_reset(const umh_cli *cli)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    const umh_arguments_spec spec = {
        .positional_text = "HOST is", .positional_min = 1, .positional_max = 1};
    umh_why why = UMH_WHY_INIT;
    const char *host;
    umh_json *body;
    size_t count;
    int code;
    int r;

    if (!umh_arguments_read(cli, &spec, &host, &count, &code))
        return code;
    body = json_pack("{s:s}", "host", host);
    if (!body)
        return umh_cli_refuse("the name of a host is no text");
    r = umh_client_connect(cli, &client, &why);
    if (r) {
        umh_json_free(body);
        return umh_client_explain(r, &why);
    }
    r = umh_client_ask_take(
        client, &(umh_client_question){"reset", body, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
        &answer, &why);
    if (r)
        return umh_client_explain(r, &why);
    puts(umh_jsonc_get_text(answer.body, "outcome", "done"));
    return CLI_DONE;
}
