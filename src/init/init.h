/* SPDX-License-Identifier: MIT */
/*
 * umh-init: the first thing that runs of a host where something must be applied before the host's
 * first instruction, and the first process (pid 1) of its namespace where it has one. Static, small,
 * one thread, allocates nothing; knows no message and no module. It trusts its command line, which is
 * the broker's.
 *
 *   umh-init [--namespace] [--parent FD] [--report FD:OFFSET] [--cgroup FD] [--user UID:GID[:GID,...]]
 *            [--open-files N] -- PROGRAM NAME [ARGUMENT...]
 *
 *   --namespace   it is pid 1: mounts a /proc of its own, starts the program as its child, reaps what
 *                 is orphaned, passes TERM on, ends with the program (its exit code, or 128 + signal),
 *                 and the kernel ends what is left with it. Without: the program takes its place.
 *   --parent      the read end of a pipe whose other end only the broker has: its end is the broker's
 *   --report      where the program's end is written, see umh_process_end_correct
 *   --cgroup      is written "0" before anything else is started
 *
 *   when              kill -9 of the broker                   kill -9 of the program
 *   before prctl      --parent is at its end: it ends         -
 *   before the fork   the death signal: it ends               -
 *   afterwards        the death signal ends it, and the       reported, all else ends
 *                     kernel the whole namespace
 *
 * Descriptors 0 to 2 and those of the spec's `inherit` are for the program; init closes its own copies
 * once that has them, so that their end is the program's. What init itself was given is closed on exec.
 * A step that fails ends it with INIT_FAILED; the report says with which code of the system.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define INIT_FAILED 125 /* also the exit code of the program's place when it could not be executed */
#define INIT_GROUPS_MAX 1024

typedef struct umh_init_options {
    bool is_namespace;
    int parent, report, cgroup; /* -1: not given */
    long report_offset;
    bool has_user;
    uid_t uid;
    gid_t gid;
    gid_t groups[INIT_GROUPS_MAX];
    unsigned group_count;
    unsigned long open_files; /* 0: as they are */
    char **program;           /* PROGRAM NAME ARGUMENT... */
} umh_init_options;

/* False: wrong usage. */
bool umh_init_read_options(int argc, char **argv, umh_init_options *ret_options);
