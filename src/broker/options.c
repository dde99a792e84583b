/* SPDX-License-Identifier: MIT */
/* The broker's command line. */
#include "broker/options.h"

#include "config/schema.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
    "usage: umh-broker --config FILE [options]\n"
    "\n"
    "Starts the hosts of a broker.json, supervises them and routes their messages. Usually started "
    "by\n"
    "`umh run FILE`.\n"
    "\n"
    "  --config FILE      the configuration\n"
    "  --instance NAME    name of this broker on the machine (default: default)\n"
    "  --control PATH     socket of the control endpoint (default: in the instance's runtime "
    "folder)\n"
    "  --service          it serves the machine: hosts for all users, in each user's session\n"
    "  --for SECONDS      stop in order after that time\n"
    "  --colour WHEN      always, never or auto (default: on a terminal)\n"
    "  --version          print the version\n"
    "  --help             print this\n";

static int take_seconds(const char *text, umh_broker_options *options)
{
    char *end = NULL;
    double seconds = strtod(text, &end);

    if (end == text || *end != '\0' || !(seconds >= 0) || seconds > 1e9)
        return UMH_FAIL(UMH_E_USAGE, "--for takes a number of seconds, not '%s'", text);
    options->run_for_ms = (uint64_t)(seconds * 1000);
    return 0;
}

static int take_colour(const char *text, umh_broker_options *options)
{
    options->force_colour = strcmp(text, "always") == 0;
    options->no_colour = strcmp(text, "never") == 0;
    if (!options->force_colour && !options->no_colour && strcmp(text, "auto") != 0)
        return UMH_FAIL(UMH_E_USAGE, "--colour takes always, never or auto, not '%s'", text);
    return 0;
}

static int take_instance(const char *text, umh_broker_options *options)
{
    /* It becomes the name of folders. */
    if (!umh_schema_is_name(text))
        return UMH_FAIL(UMH_E_USAGE,
                        "--instance takes a name of letters, digits, '.', '_' and '-', not '%s'",
                        text);
    options->instance = text;
    return 0;
}

static int take_option(const char *name, const char *value, umh_broker_options *options)
{
    if (!value)
        return UMH_FAIL(UMH_E_USAGE, "%s takes a value", name);
    if (strcmp(name, "--config") == 0)
        options->config_path = value;
    else if (strcmp(name, "--control") == 0)
        options->control_path = value;
    else if (strcmp(name, "--instance") == 0)
        return take_instance(value, options);
    else if (strcmp(name, "--for") == 0)
        return take_seconds(value, options);
    else
        return take_colour(value, options);
    return 0;
}

int umh_options_read(int argc, char **argv, umh_broker_options *ret_options)
{
    static const char *const with_value[] = {"--config", "--control", "--instance", "--for",
                                             "--colour"};
    int i = 1;

    while (i < argc) {
        size_t known = 0;
        int r;

        if (strcmp(argv[i], "--help") == 0) {
            fputs(help_text, stdout);
            return UMH_OPTIONS_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("umh-broker " UMH_VERSION);
            return UMH_OPTIONS_DONE;
        }
        if (strcmp(argv[i], "--service") == 0) {
            ret_options->is_service = true;
            i++;
            continue;
        }
        while (known < UMH_COUNT_OF(with_value) && strcmp(argv[i], with_value[known]) != 0)
            known++;
        if (known == UMH_COUNT_OF(with_value))
            return UMH_FAIL(UMH_E_USAGE, "'%s' is no option; see umh-broker --help", argv[i]);
        r = take_option(argv[i], argv[i + 1], ret_options);
        if (r)
            return r;
        i += 2;
    }
    if (!ret_options->config_path)
        return UMH_FAIL(UMH_E_USAGE, "--config FILE is missing; see umh-broker --help");
    return 0;
}

/* Outcomes: UMH_FILE_UNSAFE. */
static int check_places(const umh_broker_options *options, umh_why *ret_why)
{
    char path[UMH_PATH_BYTES];
    int r = umh_file_installation(path);

    if (r == 0)
        r = umh_file_check_installation(path, ret_why);
    if (r == 0)
        r = umh_file_absolute(options->config_path, path);
    if (r == 0)
        r = umh_file_check_trusted(path, ret_why);
    /* A configuration that is not there is reported where it is read. */
    if (r == UMH_FILE_NONE)
        return 0;
    if (r == UMH_FILE_UNSAFE)
        return UMH_FILE_UNSAFE;
    return umh_fold(r);
}

int umh_options_check_trust(const umh_broker_options *options)
{
    umh_why why = UMH_WHY_INIT;
    int r = check_places(options, &why);

    if (r == UMH_FILE_UNSAFE && options->is_service)
        return UMH_FAIL(UMH_E_REFUSED, "%s; a service runs only what root alone may change",
                        why.text);
    if (r != 0 && !options->is_service) {
        if (r < 0)
            umh_why_set_failure(&why);
        fprintf(stderr, "warning: %s; what is changed there runs as this user\n", why.text);
        return 0;
    }
    return umh_fold(r);
}

static void print_problems(const umh_why_list *problems, const char *severity)
{
    char line[1024];
    size_t i;

    for (i = 0; i < problems->count; i++) {
        umh_why_format(&problems->items[i], line, sizeof(line));
        fprintf(stderr, "%s: %s\n", severity, line);
    }
    if (problems->dropped_count > 0)
        fprintf(stderr, "%s: and %zu more problems\n", severity, problems->dropped_count);
}

int umh_options_load_config(const umh_broker_options *options, umh_config *ret_config)
{
    char installation[UMH_PATH_BYTES];
    umh_why_list problems = UMH_WHY_LIST_INIT;
    int r;

    r = umh_file_installation(installation);
    if (r == 0)
        r = umh_config_load(options->config_path, installation, ret_config, &problems);
    if (r == UMH_CONFIG_UNUSABLE) {
        print_problems(&problems, "error");
        r = UMH_FAIL(UMH_E_CONFIG, "'%s' cannot be used; nothing was started",
                     options->config_path);
    } else if (r == 0) {
        print_problems(&problems, "warning");
    } else {
        r = umh_fold(r);
    }
    umh_why_list_deinit(&problems);
    return r;
}

int umh_options_exit_code(int result)
{
    umh_failure failure = umh_failure_take();
    char line[512];

    if (result == 0)
        return 0;
    umh_failure_format(&failure, line, sizeof(line));
    fprintf(stderr, "umh-broker: %s\n", line);
    return result == UMH_E_USAGE ? 2 : 1;
}
