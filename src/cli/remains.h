/* SPDX-License-Identifier: MIT */
/* What an instance leaves on the disk when it is uninstalled: copies of modules, and its lock. */
#pragma once

#include "base/err.h"
#include "base/why.h"

enum { UMH_REMAINS_STAY = 1 };

/*
 * Remove from the store's folder of an instance what a broker puts there, then the folder, then the
 * one of all instances, where they are empty. Never follows a link. Nothing there is success.
 * Outcomes: UMH_REMAINS_STAY (why: what stays, and why).
 */
UMH_MUST_USE int umh_remains_remove(const char *folder, umh_why *ret_why);
