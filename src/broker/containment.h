/* SPDX-License-Identifier: MIT */
/*
 * That nothing a host starts outlives the host, and no host the broker, as far as the containment
 * goes (umh_containment in platform/process.h).
 */
#pragma once

#include "broker/host_spawn.h"

/*
 * At the start, once: which containment this broker may use, and the lifeline of all hosts. Close
 * is for a broker without hosts.
 */
UMH_MUST_USE int umh_containment_open(umh_broker *broker);
void umh_containment_close(umh_broker *broker);
/* One line of the log where it is not the strongest. */
void umh_containment_say(const umh_broker *broker);
const char *umh_containment_name(umh_containment containment); /* "namespace" */

/* A step of a start, see host_spawn.h. */
UMH_MUST_USE int umh_spawn_contain(const umh_host *host, umh_spawn *spawn);
/* What the init knows better of an end than who reaped it. */
void umh_containment_correct_end(const umh_host *host, umh_process_end *end);
