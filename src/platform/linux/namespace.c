/* SPDX-License-Identifier: MIT */
/* Whether processes can be contained by a namespace here, and who is who in one. */
#include "platform/linux/namespace.h"

#include "platform/linux/clone.h"
#include "platform/linux/proc.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_STACK_BYTES (16u * 1024)

#define FIRST_CHILD 2 /* in the namespace: the program */

/* ------------------------- the probe */

/* As far as init will go; in the memory of the parent, so that it makes system calls only. */
__attribute__((no_sanitize("address"), no_sanitize("thread"), noinline)) static int try_namespace(
    void *argument)
{
    int *error = argument;

    if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 ||
        syscall(SYS_mount, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        *error = errno;
    syscall(SYS_exit, 0);
    return 0;
}

/* 0, or errno of what stood against it. */
static int probe_namespace(void)
{
    int error = 0;
    sigset_t all;
    sigset_t before;
    pid_t child;
    char *stack = mmap(NULL, PROBE_STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (stack == MAP_FAILED)
        return errno;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    child = UMH_CLONE(try_namespace, stack + PROBE_STACK_BYTES,
                      CLONE_VM | CLONE_VFORK | CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, &error);
    if (child < 0)
        error = errno;
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, PROBE_STACK_BYTES);
    return error;
}

umh_containment umh_process_containment(umh_why *ret_why)
{
    int error = probe_namespace();

    if (error == 0)
        return CONTAINED_BY_NAMESPACE;
    if (ret_why && error == EPERM)
        umh_why_set(ret_why, "not privileged");
    else if (ret_why)
        umh_why_set(ret_why, "the system makes no process namespaces: %s", strerror(error));
    return CONTAINED_BY_GROUP;
}

/* ------------------------- the program's pid */

int64_t umh_namespace_scan(int64_t init)
{
    char path[UMH_PROC_PATH_BYTES];
    char text[UMH_PROC_TEXT_BYTES];
    int64_t found = 0;
    DIR *folder = opendir("/proc");
    struct dirent *entry;

    while (folder && found == 0 && (entry = readdir(folder)) != NULL) {
        long long pid = strtoll(entry->d_name, NULL, 10);

        snprintf(path, sizeof path, "/proc/%lld/status", pid);
        if (pid > 0 && umh_proc_read(path, text) &&
            umh_proc_number(text, "\nPPid:\t", false) == init &&
            umh_proc_number(text, "\nNSpid:\t", true) == FIRST_CHILD)
            found = pid;
    }
    if (folder)
        closedir(folder);
    return found;
}

int64_t umh_process_find_pid(const umh_process *process)
{
    char path[UMH_PROC_PATH_BYTES];
    char text[UMH_PROC_TEXT_BYTES];

    if (!process->is_init || process->handle < 0)
        return process->pid;
    /* In the order in which they came to it: its own first, then orphans. */
    snprintf(path, sizeof path, "/proc/%lld/task/%lld/children", (long long)process->pid,
             (long long)process->pid);
    if (umh_proc_read(path, text))
        return strtoll(text, NULL, 10);
    /* It has ended, or this kernel was built without such files. */
    return access("/proc/thread-self/children", F_OK) == 0 ? 0 : umh_namespace_scan(process->pid);
}
