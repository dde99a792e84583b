/* SPDX-License-Identifier: MIT */
/*
 * Expects the numbers from 0 on, in order and one call at a time, and answers "report" with how
 * many came and how many were wrong. Every thousandth takes 5 ms: long enough to be noticed.
 */
#include "services.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAUSE_EVERY 1000
#define PAUSE_NS 5000000

static const umh_guid_v1 asked = COUNTER_ASKED;
static const umh_guid_v1 answered = COUNTER_ANSWERED;
static const umh_host_v1 *used_host;
static atomic_bool is_inside;
static unsigned long count; /* not atomic: calls follow each other, on whatever threads */
static unsigned long error_count;

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    return 0;
}

static void pause_now_and_then(void)
{
    long long until = now_ns() + PAUSE_NS;

    while (count % PAUSE_EVERY == 0 && now_ns() < until)
        continue;
}

static void report(void)
{
    char text[64];
    int length = snprintf(text, sizeof(text), "count=%lu errors=%lu", count, error_count);

    used_host->send(used_host, &answered, UMH_SESSION_ANY, text, (size_t)length, 0);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    (void)state;
    if (atomic_exchange(&is_inside, true))
        error_count++;
    if (strcmp(message->text, "report") == 0) {
        report();
    } else {
        error_count += strtoul(message->text, NULL, 10) != count;
        count++;
        pause_now_and_then();
    }
    atomic_store(&is_inside, false);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "counter",
        .version = "1.0",
        .services = &asked,
        .service_count = 1,
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
