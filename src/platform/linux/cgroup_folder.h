/* SPDX-License-Identifier: MIT */
/*
 * The files of control groups. `folder` is a descriptor, `name` below it, "host-a/memory.max". What
 * the kernel answers is its errno, 0: done; nothing is recorded. Any thread.
 */
#pragma once

#include "platform/clock.h"

#include <stddef.h>

/* The kernel's texts that are read here are shorter; what is longer is cut. */
#define UMH_CGROUP_TEXT_BYTES 4096

int umh_cgroup_write_file(int folder, const char *name, const char *text);
/* At most UMH_CGROUP_TEXT_BYTES, terminated; empty when it cannot be read. */
int umh_cgroup_read_file(int folder, const char *name, char *ret_text);
/* "memory.max" of the group `group`. */
int umh_cgroup_write_of(int folder, const char *group, const char *file, const char *text);
int umh_cgroup_read_of(int folder, const char *group, const char *file, char *ret_text);
/* Until no process is in it or below, or the deadline. */
void umh_cgroup_await_empty(int folder, const char *group, uint64_t deadline_ns);
/* With the groups below it; EBUSY: a process is in one of them. What is not there is removed. */
int umh_cgroup_remove(int folder, const char *group);
/* The groups below `folder`, themselves left. */
void umh_cgroup_remove_all_below(int folder);
