/* SPDX-License-Identifier: MIT */
/* umh plan: the steps from nothing to a file's hosts, or those a running broker still has to do. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "config/diff.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdio.h>

#define STEP_BYTES 256

static int print_steps(const umh_config *config)
{
    static const umh_plan_session own_session = {UMH_SESSION_OWN, true};
    const umh_plan_input input = {
        .config = config, .user_sessions = &own_session, .user_session_count = 1};
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    int r = umh_plan_make(&input, &plan);

    if (r == 0)
        r = umh_diff_make(&plan, NULL, 0, &steps);
    if (r)
        return umh_fold(r);
    for (size_t i = 0; i < steps.count; i++) {
        char text[STEP_BYTES];

        umh_step_describe(&steps.items[i], text, sizeof text);
        puts(text);
    }
    return 0;
}

static int plan_file(const char *file)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    char installation[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    int r = umh_cli_find_config(file, path);

    if (r == 0)
        r = umh_file_installation(installation);
    if (r == 0)
        r = umh_config_load(path, installation, &config, &problems);
    umh_cli_print_problems(&problems);
    umh_why_list_deinit(&problems);
    if (r == UMH_CONFIG_UNUSABLE)
        return umh_cli_refuse("%s cannot be used", path);
    if (r == 0)
        r = print_steps(&config);
    return r ? umh_cli_fail() : CLI_DONE;
}

static int plan_running(const umh_cli *cli)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    const json_t *steps;
    const json_t *step;
    size_t index;
    int r = umh_client_connect(cli, &client, &why);

    if (r == 0)
        r = umh_client_ask_take(
            client,
            &(umh_client_question){"plan", NULL, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
            &answer, &why);
    if (r)
        return umh_client_explain(r, &why);
    steps = umh_jsonc_get_array(answer.body, "steps");
    json_array_foreach(steps, index, step)
        puts(json_is_string(step) ? json_string_value(step) : "?");
    return CLI_DONE;
}

int umh_cli_plan(const umh_cli *cli)
{
    const umh_arguments_spec spec = {.positional_max = 1};
    const char *file;
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, &file, &count, &code))
        return code;
    return count > 0 ? plan_file(file) : plan_running(cli);
}
