/* SPDX-License-Identifier: MIT */
/* Asks as often as `go` says, each time when the answer has come, and says how long turns took. */
#include "bench.h"

#include <stdbool.h>

static const umh_host_v1 *host;
static uint64_t *turns_ns;
static uint64_t turn_count;
static uint64_t done_count;
static size_t text_bytes;
static uint64_t begin_ns;

static void ask(void)
{
    static char text[BENCH_TEXT_BYTES_MAX];

    memset(text, BENCH_MORE, text_bytes);
    begin_ns = bench_now_ns();
    host->send(host, &bench_question, UMH_SESSION_ANY, text, text_bytes, 0);
}

static int compare(const void *one, const void *other)
{
    const uint64_t *a = one;
    const uint64_t *b = other;

    return (*a > *b) - (*a < *b);
}

static void conclude(void)
{
    qsort(turns_ns, turn_count, sizeof(*turns_ns), compare);
    bench_say(host, "p50_ns", turns_ns[turn_count / 2], "p99_ns", turns_ns[turn_count * 99 / 100]);
    free(turns_ns);
    turns_ns = NULL;
}

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    uint64_t now_ns = bench_now_ns();

    (void)state;
    if (memcmp(&message->service, &bench_go, sizeof(bench_go)) == 0) {
        bench_read_go(message, &turn_count, &text_bytes);
        turns_ns = calloc(turn_count, sizeof(*turns_ns));
        done_count = 0;
    } else if (turns_ns) {
        turns_ns[done_count++] = now_ns - begin_ns;
    }
    if (!turns_ns)
        return;
    if (done_count == turn_count)
        conclude();
    else
        ask();
}

static void stop(void *state)
{
    (void)state;
    free(turns_ns);
    turns_ns = NULL;
}

const umh_module_v1 *umh_module_entry(void)
{
    static umh_guid_v1 services[2];
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "asker",
        .version = "1",
        .services = services,
        .service_count = 2,
        .init = init,
        .on_message = on_message,
        .stop = stop,
    };

    services[0] = bench_go;
    services[1] = bench_answer;
    return &module;
}
