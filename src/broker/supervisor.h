/* SPDX-License-Identifier: MIT */
/*
 * Which hosts exist. Performs the steps that config/diff computed; the only place that starts or
 * stops a host. Owns the hosts and the overrides.
 *
 * The start is a sequence of stages (`Stage`): hosts of one are started, and told to go together
 * when none is on its way to ready any more, or StartTogetherMs later; then the next begins. Who
 * waits for its back-off is not waited for. After the last stage a host goes when it is ready.
 */
#pragma once

#include "broker/host.h"

UMH_MUST_USE int umh_supervisor_new(umh_broker *broker, umh_supervisor **ret_supervisor);
umh_supervisor *umh_supervisor_free(umh_supervisor *supervisor); /* no host may have a process */

/*
 * Have reconcile run at the end of this turn. Idempotent; after a death, an override, a change of
 * what is wanted.
 */
void umh_supervisor_reconcile_soon(umh_supervisor *supervisor);
/* the end of a turn: stops that wait for memory, reconcile, start-together, the end of a stop */
void umh_supervisor_settle(umh_supervisor *supervisor);

/* A host is in another state: it may go, start-together may be due. */
void umh_supervisor_on_host_change(umh_supervisor *supervisor, umh_host *host);
/*
 * Every host is asked to end, in parallel; `is_hard`: killed. umh_supervisor_is_idle when the last
 * is gone.
 */
void umh_supervisor_stop(umh_supervisor *supervisor, bool is_hard);
bool umh_supervisor_is_idle(const umh_supervisor *supervisor);
/* Whether some stage of the start is not over. */
bool umh_supervisor_is_starting(const umh_supervisor *supervisor);

/* Have umh_module_retry_stop called at the end of every turn, until it is taken from the list. */
void umh_supervisor_await_reserve(umh_supervisor *supervisor, umh_host_module *module);

/* Hosts in the order of the file. */
umh_list *umh_supervisor_hosts(umh_supervisor *supervisor);
umh_host *umh_supervisor_find(umh_supervisor *supervisor, const char *host_id);

/*
 * The steps that reconcile would perform now, with `config` instead of the broker's unless it is
 * NULL; each is borrowed for the call.
 */
UMH_MUST_USE int umh_supervisor_each_step(umh_supervisor *supervisor, const umh_config *config,
                                          void (*visit)(void *context, const umh_step *step),
                                          void *context);

/*
 * The broker has another configuration than `before`: what an operator changed of hosts whose entry
 * is another is forgotten, and the stages begin anew where there are several.
 */
void umh_supervisor_on_config(umh_supervisor *supervisor, const umh_config *before);
/* Reconcile now; every step is shown before the first is performed. */
UMH_MUST_USE int umh_supervisor_perform(umh_supervisor *supervisor,
                                        void (*visit)(void *context, const umh_step *step),
                                        void *context);
/*
 * One that has ended and is not started again is, as after a reset: it has been applied anew.
 * False: there is no such host.
 */
bool umh_supervisor_revive(umh_supervisor *supervisor, const char *host_id);

/*
 * An operator's change at run time: remembered as an override, then performed. The waiter may be
 * NULL. Outcomes: UMH_SUPERVISOR_REFUSED (why).
 */
enum { UMH_SUPERVISOR_REFUSED = 1 };
UMH_MUST_USE int umh_supervisor_load(umh_supervisor *supervisor, const char *host_id,
                                     const char *module, umh_waiter *waiter, umh_why *ret_why);
UMH_MUST_USE int umh_supervisor_unload(umh_supervisor *supervisor, const char *host_id,
                                       const char *module, umh_waiter *waiter, umh_why *ret_why);
/* What an operator changed of a host is forgotten; reconcile follows later. */
void umh_supervisor_forget_overrides(umh_supervisor *supervisor, const char *host_id);
/* The same of all hosts of a session, which never comes back. */
void umh_supervisor_forget_session(umh_supervisor *supervisor, uint32_t number);
/*
 * Forget how often the host ended: one that waits for its next start, or is not started again by
 * itself, starts now (`ret_starts`).
 */
UMH_MUST_USE int umh_supervisor_reset(umh_supervisor *supervisor, const char *host_id,
                                      bool *ret_starts, umh_why *ret_why);
UMH_MUST_USE int umh_supervisor_reload(umh_supervisor *supervisor, const char *host_id,
                                       const char *module, umh_waiter *waiter, umh_why *ret_why);
