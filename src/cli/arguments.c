/* SPDX-License-Identifier: MIT */
/* Arguments: what stands before the subcommand, and the options of one. */
#include "cli/arguments.h"

#include "config/nearest.h"
#include "config/schema.h"

#include <string.h>

#define SECONDS_MAX UINT64_C(1000000000)

/* ------------------------- values */

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

bool umh_arguments_seconds(const char *text, uint64_t *ret_ms)
{
    uint64_t whole = 0;
    uint64_t ms = 0;
    size_t digits = 0;

    for (; is_digit(*text); text++, digits++) {
        whole = whole * 10 + (uint64_t)(*text - '0');
        if (whole > SECONDS_MAX)
            return false;
    }
    if (*text == '.') {
        uint64_t weight = 100;

        text++;
        if (!is_digit(*text))
            return false;
        for (; is_digit(*text); text++, digits++) {
            ms += weight * (uint64_t)(*text - '0');
            weight /= 10;
        }
    }
    if (*text || digits == 0)
        return false;
    *ret_ms = whole * 1000 + ms;
    return true;
}

bool umh_arguments_number(const char *text, int64_t lowest, int64_t highest, int64_t *ret_number)
{
    bool is_negative = *text == '-';
    int64_t number = 0;

    text += is_negative;
    if (!is_digit(*text))
        return false;
    for (; is_digit(*text); text++) {
        int digit = *text - '0';

        /* Counted downwards: the lowest number has no positive counterpart. */
        if (number < (INT64_MIN + digit) / 10)
            return false;
        number = number * 10 - digit;
    }
    if (*text || (!is_negative && number == INT64_MIN))
        return false;
    number = is_negative ? number : -number;
    if (number < lowest || number > highest)
        return false;
    *ret_number = number;
    return true;
}

/* ------------------------- the walk */

umh_arguments umh_arguments_of(const umh_cli *cli)
{
    return (umh_arguments){.cli = cli, .next = 1};
}

bool umh_arguments_next(umh_arguments *arguments, umh_argument *ret_argument)
{
    char *text;
    char *equals;

    if (arguments->next >= arguments->cli->argc)
        return false;
    text = arguments->cli->argv[arguments->next++];
    if (!arguments->options_ended && strcmp(text, "--") == 0) {
        arguments->options_ended = true;
        return umh_arguments_next(arguments, ret_argument);
    }
    if (!arguments->options_ended && strcmp(text, "-h") == 0) {
        *ret_argument = (umh_argument){.option = "help"};
        return true;
    }
    if (arguments->options_ended || strncmp(text, "--", 2) != 0) {
        *ret_argument = (umh_argument){.option = NULL, .value = text};
        return true;
    }
    equals = strchr(text, '=');
    if (equals)
        *equals++ = '\0';
    *ret_argument = (umh_argument){.option = text + 2, .value = equals};
    return true;
}

bool umh_arguments_value(umh_arguments *arguments, umh_argument *argument)
{
    if (!argument->value && arguments->next < arguments->cli->argc)
        argument->value = arguments->cli->argv[arguments->next++];
    return argument->value != NULL;
}

/* ------------------------- what an option sets */

static const umh_option *find_option(const umh_arguments_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        if (strcmp(spec->options[i].name, name) == 0)
            return &spec->options[i];
    }
    return NULL;
}

/* One that `umh` takes before every command. */
static bool is_general(const char *name)
{
    return strcmp(name, "control") == 0 || strcmp(name, "instance") == 0;
}

static int refuse_option(const umh_cli *cli, const umh_arguments_spec *spec, const char *name)
{
    umh_nearest nearest = UMH_NEAREST_OF(name);

    if (is_general(name))
        return umh_cli_misuse(cli, "--%s stands before the command: umh --%s %s %s", name, name,
                              strcmp(name, "control") == 0 ? "PATH" : "NAME", cli->argv[0]);
    for (size_t i = 0; i < spec->option_count; i++)
        umh_nearest_offer(&nearest, spec->options[i].name);
    umh_nearest_offer(&nearest, "help");
    if (nearest.best)
        return umh_cli_misuse(cli, "there is no option --%s; did you mean --%s?", name,
                              nearest.best);
    return umh_cli_misuse(cli, "there is no option --%s", name);
}

static int set_number(const umh_cli *cli, const umh_option *option, const char *value)
{
    if (umh_arguments_number(value, option->lowest, option->highest, option->to))
        return CLI_DONE;
    return umh_cli_misuse(cli, "--%s takes a whole number from %lld to %lld, not '%s'",
                          option->name, (long long)option->lowest, (long long)option->highest,
                          value);
}

static int set_option(const umh_cli *cli, const umh_option *option, const char *value)
{
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->to = true;
        return CLI_DONE;
    case OPTION_TEXT:
        *(const char **)option->to = value;
        return CLI_DONE;
    case OPTION_SECONDS:
        if (umh_arguments_seconds(value, option->to))
            return CLI_DONE;
        return umh_cli_misuse(cli, "--%s takes a number of seconds, not '%s'", option->name, value);
    case OPTION_NUMBER:
        return set_number(cli, option, value);
    }
    return CLI_USAGE;
}

static int take_option(umh_arguments *arguments, const umh_arguments_spec *spec,
                       umh_argument *argument)
{
    const umh_option *option = find_option(spec, argument->option);

    if (!option)
        return refuse_option(arguments->cli, spec, argument->option);
    if (option->kind == OPTION_FLAG && argument->value)
        return umh_cli_misuse(arguments->cli, "--%s takes no value", option->name);
    if (option->kind != OPTION_FLAG && !umh_arguments_value(arguments, argument))
        return umh_cli_misuse(arguments->cli, "--%s takes a value", option->name);
    return set_option(arguments->cli, option, argument->value);
}

bool umh_arguments_read(const umh_cli *cli, const umh_arguments_spec *spec,
                        const char **ret_positionals, size_t *ret_count, int *ret_code)
{
    umh_arguments arguments = umh_arguments_of(cli);
    umh_argument argument;
    size_t count = 0;

    while (umh_arguments_next(&arguments, &argument)) {
        if (!argument.option) {
            if (count == spec->positional_max) {
                *ret_code = umh_cli_misuse(cli, "'%s' is too much", argument.value);
                return false;
            }
            ret_positionals[count++] = argument.value;
            continue;
        }
        if (strcmp(argument.option, "help") == 0 && !argument.value) {
            *ret_code = umh_cli_help_on(cli->argv[0]);
            return false;
        }
        *ret_code = take_option(&arguments, spec, &argument);
        if (*ret_code != CLI_DONE)
            return false;
    }
    if (count < spec->positional_min) {
        *ret_code = umh_cli_misuse(cli, "%s missing", spec->positional_text);
        return false;
    }
    *ret_count = count;
    return true;
}

/* ------------------------- before the subcommand */

static int refuse_command(const char *name)
{
    umh_nearest nearest = UMH_NEAREST_OF(name);

    for (size_t i = 0; i < umh_cli_command_count; i++)
        umh_nearest_offer(&nearest, umh_cli_commands[i].name);
    if (nearest.best)
        umh_cli_refuse("there is no command '%s'; did you mean '%s'? (umh help lists them all)",
                       name, nearest.best);
    else
        umh_cli_refuse("there is no command '%s'; umh help lists them all", name);
    return CLI_USAGE;
}

static int take_general_option(umh_arguments *arguments, umh_argument *argument, umh_cli *cli)
{
    bool is_control = strcmp(argument->option, "control") == 0;

    if (!is_general(argument->option)) {
        umh_cli_refuse("there is no option --%s before a command; see umh help", argument->option);
        return CLI_USAGE;
    }
    if (!umh_arguments_value(arguments, argument) || !argument->value[0]) {
        umh_cli_refuse("--%s takes a value", argument->option);
        return CLI_USAGE;
    }
    if (is_control) {
        cli->control_path = argument->value;
        return CLI_DONE;
    }
    if (!umh_schema_is_name(argument->value)) {
        umh_cli_refuse("--instance takes a name of letters, digits, '.', '_' and '-', not '%s'",
                       argument->value);
        return CLI_USAGE;
    }
    cli->instance = argument->value;
    return CLI_DONE;
}

/* "--help" and "--version" instead of a command. */
static const char *command_of_option(const char *option)
{
    if (option && (strcmp(option, "help") == 0 || strcmp(option, "version") == 0))
        return option;
    return NULL;
}

int umh_arguments_split(int argc, char **argv, umh_cli *ret_cli,
                        const umh_cli_command **ret_command)
{
    umh_cli whole = {.argc = argc, .argv = argv};
    umh_cli cli = *ret_cli;
    umh_arguments arguments = umh_arguments_of(&whole);
    umh_argument argument;
    const char *name = NULL;

    while (!name && umh_arguments_next(&arguments, &argument)) {
        name = argument.option ? command_of_option(argument.option) : argument.value;
        if (!name) {
            int code = take_general_option(&arguments, &argument, &cli);

            if (code != CLI_DONE)
                return code;
        }
    }
    if (!name)
        return umh_cli_greet();
    *ret_command = umh_cli_find_command(name);
    if (!*ret_command)
        return refuse_command(name);
    cli.argc = argc - arguments.next + 1;
    cli.argv = argv + arguments.next - 1;
    cli.argv[0] = (char *)(uintptr_t)(*ret_command)->name;
    *ret_cli = cli;
    return CLI_DONE;
}
