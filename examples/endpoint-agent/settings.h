/* SPDX-License-Identifier: MIT */
/*
 * Values of a module's configuration: the compact JSON object that the host hands over. Only its
 * top level is looked at, and the host has checked that it is JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* One member: the key without its quotes, and where its value begins and ends. */
typedef struct agent_setting {
    const char *key;
    size_t key_size;
    const char *value;
    size_t value_size;
} agent_setting;

/* Past the text whose opening quote is at `at`. */
static inline const char *settings_skip_text(const char *at)
{
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++;
    }
    return *at ? at + 1 : at;
}

static inline const char *settings_skip_value(const char *at)
{
    int depth = 0;

    while (*at && (depth > 0 || (*at != ',' && *at != '}'))) {
        if (*at == '"') {
            at = settings_skip_text(at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        if (*at == '}' || *at == ']')
            depth--;
        at++;
    }
    return at;
}

/* The member at `*at`, which begins as the configuration's text. False: there is no further one. */
static inline bool settings_next(const char **at, agent_setting *ret_setting)
{
    const char *key = *at + (**at == '{' || **at == ',');
    const char *value;

    if (*key != '"')
        return false;
    value = settings_skip_text(key);
    *ret_setting = (agent_setting){.key = key + 1, .key_size = (size_t)(value - key) - 2};
    if (*value != ':')
        return false;
    *at = settings_skip_value(++value);
    ret_setting->value = value;
    ret_setting->value_size = (size_t)(*at - value);
    return true;
}

static inline bool settings_is(const agent_setting *setting, const char *key)
{
    return setting->key_size == strlen(key) && memcmp(setting->key, key, setting->key_size) == 0;
}

/* False: not a whole number from `low` to `high`. */
static inline bool settings_get_number(const agent_setting *setting, long long low, long long high,
                                       long long *ret_number)
{
    char *end;
    long long number = strtoll(setting->value, &end, 10);

    if (end != setting->value + setting->value_size || number < low || number > high)
        return false;
    *ret_number = number;
    return true;
}

/* False: not a text of less than `size` bytes, or with an escape that no path needs. */
static inline bool settings_get_text(const agent_setting *setting, char *ret_text, size_t size)
{
    const char *at = setting->value + 1;
    const char *end = setting->value + setting->value_size - 1;
    size_t count = 0;

    if (setting->value_size < 2 || *setting->value != '"')
        return false;
    for (; at < end && count + 1 < size; at++) {
        if (*at == '\\' && !strchr("\"\\/", *++at))
            return false;
        ret_text[count++] = *at;
    }
    ret_text[count] = '\0';
    return at == end;
}
