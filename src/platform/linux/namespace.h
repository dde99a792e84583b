/* SPDX-License-Identifier: MIT */
/* Who is who in a process namespace, as seen from outside. */
#pragma once

#include "platform/process.h"

/*
 * The first child of the namespace's init, found by a look at every process: for kernels that do
 * not list the children of one. 0: there is none.
 */
int64_t umh_namespace_scan(int64_t init);
