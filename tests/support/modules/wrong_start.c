/* SPDX-License-Identifier: MIT */
/* Its start fails; says whether stop was called. */
#include "wrong.h"

static const umh_host_v1 *used_host;

static int keep(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    return 0;
}

static int fail(void *state)
{
    (void)state;
    return 9;
}

static void stop(void *state)
{
    (void)state;
    used_host->log(used_host, UMH_V1_WARNING, "stop was called", NULL, 0);
}

WRONG_MODULE_BUT(module.init = keep; module.start = fail; module.stop = stop)
