/* SPDX-License-Identifier: MIT */
/* Takes its process with it at its first message: in order at "leave", else by a crash. */
#include "services.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const umh_guid_v1 asked = CRASH_ASKED;

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)host;
    (void)ret_state;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (strcmp(message->text, "leave") == 0)
        _exit(0);
    abort();
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "crash",
        .version = "1.0",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
