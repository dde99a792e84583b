/* SPDX-License-Identifier: MIT */
/*
 * The .NET runtime of a host: what its managed modules ask for in their NAME.runtimeconfig.json,
 * what its DotNet says, and whether one runtime can be both. Versions are resolved only as far as
 * needed to say no early; hostfxr has the last word. Reads files. Any thread.
 */
#pragma once

#include "base/why.h"
#include "config/config.h"

#define UMH_FRAMEWORK_NAME_BYTES 96u
#define UMH_FRAMEWORK_VERSION_BYTES 48u
#define UMH_FRAMEWORKS_MAX 8u                      /* of a module, and of a host */
#define UMH_RUNTIME_CONFIG_BYTES_MAX (64u * 1024u) /* of a NAME.runtimeconfig.json */

typedef struct umh_framework {
    char name[UMH_FRAMEWORK_NAME_BYTES];
    char version[UMH_FRAMEWORK_VERSION_BYTES]; /* the lowest that will do; empty: any */
} umh_framework;

typedef struct umh_framework_list {
    umh_framework items[UMH_FRAMEWORKS_MAX];
    size_t count;
} umh_framework_list;

/* Properties that make another runtime of it: one process has one value of each. */
typedef enum umh_runtime_setting {
    RUNTIME_GC_SERVER,
    RUNTIME_GC_CONCURRENT,
    RUNTIME_GC_HEAP_LIMIT,
    RUNTIME_GC_HEAP_COUNT,
    RUNTIME_GC_CONSERVE,
    RUNTIME_GC_RETAIN,
    RUNTIME_TIERED_COMPILATION,
    RUNTIME_TIERED_PGO,
    RUNTIME_INVARIANT,
    RUNTIME_SETTING_COUNT
} umh_runtime_setting;

/* A number; of a switch 0 or 1. */
typedef struct umh_runtime_settings {
    bool is_set[RUNTIME_SETTING_COUNT];
    int64_t value[RUNTIME_SETTING_COUNT];
} umh_runtime_settings;

/* What one managed module asks for. A plain value; all zero: nothing. */
typedef struct umh_runtime_needs {
    umh_framework_list frameworks;
    umh_runtime_settings settings;
} umh_runtime_needs;

enum { UMH_RUNTIME_UNUSABLE = 1 };

/* "NAME" or "NAME VERSION", both fit for a path. Outcomes: UMH_RUNTIME_UNUSABLE. */
UMH_MUST_USE int umh_framework_decode(const char *text, umh_framework *ret_framework);

/*
 * What the NAME.runtimeconfig.json beside NAME.dll asks for; no such file: nothing. Outcomes:
 * UMH_RUNTIME_UNUSABLE (it cannot be read, or is that of a self-contained program).
 */
UMH_MUST_USE int umh_runtime_read_needs(const char *image, umh_runtime_needs *ret_needs,
                                        umh_why *ret_why);

typedef struct umh_runtime_module {
    const char *name;
    const umh_runtime_needs *needs;
} umh_runtime_module;

/* All of it is borrowed for the call. */
typedef struct umh_runtime_spec {
    const umh_dotnet_config *dotnet;
    const char *root;      /* of .NET */
    const char *main_file; /* the assembly that hostfxr runs, with a runtimeconfig.json beside it */
    const umh_runtime_module *modules;
    size_t module_count;
} umh_runtime_spec;

/* A runtime that was decided upon. */
typedef struct umh_runtime {
    umh_framework_list frameworks; /* with the lowest versions that will do */
    /* is_set: it was asked for; the value is what holds in any case */
    umh_runtime_settings settings;
    umh_buffer
        config; /* text of a runtimeconfig.json; empty: that beside main_file says the same */
} umh_runtime;

#define UMH_RUNTIME_INIT                                                                           \
    {                                                                                              \
        .config = UMH_BUFFER_INIT                                                                  \
    }

/*
 * One runtime for all of them. No file is looked at where nobody asks for anything special.
 * Outcomes: UMH_RUNTIME_UNUSABLE (why: which modules cannot share it or what is not installed, and
 * what to do about it).
 */
UMH_MUST_USE int umh_runtime_decide(const umh_runtime_spec *spec, umh_runtime *ret_runtime,
                                    umh_why *ret_why);
void umh_runtime_deinit(umh_runtime *runtime);
UMH_DEFINE_AUTO(umh_runtime);

/*
 * Whether a process that was born with `running` does for what was decided now. False: ret_why says
 * what it lacks.
 */
bool umh_runtime_serves(const umh_runtime *running, const umh_runtime *wanted, umh_why *ret_why);
