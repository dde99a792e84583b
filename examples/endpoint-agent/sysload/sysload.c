/* SPDX-License-Identifier: MIT */
/*
 * Publishes what the machine is doing, every IntervalMs, from a thread of its own: a module is
 * called with messages, never by a clock.
 */
#include "sampler.h"

#include "../services.h"
#include "../settings.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define INTERVAL_MS_DEFAULT 1000
#define TEXT_BYTES 512

typedef struct sysload {
    const umh_host_v1 *host;
    long long interval_ms;
    char disk[PATH_MAX];
    agent_sampler sampler;
    int errors[PROBE_COUNT]; /* of the reading before: each is said once */
    bool is_full;            /* the receivers had no room for the reading before */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping; /* the lock */
} sysload;

static const umh_guid_v1 readings = AGENT_READINGS;

static void say(const sysload *self, umh_level_v1 level, const char *text, const umh_pair_v1 *pair)
{
    self->host->log(self->host, level, text, pair, pair ? 1 : 0);
}

/* ------------------------- configuration */

static bool configure(sysload *self)
{
    const char *at = self->host->configuration(self->host);
    agent_setting setting;
    bool is_right = true;

    self->interval_ms = INTERVAL_MS_DEFAULT;
    snprintf(self->disk, sizeof(self->disk), "/");
    while (is_right && settings_next(&at, &setting)) {
        if (settings_is(&setting, "IntervalMs"))
            is_right = settings_get_number(&setting, 10, 3600 * 1000, &self->interval_ms);
        else if (settings_is(&setting, "Disk"))
            is_right = settings_get_text(&setting, self->disk, sizeof(self->disk));
        else
            is_right = false;
    }
    if (!is_right)
        say(self, UMH_V1_ERROR,
            "the configuration may have IntervalMs (10 to 3600000) and Disk (a path)", NULL);
    self->sampler.disk = self->disk;
    return is_right;
}

/* ------------------------- readings */

static void report_changes(sysload *self, const agent_reading *reading)
{
    for (agent_probe probe = 0; probe < PROBE_COUNT; probe++) {
        int error = reading->errors[probe];
        umh_pair_v1 pairs[] = {{"source", sampler_source(&self->sampler, probe)},
                               {"reason", error ? strerror(error) : ""}};

        if (error == self->errors[probe])
            continue;
        if (error)
            self->host->log(self->host, UMH_V1_WARNING, "left out of the readings: not readable",
                            pairs, 2);
        else
            say(self, UMH_V1_INFO, "readable again", pairs);
        self->errors[probe] = error;
    }
}

static void publish(sysload *self)
{
    agent_reading reading;
    char text[TEXT_BYTES];
    umh_result_v1 result;
    size_t size;

    sampler_take(&self->sampler, &reading);
    report_changes(self, &reading);
    size = sampler_format(&reading, text, sizeof(text));
    /* A reading that cannot leave before the next one is due is worth nothing. */
    result = self->host->send(self->host, &readings, UMH_SESSION_ANY, text, size,
                              (uint32_t)self->interval_ms);
    if (result == UMH_V1_FULL && !self->is_full)
        say(self, UMH_V1_WARNING, "readings are left out: their receivers are slower", NULL);
    self->is_full = result == UMH_V1_FULL;
}

static void add_interval(struct timespec *time, long long ms)
{
    time->tv_sec += ms / 1000;
    time->tv_nsec += ms % 1000 * 1000000;
    if (time->tv_nsec >= 1000000000) {
        time->tv_sec++;
        time->tv_nsec -= 1000000000;
    }
}

/* False: the module is to stop. */
static bool wait_until(sysload *self, const struct timespec *due)
{
    bool is_stopping;
    int status = 0;

    pthread_mutex_lock(&self->lock);
    while (!self->is_stopping && status == 0)
        status = pthread_cond_timedwait(&self->changed, &self->lock, due);
    is_stopping = self->is_stopping;
    pthread_mutex_unlock(&self->lock);
    return !is_stopping;
}

static void *publish_readings(void *context)
{
    sysload *self = (sysload *)context;
    struct timespec due;

    do {
        clock_gettime(CLOCK_MONOTONIC, &due);
        publish(self);
        add_interval(&due, self->interval_ms);
    } while (wait_until(self, &due));
    return NULL;
}

/* ------------------------- life */

static void release(sysload *self)
{
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    sysload *self = (sysload *)calloc(1, sizeof(*self));
    pthread_condattr_t attributes;

    if (!self)
        return 1;
    self->host = host;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!configure(self)) {
        release(self);
        return 2;
    }
    *ret_state = self;
    return 0;
}

static int start(void *state)
{
    sysload *self = (sysload *)state;

    self->has_thread = pthread_create(&self->thread, NULL, publish_readings, self) == 0;
    return self->has_thread ? 0 : 1;
}

/* The thread has ended before this returns: afterwards the module's code may be gone. */
static void stop(void *state)
{
    sysload *self = (sysload *)state;

    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    if (self->has_thread)
        pthread_join(self->thread, NULL);
    release(self);
}

static const umh_module_v1 module = {
    .size = sizeof(module),
    .abi_version = UMH_MODULE_ABI_VERSION,
    .name = "sysload",
    .version = "1.0",
    .init = init,
    .start = start,
    .stop = stop,
};

const umh_module_v1 *umh_module_entry(void)
{
    return &module;
}
