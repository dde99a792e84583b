/* SPDX-License-Identifier: MIT */
/*
 * For test modules: numbers and texts of their `Config`, services by number, answers as text. The
 * configuration is compact JSON that the tests write, so finding `"Key":` in it is enough.
 */
#pragma once

#include "services.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONFIGURED_TEXT_BYTES 512

static inline long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Behind `"key":`, or NULL. */
static inline const char *config_find(const umh_host_v1 *host, const char *key)
{
    char wanted[64];
    const char *found;

    snprintf(wanted, sizeof(wanted), "\"%s\":", key);
    found = strstr(host->configuration(host), wanted);
    return found ? found + strlen(wanted) : NULL;
}

static inline long long config_number(const umh_host_v1 *host, const char *key, long long fallback)
{
    const char *found = config_find(host, key);

    return found ? strtoll(found, NULL, 10) : fallback;
}

/* A text without escapes; empty when it is not there. */
static inline void config_text(const umh_host_v1 *host, const char *key, char *ret_text,
                               size_t capacity)
{
    const char *found = config_find(host, key);
    size_t size = found && *found == '"' ? strcspn(found + 1, "\"") : 0;

    if (size >= capacity)
        size = capacity - 1;
    if (size > 0)
        memcpy(ret_text, found + 1, size);
    ret_text[size] = '\0';
}

/* The test service whose number is the value of `key`. */
static inline umh_guid_v1 config_service(const umh_host_v1 *host, const char *key)
{
    umh_guid_v1 service = TEST_SERVICE(config_number(host, key, 0));

    return service;
}

static inline bool is_service(const umh_message_v1 *message, const umh_guid_v1 *service)
{
    return memcmp(&message->service, service, sizeof(*service)) == 0;
}

/* A short text to a service, accepted in any callback. */
static inline void answer(const umh_host_v1 *host, const umh_guid_v1 *service, const char *format,
                          ...)
{
    char text[CONFIGURED_TEXT_BYTES];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < sizeof(text))
        host->send(host, service, UMH_SESSION_ANY, text, (size_t)size, UMH_FOREVER_MS);
}
