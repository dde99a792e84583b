/* SPDX-License-Identifier: MIT */
/* What the machine is doing, from the kernel's own files. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum agent_probe {
    PROBE_CPU,
    PROBE_MEMORY,
    PROBE_DISK,
    PROBE_NETWORK,
    PROBE_COUNT
} agent_probe;

/* Shares are in tenths of a percent: no floating point, no locale. */
typedef struct agent_reading {
    int errors[PROBE_COUNT];   /* errno of what could not be read; 0: none */
    bool has_cpu, has_network; /* rates need a reading before */
    unsigned cpu_tenths;
    unsigned memory_tenths;
    uint64_t memory_used_kib;
    unsigned disk_tenths;
    uint64_t disk_free_mib;
    uint64_t received_per_s, sent_per_s; /* bytes, all interfaces but the loopback */
} agent_reading;

/* What rates are reckoned from. */
typedef struct agent_sampler {
    const char *disk; /* a path on the file system that is watched; borrowed */
    uint64_t taken_ns;
    uint64_t cpu_total, cpu_idle;
    uint64_t received, sent;
    bool had_cpu, had_network; /* in the reading before */
} agent_sampler;

void sampler_take(agent_sampler *sampler, agent_reading *ret_reading);
/* The file a probe reads, for messages. */
const char *sampler_source(const agent_sampler *sampler, agent_probe probe);
/* {"time":...}: what could be read. Returns its size; at most `size` - 1. */
size_t sampler_format(const agent_reading *reading, char *ret_text, size_t size);
