/* SPDX-License-Identifier: MIT */
/* What runtime.c, which decides, and runtime_needs.c, which reads, have in common. */
#pragma once

#include "config/runtime.h"
#include "formats/jsonc.h"

#define UMH_RUNTIME_MAIN_FRAMEWORK "Microsoft.NETCore.App"

/* One row per umh_runtime_setting. */
typedef struct umh_runtime_setting_row {
    const char *property; /* as a runtimeconfig.json has it */
    const char *key;      /* of DotNet */
    bool is_switch;
    int64_t fallback; /* .NET's own */
    int64_t own;      /* ManagedHost's, see its project */
} umh_runtime_setting_row;

extern const umh_runtime_setting_row umh_runtime_setting_rows[RUNTIME_SETTING_COUNT];

/* A property's text as a number. False: it is none. */
bool umh_runtime_parse_value(const char *text, int64_t *ret_value);
/*
 * The NAME.runtimeconfig.json beside NAME.dll. Outcomes: UMH_RUNTIME_UNUSABLE (also when there is
 * none: *ret_is_there then is false).
 */
UMH_MUST_USE int umh_runtime_read_file(const char *image, umh_json **ret_root, bool *ret_is_there,
                                       umh_why *ret_why);
/* What it asks for. Outcomes: UMH_RUNTIME_UNUSABLE. */
UMH_MUST_USE int umh_runtime_take_file(const char *image, const umh_json *root,
                                       umh_runtime_needs *ret_needs, umh_why *ret_why);
