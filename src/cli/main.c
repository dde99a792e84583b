/* SPDX-License-Identifier: MIT */
/* The umh command: finds the subcommand in the table and runs it. */
#include "cli/arguments.h"
#include "platform/process.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    umh_cli cli = {.control_path = NULL, .instance = "default"};
    const umh_cli_command *command = NULL;
    int code;

    if (umh_process_prepare())
        return umh_cli_fail();
    /* --control, --instance, the subcommand */
    code = umh_arguments_split(argc, argv, &cli, &command);
    if (code == CLI_DONE)
        code = command->run(&cli);
    if (fflush(stdout) != 0 && code == CLI_DONE)
        code = umh_cli_refuse("not everything could be written to stdout");
    return code;
}
