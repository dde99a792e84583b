/* SPDX-License-Identifier: MIT */
/* Arguments: what stands before the subcommand, and the options of one. */
#pragma once

#include "base/auto.h"
#include "cli/cli.h"

#include <stdint.h>

/*
 * Finds the subcommand; nearest name suggested when there is none. CLI_DONE, or CLI_USAGE after
 * saying why. --help and --version are the subcommands of that name.
 */
int umh_arguments_split(int argc, char **argv, umh_cli *ret_cli,
                        const umh_cli_command **ret_command);

/*
 * Walk the arguments of a subcommand: options "--name VALUE", "--name=VALUE" and "--flag", "--"
 * ends them, "-" is a positional. Each call gives the next. A walk cuts "--name=VALUE" in place, so
 * there is one walk. `--help` is an option like any other here.
 */
typedef struct umh_arguments {
    const umh_cli *cli;
    int next;
    bool options_ended;
} umh_arguments;

typedef struct umh_argument {
    const char *option; /* without "--"; NULL: positional */
    const char *value;  /* of a positional; of an option after '=', or after umh_arguments_value */
} umh_argument;

umh_arguments umh_arguments_of(const umh_cli *cli);
bool umh_arguments_next(umh_arguments *arguments, umh_argument *ret_argument);
/* The option takes a value: after '=' or the next argument. False: there is none. */
bool umh_arguments_value(umh_arguments *arguments, umh_argument *argument);

/* What one option of a subcommand sets. */
typedef enum umh_option_kind {
    OPTION_FLAG,    /* bool: true */
    OPTION_TEXT,    /* const char *, borrowed from argv */
    OPTION_SECONDS, /* uint64_t, in milliseconds */
    OPTION_NUMBER,  /* int64_t, from `lowest` to `highest` */
} umh_option_kind;

typedef struct umh_option {
    const char *name; /* without "--" */
    umh_option_kind kind;
    void *to;
    int64_t lowest, highest;
} umh_option;

typedef struct umh_arguments_spec {
    const umh_option *options;
    size_t option_count;
    const char *positional_text; /* "FILE is", "HOST and MODULE are": for "... missing" */
    size_t positional_min, positional_max;
} umh_arguments_spec;

/*
 * The whole walk. `ret_positionals` has room for positional_max, borrowed from argv. False: the
 * subcommand is done with *ret_code, after its help (--help) or after saying what is wrong.
 */
bool umh_arguments_read(const umh_cli *cli, const umh_arguments_spec *spec,
                        const char **ret_positionals, size_t *ret_count, int *ret_code);

/* Decimal seconds ("1.5") to milliseconds; a whole number in a range. False: it is none. */
bool umh_arguments_seconds(const char *text, uint64_t *ret_ms);
bool umh_arguments_number(const char *text, int64_t lowest, int64_t highest, int64_t *ret_number);
