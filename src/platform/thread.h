/* SPDX-License-Identifier: MIT */
/*
 * Threads, a lock, a condition with a monotonic deadline. The main thread of a host and whoever it
 * starts.
 */
#pragma once

#include "base/auto.h"
#include "base/err.h"
#include "platform/clock.h"

#include <stdbool.h>

typedef struct umh_thread umh_thread;
typedef struct umh_lock umh_lock;
typedef struct umh_condition umh_condition;

/* managed code needs that much; reserved, not touched */
#define UMH_THREAD_STACK_BYTES (1536u * 1024)

/*
 * Start `run(context)`. `name` is shown by debuggers, cut at 15 bytes. Signals are blocked in it.
 * The handle must be joined or detached once.
 */
UMH_MUST_USE int umh_thread_start(void (*run)(void *context), void *context, const char *name,
                                  umh_thread **ret_thread);
void umh_thread_join(umh_thread *thread);
void umh_thread_detach(umh_thread *thread);

UMH_MUST_USE int umh_lock_new(umh_lock **ret_lock);
umh_lock *umh_lock_free(umh_lock *lock);
void umh_lock_take(umh_lock *lock);
void umh_lock_release(umh_lock *lock);

UMH_MUST_USE int umh_condition_new(umh_condition **ret_condition);
umh_condition *umh_condition_free(umh_condition *condition);
/* The lock is held by the caller. False: the deadline passed. May wake without a reason. */
bool umh_condition_wait(umh_condition *condition, umh_lock *lock, uint64_t deadline_ns);
void umh_condition_wake_one(umh_condition *condition);
void umh_condition_wake_all(umh_condition *condition);
