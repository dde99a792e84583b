/* SPDX-License-Identifier: MIT */
/* Who may send to whom. */
#include "ipc/reach.h"

bool umh_reach_is_open(uint32_t from, uint32_t to)
{
    return from == to || from == UMH_SESSION_OWN || to == UMH_SESSION_OWN ||
           to == UMH_SESSION_EVERY;
}

bool umh_reach_is_worth_saying(uint64_t refused_count)
{
    return refused_count > 0 && (refused_count & (refused_count - 1)) == 0;
}
