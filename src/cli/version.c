/* SPDX-License-Identifier: MIT */
/* umh version: of this command; `umh status` says that of the running broker. */
#include "cli/arguments.h"

#include <stdio.h>

int umh_cli_version(const umh_cli *cli)
{
    const umh_arguments_spec spec = {.positional_max = 0};
    const char *none;
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, &none, &count, &code))
        return code;
    puts("umh " UMH_VERSION);
    return CLI_DONE;
}
