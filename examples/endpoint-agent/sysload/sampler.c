/* SPDX-License-Identifier: MIT */
/* Reads /proc/stat, /proc/meminfo, /proc/net/dev and the file system's own numbers. */
#include "sampler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#define LINE_BYTES 512
#define NS_PER_S UINT64_C(1000000000)

/* A file that is there but does not say what it should. */
#define NOT_UNDERSTOOD EPROTO

const char *sampler_source(const agent_sampler *sampler, agent_probe probe)
{
    static const char *const files[PROBE_COUNT] = {
        [PROBE_CPU] = "/proc/stat",
        [PROBE_MEMORY] = "/proc/meminfo",
        [PROBE_NETWORK] = "/proc/net/dev",
    };

    return probe == PROBE_DISK ? sampler->disk : files[probe];
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static unsigned tenths_of(uint64_t part, uint64_t whole)
{
    if (part >= whole)
        return whole > 0 ? 1000 : 0;
    return (unsigned)((double)part * 1000 / (double)whole + 0.5);
}

/* Counters go back when an interface leaves or a machine was moved: then nothing is known. */
static uint64_t rate_of(uint64_t before, uint64_t now, uint64_t elapsed_ns)
{
    if (now < before || elapsed_ns == 0)
        return 0;
    return (uint64_t)((double)(now - before) * (double)NS_PER_S / (double)elapsed_ns);
}

static int take_cpu(agent_sampler *sampler, agent_reading *reading)
{
    /* user, nice, system, idle, iowait, irq, softirq, steal */
    uint64_t ticks[8] = {0};
    uint64_t total = 0;
    uint64_t idle;
    FILE *file = fopen(sampler_source(sampler, PROBE_CPU), "re");
    int count;

    if (!file)
        return errno;
    count = fscanf(file,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64,
                   &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                   &ticks[7]);
    fclose(file);
    if (count < 4)
        return NOT_UNDERSTOOD;

    for (size_t i = 0; i < sizeof(ticks) / sizeof(*ticks); i++)
        total += ticks[i];
    idle = ticks[3] + ticks[4];
    /* iowait may go back, by the kernel's own documentation */
    if (sampler->had_cpu && total > sampler->cpu_total && idle >= sampler->cpu_idle)
        reading->cpu_tenths =
            1000 - tenths_of(idle - sampler->cpu_idle, total - sampler->cpu_total);
    sampler->cpu_total = total;
    sampler->cpu_idle = idle;
    return 0;
}

static int take_memory(agent_sampler *sampler, agent_reading *reading)
{
    char line[LINE_BYTES];
    uint64_t total = 0;
    uint64_t available = 0;
    int found = 0;
    FILE *file = fopen(sampler_source(sampler, PROBE_MEMORY), "re");

    if (!file)
        return errno;
    while (found < 2 && fgets(line, sizeof(line), file)) {
        found += sscanf(line, "MemTotal: %" SCNu64, &total) == 1;
        found += sscanf(line, "MemAvailable: %" SCNu64, &available) == 1;
    }
    fclose(file);
    if (found < 2 || available > total)
        return NOT_UNDERSTOOD;

    reading->memory_tenths = tenths_of(total - available, total);
    reading->memory_used_kib = total - available;
    return 0;
}

static int take_disk(agent_sampler *sampler, agent_reading *reading)
{
    struct statvfs disk;
    uint64_t used;

    if (statvfs(sampler->disk, &disk) != 0)
        return errno;
    used = disk.f_blocks - disk.f_bfree;
    /* as df says it: what only the administrator may use counts as neither */
    reading->disk_tenths = tenths_of(used, used + disk.f_bavail);
    reading->disk_free_mib = (uint64_t)disk.f_bavail * disk.f_frsize >> 20;
    return 0;
}

static int take_network(agent_sampler *sampler, agent_reading *reading, uint64_t elapsed_ns)
{
    char line[LINE_BYTES];
    char name[32];
    uint64_t received = 0;
    uint64_t sent = 0;
    uint64_t in;
    uint64_t out;
    FILE *file = fopen(sampler_source(sampler, PROBE_NETWORK), "re");

    if (!file)
        return errno;
    while (fgets(line, sizeof(line), file)) {
        /* bytes, and seven more numbers, received; then bytes sent */
        if (sscanf(line, " %31[^: ]: %" SCNu64 " %*s %*s %*s %*s %*s %*s %*s %" SCNu64, name, &in,
                   &out) != 3 ||
            strcmp(name, "lo") == 0)
            continue;
        received += in;
        sent += out;
    }
    fclose(file);

    if (sampler->had_network) {
        reading->received_per_s = rate_of(sampler->received, received, elapsed_ns);
        reading->sent_per_s = rate_of(sampler->sent, sent, elapsed_ns);
    }
    sampler->received = received;
    sampler->sent = sent;
    return 0;
}

void sampler_take(agent_sampler *sampler, agent_reading *ret_reading)
{
    uint64_t taken_ns = now_ns();
    int *errors = ret_reading->errors;

    memset(ret_reading, 0, sizeof(*ret_reading));
    ret_reading->has_cpu = sampler->had_cpu;
    ret_reading->has_network = sampler->had_network;
    errors[PROBE_CPU] = take_cpu(sampler, ret_reading);
    errors[PROBE_MEMORY] = take_memory(sampler, ret_reading);
    errors[PROBE_DISK] = take_disk(sampler, ret_reading);
    errors[PROBE_NETWORK] = take_network(sampler, ret_reading, taken_ns - sampler->taken_ns);
    sampler->had_cpu = errors[PROBE_CPU] == 0;
    sampler->had_network = errors[PROBE_NETWORK] == 0;
    sampler->taken_ns = taken_ns;
}

/* What does not fit is cut; the caller has room for all of it. */
__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, size_t *at,
                                                         const char *format, ...)
{
    va_list arguments;
    int count;

    va_start(arguments, format);
    count = vsnprintf(text + *at, size - *at, format, arguments);
    va_end(arguments);
    if (count > 0)
        *at += (size_t)count < size - *at ? (size_t)count : size - *at - 1;
}

static void append_time(char *text, size_t size, size_t *at)
{
    struct timespec now;
    struct tm utc;
    char date[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    append(text, size, at, "{\"time\":\"%s.%03ldZ\"", date, now.tv_nsec / 1000000);
}

static void append_tenths(char *text, size_t size, size_t *at, const char *key, unsigned tenths)
{
    append(text, size, at, ",\"%s\":%u.%u", key, tenths / 10, tenths % 10);
}

static void append_number(char *text, size_t size, size_t *at, const char *key, uint64_t number)
{
    append(text, size, at, ",\"%s\":%" PRIu64, key, number);
}

size_t sampler_format(const agent_reading *reading, char *ret_text, size_t size)
{
    const int *errors = reading->errors;
    size_t at = 0;

    append_time(ret_text, size, &at);
    if (reading->has_cpu && !errors[PROBE_CPU])
        append_tenths(ret_text, size, &at, "cpu_percent", reading->cpu_tenths);
    if (!errors[PROBE_MEMORY]) {
        append_tenths(ret_text, size, &at, "memory_percent", reading->memory_tenths);
        append_number(ret_text, size, &at, "memory_used_kib", reading->memory_used_kib);
    }
    if (!errors[PROBE_DISK]) {
        append_tenths(ret_text, size, &at, "disk_percent", reading->disk_tenths);
        append_number(ret_text, size, &at, "disk_free_mib", reading->disk_free_mib);
    }
    if (reading->has_network && !errors[PROBE_NETWORK]) {
        append_number(ret_text, size, &at, "net_rx_bytes_per_s", reading->received_per_s);
        append_number(ret_text, size, &at, "net_tx_bytes_per_s", reading->sent_per_s);
    }
    append(ret_text, size, &at, "}");
    return at;
}
