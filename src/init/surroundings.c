/* SPDX-License-Identifier: MIT */
/* What holds for the first process of a host, and by that for all that it starts. */
#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool failed(umh_init_failure *failure, const char *step)
{
    *failure = (umh_init_failure){.step = step, .error = errno};
    return false;
}

static bool keep_to_itself(int descriptor)
{
    return descriptor < 0 || fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

bool umh_init_follow_parent(const umh_init_options *options, umh_init_failure *ret_failure)
{
    struct pollfd parent = {.fd = options->parent, .events = 0};

    if (options->parent < 0)
        return true;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return failed(ret_failure, "set the death signal");
    /*
     * A broker that died before that line sends no signal any more. Its descriptors are closed
     * before its children learn of its death: whoever missed the signal sees the end here.
     * (Nobody's pid would tell: from within a namespace the broker has none.)
     */
    if (poll(&parent, 1, 0) != 0)
        _exit(UMH_INIT_FAILED);
    return true;
}

/*
 * Mounts of the system still arrive here, so that a host sees a disk that comes later; nothing of
 * here arrives there.
 */
static bool mount_own_proc(umh_init_failure *failure)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
        return failed(failure, "keep mounts to the namespace");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return failed(failure, "mount /proc");
    return true;
}

bool umh_init_enter(const umh_init_options *options, umh_init_failure *ret_failure)
{
    if (!keep_to_itself(options->parent) || !keep_to_itself(options->report) ||
        !keep_to_itself(options->cgroup))
        return failed(ret_failure, "take what it was given");
    if (!umh_init_follow_parent(options, ret_failure))
        return false;
    if (options->cgroup >= 0 && write(options->cgroup, "0", 1) != 1)
        return failed(ret_failure, "enter the control group");
    return !options->is_namespace || mount_own_proc(ret_failure);
}
