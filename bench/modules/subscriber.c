/* SPDX-License-Identifier: MIT */
/* Counts the messages of a round and says how long it took from the first to the last. */
#include "bench.h"

static const umh_host_v1 *host;
static uint64_t count;
static uint64_t begin_ns;

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (count++ == 0)
        begin_ns = bench_now_ns();
    if (message->text[0] != BENCH_LAST)
        return;
    bench_say(host, "messages", count, "ns", bench_now_ns() - begin_ns);
    count = 0;
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "subscriber",
        .version = "1",
        .services = &bench_stream,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
