/* SPDX-License-Identifier: MIT */
/* Where in the file system a process finds its control group. Pure. Any thread. */
#pragma once

#include "platform/file.h"

enum { UMH_CGROUP_NOWHERE = 1 };

/*
 * From the texts of /proc/self/mountinfo and /proc/self/cgroup: the folder of our group in the v2
 * tree, `ret_path` has UMH_PATH_BYTES. Outcomes: UMH_CGROUP_NOWHERE (no such tree is mounted, or
 * our group is not in what is mounted: why).
 */
UMH_MUST_USE int umh_cgroup_find_place(const char *mounts, const char *own, char *ret_path,
                                       umh_why *ret_why);

/*
 * The name of a group: `prefix` and `text`, in which all but letters, digits, '_', '-' and '.'
 * becomes %XX. False: longer than a file may be called.
 */
#define UMH_CGROUP_NAME_BYTES 256
bool umh_cgroup_encode_name(const char *prefix, const char *text, char *ret_name);

/* The number behind `key ` at the beginning of a line; -1: there is none. */
int64_t umh_cgroup_find_number(const char *text, const char *key);
