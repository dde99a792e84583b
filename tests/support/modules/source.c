/* SPDX-License-Identifier: MIT */
/*
 * Publishes a numbered stream from a thread of its own, as fast as it may.
 *
 *   Config     Service, Asked, Result: numbers of services; Bytes of a message, Count (0: no end),
 *              TimeoutMs of a send (-1: forever), Session, StartAtOnce
 *   Asked      "go", "pause", "report"
 *   Result     {"sent", "full", "errors", "full_ms_min", "full_ms_max", "ns"}
 *
 * What was not accepted is tried again, so the stream has no gap.
 */
#include "configured.h"
#include "stream.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct source {
    const umh_host_v1 *host;
    umh_guid_v1 service;
    umh_guid_v1 asked;
    umh_guid_v1 result;
    uint32_t session;
    uint32_t timeout_ms;
    size_t bytes;
    uint64_t count;
    char *text;
    char *letters;
    uint64_t total; /* checksum; of the thread */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_thread;
    bool is_going;  /* under the lock */
    bool is_ending; /* under the lock */
    atomic_bool may_go;
    atomic_ullong sent;
    atomic_ullong full;
    atomic_ullong errors;
    atomic_llong full_ns_min;
    atomic_llong full_ns_max;
} source;

static source self = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* False: it is time to end. */
static bool wait_for_go(void)
{
    bool may_go;

    pthread_mutex_lock(&self.lock);
    while (!self.is_going && !self.is_ending)
        pthread_cond_wait(&self.changed, &self.lock);
    may_go = !self.is_ending;
    pthread_mutex_unlock(&self.lock);
    return may_go;
}

static void set_going(bool is_going, bool is_ending)
{
    pthread_mutex_lock(&self.lock);
    self.is_going = is_going;
    self.is_ending |= is_ending;
    atomic_store(&self.may_go, is_going && !self.is_ending);
    pthread_cond_broadcast(&self.changed);
    pthread_mutex_unlock(&self.lock);
}

static void note_full(long long took_ns)
{
    if (atomic_load(&self.full) == 0 || took_ns < atomic_load(&self.full_ns_min))
        atomic_store(&self.full_ns_min, took_ns);
    if (took_ns > atomic_load(&self.full_ns_max))
        atomic_store(&self.full_ns_max, took_ns);
    atomic_fetch_add(&self.full, 1);
}

/* Until it was accepted. False: it cannot be any more. */
static bool publish(const char *text, size_t size)
{
    while (atomic_load_explicit(&self.may_go, memory_order_relaxed) || wait_for_go()) {
        long long began_ns = self.timeout_ms == UMH_FOREVER_MS ? 0 : now_ns();
        umh_result_v1 result =
            self.host->send(self.host, &self.service, self.session, text, size, self.timeout_ms);

        if (result == UMH_V1_OK)
            return true;
        if (result != UMH_V1_FULL) {
            atomic_fetch_add(&self.errors, result != UMH_V1_STOPPING);
            return false;
        }
        note_full(began_ns == 0 ? 0 : now_ns() - began_ns);
    }
    return false;
}

static void publish_end(void)
{
    char text[STREAM_END_BYTES];

    memcpy(text, STREAM_END, 4);
    stream_put_number(text + 4, atomic_load(&self.sent));
    stream_put_number(text + 20, self.total);
    publish(text, sizeof(text));
}

static void *run(void *unused)
{
    uint64_t number = 0;

    while (self.count == 0 || number < self.count) {
        uint64_t sum = stream_write(self.text, self.bytes, self.letters, number);

        if (!publish(self.text, self.bytes))
            return unused;
        self.total = stream_add(self.total, sum);
        number++;
        atomic_store_explicit(&self.sent, number, memory_order_relaxed);
    }
    publish_end();
    return unused;
}

static void read_config(const umh_host_v1 *host)
{
    long long timeout_ms = config_number(host, "TimeoutMs", -1);

    self.host = host;
    self.service = config_service(host, "Service");
    self.asked = config_service(host, "Asked");
    self.result = config_service(host, "Result");
    self.session = (uint32_t)config_number(host, "Session", UMH_SESSION_ANY);
    self.timeout_ms = timeout_ms < 0 ? UMH_FOREVER_MS : (uint32_t)timeout_ms;
    self.bytes = (size_t)config_number(host, "Bytes", 128);
    self.count = (uint64_t)config_number(host, "Count", 0);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    read_config(host);
    if (self.bytes < STREAM_HEAD_BYTES || self.bytes > host->max_message_bytes(host))
        return 1;
    self.text = malloc(self.bytes);
    self.letters = malloc(self.bytes + STREAM_LETTERS);
    if (!self.text || !self.letters)
        return 2;
    for (size_t i = 0; i < self.bytes + STREAM_LETTERS; i++)
        self.letters[i] = (char)('a' + i % STREAM_LETTERS);
    return host->subscribe(host, &self.asked) == UMH_V1_OK ? 0 : 3;
}

static int start(void *state)
{
    (void)state;
    set_going(config_number(self.host, "StartAtOnce", 0) != 0, false);
    self.has_thread = pthread_create(&self.thread, NULL, run, NULL) == 0;
    return self.has_thread ? 0 : 1;
}

static void report(void)
{
    answer(self.host, &self.result,
           "{\"sent\":%llu,\"full\":%llu,\"errors\":%llu,\"full_ms_min\":%lld,\"full_ms_max\":%lld,"
           "\"ns\":%lld}",
           atomic_load(&self.sent), atomic_load(&self.full), atomic_load(&self.errors),
           atomic_load(&self.full_ns_min) / 1000000, atomic_load(&self.full_ns_max) / 1000000,
           now_ns());
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (strcmp(message->text, "go") == 0)
        set_going(true, false);
    else if (strcmp(message->text, "pause") == 0)
        set_going(false, false);
    else
        report();
}

static void stop(void *state)
{
    (void)state;
    set_going(false, true);
    if (self.has_thread)
        pthread_join(self.thread, NULL);
    self.has_thread = false;
    free(self.text);
    free(self.letters);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "source",
        .version = "1.0",
        .init = init,
        .start = start,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}
