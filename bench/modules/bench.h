/* SPDX-License-Identifier: MIT */
/* What the benchmark's modules share: services, the clock, results as log records. */
#pragma once

#include "umh/module.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_TEXT_BYTES_MAX 65536u

/* Text: how many messages of how many bytes. run.py knows this one, too. */
static const umh_guid_v1 bench_go = UMH_GUID_V1(0x0B5E0001, 0x7A3C, 0x4F0E, 0x9B1D, 0x52C6E0A17F01);
/* One way; what begins with BENCH_LAST ends a round. */
static const umh_guid_v1 bench_stream =
    UMH_GUID_V1(0x0B5E0002, 0x7A3C, 0x4F0E, 0x9B1D, 0x52C6E0A17F02);
static const umh_guid_v1 bench_question =
    UMH_GUID_V1(0x0B5E0003, 0x7A3C, 0x4F0E, 0x9B1D, 0x52C6E0A17F03);
static const umh_guid_v1 bench_answer =
    UMH_GUID_V1(0x0B5E0004, 0x7A3C, 0x4F0E, 0x9B1D, 0x52C6E0A17F04);
static const umh_guid_v1 bench_self =
    UMH_GUID_V1(0x0B5E0005, 0x7A3C, 0x4F0E, 0x9B1D, 0x52C6E0A17F05);

#define BENCH_MORE 'x'
#define BENCH_LAST '!'

static inline uint64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What `go` asks for; what makes no sense is taken as the nearest that does. */
static inline void bench_read_go(const umh_message_v1 *message, uint64_t *ret_count,
                                 size_t *ret_bytes)
{
    char *rest;

    *ret_count = strtoull(message->text, &rest, 10);
    *ret_bytes = (size_t)strtoull(rest, NULL, 10);
    if (*ret_count == 0)
        *ret_count = 1;
    if (*ret_bytes == 0)
        *ret_bytes = 1;
    if (*ret_bytes > BENCH_TEXT_BYTES_MAX)
        *ret_bytes = BENCH_TEXT_BYTES_MAX;
}

/* run.py reads `result` records: two numbers with their names. */
static inline void bench_say(const umh_host_v1 *host, const char *key, uint64_t value,
                             const char *other_key, uint64_t other_value)
{
    char texts[2][24];
    const umh_pair_v1 pairs[] = {{key, texts[0]}, {other_key, texts[1]}};

    snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, value);
    snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, other_value);
    host->log(host, UMH_V1_INFO, "result", pairs, 2);
}
