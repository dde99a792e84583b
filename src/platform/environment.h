/* SPDX-License-Identifier: MIT */
/*
 * The environment of this process and the one a child gets. The only place that calls getenv. Main
 * thread.
 */
#pragma once

#include "base/auto.h"
#include "base/bytes.h"

const char *umh_environment_get(const char *name); /* borrowed; NULL: not set or empty */
/* For this process, before threads start (the CLR looks at it). */
UMH_MUST_USE int umh_environment_set(const char *name, const char *value);

/* A list "NAME=value" for a child, NULL-terminated. */
typedef struct umh_environment {
    char **entries; /* owned */
    size_t count;
} umh_environment;

#define UMH_ENVIRONMENT_INIT                                                                       \
    {                                                                                              \
        .entries = NULL, .count = 0                                                                \
    }

/*
 * From this process's environment only what the allow-list names: PATH HOME USER LOGNAME SHELL LANG
 * LC_* TZ TMPDIR XDG_RUNTIME_DIR DISPLAY WAYLAND_DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS
 * (Windows: SystemRoot, TEMP, ...). Nothing that steers a loader or the CLR.
 */
UMH_MUST_USE int umh_environment_init_filtered(umh_environment *ret_environment);
/* The same of a given list "NAME=value", NULL-terminated, which may come from anyone. */
UMH_MUST_USE int umh_environment_filter(const char *const *entries,
                                        umh_environment *ret_environment);
UMH_MUST_USE int umh_environment_copy(const umh_environment *from, umh_environment *ret_copy);
/* A value, borrowed until the next change; NULL: not in it. */
const char *umh_environment_find(const umh_environment *environment, const char *name);
/* Replace or add; value NULL removes. */
UMH_MUST_USE int umh_environment_put(umh_environment *environment, const char *name,
                                     const char *value);
void umh_environment_deinit(umh_environment *environment);
UMH_DEFINE_AUTO(umh_environment);
