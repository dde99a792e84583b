/* SPDX-License-Identifier: MIT */
/*
 * Hangs. One timer looks at all hosts: sends the pings that are due, and looks where a module has
 * been for long. A ping that is not answered is a deadline, so it is judged after what lay in the
 * pipe was read.
 *
 * What the black box says is evidence of a process that may lie. How long a callback lasts is
 * therefore what the broker saw: the same callback, at one look after the other. Only where between
 * two looks it began is taken from the host. Whoever lies has itself killed, or not.
 */
#include "broker/liveness.h"

#include "broker/host_actions.h"
#include "broker/supervisor.h"

#include <stdlib.h>

/* How often hosts are looked at: a share of the shortest PingMs and CallbackMs, within these. */
#define LOOK_SHARE 4
#define LOOK_MS_MIN 10

struct umh_liveness {
    umh_broker *broker;
    uv_timer_t timer;
    uint64_t looked_ns; /* at the last look */
    uint64_t sleep_count;
};

/* One look. */
typedef struct host_look {
    uint64_t now_ns;
    uint64_t before_ns; /* the look before */
    bool has_slept;     /* since the look before; of a host that is debugged: it stood still */
} host_look;

/* --- evidence ----------------------------------------------------------------------------- */

/* NULL: none, or not written yet. */
static umh_blackbox *blackbox_of(const umh_host *host)
{
    umh_blackbox *box = host->page.memory;

    if (!box || atomic_load_explicit(&box->magic, memory_order_acquire) != UMH_BLACKBOX_MAGIC)
        return NULL;
    return box;
}

/* 0: not longer than a tick, or a time that cannot be. */
static uint64_t since(umh_blackbox_slot *slot, uint64_t now_ns)
{
    uint64_t since_ns = atomic_load_explicit(&slot->since_ns, memory_order_relaxed);

    return since_ns <= now_ns ? since_ns : 0;
}

static uint32_t activity_of(umh_blackbox_slot *slot)
{
    uint32_t activity = atomic_load_explicit(&slot->activity, memory_order_relaxed);

    return activity < ACTIVITY_COUNT ? activity : ACTIVITY_NONE;
}

bool umh_liveness_evidence(const umh_host *host, const umh_host_module **ret_module,
                           umh_activity *ret_activity, uint64_t *ret_for_ms)
{
    umh_blackbox *box = blackbox_of(host);
    uint64_t now_ns = umh_clock_now_ns();
    const umh_host_module *longest = NULL;
    uint64_t longest_ns = 0;

    for (uint16_t i = 0; box && i < host->module_count; i++) {
        uint32_t activity = activity_of(&box->slots[i]);
        uint64_t since_ns = since(&box->slots[i], now_ns);
        uint64_t for_ns = since_ns ? now_ns - since_ns : 0;

        if (!host->modules[i] || activity == ACTIVITY_NONE || (longest && for_ns <= longest_ns))
            continue;
        longest = host->modules[i];
        longest_ns = for_ns;
        *ret_activity = (umh_activity)activity;
    }
    if (!longest)
        return false;
    *ret_module = longest;
    *ret_for_ms = longest_ns / UMH_NS_PER_MS;
    return true;
}

const umh_host_module *umh_liveness_culprit(const umh_host *host)
{
    umh_blackbox *box = blackbox_of(host);
    uint32_t culprit = box ? atomic_load_explicit(&box->culprit, memory_order_relaxed) : 0;

    return culprit > 0 && culprit <= host->module_count ? host->modules[culprit - 1] : NULL;
}

uint64_t umh_liveness_refused(const umh_host *host)
{
    umh_blackbox *box = blackbox_of(host);

    return box ? atomic_load_explicit(&box->refused_count, memory_order_relaxed) : 0;
}

uint64_t umh_liveness_consumed(const umh_host_module *module)
{
    umh_blackbox *box = blackbox_of(module->host);

    return box ? atomic_load_explicit(&box->slots[module->slot.number].consumed_count,
                                      memory_order_relaxed)
               : 0;
}

uint64_t umh_liveness_failures(const umh_host_module *module)
{
    umh_blackbox *box = blackbox_of(module->host);

    return box ? atomic_load_explicit(&box->slots[module->slot.number].failure_count,
                                      memory_order_relaxed)
               : 0;
}

bool umh_liveness_activity(const umh_host_module *module, umh_activity *ret_activity,
                           uint64_t *ret_for_ms)
{
    umh_blackbox *box = blackbox_of(module->host);
    uint64_t now_ns = umh_clock_now_ns();
    uint32_t activity = ACTIVITY_NONE;
    uint64_t since_ns = 0;

    if (box) {
        activity = activity_of(&box->slots[module->slot.number]);
        since_ns = since(&box->slots[module->slot.number], now_ns);
    }
    if (activity == ACTIVITY_NONE || since_ns == 0)
        return false;
    *ret_activity = (umh_activity)activity;
    *ret_for_ms = (now_ns - since_ns) / UMH_NS_PER_MS;
    return true;
}

/* --- debuggers ---------------------------------------------------------------------------- */

static bool may_stand_still(const umh_host *host)
{
    return host->state >= HOST_GREETING && host->state <= HOST_RUNNING;
}

/* Look anew. */
static bool is_debugged(umh_host *host)
{
    bool was_debugged = host->is_debugged;
    int64_t pid = host->pid;

    if (!may_stand_still(host))
        return false;
    if (pid == 0)
        pid = umh_watch_process_find_pid(host->process);
    host->is_debugged = umh_debugger_is_attached(pid);
    if (host->is_debugged && !was_debugged)
        umh_logs_say(host->broker->logs, UMH_LOG_WARNING, host->id,
                     "a debugger is attached: nothing is late until that has gone");
    else if (!host->is_debugged && was_debugged)
        umh_logs_say(host->broker->logs, UMH_LOG_INFO, host->id,
                     "its debugger has gone: what was to happen within a time gets it anew");
    return host->is_debugged;
}

bool umh_liveness_puts_off(umh_host *host, umh_deadline *deadline)
{
    bool was_debugged = host->is_debugged && may_stand_still(host);

    if (deadline->whole_ms == 0 || (!is_debugged(host) && !was_debugged))
        return false;
    umh_deadline_set(host->broker->deadlines, deadline, deadline->whole_ms);
    return true;
}

/* Also at the look that finds the debugger gone. */
static void begin_anew(umh_host *host)
{
    umh_deadlines *deadlines = host->broker->deadlines;

    if (!may_stand_still(host))
        return;
    umh_ignore((int)is_debugged(host));
    umh_deadline_begin_anew(deadlines, &host->deadline);
    umh_deadline_begin_anew(deadlines, &host->pong);
    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_deadline_begin_anew(deadlines, &host->modules[i]->deadline);
    }
}

/* --- callbacks that last ------------------------------------------------------------------ */

static void notice_callback(umh_host_module *module, umh_blackbox_slot *slot, uint64_t now_ns)
{
    uint32_t activity = activity_of(slot);
    uint64_t since_ns = since(slot, now_ns);

    if (activity == ACTIVITY_NONE || since_ns == 0 || since_ns == module->noticed_since_ns ||
        now_ns - since_ns < UMH_CALLBACK_NOTICE_MS * UMH_NS_PER_MS)
        return;
    module->noticed_since_ns = since_ns;
    umh_logs_say(module->host->broker->logs, UMH_LOG_WARNING, module->host->id,
                 "module %s has been in %s for %llu s", module->name, umh_activity_name(activity),
                 (unsigned long long)((now_ns - since_ns) / (1000 * UMH_NS_PER_MS)));
}

/* Follow the callback it is in. True: it has lasted longer than CallbackMs. */
static bool is_in_callback_too_long(umh_host_module *module, umh_blackbox_slot *slot,
                                    const host_look *look)
{
    uint64_t limit_ms = (uint64_t)module->host->config.timeouts.callback_ms;
    uint64_t since_ns = since(slot, look->now_ns);
    bool is_same = since_ns == module->callback_since_ns &&
                   umh_liveness_consumed(module) == module->consumed_count;

    if (activity_of(slot) != ACTIVITY_ON_MESSAGE || since_ns == 0) {
        module->callback_since_ns = 0;
        return false;
    }
    module->callback_since_ns = since_ns;
    if (!is_same)
        module->callback_seen_ns = since_ns > look->before_ns ? since_ns : look->before_ns;
    if (look->has_slept)
        module->callback_seen_ns = look->now_ns;
    return limit_ms > 0 && look->now_ns - module->callback_seen_ns >= limit_ms * UMH_NS_PER_MS;
}

/* --- messages that wait ------------------------------------------------------------------- */

/* Credit comes in large steps; a callback that returned is progress, too. */
static void note_progress(umh_host_module *module, uint64_t now_ns)
{
    uint64_t count = umh_liveness_consumed(module);

    if (count == module->consumed_count)
        return;
    module->consumed_count = count;
    if (module->slot.progress_ns != 0)
        module->slot.progress_ns = now_ns;
}

/* Behind the callback it is in, in its host. */
static bool has_messages_waiting(const umh_host_module *module, umh_blackbox_slot *slot)
{
    uint64_t handled = module->consumed_count - module->consumed_base;

    return slot && activity_of(slot) != ACTIVITY_NONE && module->slot.window.outstanding > 0 &&
           module->slot.connected_count > handled && module->slot.connected_count - handled > 1;
}

static bool is_stalled(umh_host_module *module, umh_blackbox_slot *slot, const host_look *look)
{
    uint64_t stall_ms = (uint64_t)module->host->broker->config.stall_seconds * 1000;

    note_progress(module, look->now_ns);
    if (look->has_slept)
        module->slot.progress_ns = 0;
    return umh_slot_is_stalled(&module->slot, has_messages_waiting(module, slot), look->now_ns,
                               stall_ms);
}

static void look_at_modules(umh_host *host, const host_look *look)
{
    umh_blackbox *box = blackbox_of(host);

    for (uint16_t i = 0; i < host->module_count; i++) {
        umh_host_module *module = host->modules[i];
        umh_blackbox_slot *slot = box ? &box->slots[i] : NULL;

        if (!module)
            continue;
        if (slot)
            notice_callback(module, slot, look->now_ns);
        if (slot && is_in_callback_too_long(module, slot, look)) {
            if (is_debugged(host))
                return;
            umh_host_kill(host, DEATH_BY_DEADLINE,
                          "a callback of module %s lasted longer than CallbackMs (%lld)",
                          module->name, (long long)host->config.timeouts.callback_ms);
            return;
        }
        if (is_stalled(module, slot, look)) {
            if (is_debugged(host))
                return;
            umh_host_kill(host, DEATH_BY_DEADLINE,
                          "module %s has taken no message for %lld s while some waited",
                          module->name, (long long)host->broker->config.stall_seconds);
            return;
        }
    }
}

/* --- pings -------------------------------------------------------------------------------- */

static void ping(umh_host *host, uint64_t now_ns)
{
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_PING,
                       .session = host->session,
                       .source_slot = UMH_SLOT_NONE,
                       .slot = UMH_SLOT_NONE};
    uint64_t ping_ms = (uint64_t)host->config.timeouts.ping_ms;
    umh_outbox *outbox = umh_peer_outbox(host->peer);

    if (umh_deadline_is_set(&host->pong) || now_ns < host->next_ping_ns || !outbox)
        return;
    host->next_ping_ns = now_ns + ping_ms * UMH_NS_PER_MS;
    umh_outbox_control(outbox, &frame, umh_bytes_of(NULL, 0));
    umh_deadline_set(host->broker->deadlines, &host->pong, ping_ms);
}

void umh_liveness_on_pong(umh_host *host)
{
    umh_deadline_clear(&host->pong);
    umh_host_look_at_limits(host);
}

/* --- the timer ---------------------------------------------------------------------------- */

static int64_t shorter(int64_t ms, int64_t limit_ms)
{
    return limit_ms > 0 && limit_ms < ms ? limit_ms : ms;
}

/* Until the next look. The configuration may have changed since the last. */
static uint64_t look_ms(const umh_config *config)
{
    int64_t shortest = (int64_t)UMH_LOOK_MS_MAX * LOOK_SHARE;

    for (size_t i = 0; i < config->host_count; i++) {
        shortest = shorter(shortest, config->hosts[i].timeouts.ping_ms);
        shortest = shorter(shortest, config->hosts[i].timeouts.callback_ms);
    }
    shortest /= LOOK_SHARE;
    return (uint64_t)(shortest > LOOK_MS_MIN ? shortest : LOOK_MS_MIN);
}

static bool can_be_looked_at(const umh_host *host)
{
    return host->state == HOST_LOADING || host->state == HOST_READY || host->state == HOST_RUNNING;
}

static void on_timer(uv_timer_t *timer)
{
    umh_liveness *liveness = umh_container_of(timer, umh_liveness, timer);
    umh_broker *broker = liveness->broker;
    uint64_t sleep_count = umh_deadlines_count_sleeps(broker->deadlines);
    host_look look = {.now_ns = umh_clock_now_ns(),
                      .before_ns = liveness->looked_ns,
                      .has_slept = sleep_count != liveness->sleep_count};

    if (look.has_slept)
        umh_logs_say(
            broker->logs, UMH_LOG_INFO, NULL,
            "the broker stood still for %.1f s: what was to happen within a time gets it anew",
            (double)(look.now_ns - look.before_ns) / (1000.0 * UMH_NS_PER_MS));
    umh_list_each (item, umh_supervisor_hosts(broker->supervisor)) {
        umh_host *host = umh_container_of(item, umh_host, entry);
        host_look own = look;

        if (host->is_debugged) {
            own.has_slept = true;
            begin_anew(host);
        }
        if (can_be_looked_at(host))
            ping(host, look.now_ns);
        if (can_be_looked_at(host))
            look_at_modules(host, &own);
    }
    liveness->looked_ns = look.now_ns;
    liveness->sleep_count = sleep_count;
    umh_ignore(uv_timer_start(timer, on_timer, look_ms(&broker->config), 0));
}

int umh_liveness_new(umh_broker *broker, umh_liveness **ret_liveness)
{
    umh_liveness *liveness = calloc(1, sizeof(*liveness));
    int status;

    if (!liveness)
        return UMH_FAIL(UMH_E_MEMORY, "watch the hosts");
    liveness->broker = broker;
    status = uv_timer_init(&broker->loop, &liveness->timer);
    if (status != 0) {
        free(liveness);
        return UMH_FAIL_UV(status, "watch the hosts");
    }
    liveness->looked_ns = umh_clock_now_ns();
    umh_ignore(uv_timer_start(&liveness->timer, on_timer, look_ms(&broker->config), 0));
    *ret_liveness = liveness;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(umh_container_of(handle, umh_liveness, timer));
}

void umh_liveness_close(umh_liveness *liveness)
{
    if (liveness && !uv_is_closing((uv_handle_t *)&liveness->timer))
        uv_close((uv_handle_t *)&liveness->timer, on_closed);
}
