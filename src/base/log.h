/* SPDX-License-Identifier: MIT */
/*
 * Levels of log records and where a program's own records go. Not thread-safe: each program sets
 * its sink before it starts threads.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>

typedef enum umh_log_level {
    UMH_LOG_TRACE,
    UMH_LOG_DEBUG,
    UMH_LOG_INFO,
    UMH_LOG_WARNING,
    UMH_LOG_ERROR,
    UMH_LOG_CRITICAL,
    UMH_LOG_LEVEL_COUNT
} umh_log_level;

/* "trace", "debug", "info", "warning", "error", "critical". Static text. */
const char *umh_log_level_name(umh_log_level level);

/* Also "warn", "fatal" and any case. False: no such level; *ret_level untouched. */
bool umh_log_level_find(const char *name, umh_log_level *ret_level);
