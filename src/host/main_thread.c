/* SPDX-License-Identifier: MIT */
/* One place for one piece of work, and the thread that does it. */
#include "host/main_thread.h"

#include "platform/thread.h"

#include <stdlib.h>

struct umh_main_thread {
    umh_lock *lock;
    umh_condition *changed;
    umh_main_thread_work work; /* run NULL: none */
    bool has_begun;
};

int umh_main_thread_new(umh_main_thread **ret_thread)
{
    umh_main_thread *thread = calloc(1, sizeof(*thread));
    int r;

    if (!thread)
        return UMH_FAIL(UMH_E_MEMORY, "prepare the main thread");
    r = umh_lock_new(&thread->lock);
    if (r == 0)
        r = umh_condition_new(&thread->changed);
    if (r) {
        umh_lock_free(thread->lock);
        free(thread);
        return umh_fold(r);
    }
    *ret_thread = thread;
    return 0;
}

int umh_main_thread_give(umh_main_thread *thread, const umh_main_thread_work *work,
                         umh_why *ret_why)
{
    bool is_taken;

    umh_lock_take(thread->lock);
    is_taken = thread->work.run;
    if (is_taken) {
        umh_why_set(ret_why,
                    "the main thread runs the user interface of module '%s'; a host has one",
                    thread->work.module);
    } else {
        thread->work = *work;
        thread->has_begun = false;
        umh_condition_wake_all(thread->changed);
    }
    umh_lock_release(thread->lock);
    return is_taken ? UMH_MAIN_THREAD_TAKEN : 0;
}

/* (lock) */
static void put_down(umh_main_thread *thread)
{
    thread->work = (umh_main_thread_work){.run = NULL};
    umh_condition_wake_all(thread->changed);
}

static bool has_work_of(const umh_main_thread *thread, const void *context)
{
    return thread->work.run && thread->work.context == context;
}

bool umh_main_thread_withdraw(umh_main_thread *thread, const void *context)
{
    bool is_running;

    umh_lock_take(thread->lock);
    is_running = has_work_of(thread, context) && thread->has_begun;
    if (has_work_of(thread, context) && !is_running)
        put_down(thread);
    umh_lock_release(thread->lock);
    return is_running;
}

void umh_main_thread_await(umh_main_thread *thread, const void *context)
{
    umh_lock_take(thread->lock);
    while (has_work_of(thread, context))
        umh_ignore(umh_condition_wait(thread->changed, thread->lock, UMH_FOREVER));
    umh_lock_release(thread->lock);
}

/* (lock), which is released meanwhile */
static void do_work(umh_main_thread *thread)
{
    const umh_main_thread_work work = thread->work;

    thread->has_begun = true;
    umh_lock_release(thread->lock);
    work.run(work.context);
    umh_lock_take(thread->lock);
    put_down(thread);
}

_Noreturn void umh_main_thread_serve(umh_main_thread *thread)
{
    umh_lock_take(thread->lock);
    for (;;) {
        if (thread->work.run)
            do_work(thread);
        else
            umh_ignore(umh_condition_wait(thread->changed, thread->lock, UMH_FOREVER));
    }
}
