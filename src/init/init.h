/* SPDX-License-Identifier: MIT */
/*
 * umh-init: the first thing that runs of a host where something must be applied before the host's
 * first instruction, and the first process (pid 1) of its namespace where it has one. Static,
 * small, one thread, allocates nothing; knows no message and no module. It trusts its command line,
 * which is the broker's.
 *
 *   umh-init [--namespace] [--parent FD] [--report FD:OFFSET] [--cgroup FD]
 *            [--user UID:GID[:GID,...]] [--groups GID,...] [--folder PATH] [--open-files N]
 *            -- PROGRAM NAME [ARGUMENT...]
 *
 *   --namespace   it is pid 1: mounts a /proc of its own, starts the program as its child, reaps
 *                 what is orphaned, passes TERM on, ends with the program (its exit code, or 128 +
 *                 signal), and the kernel ends what is left with it. Without: the program takes its
 *                 place.
 *   --parent      the read end of a pipe whose other end only the broker has: its end is the
 *                 broker's
 *   --report      where the program's end is written, see umh_process_end_correct
 *   --cgroup      is written "0" before anything else is started
 *   --groups      more of the user's, as one argument has no room for all; any number of times
 *   --folder      entered as the user; where that fails the program is where init is
 *
 *   when              kill -9 of the broker                   kill -9 of the program
 *   before prctl      --parent is at its end: it ends         -
 *   before the fork   the death signal: it ends               -
 *   afterwards        the death signal ends it, and the       reported, all else ends
 *                     kernel the whole namespace
 *
 * Descriptors 0 to 2 and those of the spec's `inherit` are for the program; init closes its own
 * copies once that has them, so that their end is the program's. What init itself was given is
 * closed on exec. A step that fails ends it with UMH_INIT_FAILED; the report says with which code
 * of the system, and a line of the log which step.
 */
#pragma once

#include "platform/linux/init_report.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define INIT_GROUPS_MAX 65536 /* the kernel's limit for one process */

typedef struct umh_init_options {
    bool is_namespace;
    int parent, report, cgroup; /* -1: not given */
    long report_offset;
    bool has_user;
    uid_t uid;
    gid_t gid;
    gid_t groups[INIT_GROUPS_MAX];
    unsigned group_count;
    const char *folder;       /* NULL: where init is */
    unsigned long open_files; /* 0: as they are */
    char **program;           /* PROGRAM NAME ARGUMENT... */
} umh_init_options;

/* Where it failed, and with what. */
typedef struct umh_init_failure {
    const char *step; /* static text; NULL: it did not fail */
    int error;        /* errno */
} umh_init_failure;

/* options.c. False: wrong usage. */
bool umh_init_read_options(int argc, char **argv, umh_init_options *ret_options);

/*
 * surroundings.c: what holds for init itself and all that it starts: what it was given stays its
 * own, it ends with the broker, and is in its control group and in a /proc of its own.
 */
bool umh_init_enter(const umh_init_options *options, umh_init_failure *ret_failure);
/* Ends with the broker, from now on or at once. Again after the user has changed. */
bool umh_init_follow_parent(const umh_init_options *options, umh_init_failure *ret_failure);

/* program.c: become the program: its quotas, its user, its signals. Returns when that failed. */
void umh_init_become_program(const umh_init_options *options, umh_init_failure *ret_failure);
/* Start it as a child that has a process group of its own; -1: failed. */
pid_t umh_init_start_program(const umh_init_options *options, umh_init_failure *ret_failure);
