/* SPDX-License-Identifier: MIT */
/* Versions: three numbers, and what stands behind them. */
#include "formats/version.h"

#include "base/auto.h"

#include <stdlib.h>
#include <string.h>

typedef struct version {
    unsigned long number[3];
    const char *rest; /* "-preview.3", or empty */
} version;

static version version_of(const char *text)
{
    version parsed = {.rest = text};

    for (size_t i = 0; i < UMH_COUNT_OF(parsed.number); i++) {
        char *end = NULL;

        parsed.number[i] = strtoul(parsed.rest, &end, 10);
        parsed.rest = *end == '.' && i + 1 < UMH_COUNT_OF(parsed.number) ? end + 1 : end;
    }
    return parsed;
}

bool umh_version_is_higher(const char *one, const char *other)
{
    version a = version_of(one);
    version b = version_of(other);

    for (size_t i = 0; i < UMH_COUNT_OF(a.number); i++) {
        if (a.number[i] != b.number[i])
            return a.number[i] > b.number[i];
    }
    if (!*a.rest || !*b.rest)
        return !*a.rest && *b.rest;
    return strcmp(a.rest, b.rest) > 0;
}
