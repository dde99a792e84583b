// A module of the Universal Module Host: answers each message on a second service.
#include <umh/module.h>

#include <exception>
#include <string>

static const umh_guid_v1 questions =
    UMH_GUID_V1(0x7c1e3b5a, 0x2d4f, 0x4a6b, 0x8c0d, 0x1e2f3a4b5c6d);
static const umh_guid_v1 answers = UMH_GUID_V1(0xb5d2f7e9, 0x6a1c, 0x4e3d, 0x9f80, 0x2c4b6d8e0a1f);
static const umh_host_v1 *host;

static int init(const umh_host_v1 *given, void **)
{
    host = given;
    return 0;
}

// No exception may leave a callback.
static void on_message(void *, const umh_message_v1 *message)
try {
    const auto text = "my_module: " + std::string(message->text, message->text_bytes);

    host->send(host, &answers, message->source_session, text.data(), text.size(), 0);
} catch (const std::exception &exception) {
    host->log(host, UMH_V1_ERROR, exception.what(), nullptr, 0);
}

const umh_module_v1 *umh_module_entry()
{
    static umh_module_v1 module{};

    module.size = sizeof(module);
    module.abi_version = UMH_MODULE_ABI_VERSION;
    module.name = "my_module";
    module.version = "0.1.0";
    module.services = &questions;
    module.service_count = 1;
    module.init = init;
    module.on_message = on_message;
    return &module;
}
