/* SPDX-License-Identifier: MIT */
/* Never comes back from its first message. */
#include "services.h"

static const umh_guid_v1 asked = HANG_ASKED;
static volatile unsigned turns;

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)host;
    (void)ret_state;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    (void)message;
    for (;;)
        turns++;
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "hang",
        .version = "1.0",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
