/* SPDX-License-Identifier: MIT */
/*
 * The CLR of this process, by hostfxr in command-line mode: opened for one assembly, then run.
 * There is one per process: an open that failed may be followed by another, one that succeeded may
 * not.
 *
 *   open   any thread; finds hostfxr and the frameworks, loads no CLR yet
 *   run    the thread that Main is to have; the CLR is loaded there
 */
#pragma once

#include "base/why.h"

typedef struct umh_clr umh_clr; /* nobody frees it: whoever opened it keeps it until _exit */

typedef struct umh_clr_property {
    const char *name, *value; /* what AppContext.GetData gives */
    bool is_in_front;         /* of what is there: a list, written like PATH */
} umh_clr_property;

/* All of it is borrowed for the call. */
typedef struct umh_clr_spec {
    const char *dotnet_root;    /* empty: none was found */
    const char *runtime_config; /* a file to use instead of that beside the assembly; NULL: none */
    const char *assembly;       /* absolute path of the file whose Main is run */
    const char *const *arguments; /* Main's */
    size_t argument_count;
    const umh_clr_property *properties;
    size_t property_count;
    /* A file that stands in for what the assembly itself brings under its name; NULL: none. */
    const char *lent_assembly;
    bool diagnostics; /* false: the runtime opens no endpoint */
} umh_clr_spec;

#define UMH_CLR_ARGUMENTS_MAX 256u

enum { UMH_CLR_UNUSABLE = 1 };

/*
 * Outcomes: UMH_CLR_UNUSABLE (ret_why: no .NET in that root, or hostfxr's own words of what is
 * missing, with what to install and where it looked).
 */
UMH_MUST_USE int umh_clr_open(const umh_clr_spec *spec, umh_clr **ret_clr, umh_why *ret_why);

/*
 * Load the CLR and run Main on this thread, once. Returns when Main has, with its exit code.
 * Outcomes: UMH_CLR_UNUSABLE (Main was not reached: ret_why).
 */
UMH_MUST_USE int umh_clr_run(umh_clr *clr, int *ret_code, umh_why *ret_why);
