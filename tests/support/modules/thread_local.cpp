// SPDX-License-Identifier: MIT
// Answers each message with the number of bytes that its thread has seen; a thread-local with a
// destructor keeps the image of a module, even after the thread has ended.
#include "services.h"

#include <string>

static const umh_guid_v1 asked = ECHO_ASKED;
static const umh_guid_v1 answered = ECHO_ANSWERED;
static const umh_host_v1 *used_host;
static thread_local std::string seen;

static int init(const umh_host_v1 *host, void **)
{
    used_host = host;
    return 0;
}

static void on_message(void *, const umh_message_v1 *message)
{
    seen.append(message->text, message->text_bytes);

    const std::string text = std::to_string(seen.size());
    used_host->send(used_host, &answered, UMH_SESSION_ANY, text.data(), text.size(), 0);
}

const umh_module_v1 *umh_module_entry()
{
    static umh_module_v1 module{};

    module.size = sizeof(module);
    module.abi_version = UMH_MODULE_ABI_VERSION;
    module.name = "thread_local";
    module.version = "1.0";
    module.services = &asked;
    module.service_count = 1;
    module.init = init;
    module.on_message = on_message;
    return &module;
}
