/* SPDX-License-Identifier: MIT */
/*
 * umh plan: the steps to a file's hosts, from what runs or, where nothing does, from nothing; or
 * those that a running broker still has to do.
 */
#include "cli/arguments.h"
#include "cli/runtimes.h"
#include "cli/steps.h"
#include "config/diff.h"
#include "platform/file.h"

#include <stdio.h>

#define STEP_BYTES 256

static int describe_steps(const umh_config *config, umh_json *list)
{
    static const umh_plan_session own_session = {UMH_SESSION_OWN, true};
    const umh_plan_input input = {
        .config = config, .user_sessions = &own_session, .user_session_count = 1};
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    int r = umh_plan_make(&input, &plan);

    if (r == 0)
        r = umh_diff_make(&plan, NULL, 0, &steps);
    for (size_t i = 0; r == 0 && i < steps.count; i++) {
        char text[STEP_BYTES];

        umh_step_describe(&steps.items[i], text, sizeof text);
        umh_ignore(json_array_append_new(list, json_string(text)));
    }
    return umh_fold(r);
}

static int print_plan(const umh_config *config, const umh_why_list *problems, bool as_json)
{
    umh_json *steps = json_array();
    int r = describe_steps(config, steps);

    if (r) {
        umh_json_free(steps);
        return umh_cli_fail();
    }
    if (as_json)
        return umh_steps_print_json_take(steps, umh_steps_describe_problems(problems));
    umh_steps_print(steps);
    umh_json_free(steps);
    return CLI_DONE;
}

static int plan_from_nothing(const char *path, bool as_json)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    char installation[UMH_PATH_BYTES];
    int code = CLI_DONE;
    int r = umh_file_installation(installation);

    if (r == 0)
        r = umh_config_load(path, installation, &config, &problems);
    if (r == 0)
        r = umh_cli_check_runtimes(&config, installation, &problems);
    if (!as_json || r)
        umh_cli_print_problems(&problems);
    if (r == UMH_CONFIG_UNUSABLE)
        code = umh_cli_refuse("%s cannot be used", path);
    else if (r)
        code = umh_cli_fail();
    else
        code = print_plan(&config, &problems, as_json);
    umh_why_list_deinit(&problems);
    return code;
}

/* A running broker looks at a file's text alone, and at modules when it performs the plan. */
static int say_misfits(const char *path)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    umh_why_list misfits = UMH_WHY_LIST_INIT;
    char installation[UMH_PATH_BYTES];
    int r = umh_file_installation(installation);

    if (r == 0)
        r = umh_config_load(path, installation, &config, &problems);
    if (r == 0)
        r = umh_cli_check_runtimes(&config, installation, &misfits);
    umh_cli_print_problems(&misfits);
    umh_why_list_deinit(&misfits);
    umh_why_list_deinit(&problems);
    /* What else is wrong with the file is the broker's to say. */
    return r == UMH_CONFIG_UNUSABLE ? 0 : umh_fold(r);
}

static int plan_file(const umh_cli *cli, const char *file, bool as_json)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    umh_why why = UMH_WHY_INIT;
    char path[UMH_PATH_BYTES];
    umh_json *body;
    int r = umh_cli_find_config(file, path);

    if (r == 0)
        r = umh_client_connect(cli, &client, &why);
    if (r == UMH_CLIENT_REFUSED)
        return plan_from_nothing(path, as_json);
    if (r)
        return r < 0 ? umh_cli_fail() : umh_client_explain(r, &why);
    if (say_misfits(path) != 0)
        return umh_cli_fail();
    body = json_pack("{s:s}", "path", path);
    if (!body)
        return umh_cli_refuse("the name of the file is no text");
    return umh_steps_ask_take(client, "plan", body, as_json);
}

static int plan_running(const umh_cli *cli, bool as_json)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    umh_why why = UMH_WHY_INIT;
    int r = umh_client_connect(cli, &client, &why);

    if (r)
        return umh_client_explain(r, &why);
    return umh_steps_ask_take(client, "plan", NULL, as_json);
}

int umh_cli_plan(const umh_cli *cli)
{
    bool as_json = false;
    const umh_option options[] = {{.name = "json", .kind = OPTION_FLAG, .to = &as_json}};
    const umh_arguments_spec spec = {
        .options = options, .option_count = UMH_COUNT_OF(options), .positional_max = 1};
    const char *file;
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, &file, &count, &code))
        return code;
    return count > 0 ? plan_file(cli, file, as_json) : plan_running(cli, as_json);
}
