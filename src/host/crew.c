/* SPDX-License-Identifier: MIT */
/*
 * The threads that read and call. One that has ended is joined by the next that ends, or by who
 * unloads a module that it called: the destructors of a module's thread-locals run in it until
 * then, and may hang like any other code of a module. So neither the watcher nor the role joins.
 */
#include "host/dispatch_state.h"

#include <stdlib.h>

int umh_crew_init(umh_crew *crew)
{
    umh_list_init(&crew->members);
    return umh_condition_new(&crew->changed);
}

/* From new tasks. A thread that came back too late to prove an unloading ends all the same. */
static bool is_excluded(const umh_crew *crew, umh_member *member)
{
    if (atomic_load_explicit(&member->is_retired, memory_order_relaxed))
        return true;
    for (size_t i = 0; i < UMH_COUNT_OF(crew->unloading.bits); i++) {
        if (atomic_load_explicit(&member->called[i], memory_order_relaxed) &
            crew->unloading.bits[i])
            return true;
    }
    return false;
}

/* More than there are modules without a thread can never be needed at once. */
static bool may_be_idle(const umh_dispatch *dispatch)
{
    const umh_crew *crew = &dispatch->crew;

    return crew->idle_count < UMH_CREW_IDLE_MAX &&
           crew->idle_count + dispatch->queued_count < dispatch->module_count;
}

/* False: it is not needed any more. */
static bool wait_for_task(umh_dispatch *dispatch, umh_member *self)
{
    umh_crew *crew = &dispatch->crew;

    if (self->task != TASK_NONE)
        return true;
    if (is_excluded(crew, self) || !may_be_idle(dispatch))
        return false;
    self->state = MEMBER_IDLE;
    crew->idle_count++;
    while (self->task == TASK_NONE && !is_excluded(crew, self))
        umh_condition_wait(self->wake, dispatch->lock, UMH_FOREVER);
    self->state = MEMBER_WORKING;
    crew->idle_count -= self->task == TASK_NONE;
    return self->task != TASK_NONE;
}

static void free_member(umh_member *member)
{
    umh_condition_free(member->wake);
    free(member);
}

/* (lock, released meanwhile) */
static void join(umh_dispatch *dispatch, umh_member *member)
{
    member->state = MEMBER_JOINED;
    umh_lock_release(dispatch->lock);
    umh_thread_join(member->thread);
    umh_lock_take(dispatch->lock);
    umh_list_remove(&member->link);
    free_member(member);
    umh_condition_wake_all(dispatch->crew.changed);
}

static umh_member *find_ended(umh_crew *crew)
{
    umh_list_each (link, &crew->members) {
        umh_member *member = umh_container_of(link, umh_member, link);

        if (member->state == MEMBER_ENDED)
            return member;
    }
    return NULL;
}

static void run_member(void *context)
{
    umh_member *self = context;
    umh_dispatch *dispatch = self->dispatch;
    umh_member *ended;

    umh_lock_take(dispatch->lock);
    while (wait_for_task(dispatch, self)) {
        if (self->task == TASK_SLOT) {
            umh_slot_thread_serve(dispatch, self);
            continue;
        }
        umh_lock_release(dispatch->lock);
        umh_role_serve(dispatch, self);
        umh_lock_take(dispatch->lock);
    }
    while ((ended = find_ended(&dispatch->crew)) != NULL)
        join(dispatch, ended);
    self->state = MEMBER_ENDED;
    umh_condition_wake_all(dispatch->crew.changed);
    umh_lock_release(dispatch->lock);
}

/* The lock is held, so the thread does not get further than to it before all is in place. */
static int start_member(umh_dispatch *dispatch, umh_member **ret_member)
{
    umh_member *member = calloc(1, sizeof(*member));
    int r;

    if (!member)
        return UMH_FAIL(UMH_E_MEMORY, "a thread's record");
    member->dispatch = dispatch;
    umh_list_init(&member->link);
    r = umh_condition_new(&member->wake);
    if (r == 0)
        r = umh_thread_start(run_member, member, "umh-crew", &member->thread);
    if (r) {
        free_member(member);
        return umh_fold(r);
    }
    umh_list_push_back(&dispatch->crew.members, &member->link);
    *ret_member = member;
    return 0;
}

int umh_crew_find(umh_dispatch *dispatch, umh_member **ret_member)
{
    umh_list_each (link, &dispatch->crew.members) {
        umh_member *member = umh_container_of(link, umh_member, link);

        if (member->state == MEMBER_IDLE && member->task == TASK_NONE &&
            !is_excluded(&dispatch->crew, member)) {
            *ret_member = member;
            return 0;
        }
    }
    return start_member(dispatch, ret_member);
}

void umh_crew_assign(umh_dispatch *dispatch, umh_member *member, umh_task task, uint16_t slot)
{
    dispatch->crew.idle_count -= member->state == MEMBER_IDLE;
    member->task = task;
    member->slot = slot;
    umh_condition_wake_one(member->wake);
}

/* (lock) One that has ended, if there is one; all are told. NULL: nobody is left. */
static umh_member *find_caller(umh_crew *crew, uint16_t slot)
{
    umh_member *caller = NULL;

    umh_list_each (link, &crew->members) {
        umh_member *member = umh_container_of(link, umh_member, link);

        if (!umh_member_has_called(member, slot))
            continue;
        if (member->state == MEMBER_ENDED)
            return member;
        if (member->state == MEMBER_IDLE)
            umh_condition_wake_one(member->wake);
        atomic_store_explicit(&member->is_retired, true, memory_order_relaxed);
        caller = member;
    }
    return caller;
}

bool umh_dispatch_retire_callers(umh_dispatch *dispatch, uint16_t slot, uint64_t deadline_ns)
{
    umh_crew *crew = &dispatch->crew;
    bool is_in_time = true;
    umh_member *caller;

    umh_lock_take(dispatch->lock);
    umh_slot_set_add(&crew->unloading, slot);
    while ((caller = find_caller(crew, slot)) != NULL && is_in_time) {
        if (caller->state == MEMBER_ENDED)
            join(dispatch, caller);
        else
            is_in_time = umh_condition_wait(crew->changed, dispatch->lock, deadline_ns);
    }
    umh_lock_release(dispatch->lock);
    return !caller;
}
