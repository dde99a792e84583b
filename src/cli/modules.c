/* SPDX-License-Identifier: MIT */
/* umh load, unload and reload: one command to the broker, answered when it is done. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS_DEFAULT 120000u

static int change_module(const umh_cli *cli, const char *host, const char *module,
                         uint64_t timeout_ms)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    const char *held_by;
    umh_json *body;
    int r = umh_client_connect(cli, &client, &why);

    if (r)
        return umh_client_explain(r, &why);
    body = json_pack("{s:s, s:s}", "host", host, "module", module);
    if (!body)
        return umh_cli_refuse("the name of a host or module is no text");
    r = umh_client_ask_take(
        client, &(umh_client_question){cli->argv[0], body, umh_clock_deadline_ns(timeout_ms)},
        &answer, &why);
    if (r)
        return umh_client_explain(r, &why);
    puts(umh_jsonc_get_text(answer.body, "outcome", "done"));
    held_by = umh_jsonc_get_text(answer.body, "held_by", NULL);
    if (held_by)
        fprintf(stderr, "module %s could not be unloaded: %s\n", module, held_by);
    return CLI_DONE;
}

int umh_cli_load(const umh_cli *cli)
{
    uint64_t timeout_ms = TIMEOUT_MS_DEFAULT;
    const umh_option options[] = {
        {.name = "timeout", .kind = OPTION_SECONDS, .to = &timeout_ms},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_text = "HOST and MODULE are",
                                     .positional_min = 2,
                                     .positional_max = 2};
    const char *words[2];
    char path[UMH_PATH_BYTES];
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, words, &count, &code))
        return code;
    /* A file is meant from here; the broker's current folder is another. */
    if (strchr(words[1], '/')) {
        if (umh_file_absolute(words[1], path))
            return umh_cli_fail();
        words[1] = path;
    }
    return change_module(cli, words[0], words[1], timeout_ms);
}
