/* SPDX-License-Identifier: MIT */
/*
 * The reading role: one thread reads batches of frames and calls modules itself.
 *
 * Who has the role has everything in umh_role to itself, and every slot that has no thread of its
 * own. Around an inline call both hang on one word: the watcher may exchange it for 0 while the
 * call lasts, and then they are whose it says, the call's thread keeping only the slot it is in and
 * its share of the batch. So nothing of umh_role is touched after a call before the word was
 * exchanged back.
 */
#include "host/dispatch_state.h"
#include "ipc/control.h"
#include "ipc/services.h"

#include <string.h>

/* Outcomes of the functions below: the role went to another thread; the broker has gone. */
enum { ROLE_GONE = 1, ROLE_EOF = 2 };

void umh_role_assign(umh_dispatch *dispatch, umh_member *member)
{
    dispatch->role.holder = member;
    umh_crew_assign(dispatch, member, TASK_ROLE, UMH_SLOT_NONE);
}

/* (lock) Outcomes: ROLE_GONE. Without another thread this one goes on. */
static int pass_on(umh_dispatch *dispatch, umh_member *self)
{
    umh_member *other;

    if (umh_crew_find(dispatch, &other) != 0) {
        umh_failure_take();
        return 0;
    }
    umh_role_assign(dispatch, other);
    self->task = TASK_NONE;
    return ROLE_GONE;
}

/* A batch that holds nothing but this frame: an inbox takes it over instead of copying. */
static umh_batch *batch_to_hold(umh_batch *batch)
{
    return batch->capacity > UMH_READ_BYTES ? batch : NULL;
}

static bool is_unload(umh_bytes payload)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    umh_why why = UMH_WHY_INIT;
    bool is_command = umh_command_decode(payload, &command, &why) == 0;

    return is_command && strcmp(command.name, "unload") == 0;
}

/*
 * Threads that called the slot get nothing new from here on, this one included: it is to end before
 * the module is unloaded, and could not while it waits in a read. Outcomes: ROLE_GONE.
 */
static int push_command(umh_dispatch *dispatch, umh_member *self, const umh_frame *frame,
                        umh_bytes payload)
{
    umh_inbox_entry entry = {.frame = *frame, .kind = INBOX_COMMAND, .payload = payload};
    umh_batch *batch = batch_to_hold(dispatch->role.batch);
    int r;

    if (is_unload(payload))
        entry.kind = INBOX_UNLOAD;
    umh_lock_take(dispatch->lock);
    if (entry.kind == INBOX_UNLOAD)
        umh_slot_set_add(&dispatch->crew.unloading, frame->slot);
    r = umh_slot_thread_push(dispatch, &entry, batch);
    if (r == 0 && entry.kind == INBOX_UNLOAD && umh_member_has_called(self, frame->slot))
        r = pass_on(dispatch, self);
    umh_lock_release(dispatch->lock);
    return r;
}

/*
 * To a slot, or to the host. Its extensions go: an inbox copies what the frame counts.
 * Outcomes: ROLE_GONE.
 */
static int dispatch_command(umh_dispatch *dispatch, umh_member *self, const umh_frame *frame,
                            umh_bytes payload)
{
    umh_frame plain = *frame;
    umh_bytes text;
    int r;

    if (umh_frame_text(frame, payload, &text) != 0)
        return UMH_FAIL(UMH_E_PROTOCOL, "extensions of a command to slot %u", frame->slot);
    plain.flags = 0;
    plain.payload_bytes = (uint32_t)text.size;
    if (frame->slot < UMH_MODULES_PER_HOST_MAX)
        return push_command(dispatch, self, &plain, text);
    r = dispatch->spec.on_control(dispatch->spec.host, &plain, text);
    return umh_fold(r);
}

/* *ret_is_pushed false: its thread has left meanwhile, the slot is the role's. */
static int push_message(umh_dispatch *dispatch, const umh_frame *frame, umh_bytes payload,
                        bool *ret_is_pushed)
{
    umh_inbox_entry entry = {.frame = *frame, .kind = INBOX_MESSAGE, .payload = payload};
    bool has_thread;
    int r = 0;

    umh_lock_take(dispatch->lock);
    has_thread = dispatch->slots[frame->slot].holder != NULL;
    if (has_thread)
        r = umh_slot_thread_push(dispatch, &entry, batch_to_hold(dispatch->role.batch));
    umh_lock_release(dispatch->lock);
    *ret_is_pushed = has_thread;
    return umh_fold(r);
}

/* The role was taken while the callback ran: this thread is the slot's now. */
static void become_slot_thread(umh_dispatch *dispatch, uint16_t slot, umh_batch *batch,
                               uint64_t cost)
{
    umh_dispatch_note(dispatch, slot, ACTIVITY_NONE);
    umh_dispatch_consume(dispatch, slot, cost);
    umh_outbox_flush(dispatch->spec.outbox);
    umh_batch_unref(batch);
}

/* Outcomes: ROLE_GONE. */
static int call_inline(umh_dispatch *dispatch, umh_member *self, const umh_frame *frame,
                       umh_bytes text)
{
    umh_dispatch_slot *slot = &dispatch->slots[frame->slot];
    umh_role *role = &dispatch->role;
    umh_batch *batch = role->batch;
    uint64_t word = ++role->sequence << UMH_CALL_SLOT_BITS | (frame->slot + 1u);
    uint64_t seen = word;

    umh_member_note_call(self, frame->slot);
    atomic_store_explicit(&slot->box->activity, ACTIVITY_ON_MESSAGE, memory_order_relaxed);
    atomic_store_explicit(&dispatch->call, word, memory_order_release);
    umh_module_deliver(slot->target, frame, text);
    if (!atomic_compare_exchange_strong_explicit(&dispatch->call, &seen, 0, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        become_slot_thread(dispatch, frame->slot, batch, umh_frame_cost(frame->payload_bytes));
        return ROLE_GONE;
    }
    atomic_store_explicit(&slot->box->activity, ACTIVITY_NONE, memory_order_relaxed);
    umh_dispatch_consume(dispatch, frame->slot, umh_frame_cost(frame->payload_bytes));
    return 0;
}

/* Outcomes: ROLE_GONE. */
static int dispatch_message(umh_dispatch *dispatch, umh_member *self, const umh_frame *frame,
                            umh_bytes payload)
{
    umh_dispatch_slot *slot = &dispatch->slots[frame->slot];
    umh_bytes text = payload;
    bool is_pushed;
    int r;

    if (atomic_load_explicit(&slot->is_queued, memory_order_acquire)) {
        r = push_message(dispatch, frame, payload, &is_pushed);
        if (r || is_pushed)
            return r;
    }
    if (!slot->target) {
        umh_dispatch_complain(dispatch, frame->slot);
        return 0;
    }
    if (frame->flags && umh_frame_text(frame, payload, &text) != 0)
        return UMH_FAIL(UMH_E_PROTOCOL, "extensions of a message to slot %u", frame->slot);
    return call_inline(dispatch, self, frame, text);
}

static bool is_command(const umh_role *role, const umh_frame *frame)
{
    uint64_t head;
    umh_service_id service;

    memcpy(&head, frame->service.bytes, sizeof(head));
    if (head != role->command_heads[0] && head != role->command_heads[1])
        return false;
    service = umh_service_find(&frame->service);
    return service == SERVICE_MODULE_META || service == SERVICE_HOST_INIT;
}

/* Outcomes: ROLE_GONE. */
static int dispatch_frame(umh_dispatch *dispatch, umh_member *self, const umh_frame *frame,
                          umh_bytes payload)
{
    int r;

    if (frame->kind != FRAME_MESSAGE) {
        r = dispatch->spec.on_control(dispatch->spec.host, frame, payload);
        return umh_fold(r);
    }
    if (is_command(&dispatch->role, frame))
        return dispatch_command(dispatch, self, frame, payload);
    if (frame->slot >= UMH_MODULES_PER_HOST_MAX)
        return UMH_FAIL(UMH_E_PROTOCOL, "the broker sent a message to slot %u", frame->slot);
    return dispatch_message(dispatch, self, frame, payload);
}

/* All whole frames of the batch. Outcomes: ROLE_GONE. */
static int dispatch_batch(umh_dispatch *dispatch, umh_member *self)
{
    umh_role *role = &dispatch->role;
    umh_batch *batch = role->batch;
    size_t at = role->at;
    umh_why why = UMH_WHY_INIT;
    umh_frame frame;
    int r;

    for (;;) {
        umh_bytes rest = umh_bytes_of(batch->data + at, batch->size - at);

        r = umh_frame_decode(rest, role->payload_max, &frame, &why);
        if (r == UMH_FRAME_BAD)
            return UMH_FAIL(UMH_E_PROTOCOL, "the broker sent a broken frame: %s", why.text);
        role->needed_bytes =
            r == 0 ? (size_t)umh_frame_delivered_bytes(&frame) : UMH_FRAME_HEADER_BYTES;
        if (rest.size < role->needed_bytes)
            return 0;
        at += role->needed_bytes;
        role->at = at;
        r = dispatch_frame(dispatch, self, &frame,
                           umh_bytes_of(rest.data + UMH_FRAME_HEADER_BYTES, frame.payload_bytes));
        if (r)
            return r;
    }
}

/* What is left of the batch goes to the front of one with room for the whole frame. */
static int make_room(umh_role *role)
{
    umh_batch *old = role->batch;
    size_t rest = old->size - role->at;
    size_t capacity = role->needed_bytes > UMH_READ_BYTES ? role->needed_bytes : UMH_READ_BYTES;
    int r;

    if (old->capacity != capacity || umh_batch_is_shared(old)) {
        r = umh_batch_new(capacity, &role->batch);
        if (r)
            return umh_fold(r);
        memcpy(role->batch->data, old->data + role->at, rest);
        umh_batch_unref(old);
    } else if (role->at > 0) {
        memmove(old->data, old->data + role->at, rest);
    }
    role->batch->size = rest;
    role->at = 0;
    return 0;
}

/* Outcomes: ROLE_EOF. */
static int read_more(umh_dispatch *dispatch)
{
    umh_role *role = &dispatch->role;
    umh_batch *batch;
    size_t size;
    int r;

    r = make_room(role);
    if (r)
        return umh_fold(r);
    batch = role->batch;
    r = umh_pipe_read(dispatch->spec.in, batch->data + batch->size, batch->capacity - batch->size,
                      UMH_FOREVER, &size);
    if (r == UMH_PIPE_EOF)
        return ROLE_EOF;
    if (r)
        return umh_fold(r);
    batch->size += size;
    return 0;
}

/*
 * A batch begins, or goes on where another thread had it: odd from here on. A watcher that is about
 * to sleep sees that, or is seen asleep here.
 */
static void begin_batch(umh_dispatch *dispatch)
{
    umh_watcher *watcher = &dispatch->watcher;
    uint32_t reading = atomic_load_explicit(&watcher->reading, memory_order_relaxed);

    atomic_store(&watcher->reading, (reading + 1) | 1);
    if (atomic_load(&watcher->is_awake))
        return;
    umh_lock_take(dispatch->lock);
    umh_watcher_wake(dispatch);
    umh_lock_release(dispatch->lock);
}

static void end_batch(umh_dispatch *dispatch)
{
    umh_watcher *watcher = &dispatch->watcher;
    uint32_t reading = atomic_load_explicit(&watcher->reading, memory_order_relaxed);

    umh_outbox_flush(dispatch->spec.outbox);
    atomic_store_explicit(&watcher->reading, reading + 1, memory_order_relaxed);
}

void umh_role_serve(umh_dispatch *dispatch, umh_member *self)
{
    const umh_why nothing = UMH_WHY_INIT;
    int r = 0;

    while (r == 0) {
        begin_batch(dispatch);
        r = dispatch_batch(dispatch, self);
        if (r)
            break;
        end_batch(dispatch);
        r = read_more(dispatch);
    }
    if (r == ROLE_EOF)
        dispatch->spec.on_end(dispatch->spec.host, &nothing);
    if (r < 0)
        umh_dispatch_fail(dispatch);
}
