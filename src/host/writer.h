/* SPDX-License-Identifier: MIT */
/*
 * Who writes what waits in the outbox, and who waits until it is written. All functions but init
 * and deinit are called with the lock; those that say so release it meanwhile.
 */
#pragma once

#include "host/outbox.h"
#include "host/streams.h"

/* A thread that waits: for credit (by the condition alone), or until `until` is written. */
typedef struct umh_waiter {
    umh_list link;
    umh_condition *condition;
    uint64_t until;
} umh_waiter;

typedef struct umh_writer {
    umh_outbox_spec spec;
    umh_lock *lock;
    umh_streams *streams; /* borrowed; with the lock, as all below */
    umh_lane lane;
    umh_buffer urgent;     /* control frames */
    umh_buffer urgent_out; /* those being written: changed only by who has the pipe */
    size_t urgent_written; /* of urgent_out */
    umh_list progress;     /* waiters for the lane */
    umh_list idle;         /* waiters that nobody uses */
    unsigned writes_left;  /* until the next tick or batch */
    bool is_writing;       /* somebody has the pipe */
    bool is_pipe_full;     /* so the last write found it */
    bool is_pipe_grown;    /* that was tried */
    bool is_watcher_needed;
    bool is_watcher_awake; /* was told since its last tick */
    bool is_broken;
    bool is_broken_told;
} umh_writer;

UMH_MUST_USE int umh_writer_init(umh_writer *writer, const umh_outbox_spec *spec,
                                 umh_streams *streams);
void umh_writer_deinit(umh_writer *writer); /* also one that is all zero */

/* Release the lock for good, and call what is to be called without it. */
void umh_writer_leave(umh_writer *writer);
/* The same in between, before the thread sleeps. Releases the lock. */
void umh_writer_call_out(umh_writer *writer);

/* A control frame. A failure appends nothing. */
UMH_MUST_USE int umh_writer_put(umh_writer *writer, const umh_frame *frame, umh_bytes payload);
bool umh_writer_has_urgent(const umh_writer *writer);
bool umh_writer_has_something(const umh_writer *writer);

/* Write what is there without waiting, unless somebody does already. Releases the lock. */
void umh_writer_write(umh_writer *writer);
/* What is there needs a writer: who waits for it, or the watcher. */
void umh_writer_hand_over(umh_writer *writer);

UMH_MUST_USE int umh_writer_take_waiter(umh_writer *writer, umh_waiter **ret_waiter);
void umh_writer_return_waiter(umh_writer *writer, umh_waiter *waiter);

/*
 * Wait until the lane is written up to `until`, or UMH_WRITER_ALL: until nothing at all is left,
 * and write meanwhile when nobody does. May return before, for the caller to look at everything
 * again.
 * `waiter` may be NULL when the deadline is 0. Releases the lock. Outcomes: UMH_WRITER_TIMEOUT.
 */
enum { UMH_WRITER_TIMEOUT = 1 };
#define UMH_WRITER_ALL UINT64_MAX
UMH_MUST_USE int umh_writer_wait(umh_writer *writer, umh_waiter *waiter, uint64_t until,
                                 uint64_t deadline_ns);
/* Whoever waits for the lane looks at everything again. */
void umh_writer_wake_all(umh_writer *writer);
