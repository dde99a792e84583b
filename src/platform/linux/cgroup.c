/* SPDX-License-Identifier: MIT */
/*
 * Control groups v2. Below the group that is ours lie
 *
 *   broker          this process, where controllers are to be passed on: a group with processes
 *                   cannot (the root of the tree can)
 *   umh-INSTANCE    the groups of hosts, for one kill and one sweep of all
 *     host-ID       one process of a host, with all it started; when that is not gone yet as the
 *                   next is made, that one is host-ID~2
 *
 * A group belongs to us when the service manager says so in an attribute of it, or when nobody
 * manages the tree and it can be written. Everybody else's groups are left alone.
 */
#include "platform/cgroup.h"

#include "base/list.h"
#include "platform/file.h"
#include "platform/linux/cgroup_folder.h"
#include "platform/linux/cgroup_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MODE 0755
#define LEAF "broker"
#define SWEEP_MS 1000u /* what an earlier broker left ends within this, or its group stays */
#define LEAVE_MS 200u  /* the same, of this one at its end */
#define MOUNTS_BYTES_MAX (4u * 1024 * 1024)
#define PERIOD_US 100000 /* of cpu.max */
#define RETIRED_MAX 256u /* groups that could not be removed yet; more are left to the end */
#define RETRIES_MAX 4u   /* of them, looked at when the next is freed */

struct umh_cgroups {
    int base; /* our group */
    int tree; /* umh-INSTANCE in it */
    char name[UMH_CGROUP_NAME_BYTES];
    char path[UMH_PATH_BYTES]; /* of `base`, for people */
    bool is_in_leaf;           /* by us */
    bool has[QUOTA_COUNT];
    char whys[QUOTA_COUNT][384]; /* why not */
    uint64_t next_number;
    umh_list retired;
    size_t retired_count;
};

struct umh_cgroup {
    umh_list entry; /* of the retired */
    umh_cgroups *cgroups;
    char name[UMH_CGROUP_NAME_BYTES];
};

typedef struct quota_row {
    const char *key;        /* of the configuration */
    const char *controller; /* of the kernel */
} quota_row;

static const quota_row quotas[QUOTA_COUNT] = {
    [QUOTA_MEMORY] = {"MemoryMiB", "memory"},
    [QUOTA_CPU] = {"CpuPercent", "cpu"},
    [QUOTA_PROCESSES] = {"Processes", "pids"},
};

const char *umh_cgroup_quota_name(umh_cgroup_quota quota)
{
    umh_assert(quota < QUOTA_COUNT);
    return quotas[quota].key;
}

bool umh_cgroups_has(const umh_cgroups *cgroups, umh_cgroup_quota quota)
{
    umh_assert(quota < QUOTA_COUNT);
    return cgroups && cgroups->has[quota];
}

/* --- which group is ours ------------------------------------------------------------------ */

/* A missing file is an empty text. */
static int read_text(const char *path, umh_buffer *ret_text)
{
    int r = umh_file_read(path, MOUNTS_BYTES_MAX, ret_text);

    if (r > 0)
        r = umh_buffer_append_text(ret_text, "");
    return umh_fold(r);
}

/* Outcomes: UMH_CGROUPS_NONE. */
static int find_place(char *ret_path, umh_why *ret_why)
{
    UMH_AUTO(umh_buffer) mounts = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) own = UMH_BUFFER_INIT;
    int r = read_text("/proc/self/mountinfo", &mounts);

    if (r == 0)
        r = read_text("/proc/self/cgroup", &own);
    if (r)
        return r;
    r = umh_cgroup_find_place(mounts.data ? (const char *)mounts.data : "",
                              own.data ? (const char *)own.data : "", ret_path, ret_why);
    if (r == UMH_CGROUP_NOWHERE)
        return UMH_CGROUPS_NONE;
    return umh_fold(r);
}

static bool has_mark(const char *path, const char *name)
{
    char value[8];
    ssize_t size = getxattr(path, name, value, sizeof value);

    return size >= 1 && value[0] == '1';
}

static bool is_delegated(const char *path)
{
    return has_mark(path, "user.delegate") || has_mark(path, "trusted.delegate");
}

/*
 * The manager may have put us into a leaf of the delegated group at once (DelegateSubgroup=), or an
 * earlier program of ours has. Outcomes: UMH_CGROUPS_NONE.
 */
static int choose_base(char *path, umh_why *ret_why)
{
    char parent[UMH_PATH_BYTES];

    if (is_delegated(path))
        return 0;
    if (strcmp(umh_file_name(path), LEAF) == 0) {
        umh_file_parent(path, parent);
        if (is_delegated(parent)) {
            umh_text_put(path, UMH_PATH_BYTES, parent);
            return 0;
        }
    }
    if (access("/run/systemd/system", F_OK) != 0)
        return 0;
    umh_why_set(ret_why,
                "'%s' belongs to the service manager, which delegates a group to a service "
                "with Delegate=yes, or to `systemd-run --user --scope -p Delegate=yes`",
                path);
    return UMH_CGROUPS_NONE;
}

/* --- controllers -------------------------------------------------------------------------- */

/* " cpu " in "cpuset cpu io\n" */
static bool is_listed(const char *list, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += size) {
        bool begins = at == list || at[-1] == ' ';
        bool ends = at[size] == ' ' || at[size] == '\n' || at[size] == '\0';

        if (begins && ends)
            return true;
    }
    return false;
}

static bool is_any_listed(const char *list)
{
    for (int i = 0; i < QUOTA_COUNT; i++) {
        if (is_listed(list, quotas[i].controller))
            return true;
    }
    return false;
}

/* Only the root of the tree, which may have processes and pass controllers on, has no type. */
static bool is_root(const umh_cgroups *cgroups)
{
    return faccessat(cgroups->base, "cgroup.type", F_OK, 0) != 0;
}

static bool is_process_in(const umh_cgroups *cgroups)
{
    char path[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;

    return find_place(path, &why) == 0 && strcmp(path, cgroups->path) == 0;
}

static int move_into_leaf(umh_cgroups *cgroups)
{
    int error = mkdirat(cgroups->base, LEAF, MODE) < 0 && errno != EEXIST ? errno : 0;

    if (error == 0)
        error = umh_cgroup_write_of(cgroups->base, LEAF, "cgroup.procs", "0");
    cgroups->is_in_leaf = error == 0;
    return error;
}

static int pass_on(const umh_cgroups *cgroups, const char *controller)
{
    char command[32];
    int error;

    snprintf(command, sizeof command, "+%s", controller);
    error = umh_cgroup_write_file(cgroups->base, "cgroup.subtree_control", command);
    if (error == 0)
        error = umh_cgroup_write_file(cgroups->tree, "cgroup.subtree_control", command);
    return error;
}

static void enable(umh_cgroups *cgroups, umh_cgroup_quota quota, const char *available)
{
    const char *controller = quotas[quota].controller;
    char *why = cgroups->whys[quota];
    size_t capacity = sizeof cgroups->whys[quota];
    int error;

    if (!is_listed(available, controller)) {
        snprintf(why, capacity, "the cgroup v2 tree has no controller '%s' in %.200s", controller,
                 cgroups->path);
        return;
    }
    error = pass_on(cgroups, controller);
    cgroups->has[quota] = error == 0;
    if (error == EBUSY)
        snprintf(why, capacity, "other processes are in %.200s, which cannot pass on '%s' so long",
                 cgroups->path, controller);
    else if (error)
        snprintf(why, capacity, "%.200s does not pass on '%s': %s", cgroups->path, controller,
                 strerror(error));
}

static void enable_all(umh_cgroups *cgroups)
{
    char available[UMH_CGROUP_TEXT_BYTES];

    umh_ignore(umh_cgroup_read_file(cgroups->base, "cgroup.controllers", available));
    /* One that cannot be left makes enabling fail, which is what is told. */
    if (is_any_listed(available) && !is_root(cgroups) && is_process_in(cgroups))
        umh_ignore(move_into_leaf(cgroups));
    for (int i = 0; i < QUOTA_COUNT; i++)
        enable(cgroups, (umh_cgroup_quota)i, available);
}

/* --- the tree ----------------------------------------------------------------------------- */

static uint64_t from_now(uint64_t ms)
{
    return umh_clock_now_ns() + ms * UMH_NS_PER_MS;
}

static void empty_tree(umh_cgroups *cgroups, uint64_t within_ms)
{
    umh_ignore(umh_cgroup_write_file(cgroups->tree, "cgroup.kill", "1"));
    umh_cgroup_await_empty(cgroups->base, cgroups->name, from_now(within_ms));
    umh_cgroup_remove_all_below(cgroups->tree);
}

/* Outcomes: UMH_CGROUPS_NONE. */
static int make_tree(umh_cgroups *cgroups, const char *instance, umh_why *ret_why)
{
    bool was_there;

    if (!umh_cgroup_encode_name("umh-", instance, cgroups->name)) {
        umh_why_set(ret_why, "the name of the instance is too long for a group");
        return UMH_CGROUPS_NONE;
    }
    was_there = mkdirat(cgroups->base, cgroups->name, MODE) < 0;
    if (was_there && errno != EEXIST) {
        umh_why_set(ret_why, "no group can be made in '%s': %s", cgroups->path, strerror(errno));
        return UMH_CGROUPS_NONE;
    }
    cgroups->tree = openat(cgroups->base, cgroups->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroups->tree < 0)
        return UMH_FAIL_OS(errno, "open the group '%s' in '%s'", cgroups->name, cgroups->path);
    if (faccessat(cgroups->tree, "cgroup.kill", W_OK, AT_EACCESS) != 0) {
        umh_why_set(ret_why,
                    "'%s' has no cgroup.kill that this process may use: Linux 5.14 is the "
                    "first with it",
                    cgroups->path);
        return UMH_CGROUPS_NONE;
    }
    if (was_there)
        empty_tree(cgroups, SWEEP_MS);
    return 0;
}

static umh_cgroups *new_cgroups(void)
{
    umh_cgroups *cgroups = calloc(1, sizeof *cgroups);

    if (!cgroups)
        return NULL;
    cgroups->base = -1;
    cgroups->tree = -1;
    cgroups->next_number = 2;
    umh_list_init(&cgroups->retired);
    return cgroups;
}

/* Outcomes: UMH_CGROUPS_NONE. */
static int open_base(umh_cgroups *cgroups, umh_why *ret_why)
{
    int r = find_place(cgroups->path, ret_why);

    if (r == 0)
        r = choose_base(cgroups->path, ret_why);
    if (r == UMH_CGROUPS_NONE)
        return UMH_CGROUPS_NONE;
    if (r)
        return umh_fold(r);
    cgroups->base = open(cgroups->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroups->base < 0) {
        umh_why_set(ret_why, "'%s' cannot be opened: %s", cgroups->path, strerror(errno));
        return UMH_CGROUPS_NONE;
    }
    return 0;
}

int umh_cgroups_open(const char *instance, umh_cgroups **ret_cgroups, umh_why *ret_why)
{
    umh_cgroups *cgroups = new_cgroups();
    int r;

    if (!cgroups)
        return UMH_FAIL(UMH_E_MEMORY, "find the control groups");
    r = open_base(cgroups, ret_why);
    if (r == 0)
        r = make_tree(cgroups, instance, ret_why);
    if (r) {
        umh_cgroups_free(cgroups);
        if (r == UMH_CGROUPS_NONE)
            return UMH_CGROUPS_NONE;
        return umh_fold(r);
    }
    enable_all(cgroups);
    *ret_cgroups = cgroups;
    return 0;
}

/* Nothing below the group may have them any more; where another broker's have, they stay. */
static void leave_leaf(umh_cgroups *cgroups)
{
    for (int i = 0; i < QUOTA_COUNT; i++) {
        char command[32];

        snprintf(command, sizeof command, "-%s", quotas[i].controller);
        umh_ignore(umh_cgroup_write_file(cgroups->base, "cgroup.subtree_control", command));
    }
    if (umh_cgroup_write_file(cgroups->base, "cgroup.procs", "0") == 0)
        umh_ignore(unlinkat(cgroups->base, LEAF, AT_REMOVEDIR));
}

umh_cgroups *umh_cgroups_free(umh_cgroups *cgroups)
{
    if (!cgroups)
        return NULL;
    umh_list_each (item, &cgroups->retired) {
        umh_list_remove(item);
        free(umh_container_of(item, umh_cgroup, entry));
    }
    if (cgroups->tree >= 0) {
        empty_tree(cgroups, LEAVE_MS);
        close(cgroups->tree);
        umh_ignore(unlinkat(cgroups->base, cgroups->name, AT_REMOVEDIR));
    }
    if (cgroups->is_in_leaf)
        leave_leaf(cgroups);
    if (cgroups->base >= 0)
        close(cgroups->base);
    free(cgroups);
    return NULL;
}

/* --- a host's group ----------------------------------------------------------------------- */

/* The group of the process before may have processes that are on their way out. */
static int make_folder(umh_cgroup *cgroup)
{
    umh_cgroups *cgroups = cgroup->cgroups;
    size_t used = strlen(cgroup->name);

    while (mkdirat(cgroups->tree, cgroup->name, MODE) < 0) {
        if (errno != EEXIST)
            return UMH_FAIL_OS(errno, "make the group '%s' in '%s/%s'", cgroup->name, cgroups->path,
                               cgroups->name);
        snprintf(cgroup->name + used, sizeof cgroup->name - used, "~%llu",
                 (unsigned long long)cgroups->next_number++);
    }
    return 0;
}

static int write_memory(const umh_cgroup *cgroup, int64_t bytes)
{
    int tree = cgroup->cgroups->tree;
    char text[32];
    int error;

    snprintf(text, sizeof text, "%lld", (long long)bytes);
    error = umh_cgroup_write_of(tree, cgroup->name, "memory.max", text);
    if (error)
        return error;
    /* A kernel without swap accounting has no such file. */
    error = umh_cgroup_write_of(tree, cgroup->name, "memory.swap.max", "0");
    if (error && error != ENOENT)
        return error;
    return umh_cgroup_write_of(tree, cgroup->name, "memory.oom.group", "1");
}

static int write_quota(const umh_cgroup *cgroup, umh_cgroup_quota quota, int64_t value)
{
    char text[64];

    if (quota == QUOTA_MEMORY)
        return write_memory(cgroup, value);
    if (quota == QUOTA_CPU)
        snprintf(text, sizeof text, "%lld %d", (long long)value * (PERIOD_US / 100), PERIOD_US);
    else
        snprintf(text, sizeof text, "%lld", (long long)value);
    return umh_cgroup_write_of(cgroup->cgroups->tree, cgroup->name,
                               quota == QUOTA_CPU ? "cpu.max" : "pids.max", text);
}

/* Outcomes: UMH_CGROUPS_NONE. */
static int apply(const umh_cgroup *cgroup, const umh_cgroup_limits *limits, umh_why *ret_why)
{
    for (int i = 0; i < QUOTA_COUNT; i++) {
        int error =
            limits->values[i] > 0 ? write_quota(cgroup, (umh_cgroup_quota)i, limits->values[i]) : 0;

        if (error) {
            umh_why_set(ret_why, "%s cannot be applied: %s", quotas[i].key, strerror(error));
            return UMH_CGROUPS_NONE;
        }
    }
    return 0;
}

/* Outcomes: UMH_CGROUPS_NONE. */
static int check(const umh_cgroups *cgroups, const umh_cgroup_limits *limits, umh_why *ret_why)
{
    for (int i = 0; i < QUOTA_COUNT; i++) {
        if (limits->values[i] > 0 && !cgroups->has[i]) {
            umh_why_set(ret_why, "%s cannot be applied: %s", quotas[i].key, cgroups->whys[i]);
            return UMH_CGROUPS_NONE;
        }
    }
    return 0;
}

int umh_cgroup_new(umh_cgroups *cgroups, const char *name, const umh_cgroup_limits *limits,
                   umh_cgroup **ret_cgroup, umh_why *ret_why)
{
    umh_cgroup *cgroup;
    int r = check(cgroups, limits, ret_why);

    if (r == UMH_CGROUPS_NONE)
        return UMH_CGROUPS_NONE;
    cgroup = calloc(1, sizeof *cgroup);
    if (!cgroup)
        return UMH_FAIL(UMH_E_MEMORY, "make a group of '%s'", name);
    umh_list_init(&cgroup->entry);
    cgroup->cgroups = cgroups;
    if (!umh_cgroup_encode_name("host-", name, cgroup->name))
        r = UMH_FAIL(UMH_E_LIMIT, "the name '%s' is too long for a group", name);
    else
        r = make_folder(cgroup);
    if (r) {
        free(cgroup);
        return r;
    }
    r = apply(cgroup, limits, ret_why);
    if (r == UMH_CGROUPS_NONE) {
        umh_cgroup_free(cgroup);
        return UMH_CGROUPS_NONE;
    }
    *ret_cgroup = cgroup;
    return umh_fold(r);
}

int umh_cgroup_open_folder(const umh_cgroup *cgroup, umh_pipe *ret_folder)
{
    int folder = openat(cgroup->cgroups->tree, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return UMH_FAIL_OS(errno, "open the group '%s'", cgroup->name);
    ret_folder->handle = folder;
    return 0;
}

void umh_cgroup_kill(const umh_cgroup *cgroup)
{
    umh_ignore(umh_cgroup_write_of(cgroup->cgroups->tree, cgroup->name, "cgroup.kill", "1"));
}

static int64_t read_number(const umh_cgroup *cgroup, const char *file, const char *key)
{
    char text[UMH_CGROUP_TEXT_BYTES];

    if (umh_cgroup_read_of(cgroup->cgroups->tree, cgroup->name, file, text) != 0)
        return -1;
    if (key)
        return umh_cgroup_find_number(text, key);
    return text[0] >= '0' && text[0] <= '9' ? strtoll(text, NULL, 10) : -1;
}

void umh_cgroup_read_usage(const umh_cgroup *cgroup, umh_cgroup_usage *ret_usage)
{
    *ret_usage = (umh_cgroup_usage){
        .memory_bytes = read_number(cgroup, "memory.current", NULL),
        .memory_peak_bytes = read_number(cgroup, "memory.peak", NULL),
        .out_of_memory_count = read_number(cgroup, "memory.events", "oom_kill"),
        .refused_count = read_number(cgroup, "pids.events", "max"),
        .throttled_us = read_number(cgroup, "cpu.stat", "throttled_usec"),
    };
}

/* --- the end of a group ------------------------------------------------------------------- */

static bool remove_group(const umh_cgroup *cgroup)
{
    return umh_cgroup_remove(cgroup->cgroups->tree, cgroup->name) == 0;
}

static void retry_retired(umh_cgroups *cgroups)
{
    unsigned left = RETRIES_MAX;

    umh_list_each (item, &cgroups->retired) {
        umh_cgroup *cgroup = umh_container_of(item, umh_cgroup, entry);

        if (left-- == 0)
            return;
        umh_list_remove(item);
        if (remove_group(cgroup)) {
            cgroups->retired_count--;
            free(cgroup);
        } else {
            umh_list_push_back(&cgroups->retired, item);
        }
    }
}

umh_cgroup *umh_cgroup_free(umh_cgroup *cgroup)
{
    umh_cgroups *cgroups;

    if (!cgroup)
        return NULL;
    cgroups = cgroup->cgroups;
    umh_cgroup_kill(cgroup);
    retry_retired(cgroups);
    if (remove_group(cgroup) || cgroups->retired_count >= RETIRED_MAX) {
        free(cgroup);
        return NULL;
    }
    umh_list_push_back(&cgroups->retired, &cgroup->entry);
    cgroups->retired_count++;
    return NULL;
}
