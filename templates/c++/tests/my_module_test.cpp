// Drives the built module through a host table of its own that records what is sent.
#include <umh/module.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

static const umh_guid_v1 questions =
    UMH_GUID_V1(0x7c1e3b5a, 0x2d4f, 0x4a6b, 0x8c0d, 0x1e2f3a4b5c6d);
static const umh_guid_v1 answers = UMH_GUID_V1(0xb5d2f7e9, 0x6a1c, 0x4e3d, 0x9f80, 0x2c4b6d8e0a1f);

static bool is_equal(const umh_guid_v1 &one, const umh_guid_v1 &other)
{
    return std::memcmp(&one, &other, sizeof(one)) == 0;
}

// ------------------------- the host

struct sent_message {
    umh_guid_v1 service;
    std::string text;
};

static std::vector<sent_message> sent;

static umh_host_v1 make_host()
{
    umh_host_v1 host{};

    host.size = sizeof(host);
    host.abi_version = UMH_MODULE_ABI_VERSION;
    host.send = [](const umh_host_v1 *, const umh_guid_v1 *service, uint32_t, const char *text,
                   size_t text_bytes, uint32_t) {
        sent.push_back({*service, std::string(text, text_bytes)});
        return UMH_V1_OK;
    };
    host.try_send = [](const umh_host_v1 *self, const umh_guid_v1 *service, uint32_t session,
                       const char *text, size_t text_bytes) {
        return self->send(self, service, session, text, text_bytes, 0);
    };
    host.subscribe = [](const umh_host_v1 *, const umh_guid_v1 *) { return UMH_V1_OK; };
    host.unsubscribe = host.subscribe;
    host.log = [](const umh_host_v1 *, umh_level_v1, const char *, const umh_pair_v1 *, size_t) {
        return UMH_V1_OK;
    };
    host.configuration = [](const umh_host_v1 *) { return "{}"; };
    host.identity = [](const umh_host_v1 *) -> const umh_identity_v1 * {
        static umh_identity_v1 me{};

        me.size = sizeof(me);
        me.module = "my_module";
        me.host = "test";
        me.folder = me.original_folder = ".";
        return &me;
    };
    host.max_message_bytes = [](const umh_host_v1 *) -> size_t {
        return UMH_MESSAGE_BYTES_DEFAULT_MAX;
    };
    return host;
}

// ------------------------- tests

static int failure_count;

static void expect(bool is_true, const char *what)
{
    std::printf("%s: %s\n", is_true ? "ok" : "FAILED", what);
    failure_count += !is_true;
}

static void deliver(const umh_module_v1 *module, void *state, const std::string &text)
{
    umh_message_v1 message{};

    message.size = sizeof(message);
    message.service = questions;
    message.text = text.c_str();
    message.text_bytes = text.size();
    module->on_message(state, &message);
}

int main()
{
    const umh_host_v1 host = make_host();
    const umh_module_v1 *module = umh_module_entry();
    void *state = nullptr;

    expect(module->service_count == 1 && is_equal(*module->services, questions), "subscribes");
    expect(module->init(&host, &state) == 0, "is ready");
    deliver(module, state, "hello");
    expect(sent.size() == 1, "one answer");
    expect(sent.size() == 1 && is_equal(sent[0].service, answers), "on the service of answers");
    expect(sent.size() == 1 && sent[0].text == "my_module: hello", "with the question's text");
    return failure_count > 0;
}
