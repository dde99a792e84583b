/* SPDX-License-Identifier: MIT */
/* Asks to be reloaded whenever it starts, twice, and again in its stop. */
#include "services.h"

static const umh_host_v1 *used_host;

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    return 0;
}

static int start(void *state)
{
    (void)state;
    return used_host->reload(used_host) || used_host->reload(used_host);
}

static void stop(void *state)
{
    (void)state;
    if (used_host->reload(used_host) != UMH_V1_STOPPING)
        used_host->log(used_host, UMH_V1_ERROR, "was listened to in its stop", NULL, 0);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "restless",
        .version = "1.0",
        .init = init,
        .start = start,
        .stop = stop,
    };

    return &module;
}
