/* SPDX-License-Identifier: MIT */
/*
 * One process of a host, from the wish for it to its burial. Everything that ends with it is made
 * here before it is asked for, so that nothing can fail between its start and the first byte.
 *
 * The order of a burial: what it said last is routed and logged; then what it was doing is noted;
 * then its connection and its credit end, and only then may the next be started.
 */
#include "broker/containment.h"
#include "broker/host_actions.h"
#include "broker/host_runtime.h"
#include "broker/host_spawn.h"
#include "broker/liveness.h"
#include "broker/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The ends of the three pipes; what was given away is UMH_PIPE_NONE. */
typedef struct pipe_ends {
    umh_pipe ours[3], theirs[3]; /* stdin, stdout, stderr of the host */
} pipe_ends;

static void close_ends(pipe_ends *ends)
{
    for (int i = 0; i < 3; i++) {
        umh_pipe_close(&ends->ours[i]);
        umh_pipe_close(&ends->theirs[i]);
    }
}

static int open_ends(pipe_ends *ends)
{
    int r = umh_pipe_new(&ends->theirs[0], &ends->ours[0]);

    if (r == 0)
        r = umh_pipe_new(&ends->ours[1], &ends->theirs[1]);
    if (r == 0)
        r = umh_pipe_new(&ends->ours[2], &ends->theirs[2]);
    return umh_fold(r);
}

static int open_stream(uv_loop_t *loop, umh_pipe *end, uv_pipe_t **ret_stream)
{
    uv_pipe_t *stream = calloc(1, sizeof(*stream));
    int status;

    if (!stream)
        return UMH_FAIL(UMH_E_MEMORY, "open a pipe");
    status = uv_pipe_init(loop, stream, 0);
    if (status != 0) {
        free(stream);
        return UMH_FAIL_UV(status, "open a pipe");
    }
    status = uv_pipe_open(stream, (uv_file)end->handle);
    if (status != 0) {
        umh_peer_discard_stream(stream);
        return UMH_FAIL_UV(status, "open a pipe");
    }
    *end = UMH_PIPE_NONE;
    *ret_stream = stream;
    return 0;
}

static int open_peer(umh_host *host, pipe_ends *ends)
{
    umh_peer_spec spec = {.broker = host->broker,
                          .events = umh_host_peer_events(host),
                          .control_bytes_max = UMH_OUTBOX_CONTROL_BYTES};
    int r = open_stream(&host->broker->loop, &ends->ours[0], &spec.out);

    if (r)
        return r;
    r = open_stream(&host->broker->loop, &ends->ours[1], &spec.in);
    if (r) {
        umh_peer_discard_stream(spec.out);
        return r;
    }
    r = umh_peer_new(&spec, &host->peer);
    return umh_fold(r);
}

static int open_connection(umh_host *host, pipe_ends *ends)
{
    umh_credit_account_events events = umh_host_account_events(host);
    int r = umh_page_create(UMH_BLACKBOX_BYTES, &host->page);

    if (r == 0)
        r = umh_credit_account_new(host->broker->credit, &events, &host->account);
    if (r == 0)
        r = open_peer(host, ends);
    if (r == 0) {
        umh_pipe log = ends->ours[2];

        ends->ours[2] = UMH_PIPE_NONE;
        r = umh_log_source_open(host->broker->logs, host->id, log, &host->log);
    }
    return umh_fold(r);
}

/* --- the start ---------------------------------------------------------------------------- */

static void on_started(void *context, int64_t pid)
{
    umh_host *host = context;

    host->pid = pid;
    umh_host_happen(host, ON_STARTED);
}

static void on_failed(void *context, const umh_failure *failure)
{
    umh_host *host = context;

    umh_death_begin(&host->death, DEATH_AT_START);
    umh_failure_format(failure, host->death.text, sizeof(host->death.text));
    umh_host_happen(host, ON_NO_START);
}

/* What is left in its pipe is its last word, and happens before its end. */
static void on_ended(void *context, const umh_process_end *end)
{
    umh_host *host = context;

    host->end = *end;
    umh_containment_correct_end(host, &host->end);
    umh_peer_drain(host->peer);
    umh_host_happen(host, ON_EXIT);
}

static void take_pipes(umh_host *host, pipe_ends *ends, umh_process_spec *spec)
{
    for (int i = 0; i < 3; i++) {
        spec->standard[i] = ends->theirs[i];
        ends->theirs[i] = UMH_PIPE_NONE;
    }
    spec->inherit[0] = host->page.object;
    spec->report = host->page.object;
    spec->report_offset = UMH_BLACKBOX_REPORT_OFFSET;
    host->page.object = UMH_PIPE_NONE;
}

/* Not a start that failed: it is not tried. */
static void refuse(umh_host *host, umh_death_kind kind, const umh_why *why)
{
    umh_death_begin(&host->death, kind);
    umh_text_put(host->death.text, sizeof(host->death.text), why->text);
}

/* Outcomes: UMH_SPAWN_REFUSED, UMH_SPAWN_REFUSED_FOR_GOOD (the host's death says why). */
static int prepare(umh_host *host, umh_spawn *spawn)
{
    umh_death_kind kind = DEATH_AT_START;
    umh_why why = UMH_WHY_INIT;
    int r = umh_spawn_choose_program(host, spawn, &why);

    if (r == 0)
        r = umh_spawn_choose_identity(host, spawn, &why);
    if (r == 0) {
        kind = DEATH_BY_LIMIT;
        r = umh_spawn_set_limits(host, spawn, &why);
    }
    if (r == 0)
        r = umh_spawn_contain(host, spawn);
    if (r == UMH_SPAWN_REFUSED || r == UMH_SPAWN_REFUSED_FOR_GOOD) {
        refuse(host, kind, &why);
        return r;
    }
    return umh_fold(r);
}

/* Outcomes: UMH_SPAWN_REFUSED, UMH_SPAWN_REFUSED_FOR_GOOD (the host's death says why). */
static int ask_for_process(umh_host *host, pipe_ends *ends)
{
    UMH_AUTO(umh_spawn) spawn = UMH_SPAWN_INIT;
    umh_watch_process_events events = {
        .context = host, .on_started = on_started, .on_failed = on_failed, .on_ended = on_ended};
    int r = prepare(host, &spawn);

    if (r == UMH_SPAWN_REFUSED || r == UMH_SPAWN_REFUSED_FOR_GOOD)
        return r;
    if (r)
        return umh_fold(r);
    take_pipes(host, ends, &spawn.spec);
    r = umh_watch_process_start(&host->broker->loop, &spawn.spec, &events, &host->process);
    spawn.spec.cgroup = UMH_PIPE_NONE;
    return umh_fold(r);
}

static void forget_last_process(umh_host *host)
{
    host->restarts += host->spawned_ns != 0;
    host->spawned_ns = umh_clock_now_ns();
    host->ready_ns = 0;
    host->pid = 0;
    host->next_command_id = 1;
    host->hello_id = 0;
    host->next_ping_ns = 0;
    host->was_asked = false;
    host->is_outdated = false;
    host->was_closed = false;
    host->is_lost = false;
    host->is_due = false;
    host->is_refused = false;
    host->is_misfit = false;
}

void umh_host_spawn(umh_host *host)
{
    pipe_ends ends = {{UMH_PIPE_NONE, UMH_PIPE_NONE, UMH_PIPE_NONE},
                      {UMH_PIPE_NONE, UMH_PIPE_NONE, UMH_PIPE_NONE}};
    umh_failure failure;
    int r;

    umh_deadline_clear(&host->deadline);
    if (host->is_misfit)
        umh_host_fetch_anew(host);
    forget_last_process(host);
    r = open_ends(&ends);
    if (r == 0)
        r = open_connection(host, &ends);
    if (r == 0)
        r = ask_for_process(host, &ends);
    close_ends(&ends);
    if (r == UMH_SPAWN_REFUSED || r == UMH_SPAWN_REFUSED_FOR_GOOD) {
        host->is_refused = r == UMH_SPAWN_REFUSED_FOR_GOOD;
        umh_host_happen(host, ON_NO_START);
    } else if (r) {
        failure = umh_failure_take();
        on_failed(host, &failure);
    }
}

/* --- the end ------------------------------------------------------------------------------ */

void umh_host_release_process(umh_host *host)
{
    umh_deadline_clear(&host->deadline);
    umh_deadline_clear(&host->pong);
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_slot_connect(&host->modules[i]->slot, NULL);
    }
    umh_watch_process_close(UMH_MOVE(host->process));
    umh_log_source_close(UMH_MOVE(host->log));
    umh_peer_close(UMH_MOVE(host->peer));
    host->account = umh_credit_account_free(host->account);
    host->runtime = umh_host_runtime_free(host->runtime);
    host->refused_count += umh_liveness_refused(host);
    umh_page_deinit(&host->page);
    umh_leftovers_deinit(&host->leftovers);
    host->cgroup = umh_cgroup_free(host->cgroup);
    umh_debugger_remove_left(host->diagnostics);
    host->diagnostics[0] = '\0';
    host->is_debugged = false;
    host->pid = 0;
}

void umh_host_disconnect_slots(umh_host *host)
{
    bool is_orderly = host->is_orderly && (host->was_asked || !host->is_lost);
    umh_slot_death death = {.is_orderly = is_orderly,
                            .hold_bytes = (uint64_t)host->config.hold.bytes,
                            .hold_ms = (uint64_t)host->config.hold.seconds * 1000};
    uint64_t lost_count = 0;

    for (uint16_t i = 0; i < host->module_count; i++) {
        umh_slot *slot = host->slots[i];

        if (!slot)
            continue;
        death.consumed_count =
            umh_liveness_consumed(host->modules[i]) - host->modules[i]->consumed_base;
        lost_count += umh_slot_disconnect(slot, &death);
        if (!host->is_wanted)
            umh_slot_set_gate(slot, SLOT_SHUT);
    }
    if (lost_count > 0 && host->is_wanted)
        umh_logs_say(host->broker->logs, UMH_LOG_WARNING, host->id,
                     "%llu message%s lost: it had %s and was not done with %s",
                     (unsigned long long)lost_count, lost_count == 1 ? " is" : "s are",
                     lost_count == 1 ? "it" : "them", lost_count == 1 ? "it" : "them");
}

static void tell_waiters(umh_host *host, const umh_why *why)
{
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_module_tell_waiters(host->modules[i], false, NULL, why);
    }
}

/* It will not be started again. */
static void end_for_good(umh_host *host)
{
    umh_why why = UMH_WHY_INIT;

    umh_why_set(&why, "host '%s' has ended and is not started again: %s", host->id,
                host->death.text);
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_slot_set_gate(&host->modules[i]->slot, SLOT_SHUT);
    }
    tell_waiters(host, &why);
}

/* Nobody waits through one start after the other: what is wrong may need somebody. */
static void tell_no_start(umh_host *host)
{
    umh_why why = UMH_WHY_INIT;

    umh_why_set(&why, "host '%s' does not start, which is tried again: %s", host->id,
                host->death.text);
    tell_waiters(host, &why);
}

static void say_end(umh_host *host, bool is_failure, const char *next)
{
    umh_log_level level = is_failure ? UMH_LOG_ERROR : UMH_LOG_INFO;

    /* Why it was killed has been said. */
    if (host->is_lost)
        umh_logs_say(host->broker->logs, UMH_LOG_INFO, host->id, "ended%s", next);
    else
        umh_logs_say(host->broker->logs, level, host->id, "ended: %s%s", host->death.text, next);
}

/* When the next process may be started. */
static void back_off(umh_host *host, bool is_failure, bool is_replaced)
{
    char why[UMH_BACKOFF_WHY_BYTES];
    char next[sizeof(why) + 64] = "";
    uint64_t delay_ms = 0;

    if (host->is_wanted && host->is_refused) {
        umh_logs_say(host->broker->logs, UMH_LOG_ERROR, host->id,
                     "is not started until it is changed or reset: %s", host->death.text);
        end_for_good(host);
        return;
    }
    if (host->is_wanted && !is_replaced &&
        umh_backoff_on_end(&host->backoff, &host->config.restart, is_failure, host->died_ns,
                           &delay_ms) != RESTART_LATER) {
        umh_backoff_explain(&host->backoff, &host->config.restart, why, sizeof(why));
        snprintf(next, sizeof(next), "; it is not started again: %s", why);
        say_end(host, is_failure, next);
        end_for_good(host);
        return;
    }
    if (host->is_wanted && delay_ms > 0)
        snprintf(next, sizeof(next), "; starts again in %llu ms", (unsigned long long)delay_ms);
    else if (host->is_wanted)
        snprintf(next, sizeof(next), "; starts again");
    say_end(host, is_failure, next);
    if (host->is_wanted && delay_ms > 0)
        umh_deadline_wait(host->broker->deadlines, &host->deadline, delay_ms);
    host->is_due = host->is_wanted && delay_ms == 0;
    if (host->is_wanted && is_failure && host->ready_ns == 0)
        tell_no_start(host);
}

static void finish(umh_host *host, bool is_failure)
{
    bool is_replaced = host->is_orderly && !is_failure;

    host->died_ns = umh_clock_now_ns();
    umh_host_disconnect_slots(host);
    umh_host_release_process(host);
    host->is_orderly = false;
    for (uint16_t i = 0; i < UMH_MODULES_PER_HOST_MAX; i++) {
        if (host->modules[i])
            umh_module_happen(host->modules[i], ON_GONE);
    }
    back_off(host, is_failure, is_replaced);
    umh_supervisor_reconcile_soon(host->broker->supervisor);
}

static void describe_end(umh_host *host)
{
    umh_death_kind kind = umh_death_kind_of(&host->end, host->was_asked && !host->was_closed);

    umh_death_begin(&host->death, kind);
    umh_process_end_describe(&host->end, host->death.text, sizeof(host->death.text));
    umh_host_blame_limit(host);
    umh_host_blame_runtime(host);
    if (kind != DEATH_AS_ASKED)
        umh_host_add_evidence(host);
}

static void note_death(umh_host *host)
{
    if (!host->is_lost)
        describe_end(host);
    host->death.end = host->end;
    host->death.has_end = true;
    umh_deaths_keep(&host->deaths, &host->death);
}

void umh_host_bury(umh_host *host)
{
    bool is_failure = (!host->was_asked || host->was_closed) &&
                      (host->is_lost || host->end.signal != 0 || host->end.exit_code != 0);

    /* Its last lines stand before what is said of its end. */
    umh_log_source_close(UMH_MOVE(host->log));
    note_death(host);
    finish(host, is_failure);
}

void umh_host_bury_unborn(umh_host *host)
{
    umh_deaths_keep(&host->deaths, &host->death);
    finish(host, true);
}

void umh_host_abandon(umh_host *host)
{
    host->was_asked = true;
    umh_host_release_process(host);
    umh_supervisor_reconcile_soon(host->broker->supervisor);
}

void umh_host_become_due(umh_host *host)
{
    host->is_due = true;
    umh_supervisor_reconcile_soon(host->broker->supervisor);
}

void umh_host_forget_due(umh_host *host)
{
    umh_deadline_clear(&host->deadline);
    host->is_due = false;
    umh_supervisor_reconcile_soon(host->broker->supervisor);
}
