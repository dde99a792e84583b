/* SPDX-License-Identifier: MIT */
/* The smallest module in C: answers each message on a second service. */
#include <umh/module.h>

#include <stdio.h>

static const umh_guid_v1 questions =
    UMH_GUID_V1(0x11111111, 0x1111, 0x1111, 0x1111, 0x111111111111);
static const umh_guid_v1 answers = UMH_GUID_V1(0x22222222, 0x2222, 0x2222, 0x2222, 0x222222222222);
static const umh_host_v1 *host;

static int init(const umh_host_v1 *given, void **ret_state)
{
    (void)ret_state;
    host = given;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    char text[4096];
    int size = snprintf(text, sizeof(text), "echo: %s", message->text);
    (void)state;
    if (size < (int)sizeof(text))
        host->send(host, &answers, message->source_session, text, (size_t)size, 0);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .services = &questions,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };
    return &module;
}
