/* SPDX-License-Identifier: MIT */
/*
 * The umh command: one table of subcommands, one file each. A subcommand parses its own arguments,
 * does its work and says 0, 1 or 2: done, refused or failed (one clear line on stderr), wrong
 * usage. Nothing but results goes to stdout.
 */
#pragma once

#include "base/why.h"

#define UMH_CLI_BROKER_PROGRAM "libexec/umh/umh-broker" /* in the installation */

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* What stands before the subcommand. Borrowed from argv. */
typedef struct umh_cli {
    const char *control_path; /* --control PATH; NULL: of the instance */
    const char *instance;     /* --instance NAME */
    int argc;                 /* of the subcommand; argv[0] is its name */
    char **argv;
} umh_cli;

typedef struct umh_cli_command {
    const char *name;
    const char *usage; /* "run FILE [--for SECONDS]" */
    const char *text;  /* one line for `umh help` */
    const char *help;  /* more, for `umh help NAME` and --help; may be NULL */
    int (*run)(const umh_cli *cli);
} umh_cli_command;

extern const umh_cli_command umh_cli_commands[];
extern const size_t umh_cli_command_count;
const umh_cli_command *umh_cli_find_command(const char *name); /* NULL: there is none */

int umh_cli_new(const umh_cli *cli);
int umh_cli_run(const umh_cli *cli);
int umh_cli_try(const umh_cli *cli);
int umh_cli_check(const umh_cli *cli);
int umh_cli_plan(const umh_cli *cli);
int umh_cli_apply(const umh_cli *cli);
int umh_cli_status(const umh_cli *cli);
int umh_cli_load(const umh_cli *cli); /* load, unload and reload: argv[0] says which */
int umh_cli_reset(const umh_cli *cli);
int umh_cli_send(const umh_cli *cli);
int umh_cli_listen(const umh_cli *cli);
int umh_cli_stop(const umh_cli *cli);
int umh_cli_service(const umh_cli *cli);
int umh_cli_version(const umh_cli *cli);
int umh_cli_help(const umh_cli *cli);

/* The help of one subcommand on stdout; or of all on stderr, for who named none: CLI_USAGE. */
int umh_cli_help_on(const char *name);
int umh_cli_greet(void);

/* One line on stderr: "umh: text". Return the code, for `return umh_cli_refuse(...)`. */
int umh_cli_refuse(const char *format, ...) UMH_PRINTF(1, 2);
int umh_cli_refuse_why(const umh_why *why);
int umh_cli_fail(void); /* of the thread's last failure, taken */
/* The usage of the subcommand on stderr, with what is wrong in front. */
int umh_cli_misuse(const umh_cli *cli, const char *format, ...) UMH_PRINTF(2, 3);

/*
 * The absolute path of a broker.json: `file`, or broker.json in it where it is a folder.
 * `ret_path` has UMH_PATH_BYTES.
 */
UMH_MUST_USE int umh_cli_find_config(const char *file, char *ret_path);
/*
 * `umh check` without its list: only what is wrong, on stderr, with CLI_FAILED; so is a module that
 * not root alone may change.
 */
int umh_cli_check_for_service(const char *file);
/* Problems of a configuration on stderr, a line each: "broker.json:12:5: key: text". */
void umh_cli_print_problems(const umh_why_list *problems);
