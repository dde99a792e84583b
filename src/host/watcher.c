/* SPDX-License-Identifier: MIT */
/*
 * The watcher: ticks while callbacks run or something waits to be sent, sleeps otherwise. It reads
 * the clock, so that nobody has to for a message.
 *
 * Falling asleep: it says so in is_awake, then looks once more at what would have woken it. Who
 * would wake it says so first (reading, has_sendings, or under the lock), then looks at is_awake.
 * In whatever order that happens, one of both sees the other.
 */
#include "host/dispatch_state.h"
#include "host/host.h"
#include "host/logger.h"

#define TICK_NS (UMH_TICK_MS * UMH_NS_PER_MS)
#define HEARTBEAT_NS (1000 * UMH_NS_PER_MS)

/* Messages that come one by one would otherwise wake it each time. */
#define QUIET_TICKS_BEFORE_SLEEP 5u

int umh_watcher_init(umh_watcher *watcher)
{
    return umh_condition_new(&watcher->wake);
}

void umh_watcher_wake(umh_dispatch *dispatch)
{
    umh_watcher *watcher = &dispatch->watcher;

    if (atomic_load(&watcher->is_awake))
        return;
    atomic_store(&watcher->is_awake, true);
    umh_condition_wake_one(watcher->wake);
}

void umh_dispatch_wake_watcher(umh_dispatch *dispatch)
{
    atomic_store(&dispatch->watcher.has_sendings, true);
    if (atomic_load(&dispatch->watcher.is_awake))
        return;
    umh_lock_take(dispatch->lock);
    umh_watcher_wake(dispatch);
    umh_lock_release(dispatch->lock);
}

static uint16_t slot_of(uint64_t word)
{
    return (uint16_t)((word & UMH_CALL_SLOT_MASK) - 1);
}

static uint64_t consumed_bytes(umh_dispatch *dispatch, uint64_t word)
{
    umh_blackbox_slot *box = dispatch->slots[slot_of(word)].box;

    return atomic_load_explicit(&box->consumed_bytes, memory_order_relaxed);
}

/*
 * (lock) The call has lasted a tick; or its slot was called at the last tick, too, and has not
 * consumed a window since: what may be queued for it would keep others waiting for longer.
 */
static bool is_slow(umh_dispatch *dispatch, uint64_t word)
{
    const umh_watcher *watcher = &dispatch->watcher;

    if (word == 0 || watcher->word == 0)
        return false;
    if (word == watcher->word)
        return true;
    return dispatch->module_count > 1 && slot_of(word) == slot_of(watcher->word) &&
           consumed_bytes(dispatch, word) - watcher->word_bytes < dispatch->window_bytes;
}

/* (lock) */
static void watch_slot(umh_dispatch_slot *slot, uint64_t since_ns)
{
    slot->seen_step = atomic_load_explicit(&slot->step, memory_order_relaxed);
    slot->seen_ns = since_ns;
}

/*
 * (lock) Take the role from a slow call. With the exchange all that the call's thread wrote before
 * the call becomes visible here, and the thread finds out when its callback returns.
 */
static void take_role(umh_dispatch *dispatch, uint64_t word)
{
    umh_member *slow = dispatch->role.holder;
    uint16_t slot = slot_of(word);
    umh_member *other;

    if (umh_crew_find(dispatch, &other) != 0) {
        umh_failure_take(); /* tried again at the next tick */
        return;
    }
    if (!atomic_compare_exchange_strong_explicit(&dispatch->call, &word, 0, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return;
    umh_batch_ref(dispatch->role.batch);
    slow->task = TASK_SLOT;
    slow->slot = slot;
    umh_slot_thread_open(dispatch, slot, slow);
    watch_slot(&dispatch->slots[slot], dispatch->watcher.word_ns);
    umh_role_assign(dispatch, other);
}

/* (lock) The slots with a thread: since when it does what it does. */
static void stamp_slots(umh_dispatch *dispatch, uint64_t now_ns)
{
    uint32_t left = dispatch->queued_count;

    for (size_t i = 0; left > 0; i++) {
        umh_dispatch_slot *slot = &dispatch->slots[i];
        bool is_same;

        if (!slot->holder)
            continue;
        left--;
        is_same = slot->seen_step == atomic_load_explicit(&slot->step, memory_order_relaxed);
        if (!is_same)
            watch_slot(slot, now_ns);
        atomic_store_explicit(&slot->box->since_ns, is_same ? slot->seen_ns : 0,
                              memory_order_relaxed);
    }
}

/* The role is dispatching a batch, or has done so since the last tick. */
static bool is_role_busy(umh_watcher *watcher)
{
    uint32_t reading = atomic_load(&watcher->reading);
    bool is_busy = reading % 2 == 1 || reading != watcher->seen_reading;

    watcher->seen_reading = reading;
    return is_busy;
}

/* (lock) */
static void tick(umh_dispatch *dispatch, uint64_t now_ns)
{
    umh_watcher *watcher = &dispatch->watcher;
    uint64_t word = atomic_load_explicit(&dispatch->call, memory_order_relaxed);

    watcher->tick_ns = now_ns + TICK_NS;
    if (is_slow(dispatch, word))
        take_role(dispatch, word);
    if (word != watcher->word)
        watcher->word_ns = now_ns;
    watcher->word = word;
    watcher->word_bytes = word ? consumed_bytes(dispatch, word) : 0;
    stamp_slots(dispatch, now_ns);
    if (now_ns - watcher->heartbeat_ns >= HEARTBEAT_NS) {
        watcher->heartbeat_ns = now_ns;
        atomic_store_explicit(&dispatch->blackbox->heartbeat_ns, now_ns, memory_order_relaxed);
    }
    if (is_role_busy(watcher) || dispatch->queued_count > 0)
        watcher->quiet_count = 0;
    else
        watcher->quiet_count++;
}

/* Without the lock. What a long callback has sent is written here, too. True: there is more. */
static bool write_sendings(umh_dispatch *dispatch)
{
    umh_watcher *watcher = &dispatch->watcher;
    bool is_blocked = false;

    if (atomic_exchange(&watcher->has_sendings, false))
        watcher->quiet_count = 0;
    umh_outbox_tick(dispatch->spec.outbox, &is_blocked);
    if (is_blocked)
        umh_ignore(umh_pipe_wait_writable(dispatch->spec.host->stdio.out, watcher->tick_ns));
    return is_blocked;
}

/* (lock) */
static void fall_asleep(umh_dispatch *dispatch)
{
    umh_watcher *watcher = &dispatch->watcher;

    atomic_store(&watcher->is_awake, false);
    if (dispatch->queued_count > 0 || is_role_busy(watcher) || atomic_load(&watcher->has_sendings))
        atomic_store(&watcher->is_awake, true);
    while (!atomic_load(&watcher->is_awake))
        umh_condition_wait(watcher->wake, dispatch->lock, UMH_FOREVER);
    watcher->quiet_count = 0;
    watcher->tick_ns = 0;
    watcher->word = 0;
}

static void run_watcher(void *context)
{
    umh_dispatch *dispatch = context;
    umh_watcher *watcher = &dispatch->watcher;
    bool is_blocked;

    umh_lock_take(dispatch->lock);
    for (;;) {
        uint64_t now_ns = umh_clock_now_ns();

        if (now_ns >= watcher->tick_ns)
            tick(dispatch, now_ns);
        umh_lock_release(dispatch->lock);
        is_blocked = write_sendings(dispatch);
        umh_lock_take(dispatch->lock);
        if (is_blocked)
            continue;
        if (watcher->quiet_count < QUIET_TICKS_BEFORE_SLEEP)
            umh_condition_wait(watcher->wake, dispatch->lock, watcher->tick_ns);
        else
            fall_asleep(dispatch);
    }
}

int umh_watcher_start(umh_dispatch *dispatch)
{
    umh_thread *thread;
    int r;

    atomic_store(&dispatch->watcher.is_awake, true);
    r = umh_thread_start(run_watcher, dispatch, "umh-watcher", &thread);
    if (r == 0)
        umh_thread_detach(thread);
    return umh_fold(r);
}
