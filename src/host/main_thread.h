/* SPDX-License-Identifier: MIT */
/*
 * The main thread of a UI host, on which the toolkits of user interfaces insist. It runs the event
 * loop of one module at a time; between two it waits. In other hosts the CLR's Main has it
 * (host/managed.h).
 */
#pragma once

#include "base/why.h"

typedef struct umh_main_thread umh_main_thread;

typedef struct umh_main_thread_work {
    const char *module; /* whose it is, borrowed until it is done */
    void (*run)(void *context);
    void *context;
} umh_main_thread_work;

UMH_MUST_USE int umh_main_thread_new(umh_main_thread **ret_thread);

enum { UMH_MAIN_THREAD_TAKEN = 1 };

/* Any thread. Copied. Outcomes: UMH_MAIN_THREAD_TAKEN (another module has it: why). */
UMH_MUST_USE int umh_main_thread_give(umh_main_thread *thread, const umh_main_thread_work *work,
                                      umh_why *ret_why);
/*
 * Any thread but main. True: the work of `context` runs, and somebody else sees to its end. False:
 * it had not begun, and will not, or is done.
 */
bool umh_main_thread_withdraw(umh_main_thread *thread, const void *context);
/* Any thread but main. Until the work of `context` is done. */
void umh_main_thread_await(umh_main_thread *thread, const void *context);

_Noreturn void umh_main_thread_serve(umh_main_thread *thread);
