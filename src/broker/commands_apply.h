/* SPDX-License-Identifier: MIT */
/* The commands that change the configuration, or say what a change would do: rows of commands.c. */
#pragma once

#include "broker/endpoint.h"
#include "ipc/control.h"

void umh_command_apply(umh_client *client, const umh_command *command);
void umh_command_plan(umh_client *client, const umh_command *command);
