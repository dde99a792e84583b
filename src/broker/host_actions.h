/* SPDX-License-Identifier: MIT */
/*
 * What the cells of the two tables do, and what those who do it share. The state is the next one
 * already when an action runs, so an action may let something happen in turn.
 */
#pragma once

#include "broker/host.h"

/* How long a host may live after its pipe was closed, by us or by itself. */
#define UMH_HOST_EOF_MS 1000u
#define UMH_EXPLAIN_MS 45000u /* added to UnloadMs, for an unload that is to be explained */
/* From killing a host that is still there to saying so, once; then it is waited for without end. */
#define UMH_HOST_UNDEAD_MS 3000u
/* Between two reloads that a module asks for itself. One that always asks is always reloaded. */
#define UMH_ASKED_RELOAD_MS 1000u

/* --- of a host: host_process.c spawns and buries, host_phases.c is between ----------------- */
void umh_host_ignore(umh_host *host);
/* Pipes, page, account, peer and log source are made first: after the start nothing can fail. */
void umh_host_spawn(umh_host *host);
void umh_host_greet(umh_host *host);  /* the process runs */
void umh_host_admit(umh_host *host);  /* it said hello: load */
void umh_host_settle(umh_host *host); /* all loaded or failed: ready */
void umh_host_go(umh_host *host);
void umh_host_ask(umh_host *host);
void umh_host_close_pipe(umh_host *host);
void umh_host_end_it(umh_host *host); /* kills; the reason is known */
void umh_host_end_mute(umh_host *host);
void umh_host_end_closed(umh_host *host);
void umh_host_end_stubborn(umh_host *host);
void umh_host_end_second_hello(umh_host *host);
void umh_host_await_end(umh_host *host);   /* EOF: its death should be next */
void umh_host_note_undead(umh_host *host); /* killed long ago */
void umh_host_abandon(umh_host *host);     /* nothing runs yet */
/* Its pipe has been drained: log, reason, slots, connection and credit, modules, back-off. */
void umh_host_bury(umh_host *host);
void umh_host_bury_unborn(umh_host *host);
void umh_host_become_due(umh_host *host);
void umh_host_forget_due(umh_host *host);

/* --- of a module: host_module.c ------------------------------------------------------------- */
void umh_module_ignore(umh_host_module *module);
void umh_module_fetch(umh_host_module *module);
void umh_module_cancel_fetch(umh_host_module *module);
void umh_module_take_copy(umh_host_module *module);
void umh_module_miss_copy(umh_host_module *module);
void umh_module_load(umh_host_module *module);
void umh_module_take_loaded(umh_host_module *module);
void umh_module_start(umh_host_module *module);
void umh_module_take_started(umh_host_module *module);
void umh_module_ask_configure(umh_host_module *module);
void umh_module_take_configured(umh_host_module *module);
void umh_module_refuse_config(umh_host_module *module); /* it is reloaded instead */
void umh_module_stop(umh_host_module *module);
void umh_module_take_stopped(umh_host_module *module);
void umh_module_stop_failed(umh_host_module *module);
void umh_module_unload(umh_host_module *module);
void umh_module_go_on(umh_host_module *module); /* it is out of the process: end, or come back */
void umh_module_replace(umh_host_module *module);
void umh_module_leave(umh_host_module *module); /* host_module_held.c; it goes on beside the rest */
void umh_module_stay(umh_host_module *module);  /* the same; its slot is not free */
void umh_module_fail(umh_host_module *module);
void umh_module_violate(umh_host_module *module); /* an error where none may be */
void umh_module_be_late(umh_host_module *module);
void umh_module_be_gone(umh_host_module *module);
void umh_module_be_gone_early(umh_host_module *module); /* while it was loaded or started */
void umh_module_be_gone_failed(umh_host_module *module);

/* --- shared --------------------------------------------------------------------------------- */

/* A slot of its own, fetched at once. */
UMH_MUST_USE int umh_module_new(umh_host *host, const umh_module_config *config, uint16_t number,
                                umh_host_module **ret_module);
/* Ends the slot; its waiters are told `outcome`, or why not. May be called within an event. */
void umh_module_free(umh_host_module *module, const char *outcome, const umh_why *why);
/* Have the waiter (may be NULL) told of what is under way. */
void umh_module_await(umh_host_module *module, umh_waiter *waiter);
void umh_module_tell_waiters(umh_host_module *module, bool is_ok, const char *outcome,
                             const umh_why *why);
/* See umh_supervisor_await_reserve. */
void umh_module_retry_stop(umh_host_module *module);

/*
 * The host could not let go of it: `why` says what holds it, `left` is the number of what is left,
 * 0: its slot is not free. `explanation` is borrowed, and may be NULL.
 */
void umh_module_take_held(umh_host_module *module, int64_t left, const umh_json *explanation);
/* What the host told: `text` is left to the successor in a reload, NULL: nothing. */
void umh_module_keep_left_state(umh_host_module *module, const char *text);
/* A callback of it threw, and its OnException wants more than the record in the log. */
void umh_module_on_exception(umh_host_module *module, const char *why);
/*
 * The module itself asks: now, or as soon as its host runs and it has not just got one. The end of
 * its process, or another reload, ends the wish.
 */
void umh_module_on_reload_asked(umh_host_module *module);

/* The process has said hello and is not about to be ended: it takes commands for modules. */
bool umh_host_takes_commands(const umh_host *host);
/* A module got somewhere: the host may be settled, or ready to be replaced. */
void umh_host_on_module_change(umh_host *host);
/* Every module is stopped, then the process ends and another is started: `why` is logged. */
void umh_host_replace(umh_host *host, const char *why);
/* Keep the reason of an end for cause, once, and log it. */
void umh_host_lose(umh_host *host, umh_death_kind kind, const char *format, ...) UMH_PRINTF(3, 4);
/* host_limits.c: a limit that was reached becomes the reason, or stands behind it. */
void umh_host_blame_limit(umh_host *host);
/* Say once of a process what it was refused, though it lives. */
void umh_host_look_at_limits(umh_host *host);
/* What the black box says of it, behind the reason. */
void umh_host_add_evidence(umh_host *host);

/* Everything that ends with the process; what runs is killed. Idempotent. */
void umh_host_release_process(umh_host *host);
/* The slots lose their connection: what they hold waits for the next, if there will be one. */
void umh_host_disconnect_slots(umh_host *host);

/* --- the connection: host_peer.c ------------------------------------------------------------ */
umh_peer_events umh_host_peer_events(umh_host *host);
umh_credit_account_events umh_host_account_events(umh_host *host);
