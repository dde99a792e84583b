/* SPDX-License-Identifier: MIT */
/* The command line of umh-init, made from what a spec asks for. */
#pragma once

#include "platform/process.h"

/*
 * Entries before the program's own: the name, six options with a value, the namespace, "--"; beside
 * them those of more groups.
 */
#define UMH_INIT_ARGUMENTS_MAX 16
/* The kernel takes no argument longer than 128 KiB, and a group has up to 11 characters. */
#define UMH_INIT_GROUPS_PER_ARGUMENT 8192u
#define UMH_INIT_NUMBER_BYTES 48

/* What init finds where; -1: it gets none. */
typedef struct umh_init_descriptors {
    int lifeline, report, cgroup;
} umh_init_descriptors;

typedef struct umh_init_command {
    const char **arguments; /* NULL-terminated, owned; the texts are below or borrowed */
    char *user;             /* owned; behind its end the texts of more groups */
    char lifeline[UMH_INIT_NUMBER_BYTES], report[UMH_INIT_NUMBER_BYTES];
    char cgroup[UMH_INIT_NUMBER_BYTES], open_files[UMH_INIT_NUMBER_BYTES];
} umh_init_command;

#define UMH_INIT_COMMAND_INIT                                                                      \
    {                                                                                              \
        .arguments = NULL, .user = NULL                                                            \
    }

/* There is something in it that only an init can do. */
bool umh_init_is_needed(const umh_process_spec *spec);
/* Stays where it is: points into itself. */
UMH_MUST_USE int umh_init_command_make(const umh_process_spec *spec,
                                       const umh_init_descriptors *descriptors,
                                       umh_init_command *ret_command);
void umh_init_command_deinit(umh_init_command *command);
UMH_DEFINE_AUTO(umh_init_command);
