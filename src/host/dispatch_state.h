/* SPDX-License-Identifier: MIT */
/*
 * The state behind umh_dispatch, and what its files are to each other: role.c reads and calls,
 * slot_thread.c is a slot's own thread, crew.c has the threads, watcher.c ticks. Included by them
 * and by dispatch.c only.
 *
 * "The lock" is umh_dispatch.lock. Functions marked (lock) are called with it held.
 */
#pragma once

#include "base/list.h"
#include "host/batch.h"
#include "host/dispatch.h"
#include "host/inbox.h"
#include "ipc/flow.h"
#include "platform/thread.h"

#include <stdatomic.h>

/* Numbers of slots, a bit each. */
typedef struct umh_slot_set {
    uint64_t bits[2];
} umh_slot_set;
_Static_assert(UMH_MODULES_PER_HOST_MAX <= 128, "a slot is a bit of umh_slot_set");

typedef enum umh_task { TASK_NONE, TASK_ROLE, TASK_SLOT } umh_task;

typedef enum umh_member_state {
    MEMBER_WORKING,
    MEMBER_IDLE,
    MEMBER_ENDED, /* its thread returns: whoever makes it MEMBER_JOINED joins and frees it */
    MEMBER_JOINED
} umh_member_state;

/* A thread of the crew. */
typedef struct umh_member {
    umh_list link; /* in crew.members until it was joined */
    umh_dispatch *dispatch;
    umh_thread *thread;
    umh_condition *wake;
    umh_member_state state;
    umh_task task;
    uint16_t slot; /* of TASK_SLOT */
    /* It called a slot that is being unloaded: what it does goes to another thread, and it ends. */
    _Atomic bool is_retired;
    /* Slots it called, as in umh_slot_set. Written by the thread alone, without the lock. */
    _Atomic uint64_t called[2];
} umh_member;

typedef struct umh_crew {
    umh_list members;
    umh_condition *changed; /* a member was joined or has ended */
    umh_slot_set unloading; /* who called one of these gets no new task */
    uint32_t idle_count;
} umh_crew;

/* Where the stream from the broker is. The thread with the role alone; passed on with the role. */
typedef struct umh_role {
    umh_batch *batch;
    size_t at;                 /* in `batch`, of the first frame not dispatched */
    size_t needed_bytes;       /* of the frame there, as far as is known; it is not complete */
    uint64_t sequence;         /* of the last inline call */
    uint64_t command_heads[2]; /* first bytes of the services whose messages are commands */
    uint32_t payload_max;      /* of a message */
    umh_member *holder;        /* written under the lock */
} umh_role;

typedef struct umh_dispatch_slot {
    /*
     * The slot has a thread of its own, and an inbox for it. Set under the lock by the role or by
     * who takes the role, cleared under the lock by that thread. While it is false, the slot is the
     * role's.
     */
    _Atomic bool is_queued;
    bool has_complained; /* about a message without a module */
    umh_module *module;
    umh_module *target; /* the module while it may be called, else NULL */
    umh_blackbox_slot *box;
    umh_consumed consumed;
    umh_inbox inbox;
    umh_member *holder; /* the lock; NULL unless is_queued */
    /* Counts what the slot's thread does: the watcher tells one activity from the next by it. */
    _Atomic uint32_t step;
    uint32_t seen_step; /* the watcher's, as the next */
    uint64_t seen_ns;
} umh_dispatch_slot;

typedef struct umh_watcher {
    umh_condition *wake;
    _Atomic bool is_awake;     /* ticks; cleared and set under the lock */
    _Atomic uint32_t reading;  /* counted up by the role; odd: it dispatches a batch */
    _Atomic bool has_sendings; /* the outbox asked for a tick */
    uint32_t seen_reading;     /* at the last tick */
    uint64_t word;             /* the current call at the last tick, since when it was seen, */
    uint64_t word_ns;
    uint64_t word_bytes;   /* and what its slot had consumed then */
    uint64_t tick_ns;      /* when the next is due */
    uint64_t heartbeat_ns; /* written last */
    uint32_t quiet_count;  /* ticks in a row with nothing to watch */
} umh_watcher;

struct umh_dispatch {
    _Atomic uint64_t call; /* sequence << UMH_CALL_SLOT_BITS | slot + 1; 0: none */
    umh_role role;
    uint8_t distance[64]; /* other threads read what follows, while the role writes the above */
    umh_dispatch_spec spec;
    umh_lock *lock;
    uint64_t window_bytes;
    umh_blackbox *blackbox;
    umh_blackbox own_blackbox; /* when the broker gave none: no branch on the path of a message */
    umh_crew crew;
    umh_watcher watcher;
    uint32_t queued_count; /* slots with a thread; the lock */
    uint32_t module_count; /* slots with a module; the lock */
    uint32_t all_count;    /* INBOX_COMMAND_ALL that have not been carried out; the lock */
    void (*on_all_done)(umh_host *host);
    umh_dispatch_slot slots[UMH_MODULES_PER_HOST_MAX];
};

#define UMH_CALL_SLOT_BITS 8
#define UMH_CALL_SLOT_MASK ((UINT64_C(1) << UMH_CALL_SLOT_BITS) - 1)

static inline void umh_slot_set_add(umh_slot_set *set, uint16_t slot)
{
    set->bits[slot / 64] |= UINT64_C(1) << slot % 64;
}

static inline void umh_slot_set_remove(umh_slot_set *set, uint16_t slot)
{
    set->bits[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

static inline bool umh_member_has_called(umh_member *member, uint16_t slot)
{
    uint64_t bits = atomic_load_explicit(&member->called[slot / 64], memory_order_relaxed);

    return bits >> slot % 64 & 1;
}

/* The member's own thread. */
static inline void umh_member_note_call(umh_member *self, uint16_t slot)
{
    uint64_t bits = atomic_load_explicit(&self->called[slot / 64], memory_order_relaxed);

    if (!(bits >> slot % 64 & 1))
        atomic_store_explicit(&self->called[slot / 64], bits | UINT64_C(1) << slot % 64,
                              memory_order_relaxed);
}

/* role.c */
/* Read and dispatch until the role is gone; self->task says what is next. */
void umh_role_serve(umh_dispatch *dispatch, umh_member *self);
/* (lock) The role is `member`'s from now on. */
void umh_role_assign(umh_dispatch *dispatch, umh_member *member);

/* slot_thread.c */
/* (lock) `member` is the slot's thread from now on; what comes for the slot goes to its inbox. */
void umh_slot_thread_open(umh_dispatch *dispatch, uint16_t slot, umh_member *member);
/* (lock) Append for the slot's thread, which it gets now if it has none. */
UMH_MUST_USE int umh_slot_thread_push(umh_dispatch *dispatch, const umh_inbox_entry *entry,
                                      umh_batch *batch);
/* (lock, released meanwhile) Until the inbox is empty, or the slot was passed on. */
void umh_slot_thread_serve(umh_dispatch *dispatch, umh_member *self);

/* crew.c */
UMH_MUST_USE int umh_crew_init(umh_crew *crew);
/* (lock) An idle member, or a new one, that called no slot which is being unloaded. */
UMH_MUST_USE int umh_crew_find(umh_dispatch *dispatch, umh_member **ret_member);
/* (lock) `slot` of TASK_SLOT. */
void umh_crew_assign(umh_dispatch *dispatch, umh_member *member, umh_task task, uint16_t slot);

/* watcher.c */
UMH_MUST_USE int umh_watcher_init(umh_watcher *watcher);
UMH_MUST_USE int umh_watcher_start(umh_dispatch *dispatch);
/* (lock) It ticks from now on. */
void umh_watcher_wake(umh_dispatch *dispatch);

/* dispatch.c */
/* The callback of a message of that cost has returned: counts, and credit when it is due. */
void umh_dispatch_consume(umh_dispatch *dispatch, uint16_t slot, uint64_t cost);
/* A message came that no module may get: it is dropped, the first one with a log line. */
void umh_dispatch_complain(umh_dispatch *dispatch, uint16_t slot);
/* Any thread: the process ends because of this thread's last failure. */
void umh_dispatch_fail(umh_dispatch *dispatch);
