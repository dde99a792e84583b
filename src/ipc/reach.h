/* SPDX-License-Identifier: MIT */
/*
 * Which session's modules may send to which: one rule for the host, which tells the module, and for
 * the broker, which does not believe the host. Values; any thread.
 */
#pragma once

#include "ipc/limits.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Open between the broker's own session and every user's, both ways, and closed between two users'.
 * To every session is always open: it reaches those that one may reach.
 */
bool umh_reach_is_open(uint32_t from, uint32_t to);
/* Whether the refusal of that number is said in the log: the 1st, 2nd, 4th, 8th, ... */
bool umh_reach_is_worth_saying(uint64_t refused_count);
