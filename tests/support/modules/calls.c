/* SPDX-License-Identifier: MIT */
/* Calls host functions in each callback and logs what they answered: "init send=5 subscribe=0". */
#include "services.h"

#include <stdio.h>
#include <string.h>

static const umh_guid_v1 asked = ECHO_ASKED;
static const umh_guid_v1 answered = ECHO_ANSWERED;
static const umh_host_v1 *used_host;

static void try_all(const char *where)
{
    umh_result_v1 sent = used_host->send(used_host, &answered, UMH_SESSION_ANY, where,
                                         strlen(where), UMH_FOREVER_MS);
    umh_result_v1 subscribed = used_host->subscribe(used_host, &answered);
    umh_result_v1 unsubscribed = used_host->unsubscribe(used_host, &answered);
    char text[96];

    snprintf(text, sizeof(text), "%s send=%d subscribe=%d unsubscribe=%d", where, (int)sent,
             (int)subscribed, (int)unsubscribed);
    used_host->log(used_host, UMH_V1_INFO, text, NULL, 0);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    static char state[] = "state";

    *ret_state = state;
    used_host = host;
    try_all("init");
    return 0;
}

static int start(void *state)
{
    try_all("start");
    return strcmp(state, "state");
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    try_all(message->text);
}

static void stop(void *state)
{
    (void)state;
    try_all("stop");
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "calls",
        .version = "2.1",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .start = start,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}
