/* SPDX-License-Identifier: MIT */
/*
 * What a host may use: a control group with its quotas, the files it may open, the heap of its
 * managed modules. A host without limits gets a group as well, where groups can be made: all that
 * is left of a process ends with its group.
 */
#include "broker/host_actions.h"
#include "broker/host_spawn.h"

#include <stdio.h>
#include <string.h>

#define BYTES_PER_MIB (INT64_C(1024) * 1024)

/* The CLR's share of MemoryMiB; the rest is for its code, its threads, and what is native. */
#define HEAP_SHARE_OF 3
#define HEAP_SHARE_IN 4
#define HEAP_VARIABLE "DOTNET_GCHeapHardLimit"

static umh_cgroup_limits quotas_of(const umh_limits_config *limits)
{
    umh_cgroup_limits quotas = {.values = {[QUOTA_MEMORY] = limits->memory_mib * BYTES_PER_MIB,
                                           [QUOTA_CPU] = limits->cpu_percent,
                                           [QUOTA_PROCESSES] = limits->processes}};

    return quotas;
}

/* --- what cannot be applied --------------------------------------------------------------- */

/* It runs without, which is said for the first process only. */
static void say_without(const umh_host *host, const umh_why *why)
{
    if (!host->has_said_limits)
        umh_logs_say(host->broker->logs, UMH_LOG_WARNING, host->id, "runs without a limit: %s",
                     why->text);
}

/* Outcomes: UMH_SPAWN_REFUSED_FOR_GOOD. */
static int refuse_or_say(const umh_host *host, const umh_why *why, umh_why *ret_why)
{
    if (!host->config.limits.required) {
        say_without(host, why);
        return 0;
    }
    umh_why_set(ret_why, "%s", why->text);
    return UMH_SPAWN_REFUSED_FOR_GOOD;
}

/* --- the group ---------------------------------------------------------------------------- */

/* Not one quota is possible. Outcomes: UMH_SPAWN_REFUSED_FOR_GOOD. */
static int do_without_groups(const umh_host *host, const umh_cgroup_limits *quotas,
                             umh_why *ret_why)
{
    umh_why why = UMH_WHY_INIT;

    for (int i = 0; i < QUOTA_COUNT; i++) {
        int r;

        if (quotas->values[i] == 0)
            continue;
        umh_why_set(&why, "%s cannot be applied: %s", umh_cgroup_quota_name((umh_cgroup_quota)i),
                    host->broker->cgroups_why.text);
        r = refuse_or_say(host, &why, ret_why);
        if (r == UMH_SPAWN_REFUSED_FOR_GOOD)
            return r;
    }
    return 0;
}

/* With the quotas that can be applied. Outcomes: UMH_SPAWN_REFUSED_FOR_GOOD. */
static int make_group(umh_host *host, umh_cgroup_limits *quotas, umh_why *ret_why)
{
    umh_cgroups *cgroups = host->broker->cgroups;
    umh_why why = UMH_WHY_INIT;
    int r = umh_cgroup_new(cgroups, host->id, quotas, &host->cgroup, &why);

    while (r == UMH_CGROUPS_NONE) {
        bool is_less = false;

        r = refuse_or_say(host, &why, ret_why);
        if (r == UMH_SPAWN_REFUSED_FOR_GOOD)
            return r;
        for (int i = 0; i < QUOTA_COUNT && !is_less; i++) {
            is_less = quotas->values[i] > 0 && !umh_cgroups_has(cgroups, (umh_cgroup_quota)i);
            if (is_less)
                quotas->values[i] = 0;
        }
        /* The kernel takes none of a kind that it has: do without all. */
        if (!is_less)
            *quotas = (umh_cgroup_limits){.values = {0}};
        r = umh_cgroup_new(cgroups, host->id, quotas, &host->cgroup, &why);
    }
    return umh_fold(r);
}

static bool is_any(const umh_cgroup_limits *quotas)
{
    for (int i = 0; i < QUOTA_COUNT; i++) {
        if (quotas->values[i] > 0)
            return true;
    }
    return false;
}

/* A group that nobody insists on is no condition of a start. */
static void forgo_group(umh_host *host)
{
    umh_failure failure = umh_failure_take();
    char text[256];

    host->cgroup = umh_cgroup_free(host->cgroup);
    umh_failure_format(&failure, text, sizeof(text));
    umh_logs_say(host->broker->logs, UMH_LOG_WARNING, host->id, "has no control group: %s", text);
}

/* Outcomes: UMH_SPAWN_REFUSED_FOR_GOOD. */
static int enter_group(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    umh_cgroup_limits quotas = quotas_of(&host->config.limits);
    int r;

    if (!host->broker->cgroups) {
        r = do_without_groups(host, &quotas, ret_why);
        return r;
    }
    r = make_group(host, &quotas, ret_why);
    if (r == UMH_SPAWN_REFUSED_FOR_GOOD)
        return r;
    if (r == 0)
        r = umh_cgroup_open_folder(host->cgroup, &spawn->spec.cgroup);
    if (r && (!is_any(&quotas) || !host->config.limits.required)) {
        forgo_group(host);
        return 0;
    }
    return umh_fold(r);
}

/* --- files and heap ----------------------------------------------------------------------- */

/* Outcomes: UMH_SPAWN_REFUSED_FOR_GOOD. */
static int limit_files(const umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    int64_t count = host->config.limits.open_files;
    umh_why why = UMH_WHY_INIT;
    int r;

    if (count == 0)
        return 0;
    if (umh_process_allows_open_files(count)) {
        spawn->spec.open_files_max = count;
        return 0;
    }
    umh_why_set(&why, "OpenFiles cannot be applied: %lld are more than the broker itself may allow",
                (long long)count);
    r = refuse_or_say(host, &why, ret_why);
    return r;
}

static bool names_heap(const umh_host *host)
{
    static const char prefix[] = HEAP_VARIABLE "=";

    for (size_t i = 0; i < host->config.environment_count; i++) {
        if (strncmp(host->config.environment[i], prefix, sizeof(prefix) - 1) == 0)
            return true;
    }
    return false;
}

/* The CLR reads hexadecimal digits. It collects harder near its limit, instead of being ended. */
static int limit_heap(const umh_host *host, umh_environment *environment)
{
    int64_t bytes = host->config.limits.memory_mib * BYTES_PER_MIB / HEAP_SHARE_IN * HEAP_SHARE_OF;
    char digits[32];

    /* The variable would go before what DotNet says. */
    if (bytes == 0 || names_heap(host) || host->config.dotnet.gc.heap_limit_mib > 0)
        return 0;
    snprintf(digits, sizeof(digits), "%llX", (unsigned long long)bytes);
    return umh_environment_put(environment, HEAP_VARIABLE, digits);
}

int umh_spawn_set_limits(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    int r = enter_group(host, spawn, ret_why);

    if (r == 0)
        r = limit_files(host, spawn, ret_why);
    if (r == UMH_SPAWN_REFUSED_FOR_GOOD)
        return UMH_SPAWN_REFUSED_FOR_GOOD;
    if (r == 0)
        r = limit_heap(host, &spawn->environment);
    host->has_said_limits = true;
    host->has_said_refusals = false;
    return umh_fold(r);
}

/* --- what became of them ------------------------------------------------------------------ */

static double mib(int64_t bytes)
{
    return (double)bytes / (double)BYTES_PER_MIB;
}

bool umh_spawn_explain_limit(const umh_host *host, umh_why *ret_why)
{
    umh_cgroup_usage usage;
    char highest[64] = "";

    if (!host->cgroup || host->config.limits.memory_mib == 0)
        return false;
    umh_cgroup_read_usage(host->cgroup, &usage);
    if (usage.out_of_memory_count <= 0)
        return false;
    if (usage.memory_peak_bytes >= 0)
        snprintf(highest, sizeof(highest), " (highest %.1f MiB)", mib(usage.memory_peak_bytes));
    umh_why_set(ret_why, "limit reached: MemoryMiB %lld: it needed more%s",
                (long long)host->config.limits.memory_mib, highest);
    return true;
}

/* Processes and threads that the system did not start. */
static int64_t count_refused(const umh_host *host)
{
    umh_cgroup_usage usage;

    if (!host->cgroup || host->config.limits.processes == 0)
        return 0;
    umh_cgroup_read_usage(host->cgroup, &usage);
    return usage.refused_count > 0 ? usage.refused_count : 0;
}

/*
 * Who runs out of memory is ended by the system, and that is why. Who was refused a process may
 * have ended for any reason: it is told along.
 */
void umh_host_blame_limit(umh_host *host)
{
    umh_why why = UMH_WHY_INIT;
    char end[sizeof(host->death.text)];
    int64_t refused_count = count_refused(host);
    size_t used = strlen(host->death.text);

    if (umh_spawn_explain_limit(host, &why)) {
        umh_text_put(end, sizeof(end), host->death.text);
        host->death.kind = DEATH_BY_LIMIT;
        snprintf(host->death.text, sizeof(host->death.text), "%.300s; %.100s", why.text, end);
    } else if (refused_count > 0 && host->death.kind != DEATH_AS_ASKED) {
        snprintf(host->death.text + used, sizeof(host->death.text) - used,
                 "; limit reached: Processes %lld: %lld more were refused",
                 (long long)host->config.limits.processes, (long long)refused_count);
    }
}

void umh_host_look_at_limits(umh_host *host)
{
    int64_t refused_count = host->has_said_refusals ? 0 : count_refused(host);

    if (refused_count == 0)
        return;
    host->has_said_refusals = true;
    umh_logs_say(host->broker->logs, UMH_LOG_WARNING, host->id,
                 "limit reached: Processes %lld: %lld more were refused",
                 (long long)host->config.limits.processes, (long long)refused_count);
}
