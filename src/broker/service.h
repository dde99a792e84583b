/* SPDX-License-Identifier: MIT */
/*
 * What the broker tells the system's service manager, when that started it:
 *
 *   ready       the start is over: every host of every stage runs, waits for its next start or is
 *               given up; or UMH_SERVICE_READY_MS have passed. Who waits for the service to have
 *               started finds its hosts there.
 *   status      "12 of 13 hosts run", when it has changed, at most once a turn
 *   reloading   while the configuration is changed
 *   stopping    from the first wish to end on
 *   watchdog    from a timer of the loop: one that hangs is killed and started again
 *
 * What the manager does not take is said again later; nothing waits for it. NULL, which every
 * function takes, is a broker that no manager started.
 */
#pragma once

#include "broker/broker.h"

#define UMH_SERVICE_READY_MS 60000u
#define UMH_SERVICE_AGAIN_MS 100u

UMH_MUST_USE int umh_service_new(umh_broker *broker, umh_service **ret_service);
void umh_service_close(umh_service *service); /* frees itself */

/* Hosts came, went or are in another state: looked at at the end of the turn. */
void umh_service_note(umh_service *service);
/* The end of a turn, after the supervisor's. */
void umh_service_settle(umh_service *service);

/* Around a change of the configuration, performed or refused. */
void umh_service_begin_reload(umh_service *service);
void umh_service_end_reload(umh_service *service);
