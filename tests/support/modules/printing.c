/* SPDX-License-Identifier: MIT */
/* Prints each message to standard output, as a library might, and logs it, as a module should. */
#include "services.h"

#include <stdio.h>

static const umh_guid_v1 asked = PRINTING_ASKED;
static const umh_host_v1 *used_host;

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    umh_pair_v1 pair = {"text", message->text};

    (void)state;
    printf("printed: %s\n", message->text);
    fflush(stdout);
    used_host->log(used_host, UMH_V1_INFO, "logged", &pair, 1);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "printing",
        .version = "1.0",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
