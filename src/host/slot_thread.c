/* SPDX-License-Identifier: MIT */
/*
 * A slot's own thread: it carries out commands, and calls a module that was found slow, from the
 * slot's inbox until that is empty. Then the slot is the role's again.
 */
#include "host/dispatch_state.h"

#include "ipc/control.h"

#include <string.h>

static bool is_started(const umh_dispatch_slot *slot)
{
    return slot->module && umh_module_get_state(slot->module) == MODULE_STARTED;
}

void umh_slot_thread_open(umh_dispatch *dispatch, uint16_t slot, umh_member *member)
{
    umh_dispatch_slot *opened = &dispatch->slots[slot];

    atomic_store_explicit(&opened->is_queued, true, memory_order_relaxed);
    opened->holder = member;
    opened->seen_step = atomic_load_explicit(&opened->step, memory_order_relaxed) - 1;
    dispatch->queued_count++;
    umh_watcher_wake(dispatch);
}

/* (lock) What the thread did is before what the role does when it sees that. */
static void close_slot(umh_dispatch *dispatch, umh_dispatch_slot *slot)
{
    umh_inbox_deinit(&slot->inbox);
    slot->target = is_started(slot) ? slot->module : NULL;
    slot->holder = NULL;
    dispatch->queued_count--;
    atomic_store_explicit(&slot->box->activity, ACTIVITY_NONE, memory_order_relaxed);
    atomic_store_explicit(&slot->box->since_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&slot->is_queued, false, memory_order_release);
}

static bool is_stop(const umh_inbox_entry *entry)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    umh_why why = UMH_WHY_INIT;

    return entry->kind != INBOX_MESSAGE &&
           umh_command_decode(entry->payload, &command, &why) == 0 &&
           strcmp(command.name, "stop") == 0;
}

/*
 * (lock) A stop that has to wait for a call of the module: what that awaits may end meanwhile. The
 * lock keeps the module: whoever unloads it takes it out of the slot first.
 */
static void announce_stop(const umh_dispatch_slot *slot, const umh_inbox_entry *entry)
{
    if (slot->module && is_stop(entry))
        umh_module_begin_stop(slot->module);
}

int umh_slot_thread_push(umh_dispatch *dispatch, const umh_inbox_entry *entry, umh_batch *batch)
{
    uint16_t slot = entry->frame.slot;
    umh_dispatch_slot *meant = &dispatch->slots[slot];
    uint64_t max_bytes = dispatch->window_bytes + umh_frame_cost(dispatch->role.payload_max) +
                         umh_frame_cost(UMH_COMMAND_BYTES_MAX);
    umh_member *member;
    int r;

    if (meant->holder) {
        announce_stop(meant, entry);
    } else {
        r = umh_crew_find(dispatch, &member);
        if (r)
            return umh_fold(r);
        umh_slot_thread_open(dispatch, slot, member);
        umh_crew_assign(dispatch, member, TASK_SLOT, slot);
    }
    r = umh_inbox_push(&meant->inbox, entry, batch, max_bytes);
    if (r == UMH_INBOX_FULL)
        return UMH_FAIL(UMH_E_PROTOCOL, "the broker sent more to slot %u than its window", slot);
    return umh_fold(r);
}

static void call_module(umh_dispatch *dispatch, uint16_t slot, const umh_inbox_entry *entry)
{
    umh_dispatch_slot *called = &dispatch->slots[slot];
    umh_bytes text;

    if (!is_started(called)) {
        umh_dispatch_complain(dispatch, slot);
        return;
    }
    if (umh_frame_text(&entry->frame, entry->payload, &text) != 0) {
        umh_ignore(UMH_FAIL(UMH_E_PROTOCOL, "extensions of a message to slot %u", slot));
        umh_dispatch_fail(dispatch);
        return;
    }
    umh_dispatch_note(dispatch, slot, ACTIVITY_ON_MESSAGE);
    umh_module_deliver(called->module, &entry->frame, text);
    umh_dispatch_note(dispatch, slot, ACTIVITY_NONE);
    umh_dispatch_consume(dispatch, slot, umh_frame_cost(entry->frame.payload_bytes));
}

/* The last of those that every slot got ends what they are for. */
static void count_down(umh_dispatch *dispatch)
{
    bool is_last;

    umh_lock_take(dispatch->lock);
    is_last = --dispatch->all_count == 0;
    umh_lock_release(dispatch->lock);
    if (is_last)
        dispatch->on_all_done(dispatch->spec.host);
}

static void carry_out(umh_dispatch *dispatch, uint16_t slot, const umh_inbox_entry *entry)
{
    umh_dispatch_slot *meant = &dispatch->slots[slot];

    if (dispatch->spec.on_slot_command(dispatch->spec.host, slot, entry->payload) != 0)
        umh_dispatch_fail(dispatch);

    /* The broker counts a window anew when its module has stopped, and so does the host. */
    if (!is_started(meant))
        meant->consumed = (umh_consumed){.bytes = 0};
    if (entry->kind == INBOX_COMMAND_ALL)
        count_down(dispatch);
    if (entry->kind == INBOX_UNLOAD) {
        umh_lock_take(dispatch->lock);
        umh_slot_set_remove(&dispatch->crew.unloading, slot);
        umh_lock_release(dispatch->lock);
    }
}

/* What is next is not for this thread. */
static bool is_for_another(umh_member *self, umh_inbox_kind kind)
{
    return atomic_load_explicit(&self->is_retired, memory_order_relaxed) ||
           (kind == INBOX_UNLOAD && umh_member_has_called(self, self->slot));
}

/* False: the rest is for another thread. */
static bool drain(umh_dispatch *dispatch, umh_member *self, bool may_pass_on)
{
    umh_inbox *inbox = &dispatch->slots[self->slot].inbox;
    umh_inbox_entry entry;
    umh_inbox_kind kind;

    while (umh_inbox_peek(inbox, &kind)) {
        if (may_pass_on && is_for_another(self, kind))
            return false;
        if (kind != INBOX_UNLOAD)
            umh_member_note_call(self, self->slot);
        umh_inbox_next(inbox, &entry);
        if (kind == INBOX_MESSAGE)
            call_module(dispatch, self->slot, &entry);
        else
            carry_out(dispatch, self->slot, &entry);

        /* What the module sent was only appended: nobody else knows that its callback is over. */
        umh_outbox_flush(dispatch->spec.outbox);
    }
    return true;
}

/* (lock) The slot goes to another thread, as it is. False: there is none. */
static bool pass_on(umh_dispatch *dispatch, umh_member *self)
{
    umh_member *other;

    if (umh_crew_find(dispatch, &other) != 0) {
        umh_failure_take();
        return false;
    }
    dispatch->slots[self->slot].holder = other;
    umh_crew_assign(dispatch, other, TASK_SLOT, self->slot);
    self->task = TASK_NONE;
    return true;
}

void umh_slot_thread_serve(umh_dispatch *dispatch, umh_member *self)
{
    umh_dispatch_slot *slot = &dispatch->slots[self->slot];
    bool may_pass_on = true;
    bool is_drained;

    do {
        umh_lock_release(dispatch->lock);
        is_drained = drain(dispatch, self, may_pass_on);
        umh_lock_take(dispatch->lock);
        if (!is_drained && pass_on(dispatch, self))
            return;
        /* Without another thread the unloading finds this one in the way, and says so. */
        may_pass_on = is_drained;
    } while (!is_drained || umh_inbox_swap(&slot->inbox));

    close_slot(dispatch, slot);
    self->task = TASK_NONE;
}
