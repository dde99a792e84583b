/* SPDX-License-Identifier: MIT */
/* umh load, unload and reload: one command to the broker, answered when it is done. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS_DEFAULT 120000u

/* What is asked for, beside the names. */
typedef struct module_wish {
    uint64_t timeout_ms;
    bool must_replace, may_not_replace; /* the process of a module that something holds */
    bool explain, as_json;
} module_wish;

static umh_json *describe_wish(const char *host, const char *module, const module_wish *wish)
{
    umh_json *body = json_pack("{s:s, s:s}", "host", host, "module", module);

    if (body && wish->explain)
        umh_ignore(json_object_set_new(body, "explain", json_true()));
    if (body && (wish->must_replace || wish->may_not_replace))
        umh_ignore(json_object_set_new(body, "replace", json_boolean(wish->must_replace)));
    return body;
}

static int print_json(umh_json *answer)
{
    json_object_del(answer, "id");
    json_object_del(answer, "ok");
    if (json_dumpf(answer, stdout, JSON_INDENT(2)) != 0)
        return umh_cli_refuse("the answer could not be written to stdout");
    putchar('\n');
    return CLI_DONE;
}

static void print_end(const char *module, const json_t *answer)
{
    const char *held_by = umh_jsonc_get_text(answer, "held_by", NULL);
    bool is_left_over = umh_jsonc_get_bool(answer, "left_over", false);
    const json_t *line;
    size_t index;

    puts(umh_jsonc_get_text(answer, "outcome", "done"));
    if (held_by)
        fprintf(stderr, "module %s could not be unloaded%s: %s\n", module,
                is_left_over ? " and is left over" : "", held_by);
    json_array_foreach(umh_jsonc_get_array(answer, "explanation"), index, line)
        printf("  %s\n", json_string_value(line));
}

static int change_module(const umh_cli *cli, const char *host, const char *module,
                         const module_wish *wish)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    bool is_refused;
    umh_json *body;
    int code = CLI_DONE;
    int r = umh_client_connect(cli, &client, &why);

    if (r)
        return umh_client_explain(r, &why);
    body = describe_wish(host, module, wish);
    if (!body)
        return umh_cli_refuse("the name of a host or module is no text");
    r = umh_client_ask_take(
        client, &(umh_client_question){cli->argv[0], body, umh_clock_deadline_ns(wish->timeout_ms)},
        &answer, &why);
    if (r)
        return umh_client_explain(r, &why);
    is_refused = strcmp(umh_jsonc_get_text(answer.body, "outcome", ""), "refused") == 0;
    if (wish->as_json)
        code = print_json(answer.body);
    else
        print_end(module, answer.body);
    return is_refused ? CLI_FAILED : code;
}

int umh_cli_load(const umh_cli *cli)
{
    module_wish wish = {.timeout_ms = TIMEOUT_MS_DEFAULT};
    const umh_option options[] = {
        {.name = "timeout", .kind = OPTION_SECONDS, .to = &wish.timeout_ms},
        {.name = "json", .kind = OPTION_FLAG, .to = &wish.as_json},
        {.name = "explain", .kind = OPTION_FLAG, .to = &wish.explain},
        {.name = "replace", .kind = OPTION_FLAG, .to = &wish.must_replace},
        {.name = "no-replace", .kind = OPTION_FLAG, .to = &wish.may_not_replace},
    };
    /* A load has only the first two. */
    bool is_load = strcmp(cli->argv[0], "load") == 0;
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = is_load ? 2 : UMH_COUNT_OF(options),
                                     .positional_text = "HOST and MODULE are",
                                     .positional_min = 2,
                                     .positional_max = 2};
    const char *words[2];
    char path[UMH_PATH_BYTES];
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, words, &count, &code))
        return code;
    if (wish.must_replace && wish.may_not_replace)
        return umh_cli_misuse(cli, "either --replace or --no-replace");
    /* A file is meant from here; the broker's current folder is another. */
    if (strchr(words[1], '/')) {
        if (umh_file_absolute(words[1], path))
            return umh_cli_fail();
        words[1] = path;
    }
    return change_module(cli, words[0], words[1], &wish);
}
