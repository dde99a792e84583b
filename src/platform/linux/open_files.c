/* SPDX-License-Identifier: MIT */
/* How many files a process may be allowed to open. */
#include "platform/process.h"

#include <sys/resource.h>

bool umh_process_allows_open_files(int64_t count)
{
    struct rlimit now;
    struct rlimit more;

    if (getrlimit(RLIMIT_NOFILE, &now) < 0)
        return false;
    if ((uint64_t)count <= now.rlim_max)
        return true;
    /* Only an attempt tells: it takes a capability, and the system has a maximum of its own. */
    more = (struct rlimit){.rlim_cur = now.rlim_cur, .rlim_max = (rlim_t)count};
    if (setrlimit(RLIMIT_NOFILE, &more) < 0)
        return false;
    umh_ignore(setrlimit(RLIMIT_NOFILE, &now));
    return true;
}
