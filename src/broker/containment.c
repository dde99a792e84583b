/* SPDX-License-Identifier: MIT */
/* How the hosts of this broker are contained. */
#include "broker/containment.h"

#define INIT_PROGRAM "umh-init" /* beside the broker */

int umh_containment_open(umh_broker *broker)
{
    int r;

    broker->containment = umh_process_containment(&broker->containment_why);
    r = umh_pipe_new(&broker->lifeline, &broker->lifeline_end);
    return umh_fold(r);
}

void umh_containment_close(umh_broker *broker)
{
    umh_pipe_close(&broker->lifeline);
    umh_pipe_close(&broker->lifeline_end);
}

void umh_containment_say(const umh_broker *broker)
{
    if (broker->containment != CONTAINED_BY_NAMESPACE)
        umh_logs_say(broker->logs, UMH_LOG_INFO, NULL,
                     "%s: what a host starts may outlive a killed broker; the hosts themselves do "
                     "not",
                     broker->containment_why.text);
}

const char *umh_containment_name(umh_containment containment)
{
    return containment == CONTAINED_BY_NAMESPACE ? "namespace" : "group";
}

int umh_spawn_contain(const umh_host *host, umh_spawn *spawn)
{
    char folder[UMH_PATH_BYTES];
    int r = umh_file_program_folder(folder);

    if (r == 0)
        r = umh_file_join(folder, INIT_PROGRAM, spawn->init);
    if (r)
        return umh_fold(r);
    spawn->spec.containment = host->broker->containment;
    spawn->spec.init = spawn->init;
    spawn->spec.lifeline = host->broker->lifeline;
    return 0;
}

void umh_containment_correct_end(const umh_host *host, umh_process_end *end)
{
    const char *page = host->page.memory;

    if (page)
        umh_process_end_correct(end, page + UMH_BLACKBOX_REPORT_OFFSET);
}
