/* SPDX-License-Identifier: MIT */
/* umh run: this process becomes the broker, so that signals and exit code are the broker's. */
#include "cli/arguments.h"
#include "config/schema.h"
#include "platform/file.h"
#include "platform/process.h"

#include <stdio.h>

#define ARGUMENTS_MAX 10 /* the name, four options with values, and the NULL */

static int become_broker(const char *const *arguments)
{
    char installation[UMH_PATH_BYTES];
    char program[UMH_PATH_BYTES];
    int r = umh_file_installation(installation);

    if (r == 0)
        r = umh_file_join(installation, UMH_CLI_BROKER_PROGRAM, program);
    if (r == 0)
        r = umh_process_become(program, arguments);
    /* It returns only where it failed. */
    return umh_cli_fail();
}

int umh_cli_run(const umh_cli *cli)
{
    umh_cli general = *cli;
    const char *for_text = NULL;
    const umh_option options[] = {
        {.name = "for", .kind = OPTION_TEXT, .to = &for_text},
        {.name = "instance", .kind = OPTION_TEXT, .to = &general.instance},
        {.name = "control", .kind = OPTION_TEXT, .to = &general.control_path},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_text = "FILE is",
                                     .positional_min = 1,
                                     .positional_max = 1};
    const char *arguments[ARGUMENTS_MAX] = {"umh-broker", "--config"};
    char config[UMH_PATH_BYTES];
    const char *file;
    size_t count;
    uint64_t for_ms;
    int code;

    if (!umh_arguments_read(cli, &spec, &file, &count, &code))
        return code;
    if (for_text && !umh_arguments_seconds(for_text, &for_ms))
        return umh_cli_misuse(cli, "--for takes a number of seconds, not '%s'", for_text);
    if (!umh_schema_is_name(general.instance))
        return umh_cli_misuse(
            cli, "--instance takes a name of letters, digits, '.', '_' and '-', not '%s'",
            general.instance);
    if (umh_cli_find_config(file, config))
        return umh_cli_fail();
    if (umh_file_inspect(config).kind == FILE_KIND_NONE)
        return umh_cli_refuse("there is no file %s", config);

    count = 2;
    arguments[count++] = config;
    arguments[count++] = "--instance";
    arguments[count++] = general.instance;
    if (general.control_path) {
        arguments[count++] = "--control";
        arguments[count++] = general.control_path;
    }
    if (for_text) {
        arguments[count++] = "--for";
        arguments[count++] = for_text;
    }
    arguments[count] = NULL;
    return become_broker(arguments);
}
