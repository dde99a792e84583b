/* SPDX-License-Identifier: MIT */
/* The tables behind config/schema.h, and what they are written with. Static data. */
#pragma once

#include "config/schema.h"

#include <stddef.h>

#define ROWS(table)                                                                                \
    {                                                                                              \
        .items = (table), .count = UMH_COUNT_OF(table)                                             \
    }

/* A list is a pointer and, right behind it, its count. */
#define COUNT_FOLLOWS(type, list, count)                                                           \
    _Static_assert(offsetof(type, count) == offsetof(type, list) + sizeof(void *), #list)

#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(value) #value
#define FALLBACK_IS(limit, value) _Static_assert((limit) == (value), #limit)

extern const umh_schema_rows umh_schema_root;
extern const umh_schema_rows umh_schema_host;
extern const umh_schema_rows umh_schema_module;
extern const umh_schema_rows umh_schema_restart;
extern const umh_schema_rows umh_schema_timeouts;
extern const umh_schema_rows umh_schema_hold;
extern const umh_schema_rows umh_schema_limits;
extern const umh_schema_rows umh_schema_dotnet;
extern const umh_schema_rows umh_schema_gc;
