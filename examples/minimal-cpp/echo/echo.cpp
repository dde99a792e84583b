// SPDX-License-Identifier: MIT
// The smallest module in C++: answers each message on a second service.
#include <umh/module.h>

#include <string>

static const umh_guid_v1 questions =
    UMH_GUID_V1(0x11111111, 0x1111, 0x1111, 0x1111, 0x111111111111);
static const umh_guid_v1 answers = UMH_GUID_V1(0x22222222, 0x2222, 0x2222, 0x2222, 0x222222222222);
static const umh_host_v1 *host;

static int init(const umh_host_v1 *given, void **)
{
    host = given;
    return 0;
}

static void on_message(void *, const umh_message_v1 *message)
{
    const auto text = "echo: " + std::string(message->text, message->text_bytes);
    host->send(host, &answers, message->source_session, text.data(), text.size(), 0);
}

const umh_module_v1 *umh_module_entry()
{
    static umh_module_v1 module{};
    module.size = sizeof(module);
    module.abi_version = UMH_MODULE_ABI_VERSION;
    module.services = &questions;
    module.service_count = 1;
    module.init = init;
    module.on_message = on_message;
    return &module;
}
