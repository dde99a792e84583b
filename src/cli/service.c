/* SPDX-License-Identifier: MIT */
/* umh service: the broker as a service of the system. */
#include "platform/service.h"

#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/remains.h"
#include "config/nearest.h"
#include "config/schema.h"
#include "formats/jsonc.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdio.h>
#include <string.h>

typedef struct service_command {
    umh_cli cli; /* its instance is the service's */
    const char *config;
    bool as_json;
} service_command;

static int refuse(int r, const umh_why *why)
{
    return r == UMH_SERVICE_REFUSED ? umh_cli_refuse_why(why) : umh_cli_fail();
}

/* ------------------------- saying it */

/* "12 of 13 hosts run", of the broker itself. False: it does not answer (why). */
static bool ask_broker(const umh_cli *cli, char *ret_line, size_t capacity, umh_why *ret_why)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    const umh_client_question question = {"status", NULL,
                                          umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)};
    size_t running = 0;
    size_t index;
    const json_t *host;
    const json_t *hosts;
    int r = umh_client_connect(cli, &client, ret_why);

    if (r == 0)
        r = umh_client_ask_take(client, &question, &answer, ret_why);
    if (r < 0)
        umh_why_set_failure(ret_why);
    else if (r != 0 && r != UMH_CLIENT_REFUSED)
        umh_why_set(ret_why, "the broker does not answer");
    if (r)
        return false;
    hosts = umh_jsonc_get_array(answer.body, "hosts");
    json_array_foreach(hosts, index, host) running +=
        strcmp(umh_jsonc_get_text(host, "state", ""), "running") == 0;
    snprintf(ret_line, capacity, "%llu of %llu hosts run", (unsigned long long)running,
             (unsigned long long)json_array_size(hosts));
    return true;
}

static int print_json(const umh_service_state *state, const char *change, const char *broker)
{
    UMH_AUTO_PTR(umh_json)
    object = json_pack("{s:s, s:b, s:s?, s:s, s:s, s:s?, s:s?, s:o, s:I, s:s?, s:s?, s:s?}",
                       "service", state->name, "installed", state->is_installed, "file",
                       state->file[0] ? state->file : NULL, "active", state->active, "detail",
                       state->detail, "at_boot", state->at_boot[0] ? state->at_boot : NULL,
                       "result", state->result[0] ? state->result : NULL, "pid",
                       state->pid ? json_integer((json_int_t)state->pid) : json_null(), "restarts",
                       (json_int_t)state->restart_count, "says",
                       state->says[0] ? state->says : NULL, "broker", broker, "change", change);

    if (!object || json_dumpf(object, stdout, JSON_INDENT(2)) != 0)
        return umh_cli_refuse("the state could not be written to stdout");
    putchar('\n');
    return CLI_DONE;
}

static void print_state(const umh_service_state *state)
{
    printf("%s: %s", state->name, state->active);
    if (state->detail[0])
        printf(" (%s)", state->detail);
    if (state->pid)
        printf(", pid %lld", (long long)state->pid);
    if (state->restart_count > 0)
        printf(", started again %llu times", (unsigned long long)state->restart_count);
    if (!state->is_active && state->result[0] && strcmp(state->result, "success") != 0)
        printf(", ended by %s", state->result);
    printf("; at boot: %s\n", state->at_boot[0] ? state->at_boot : "unknown");
}

/* ------------------------- actions */

static int find_file(const char *file, char config[UMH_PATH_BYTES])
{
    int r = umh_cli_find_config(file, config);

    if (r)
        return umh_cli_fail();
    if (umh_file_inspect(config).kind == FILE_KIND_NONE)
        return umh_cli_refuse("there is no file %s", config);
    return umh_cli_check_for_service(config);
}

/* Outcomes: UMH_FILE_UNSAFE. */
static int check_trust(const char *installation, const char *config, umh_why *ret_why)
{
    int r = umh_file_check_installation(installation, ret_why);

    if (r == 0)
        r = umh_file_check_trusted(config, ret_why);
    if (r == UMH_FILE_UNSAFE)
        return UMH_FILE_UNSAFE;
    return umh_fold(r);
}

static int install(const service_command *command)
{
    static const char *const changes[] = {
        [SERVICE_MADE] = "made", [SERVICE_REPLACED] = "replaced", [SERVICE_KEPT] = "kept"};
    static const char *const sentences[] = {[SERVICE_MADE] = "is installed",
                                            [SERVICE_REPLACED] =
                                                "was installed before and has been replaced",
                                            [SERVICE_KEPT] = "was installed before, just the same"};
    char installation[UMH_PATH_BYTES];
    char config[UMH_PATH_BYTES];
    umh_service_spec spec = {
        .instance = command->cli.instance, .installation = installation, .config = config};
    umh_service_change change;
    umh_service_state state;
    umh_why why = UMH_WHY_INIT;
    int r;

    if (!command->config)
        return umh_cli_misuse(&command->cli, "install takes --config FILE");
    r = find_file(command->config, config);
    if (r != CLI_DONE)
        return r;
    r = umh_file_installation(installation);
    if (r == 0)
        r = check_trust(installation, config, &why);
    if (r == UMH_FILE_UNSAFE)
        return umh_cli_refuse("%s; a service runs only what root alone may change", why.text);
    if (r == 0)
        r = umh_service_install(&spec, &change, &state, &why);
    if (r)
        return refuse(r, &why);
    if (command->as_json)
        return print_json(&state, changes[change], NULL);
    printf("%s %s: %s\n", state.name, sentences[change], state.file);
    if (!state.is_active)
        puts("it starts at the next boot; `umh service start` starts it now");
    else if (change == SERVICE_REPLACED)
        printf("it runs as it was; `systemctl restart %s` restarts it\n", state.name);
    return CLI_DONE;
}

/* What cannot be removed is no reason to keep the service. */
static void remove_remains(const char *instance, umh_why *ret_why)
{
    char folder[UMH_PATH_BYTES];
    int r = umh_file_store_folder(instance, folder);

    if (r == 0)
        r = umh_remains_remove(folder, ret_why);
    if (r < 0)
        umh_why_set_failure(ret_why);
}

static int uninstall(const service_command *command)
{
    umh_service_state state;
    umh_why left = UMH_WHY_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_service_uninstall(command->cli.instance, &state, &why);

    if (r)
        return refuse(r, &why);
    remove_remains(command->cli.instance, &left);
    if (left.text[0])
        fprintf(stderr, "umh: %s\n", left.text);
    if (command->as_json)
        return print_json(&state, "removed", NULL);
    printf("%s is stopped and uninstalled; the configuration stays\n", state.name);
    return CLI_DONE;
}

static int status(const service_command *command)
{
    umh_service_state state;
    char broker[64] = "";
    umh_why why = UMH_WHY_INIT;
    bool has_answered = false;
    int code;
    int r = umh_service_inspect(command->cli.instance, &state, &why);

    if (r)
        return refuse(r, &why);
    if (state.is_active)
        has_answered = ask_broker(&command->cli, broker, sizeof broker, &why);
    code = state.is_active ? CLI_DONE : CLI_FAILED;
    if (command->as_json)
        return print_json(&state, NULL, has_answered ? broker : NULL) == CLI_DONE ? code
                                                                                  : CLI_FAILED;
    if (!state.is_installed) {
        printf("%s is not installed\n", state.name);
        return code;
    }
    print_state(&state);
    if (has_answered)
        puts(broker);
    else if (state.is_active)
        printf("its broker says nothing: %s\n", why.text);
    return code;
}

/* What it has become, after what was asked for. */
static int report(const service_command *command, int r, const umh_why *why)
{
    if (r)
        return refuse(r, why);
    if (!command->as_json)
        return CLI_DONE;
    umh_ignore(status(command));
    return CLI_DONE;
}

static int start(const service_command *command)
{
    umh_why why = UMH_WHY_INIT;
    int r = umh_service_start(command->cli.instance, &why);

    return report(command, r, &why);
}

static int stop(const service_command *command)
{
    umh_why why = UMH_WHY_INIT;
    int r = umh_service_stop(command->cli.instance, &why);

    return report(command, r, &why);
}

/* ------------------------- which one */

typedef struct service_action {
    const char *name;
    int (*run)(const service_command *command);
    bool takes_config;
} service_action;

static const service_action actions[] = {
    {"install", install, true}, {"uninstall", uninstall, false}, {"start", start, false},
    {"stop", stop, false},      {"status", status, false},
};

static const service_action *find_action(const umh_cli *cli, const char *name)
{
    umh_nearest nearest = UMH_NEAREST_OF(name);

    for (size_t i = 0; i < UMH_COUNT_OF(actions); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
        umh_nearest_offer(&nearest, actions[i].name);
    }
    if (nearest.best)
        umh_cli_misuse(cli, "'%s' is none; did you mean %s?", name, nearest.best);
    else
        umh_cli_misuse(cli, "'%s' is none of install, uninstall, start, stop and status", name);
    return NULL;
}

int umh_cli_service(const umh_cli *cli)
{
    service_command command = {.cli = *cli};
    const umh_option options[] = {
        {.name = "instance", .kind = OPTION_TEXT, .to = &command.cli.instance},
        {.name = "config", .kind = OPTION_TEXT, .to = &command.config},
        {.name = "json", .kind = OPTION_FLAG, .to = &command.as_json},
    };
    const umh_arguments_spec spec = {
        .options = options,
        .option_count = UMH_COUNT_OF(options),
        .positional_text = "what to do (install, uninstall, start, stop or status) is",
        .positional_min = 1,
        .positional_max = 1};
    const service_action *action;
    const char *name;
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, &name, &count, &code))
        return code;
    action = find_action(cli, name);
    if (!action)
        return CLI_USAGE;
    if (command.config && !action->takes_config)
        return umh_cli_misuse(cli, "%s takes no --config", action->name);
    if (!umh_schema_is_name(command.cli.instance))
        return umh_cli_misuse(
            cli, "--instance takes a name of letters, digits, '.', '_' and '-', not '%s'",
            command.cli.instance);
    return action->run(&command);
}
