/* SPDX-License-Identifier: MIT */
/* As little as a module can be: it says when it was started. */
#include "bench.h"

static const umh_host_v1 *host;

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static int start(void *state)
{
    uint64_t now_ns = bench_now_ns();

    (void)state;
    bench_say(host, "start_ns", now_ns, "slot", host->identity(host)->slot);
    return 0;
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "tiny",
        .version = "1",
        .init = init,
        .start = start,
    };

    return &module;
}
