/* SPDX-License-Identifier: MIT */
/* The built module of a project's folder, for `umh try`. */
#pragma once

#include "base/why.h"

#define UMH_BUILT_ENTRIES_MAX 4096 /* in one folder; what has more is not looked into */

/*
 * In `folder`: NAME.so in it and in its folder build, and bin/.../NAME.dll beside each NAME.csproj
 * in it or one folder deeper, but not of projects named *.Tests. Of several files of one name the
 * newest; of several names that of the folder. `ret_path` has UMH_PATH_BYTES.
 * Outcomes: UMH_BUILT_NONE (why: nothing is built, or several names are).
 */
enum { UMH_BUILT_NONE = 1 };
UMH_MUST_USE int umh_built_find(const char *folder, char *ret_path, umh_why *ret_why);
/* The one of them that is called `name`. Outcomes: UMH_BUILT_NONE. */
UMH_MUST_USE int umh_built_find_named(const char *folder, const char *name, char *ret_path);
