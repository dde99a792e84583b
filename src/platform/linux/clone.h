/* SPDX-License-Identifier: MIT */
/* glibc's clone, for a child that runs in the memory of its parent until it executes a program. */
#pragma once

#include <sched.h>

#if defined(__SANITIZE_THREAD__)
/*
 * The thread sanitizer takes every clone for a fork, after which it looks at nothing any more in a
 * child that had threads: here that is the parent, too, whose memory it is. glibc's other name goes
 * past it.
 */
/* NOLINTNEXTLINE: the name is glibc's */
int __clone(int (*run)(void *argument), void *stack, int flags, void *argument, ...);
#define UMH_CLONE __clone
#else
#define UMH_CLONE clone
#endif
