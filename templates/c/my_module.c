/* A module of the Universal Module Host: answers each message on a second service. */
#include <umh/module.h>

#include <stdio.h>

static const umh_guid_v1 questions =
    UMH_GUID_V1(0x7c1e3b5a, 0x2d4f, 0x4a6b, 0x8c0d, 0x1e2f3a4b5c6d);
static const umh_guid_v1 answers = UMH_GUID_V1(0xb5d2f7e9, 0x6a1c, 0x4e3d, 0x9f80, 0x2c4b6d8e0a1f);
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
    int size = snprintf(text, sizeof(text), "my_module: %s", message->text);

    (void)state;
    if (size < (int)sizeof(text))
        host->send(host, &answers, message->source_session, text, (size_t)size, 0);
    else
        host->log(host, UMH_V1_WARNING, "too long to be answered", NULL, 0);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "my_module",
        .version = "0.1.0",
        .services = &questions,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };
    return &module;
}
