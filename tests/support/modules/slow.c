/* SPDX-License-Identifier: MIT */
/* Takes as many microseconds for each message as its text says. */
#include "services.h"

#include <stdlib.h>
#include <time.h>

static const umh_guid_v1 asked = SLOW_ASKED;

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)host;
    (void)ret_state;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    long long until = now_ns() + strtol(message->text, NULL, 10) * 1000;

    (void)state;
    while (now_ns() < until)
        continue;
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "slow",
        .version = "1.0",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
