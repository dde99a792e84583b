/* SPDX-License-Identifier: MIT */
/* What a host may use and what it uses, as JSON. */
#include "broker/status.h"

static json_t *number_or_null(int64_t number)
{
    return number >= 0 ? json_integer(number) : json_null();
}

/* 0 is no limit. */
static json_t *limit_or_null(int64_t number)
{
    return number > 0 ? json_integer(number) : json_null();
}

umh_json *umh_status_describe_limits(const umh_limits_config *limits)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b}", "memory_mib", limit_or_null(limits->memory_mib),
                     "cpu_percent", limit_or_null(limits->cpu_percent), "processes",
                     limit_or_null(limits->processes), "open_files",
                     limit_or_null(limits->open_files), "required", limits->required);
}

umh_json *umh_status_describe_usage(const umh_host *host)
{
    umh_cgroup_usage usage;

    if (!host->cgroup)
        return json_null();
    umh_cgroup_read_usage(host->cgroup, &usage);
    return json_pack("{s:o, s:o, s:o, s:o}", "memory_bytes", number_or_null(usage.memory_bytes),
                     "memory_peak_bytes", number_or_null(usage.memory_peak_bytes), "throttled_ms",
                     number_or_null(usage.throttled_us >= 0 ? usage.throttled_us / 1000 : -1),
                     "processes_refused", number_or_null(usage.refused_count));
}

/* Which this machine has for hosts; why there are none at all. */
umh_json *umh_status_describe_quotas(const umh_broker *broker)
{
    json_t *list = json_array();

    for (int i = 0; i < QUOTA_COUNT; i++) {
        umh_cgroup_quota quota = (umh_cgroup_quota)i;

        if (umh_cgroups_has(broker->cgroups, quota))
            umh_ignore(json_array_append_new(list, json_string(umh_cgroup_quota_name(quota))));
    }
    return json_pack("{s:b, s:o, s:o}", "groups", broker->cgroups != NULL, "available", list, "why",
                     broker->cgroups ? json_null() : umh_jsonc_text(broker->cgroups_why.text));
}
