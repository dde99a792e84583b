/* SPDX-License-Identifier: MIT */
/* What a host does between the start of its process and its end. */
#include "broker/handshake.h"
#include "broker/host_actions.h"
#include "broker/liveness.h"
#include "broker/supervisor.h"

static void set_deadline(umh_host *host, int64_t from_now_ms)
{
    umh_deadline_set(host->broker->deadlines, &host->deadline, (uint64_t)from_now_ms);
}

void umh_host_greet(umh_host *host)
{
    umh_outbox *outbox = umh_peer_outbox(host->peer);

    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_slot_connect(&host->modules[i]->slot, outbox);
    }
    umh_logs_say(host->broker->logs, UMH_LOG_DEBUG, host->id, "started");
    umh_handshake_init(host);
    set_deadline(host, host->config.timeouts.hello_ms);
}

void umh_host_admit(umh_host *host)
{
    umh_deadline_clear(&host->deadline);
    /* When its init had just been started, it was not there yet. */
    host->pid = umh_watch_process_find_pid(host->process);
    if (host->config.dotnet.diagnostics)
        umh_debugger_find_diagnostics(host->pid, host->diagnostics);
    if (host->is_outdated) {
        umh_host_replace(host, "its entry has changed since it was started");
        return;
    }
    umh_host_on_module_change(host);
}

static unsigned count_modules(const umh_host *host, umh_module_state state)
{
    unsigned count = 0;

    for (uint16_t i = 0; i < host->module_count; i++)
        count += host->modules[i] && host->modules[i]->state == state;
    return count;
}

void umh_host_settle(umh_host *host)
{
    umh_logs_say(host->broker->logs, UMH_LOG_DEBUG, host->id, "ready: %u modules loaded, %u failed",
                 count_modules(host, SLOT_LOADED), count_modules(host, SLOT_FAILED));
}

void umh_host_go(umh_host *host)
{
    host->ready_ns = umh_clock_now_ns();
    umh_backoff_on_ready(&host->backoff, host->ready_ns);
    umh_logs_say(host->broker->logs, UMH_LOG_INFO, host->id,
                 "runs as process %lld: %u modules loaded, %u failed", (long long)host->pid,
                 count_modules(host, SLOT_LOADED), count_modules(host, SLOT_FAILED));
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_module_happen(host->modules[i], ON_MODULE_GO);
    }
}

void umh_host_ask(umh_host *host)
{
    host->was_asked = true;
    umh_deadline_clear(&host->pong);
    umh_handshake_exit(host);
    set_deadline(host, host->config.timeouts.stop_ms);
}

/* EOF: it ends at once, whatever its modules do. What is queued for them stays with their slots. */
void umh_host_close_pipe(umh_host *host)
{
    host->was_asked = true;
    umh_deadline_clear(&host->pong);
    umh_host_disconnect_slots(host);
    umh_peer_shut(host->peer);
    set_deadline(host, UMH_HOST_EOF_MS);
}

void umh_host_await_end(umh_host *host)
{
    set_deadline(host, UMH_HOST_EOF_MS);
}

void umh_host_end_it(umh_host *host)
{
    umh_deadline_clear(&host->pong);
    umh_watch_process_kill(host->process);
    umh_deadline_wait(host->broker->deadlines, &host->deadline, UMH_HOST_UNDEAD_MS);
}

/* The system keeps a process that was killed until whoever traces it has seen that. */
void umh_host_note_undead(umh_host *host)
{
    umh_logs_say(host->broker->logs, UMH_LOG_WARNING, host->id, "was killed, and is still there%s",
                 umh_debugger_is_attached(host->pid) ? ": it ends when its debugger lets it go"
                                                     : "");
}

void umh_host_end_mute(umh_host *host)
{
    if (umh_peer_is_ended(host->peer)) {
        umh_host_end_closed(host);
        return;
    }
    umh_host_lose(host, DEATH_BY_DEADLINE, "said no hello within %lld ms",
                  (long long)host->config.timeouts.hello_ms);
    umh_host_end_it(host);
}

void umh_host_end_closed(umh_host *host)
{
    umh_host_lose(host, DEATH_BY_DEADLINE, "closed its pipe%s and did not end",
                  umh_peer_is_cut(host->peer) ? " within a frame" : "");
    umh_host_end_it(host);
}

void umh_host_end_stubborn(umh_host *host)
{
    umh_host_lose(host, DEATH_BY_DEADLINE,
                  "did not stop within %lld ms, nor when its pipe was closed",
                  (long long)host->config.timeouts.stop_ms);
    umh_host_end_it(host);
}

void umh_host_end_second_hello(umh_host *host)
{
    umh_host_lose(host, DEATH_BY_VIOLATION, "said hello twice");
    umh_host_end_it(host);
}
