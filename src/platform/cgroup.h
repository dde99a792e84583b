/* SPDX-License-Identifier: MIT */
/*
 * Control groups: one for each host under the part of the tree that is the broker's, for quotas and
 * as a second way to end all that a host started. Linux has them as cgroup v2 where the system
 * delegates a part of the tree; what a machine lacks is an outcome with a reason, never a failure.
 * Loop thread: every call is a few writes into a file system in memory.
 *
 * Under a service manager the broker moves itself into a leaf (`broker`) first, because a group
 * with processes cannot pass controllers on. Groups that an earlier broker of the instance left are
 * killed and removed when the tree is opened.
 */
#pragma once

#include "base/why.h"
#include "platform/pipe.h"

typedef struct umh_cgroups umh_cgroups; /* the broker's part of the tree */
typedef struct umh_cgroup umh_cgroup;   /* one host's */

typedef enum umh_cgroup_quota {
    QUOTA_MEMORY,
    QUOTA_CPU,
    QUOTA_PROCESSES,
    QUOTA_COUNT
} umh_cgroup_quota;

typedef struct umh_cgroup_limits {
    int64_t values[QUOTA_COUNT]; /* bytes, percent of one processor, processes; 0: no limit */
} umh_cgroup_limits;

/* What the kernel counted; -1: it does not. */
typedef struct umh_cgroup_usage {
    int64_t memory_bytes, memory_peak_bytes;
    int64_t out_of_memory_count; /* processes it ended because of the limit */
    int64_t refused_count;       /* processes it refused to start */
    int64_t throttled_us;        /* time it was kept from running */
} umh_cgroup_usage;

enum { UMH_CGROUPS_NONE = 1 };

/* Outcomes: UMH_CGROUPS_NONE (no v2 tree, or not delegated: why). */
UMH_MUST_USE int umh_cgroups_open(const char *instance, umh_cgroups **ret_cgroups,
                                  umh_why *ret_why);
/* Removes the tree as far as it is empty. NULL is allowed. */
umh_cgroups *umh_cgroups_free(umh_cgroups *cgroups);
bool umh_cgroups_has(const umh_cgroups *cgroups, umh_cgroup_quota quota);

/* "MemoryMiB", as the key is called. */
const char *umh_cgroup_quota_name(umh_cgroup_quota quota);

/*
 * An empty group with these limits; `name` is a host's id. Outcomes: UMH_CGROUPS_NONE (a limit
 * cannot be applied: why says which; nothing was made).
 */
UMH_MUST_USE int umh_cgroup_new(umh_cgroups *cgroups, const char *name,
                                const umh_cgroup_limits *limits, umh_cgroup **ret_cgroup,
                                umh_why *ret_why);
/* For umh_process_spec.cgroup, the caller's. */
UMH_MUST_USE int umh_cgroup_open_folder(const umh_cgroup *cgroup, umh_pipe *ret_folder);
void umh_cgroup_kill(const umh_cgroup *cgroup); /* everything in it, at once */
void umh_cgroup_read_usage(const umh_cgroup *cgroup, umh_cgroup_usage *ret_usage);
/* Kills what is in it and removes it; one that is not empty yet is removed later. */
umh_cgroup *umh_cgroup_free(umh_cgroup *cgroup);
