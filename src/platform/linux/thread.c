/* SPDX-License-Identifier: MIT */
/* Threads, locks and conditions over POSIX threads; conditions wait by the monotonic clock. */
#include "platform/thread.h"

#include "base/bytes.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define THREAD_NAME_BYTES 16

struct umh_thread {
    pthread_t id;
};

struct umh_lock {
    pthread_mutex_t mutex;
};

struct umh_condition {
    pthread_cond_t condition;
};

/* What the new thread needs; it owns it, because its handle may be detached before it has run. */
typedef struct thread_start {
    void (*run)(void *context);
    void *context;
    char name[THREAD_NAME_BYTES];
} thread_start;

static void *run_thread(void *argument)
{
    thread_start start = *(thread_start *)argument;

    free(argument);
    prctl(PR_SET_NAME, start.name);
    start.run(start.context);
    return NULL;
}

/*
 * Signals that mean this process (SIGTERM, SIGINT, ...) are for its main thread. Those that a
 * thread raises by its own fault stay open, because a CLR turns them into exceptions, and so do the
 * real-time ones, with which it stops its threads.
 */
static void fill_blocked(sigset_t *blocked)
{
    static const int open_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

    sigfillset(blocked);
    for (size_t i = 0; i < UMH_COUNT_OF(open_signals); i++)
        sigdelset(blocked, open_signals[i]);
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
        sigdelset(blocked, signal);
}

/* A new thread has the mask of the one that creates it. */
static int create_with_mask(pthread_t *ret_id, const pthread_attr_t *attributes,
                            thread_start *start)
{
    sigset_t blocked;
    sigset_t before;
    int error;

    fill_blocked(&blocked);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    error = pthread_create(ret_id, attributes, run_thread, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static int create(pthread_t *ret_id, thread_start *start)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);

    if (error)
        return error;
    error = pthread_attr_setstacksize(&attributes, UMH_THREAD_STACK_BYTES);
    if (!error)
        error = create_with_mask(ret_id, &attributes, start);
    pthread_attr_destroy(&attributes);
    return error;
}

int umh_thread_start(void (*run)(void *context), void *context, const char *name,
                     umh_thread **ret_thread)
{
    umh_thread *thread = malloc(sizeof *thread);
    thread_start *start = malloc(sizeof *start);
    int error = ENOMEM;

    if (thread && start) {
        *start = (thread_start){.run = run, .context = context};
        umh_text_put(start->name, sizeof start->name, name);
        error = create(&thread->id, start);
    }
    if (error) {
        free(start);
        free(thread);
        return UMH_FAIL_OS(error, "start thread '%s'", name);
    }
    *ret_thread = thread;
    return 0;
}

void umh_thread_join(umh_thread *thread)
{
    int error = pthread_join(thread->id, NULL);

    umh_assert(error == 0);
    free(thread);
}

void umh_thread_detach(umh_thread *thread)
{
    int error = pthread_detach(thread->id);

    umh_assert(error == 0);
    free(thread);
}

int umh_lock_new(umh_lock **ret_lock)
{
    umh_lock *lock = malloc(sizeof *lock);
    int error = lock ? pthread_mutex_init(&lock->mutex, NULL) : ENOMEM;

    if (error) {
        free(lock);
        return UMH_FAIL_OS(error, "create a lock");
    }
    *ret_lock = lock;
    return 0;
}

umh_lock *umh_lock_free(umh_lock *lock)
{
    if (lock)
        pthread_mutex_destroy(&lock->mutex);
    free(lock);
    return NULL;
}

void umh_lock_take(umh_lock *lock)
{
    int error = pthread_mutex_lock(&lock->mutex);

    umh_assert(error == 0);
}

void umh_lock_release(umh_lock *lock)
{
    int error = pthread_mutex_unlock(&lock->mutex);

    umh_assert(error == 0);
}

int umh_condition_new(umh_condition **ret_condition)
{
    umh_condition *condition = malloc(sizeof *condition);
    pthread_condattr_t attributes;
    int error = condition ? pthread_condattr_init(&attributes) : ENOMEM;

    if (!error) {
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = pthread_cond_init(&condition->condition, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    if (error) {
        free(condition);
        return UMH_FAIL_OS(error, "create a condition");
    }
    *ret_condition = condition;
    return 0;
}

umh_condition *umh_condition_free(umh_condition *condition)
{
    if (condition)
        pthread_cond_destroy(&condition->condition);
    free(condition);
    return NULL;
}

bool umh_condition_wait(umh_condition *condition, umh_lock *lock, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_SECOND),
                             .tv_nsec = (long)(deadline_ns % NS_PER_SECOND)};
    int error;

    if (deadline_ns == UMH_FOREVER)
        error = pthread_cond_wait(&condition->condition, &lock->mutex);
    else
        error = pthread_cond_timedwait(&condition->condition, &lock->mutex, &until);
    umh_assert(error == 0 || error == ETIMEDOUT);
    return error == 0;
}

void umh_condition_wake_one(umh_condition *condition)
{
    pthread_cond_signal(&condition->condition);
}

void umh_condition_wake_all(umh_condition *condition)
{
    pthread_cond_broadcast(&condition->condition);
}
