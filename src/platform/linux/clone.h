/* SPDX-License-Identifier: MIT */
/* glibc's clone, for a child that runs in the memory of its parent until it executes a program. */
#pragma once

#include <sched.h>
#include <stddef.h>
#include <sys/types.h>

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

typedef struct umh_clone_spec {
    int (*run)(void *argument); /* what it returns is the child's exit code */
    void *argument;
    void *stack; /* its lowest byte */
    size_t stack_bytes;
    int flags;       /* CLONE_VM, CLONE_VFORK and CLONE_PIDFD are among them */
    int exit_signal; /* beside the flags, not in them */
    int *ret_pidfd;
    int group; /* the folder of a control group, open */
} umh_clone_spec;

/*
 * The same, of a child that begins in a control group. -1: errno says why; any reason means that it
 * can still enter the group by itself, or learn why it cannot. A system call and nothing else, no
 * handler of which glibc knows is called.
 *
 * To be moved is dear: it waits until every processor has let go of what it read of the groups, 5
 * to 15 ms, a third of what a .NET program takes to start. To be born there costs nothing.
 */
pid_t umh_clone_into(const umh_clone_spec *spec);
