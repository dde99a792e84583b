/* SPDX-License-Identifier: MIT */
/* Publishes as many messages as `go` says, as fast as they are taken, on a thread of its own. */
#include "bench.h"

#include <pthread.h>
#include <stdbool.h>

static const umh_host_v1 *host;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t wanted_count;
static size_t wanted_bytes;
static bool is_ending;

static void publish(uint64_t count, size_t bytes)
{
    static char text[BENCH_TEXT_BYTES_MAX];

    memset(text, BENCH_MORE, bytes);
    for (uint64_t i = 1; i <= count; i++) {
        if (i == count)
            text[0] = BENCH_LAST;
        if (host->send(host, &bench_stream, UMH_SESSION_ANY, text, bytes, UMH_FOREVER_MS))
            return;
    }
}

static void *run(void *argument)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        uint64_t count;

        while (wanted_count == 0 && !is_ending)
            pthread_cond_wait(&changed, &lock);
        if (is_ending)
            break;
        count = wanted_count;
        wanted_count = 0;
        pthread_mutex_unlock(&lock);
        publish(count, wanted_bytes);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return argument;
}

static void tell(const umh_message_v1 *go)
{
    pthread_mutex_lock(&lock);
    if (go)
        bench_read_go(go, &wanted_count, &wanted_bytes);
    else
        is_ending = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static int start(void *state)
{
    return pthread_create(&thread, NULL, run, state);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    tell(message);
}

static void stop(void *state)
{
    (void)state;
    tell(NULL);
    pthread_join(thread, NULL);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "publisher",
        .version = "1",
        .services = &bench_go,
        .service_count = 1,
        .init = init,
        .start = start,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}
