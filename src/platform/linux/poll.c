/* SPDX-License-Identifier: MIT */
/* Waiting for one descriptor until a deadline. */
#include "platform/linux/poll.h"

#include "platform/clock.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

int umh_poll(int descriptor, short events, uint64_t deadline_ns, short *ret_events)
{
    struct pollfd poll = {.fd = descriptor, .events = events};

    for (;;) {
        uint64_t now = deadline_ns == UMH_FOREVER ? 0 : umh_clock_now_ns();
        uint64_t rest = deadline_ns > now ? deadline_ns - now : 0;
        struct timespec timeout = {.tv_sec = (time_t)(rest / NS_PER_SECOND),
                                   .tv_nsec = (long)(rest % NS_PER_SECOND)};
        /*
         * ppoll because a deadline rounded to milliseconds would be missed, or waited for in a busy
         * loop.
         */
        int count = ppoll(&poll, 1, deadline_ns == UMH_FOREVER ? NULL : &timeout, NULL);

        if (count > 0) {
            *ret_events = poll.revents;
            return 0;
        }
        if (count == 0)
            return UMH_POLL_TIMEOUT;
        if (errno != EINTR)
            return UMH_FAIL_OS(errno, "wait for descriptor %d", descriptor);
    }
}
