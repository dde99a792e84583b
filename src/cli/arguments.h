/* SPDX-License-Identifier: MIT */
/* Arguments: what stands before the subcommand, and the options of one. */
#pragma once

#include "base/auto.h"
#include "cli/cli.h"

#include <stdint.h>

/*
 * Finds the subcommand; nearest name suggested when there is none. CLI_DONE, or CLI_USAGE after
 * saying why.
 */
int umh_arguments_split(int argc, char **argv, umh_cli *ret_cli,
                        const umh_cli_command **ret_command);

/*
 * Walk the arguments of a subcommand: options "--name VALUE", "--name=VALUE" and "--flag", "--"
 * ends them, "-" is a positional. Each call gives the next. `--help` is handled by the caller of
 * the walk like any flag.
 */
typedef struct umh_arguments {
    const umh_cli *cli;
    int next;
    bool options_ended;
} umh_arguments;

typedef struct umh_argument {
    const char *option; /* without "--"; NULL: positional */
    const char *value;  /* of a positional; of an option after umh_arguments_value */
} umh_argument;

umh_arguments umh_arguments_of(const umh_cli *cli);
bool umh_arguments_next(umh_arguments *arguments, umh_argument *ret_argument);
/* The option takes a value: after '=' or the next argument. False: there is none. */
bool umh_arguments_value(umh_arguments *arguments, umh_argument *argument);

/* Decimal seconds ("1.5") to milliseconds; a whole number in a range. False: it is none. */
bool umh_arguments_seconds(const char *text, uint64_t *ret_ms);
bool umh_arguments_number(const char *text, int64_t lowest, int64_t highest, int64_t *ret_number);
