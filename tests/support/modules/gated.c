/* SPDX-License-Identifier: MIT */
/*
 * Stays in one phase of its life until a file is gone.
 *
 *   Config     Phase ("init", "start", "message", "stop" or "unload"), Gate: the file; Asked,
 *              Result: numbers of services
 *   Result     the text it was sent
 */
#include "configured.h"

#include <poll.h>
#include <unistd.h>

#define LOOK_EVERY_MS 2

static const umh_host_v1 *used_host;
static umh_guid_v1 asked;
static umh_guid_v1 result;
static char phase[16];
static char gate[4096];

static void pass(const char *now)
{
    while (strcmp(now, phase) == 0 && access(gate, F_OK) == 0)
        poll(NULL, 0, LOOK_EVERY_MS);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    asked = config_service(host, "Asked");
    result = config_service(host, "Result");
    config_text(host, "Phase", phase, sizeof(phase));
    config_text(host, "Gate", gate, sizeof(gate));
    pass("init");
    return host->subscribe(host, &asked) == UMH_V1_OK ? 0 : 1;
}

static int start(void *state)
{
    (void)state;
    pass("start");
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    pass("message");
    used_host->send(used_host, &result, UMH_SESSION_ANY, message->text, message->text_bytes, 0);
}

static void stop(void *state)
{
    (void)state;
    pass("stop");
}

/* When its image goes, which is the end of its unloading or of the process. */
__attribute__((destructor)) static void be_unloaded(void)
{
    pass("unload");
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "gated",
        .version = "1.0",
        .init = init,
        .start = start,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}
