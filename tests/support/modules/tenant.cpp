// SPDX-License-Identifier: MIT
// A C++ module whose thread-local has a destructor, touched by each thread that calls it and, with
// `Config` {"Thread": 1}, by a thread of its own: the loader likes to keep such a library. With
// {"Thread": 2} that thread does not end with the module, so the loader has to keep it.
#include "services.h"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

namespace {

const umh_guid_v1 asked = TEST_SERVICE(301);
const umh_guid_v1 answered = TEST_SERVICE(302);

thread_local std::string remembered;

struct tenant {
    const umh_host_v1 *host = nullptr;
    std::thread thread;
    std::mutex lock;
    std::condition_variable changed;
    bool is_ending = false;
};

void touch()
{
    remembered += "long enough that it is not stored within the string itself";
}

void wait_for_end(tenant *self)
{
    std::unique_lock<std::mutex> held(self->lock);

    touch();
    while (!self->is_ending)
        self->changed.wait(held);
}

int init(const umh_host_v1 *host, void **ret_state)
{
    tenant *self = new tenant;

    touch();
    self->host = host;
    *ret_state = self;
    return 0;
}

bool is_configured(const tenant *self, const char *text)
{
    return std::strstr(self->host->configuration(self->host), text) != nullptr;
}

int start(void *state)
{
    tenant *self = static_cast<tenant *>(state);

    touch();
    if (!is_configured(self, "\"Thread\":0"))
        self->thread = std::thread(wait_for_end, self);
    return 0;
}

void on_message(void *state, const umh_message_v1 *message)
{
    tenant *self = static_cast<tenant *>(state);

    touch();
    self->host->send(self->host, &answered, UMH_SESSION_ANY, message->text, message->text_bytes, 0);
}

void stop(void *state)
{
    tenant *self = static_cast<tenant *>(state);

    if (is_configured(self, "\"Thread\":2")) {
        self->thread.detach();
        return;
    }
    {
        std::lock_guard<std::mutex> held(self->lock);
        self->is_ending = true;
    }
    self->changed.notify_all();
    if (self->thread.joinable())
        self->thread.join();
    delete self;
}

const umh_module_v1 module = {
    sizeof(umh_module_v1),
    UMH_MODULE_ABI_VERSION,
    0,
    "tenant",
    "1.0",
    &asked,
    1,
    init,
    start,
    on_message,
    stop,
    nullptr,
    nullptr,
    nullptr,
};

} // namespace

extern "C" const umh_module_v1 *umh_module_entry(void)
{
    return &module;
}
