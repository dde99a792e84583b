/* SPDX-License-Identifier: MIT */
/* umh help: the list of subcommands, or what there is to say about one. */
#include "cli/arguments.h"

#include <stdio.h>

static void print_list(FILE *to)
{
    fputs("usage: umh [--control PATH] [--instance NAME] COMMAND ...\n"
          "\n"
          "Runs modules in supervised processes and lets them talk.\n"
          "\n",
          to);
    for (size_t i = 0; i < umh_cli_command_count; i++)
        fprintf(to, "  %-8s %s\n", umh_cli_commands[i].name, umh_cli_commands[i].text);
    fputs("\n"
          "  --instance NAME  the broker of that name (default: default)\n"
          "  --control PATH   the broker whose control endpoint is there\n"
          "\n"
          "`umh help COMMAND` says more. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n",
          to);
}

int umh_cli_greet(void)
{
    print_list(stderr);
    return CLI_USAGE;
}

int umh_cli_help_on(const char *name)
{
    const umh_cli_command *command = umh_cli_find_command(name);

    if (!command) {
        umh_cli_refuse("there is no command '%s'; umh help lists them all", name);
        return CLI_USAGE;
    }
    printf("usage: umh %s\n\n%s\n", command->usage, command->text);
    if (command->help)
        printf("\n%s", command->help);
    return CLI_DONE;
}

int umh_cli_help(const umh_cli *cli)
{
    const umh_arguments_spec spec = {.positional_text = "COMMAND is", .positional_max = 1};
    const char *name;
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, &name, &count, &code))
        return code;
    if (count > 0)
        return umh_cli_help_on(name);
    print_list(stdout);
    return CLI_DONE;
}
