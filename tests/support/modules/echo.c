/* SPDX-License-Identifier: MIT */
/* Answers each message with its own text. */
#include "services.h"

static const umh_guid_v1 asked = ECHO_ASKED;
static const umh_guid_v1 answered = ECHO_ANSWERED;
static const umh_host_v1 *used_host;

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    used_host->send(used_host, &answered, UMH_SESSION_ANY, message->text, message->text_bytes, 0);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "echo",
        .version = "1.0",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
