/* SPDX-License-Identifier: MIT */
/* The names of the log levels. */
#include "base/log.h"

#include "base/auto.h"

typedef struct level_name {
    const char *text;
    umh_log_level level;
} level_name;

static const char *const level_names[UMH_LOG_LEVEL_COUNT] = {
    [UMH_LOG_TRACE] = "trace",     [UMH_LOG_DEBUG] = "debug", [UMH_LOG_INFO] = "info",
    [UMH_LOG_WARNING] = "warning", [UMH_LOG_ERROR] = "error", [UMH_LOG_CRITICAL] = "critical",
};

static const level_name other_names[] = {{"warn", UMH_LOG_WARNING}, {"fatal", UMH_LOG_CRITICAL}};

/* tolower asks the locale, in which "INFO" may have another lower case. */
static char lower(char character)
{
    return character >= 'A' && character <= 'Z' ? (char)(character - 'A' + 'a') : character;
}

static bool is_same_word(const char *one, const char *other)
{
    while (*one && lower(*one) == lower(*other)) {
        one++;
        other++;
    }
    return lower(*one) == lower(*other);
}

const char *umh_log_level_name(umh_log_level level)
{
    return (unsigned)level < UMH_LOG_LEVEL_COUNT ? level_names[level] : "?";
}

bool umh_log_level_find(const char *name, umh_log_level *ret_level)
{
    if (!name)
        return false;
    for (size_t i = 0; i < UMH_COUNT_OF(level_names); i++) {
        if (is_same_word(level_names[i], name)) {
            *ret_level = (umh_log_level)i;
            return true;
        }
    }
    for (size_t i = 0; i < UMH_COUNT_OF(other_names); i++) {
        if (is_same_word(other_names[i].text, name)) {
            *ret_level = other_names[i].level;
            return true;
        }
    }
    return false;
}
