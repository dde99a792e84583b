/* SPDX-License-Identifier: MIT */
/* How many files the broker may have open. */
#include "broker/open_files.h"

#include "broker/logs.h"

void umh_open_files_raise(umh_broker *broker)
{
    uint64_t needed =
        broker->config.host_count * (uint64_t)UMH_OPEN_FILES_PER_HOST + UMH_OPEN_FILES_BESIDE;
    int64_t now;

    umh_process_raise_open_files(&broker->usual_open_files, &now);
    if ((uint64_t)now >= needed)
        return;
    umh_logs_say(broker->logs, UMH_LOG_ERROR, NULL,
                 "%llu hosts need about %llu open files, and the system allows %lld: some will not "
                 "start until the limit is raised (LimitNOFILE= of the service, ulimit -n)",
                 (unsigned long long)broker->config.host_count, (unsigned long long)needed,
                 (long long)now);
}
