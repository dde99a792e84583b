/* SPDX-License-Identifier: MIT */
/* Answers each question with its text. */
#include "bench.h"

static const umh_host_v1 *host;

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    host->send(host, &bench_answer, UMH_SESSION_ANY, message->text, message->text_bytes, 0);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "answerer",
        .version = "1",
        .services = &bench_question,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
