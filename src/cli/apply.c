/* SPDX-License-Identifier: MIT */
/* umh apply: the running broker takes its configuration over anew. */
#include "cli/arguments.h"
#include "cli/steps.h"
#include "platform/file.h"

#include <stdio.h>

/* NULL: what it is made of is no text. */
static umh_json *describe(const char *path, const char *host)
{
    umh_json *body = json_object();
    bool is_text = body != NULL;

    if (path)
        is_text = is_text && json_object_set_new(body, "path", json_string(path)) == 0;
    if (host)
        is_text = is_text && json_object_set_new(body, "host", json_string(host)) == 0;
    if (!is_text)
        body = umh_json_free(body);
    return body;
}

int umh_cli_apply(const umh_cli *cli)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    const char *host = NULL;
    bool as_json = false;
    const umh_option options[] = {
        {.name = "host", .kind = OPTION_TEXT, .to = &host},
        {.name = "json", .kind = OPTION_FLAG, .to = &as_json},
    };
    const umh_arguments_spec spec = {
        .options = options, .option_count = UMH_COUNT_OF(options), .positional_max = 1};
    umh_why why = UMH_WHY_INIT;
    char path[UMH_PATH_BYTES];
    const char *file;
    umh_json *body;
    size_t count;
    int code;
    int r;

    if (!umh_arguments_read(cli, &spec, &file, &count, &code))
        return code;
    if (count > 0 && umh_cli_find_config(file, path) != 0)
        return umh_cli_fail();
    r = umh_client_connect(cli, &client, &why);
    if (r)
        return umh_client_explain(r, &why);
    body = describe(count > 0 ? path : NULL, host);
    if (!body)
        return umh_cli_refuse("the name of a file or of a host is no text");
    return umh_steps_ask_take(client, "apply", body, as_json);
}
