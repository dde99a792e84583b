/* SPDX-License-Identifier: MIT */
/* The dispatcher as an object. Its threads: crew.c, role.c, slot_thread.c, watcher.c. */
#include "host/dispatch_state.h"
#include "host/logger.h"
#include "ipc/services.h"

#include <stdlib.h>
#include <string.h>

static umh_dispatch *free_dispatch(umh_dispatch *dispatch)
{
    umh_batch_unref(dispatch->role.batch);
    umh_condition_free(dispatch->watcher.wake);
    umh_condition_free(dispatch->crew.changed);
    umh_lock_free(dispatch->lock);
    free(dispatch);
    return NULL;
}

static void init_role(umh_role *role)
{
    memcpy(&role->command_heads[0], umh_service_guid(SERVICE_MODULE_META)->bytes,
           sizeof(role->command_heads[0]));
    memcpy(&role->command_heads[1], umh_service_guid(SERVICE_HOST_INIT)->bytes,
           sizeof(role->command_heads[1]));
}

int umh_dispatch_new(const umh_dispatch_spec *spec, umh_dispatch **ret_dispatch)
{
    umh_dispatch *dispatch = calloc(1, sizeof(*dispatch));
    int r;

    if (!dispatch)
        return UMH_FAIL(UMH_E_MEMORY, "the dispatcher");
    dispatch->spec = *spec;
    dispatch->blackbox = spec->blackbox ? spec->blackbox : &dispatch->own_blackbox;
    for (size_t i = 0; i < UMH_COUNT_OF(dispatch->slots); i++) {
        dispatch->slots[i].box = &dispatch->blackbox->slots[i];
        dispatch->slots[i].inbox = (umh_inbox)UMH_INBOX_INIT;
    }
    init_role(&dispatch->role);
    umh_dispatch_limit(dispatch, UMH_MESSAGE_BYTES_DEFAULT, UMH_WINDOW_BYTES);
    r = umh_lock_new(&dispatch->lock);
    if (r == 0)
        r = umh_crew_init(&dispatch->crew);
    if (r == 0)
        r = umh_watcher_init(&dispatch->watcher);
    if (r == 0)
        r = umh_batch_new(UMH_READ_BYTES, &dispatch->role.batch);
    if (r) {
        free_dispatch(dispatch);
        return umh_fold(r);
    }
    *ret_dispatch = dispatch;
    return 0;
}

int umh_dispatch_start(umh_dispatch *dispatch)
{
    umh_member *reader;
    int r;

    r = umh_watcher_start(dispatch);
    if (r)
        return umh_fold(r);
    umh_lock_take(dispatch->lock);
    r = umh_crew_find(dispatch, &reader);
    if (r == 0)
        umh_role_assign(dispatch, reader);
    umh_lock_release(dispatch->lock);
    return umh_fold(r);
}

void umh_dispatch_limit(umh_dispatch *dispatch, uint32_t max_message_bytes, uint64_t window_bytes)
{
    dispatch->role.payload_max = max_message_bytes;
    dispatch->window_bytes = window_bytes;
}

void umh_dispatch_set_module(umh_dispatch *dispatch, uint16_t slot, umh_module *module)
{
    umh_dispatch_slot *set = &dispatch->slots[slot];

    umh_lock_take(dispatch->lock);
    dispatch->module_count -= set->module != NULL;
    dispatch->module_count += module != NULL;
    set->module = module;
    set->has_complained = false;
    umh_lock_release(dispatch->lock);
}

umh_module *umh_dispatch_get_module(umh_dispatch *dispatch, uint16_t slot)
{
    return dispatch->slots[slot].module;
}

void umh_dispatch_note(umh_dispatch *dispatch, uint16_t slot, umh_activity activity)
{
    umh_dispatch_slot *noted = &dispatch->slots[slot];
    uint32_t step = atomic_load_explicit(&noted->step, memory_order_relaxed);

    atomic_store_explicit(&noted->step, step + 1, memory_order_relaxed);
    atomic_store_explicit(&noted->box->activity, activity, memory_order_relaxed);
}

void umh_dispatch_note_failure(umh_dispatch *dispatch, uint16_t slot)
{
    atomic_fetch_add_explicit(&dispatch->slots[slot].box->failure_count, 1, memory_order_relaxed);
}

void umh_dispatch_note_culprit(umh_dispatch *dispatch, uint16_t slot)
{
    atomic_store_explicit(&dispatch->blackbox->culprit, slot + 1u, memory_order_relaxed);
}

void umh_dispatch_forget_failures(umh_dispatch *dispatch, uint16_t slot)
{
    atomic_store_explicit(&dispatch->slots[slot].box->failure_count, 0, memory_order_relaxed);
}

uint64_t umh_dispatch_note_refused(umh_dispatch *dispatch)
{
    return 1 +
           atomic_fetch_add_explicit(&dispatch->blackbox->refused_count, 1, memory_order_relaxed);
}

/* One writer at a time, so no read-modify-write. */
static void add_relaxed(_Atomic uint64_t *counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

void umh_dispatch_consume(umh_dispatch *dispatch, uint16_t slot, uint64_t cost)
{
    umh_dispatch_slot *called = &dispatch->slots[slot];
    uint64_t credit = umh_consumed_add(&called->consumed, cost, dispatch->window_bytes);

    add_relaxed(&called->box->consumed_count, 1);
    add_relaxed(&called->box->consumed_bytes, cost);
    if (credit > 0)
        umh_outbox_credit(dispatch->spec.outbox, slot, credit);
}

void umh_dispatch_complain(umh_dispatch *dispatch, uint16_t slot)
{
    umh_dispatch_slot *meant = &dispatch->slots[slot];

    if (meant->has_complained)
        return;
    meant->has_complained = true;
    umh_logger_say(UMH_LOG_WARNING, NULL,
                   "the broker sent a message to slot %u, which has no started module: dropped, "
                   "and so are further ones",
                   slot);
}

/* (lock) */
static int push_to_all(umh_dispatch *dispatch, umh_bytes payload)
{
    umh_inbox_entry entry = {.kind = INBOX_COMMAND_ALL, .payload = payload};
    int r = 0;

    entry.frame.payload_bytes = (uint32_t)payload.size;
    for (uint16_t i = 0; i < UMH_COUNT_OF(dispatch->slots) && r == 0; i++) {
        if (!dispatch->slots[i].module && !dispatch->slots[i].holder)
            continue;
        entry.frame.slot = i;
        r = umh_slot_thread_push(dispatch, &entry, NULL);
        dispatch->all_count += r == 0;
    }
    return umh_fold(r);
}

int umh_dispatch_command_all(umh_dispatch *dispatch, umh_bytes payload,
                             void (*on_done)(umh_host *host))
{
    bool is_done;
    int r;

    umh_lock_take(dispatch->lock);
    dispatch->on_all_done = on_done;
    r = push_to_all(dispatch, payload);
    is_done = dispatch->all_count == 0;
    umh_lock_release(dispatch->lock);
    if (r == 0 && is_done)
        on_done(dispatch->spec.host);
    return umh_fold(r);
}

void umh_dispatch_fail(umh_dispatch *dispatch)
{
    umh_why why = UMH_WHY_INIT;

    umh_why_set_failure(&why);
    dispatch->spec.on_end(dispatch->spec.host, &why);
}
