/* SPDX-License-Identifier: MIT */
/* How many files a process may be allowed to open. */
#include "platform/process.h"

#include <stdint.h>
#include <sys/resource.h>

static int64_t number_of(rlim_t limit)
{
    return limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
}

void umh_process_raise_open_files(int64_t *ret_before, int64_t *ret_now)
{
    struct rlimit before = {.rlim_cur = 0};
    struct rlimit now;

    umh_ignore(getrlimit(RLIMIT_NOFILE, &before));
    now = (struct rlimit){.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &now) < 0)
        now = before;
    *ret_before = number_of(before.rlim_cur);
    *ret_now = number_of(now.rlim_cur);
}

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
