/* SPDX-License-Identifier: MIT */
/*
 * Measures round trips to a module that answers with what it was sent, at fixed times: a message
 * that is late does not delay the next, so what waits is seen.
 *
 *   Config     Out, In, Asked, Result: numbers of services; Samples, IntervalUs
 *   Asked      "go"
 *   Result     {"samples", "p50_us", "p99_us", "max_us", "errors"}, when all answers have come
 */
#include "configured.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct prober {
    const umh_host_v1 *host;
    umh_guid_v1 out;
    umh_guid_v1 in;
    umh_guid_v1 asked;
    umh_guid_v1 result;
    long long sample_count;
    long long interval_ns;
    long long *samples;
    long long taken;
    atomic_llong errors;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_ending;
} prober;

static prober self;

static void wait_until(long long when_ns)
{
    struct timespec when = {when_ns / 1000000000, when_ns % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) != 0)
        continue;
}

static void *run(void *unused)
{
    long long next_ns = now_ns();

    for (long long i = 0; i < self.sample_count && !atomic_load(&self.is_ending); i++) {
        char text[32];
        int size = snprintf(text, sizeof(text), "%lld", next_ns);

        if (self.host->send(self.host, &self.out, UMH_SESSION_ANY, text, (size_t)size,
                            UMH_FOREVER_MS) != UMH_V1_OK)
            atomic_fetch_add(&self.errors, 1);
        next_ns += self.interval_ns;
        wait_until(next_ns);
    }
    return unused;
}

static int compare(const void *one, const void *other)
{
    long long difference = *(const long long *)one - *(const long long *)other;

    return difference < 0 ? -1 : difference > 0;
}

static void report(void)
{
    size_t count = (size_t)self.sample_count;

    qsort(self.samples, count, sizeof(*self.samples), compare);
    answer(self.host, &self.result,
           "{\"samples\":%zu,\"p50_us\":%lld,\"p99_us\":%lld,\"max_us\":%lld,\"errors\":%lld}",
           count, self.samples[count / 2] / 1000, self.samples[count * 99 / 100] / 1000,
           self.samples[count - 1] / 1000, atomic_load(&self.errors));
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (is_service(message, &self.in)) {
        if (self.taken < self.sample_count)
            self.samples[self.taken++] = now_ns() - strtoll(message->text, NULL, 10);
        if (self.taken == self.sample_count)
            report();
    } else if (!self.has_thread) {
        self.has_thread = pthread_create(&self.thread, NULL, run, NULL) == 0;
    }
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    self.host = host;
    self.out = config_service(host, "Out");
    self.in = config_service(host, "In");
    self.asked = config_service(host, "Asked");
    self.result = config_service(host, "Result");
    self.sample_count = config_number(host, "Samples", 1000);
    self.interval_ns = config_number(host, "IntervalUs", 1000) * 1000;
    self.samples = calloc((size_t)self.sample_count, sizeof(*self.samples));
    if (!self.samples || host->subscribe(host, &self.in) != UMH_V1_OK ||
        host->subscribe(host, &self.asked) != UMH_V1_OK)
        return 1;
    return 0;
}

static void stop(void *state)
{
    (void)state;
    atomic_store(&self.is_ending, true);
    if (self.has_thread)
        pthread_join(self.thread, NULL);
    free(self.samples);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "prober",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}
