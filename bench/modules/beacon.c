/* SPDX-License-Identifier: MIT */
/* Sends itself a message when it starts, and says at what time it was called with it. */
#include "bench.h"

static const umh_host_v1 *host;
static uint64_t start_ns;

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static int start(void *state)
{
    static const char text[] = "here";

    (void)state;
    start_ns = bench_now_ns();
    return host->send(host, &bench_self, UMH_SESSION_ANY, text, sizeof(text) - 1, 0);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (message->source_host == host->identity(host)->host_number)
        bench_say(host, "start_ns", start_ns, "message_ns", bench_now_ns());
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "beacon",
        .version = "1",
        .services = &bench_self,
        .service_count = 1,
        .init = init,
        .start = start,
        .on_message = on_message,
    };

    return &module;
}
