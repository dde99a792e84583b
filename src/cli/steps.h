/* SPDX-License-Identifier: MIT */
/* What a change of the configuration does, as `umh apply` and `umh plan` print it. */
#pragma once

#include "cli/client.h"

/*
 * Ask `command` of the running broker, and print its answer: steps on stdout, one a line, problems
 * on stderr as `umh check` does; with `as_json` all of it on stdout. `body` is taken. The exit
 * code.
 */
int umh_steps_ask_take(umh_client *client, const char *command, umh_json *body, bool as_json);

/* `steps` is a list of texts. "nothing to do" where there is none. */
void umh_steps_print(const json_t *steps);
/* The same as JSON, of steps that no broker was asked for. Both arguments are taken. */
int umh_steps_print_json_take(umh_json *steps, umh_json *problems);
umh_json *umh_steps_describe_problems(const umh_why_list *problems);
