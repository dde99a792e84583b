/* SPDX-License-Identifier: MIT */
/*
 * Asks a question every 5 ms, whatever became of those before, and says how long the answers took:
 * a system that stands still for a while shows in each question of that while.
 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define PACE_NS 5000000
#define QUESTIONS_MAX 20000u

static const umh_host_v1 *host;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t wanted_count;
static atomic_bool is_ending;
static uint64_t turns_ns[QUESTIONS_MAX];
static uint64_t answer_count, question_count; /* of the callback's thread */

static void ask(uint64_t count)
{
    struct timespec next;

    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint64_t i = 0; i < count && !atomic_load(&is_ending); i++) {
        char text[24];
        int size;

        next.tv_nsec += PACE_NS;
        next.tv_sec += next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        /* The time it was due, so that a wait before the send counts, too. */
        size = snprintf(text, sizeof(text), "%" PRIu64,
                        (uint64_t)next.tv_sec * 1000000000u + (uint64_t)next.tv_nsec);
        host->send(host, &bench_question, UMH_SESSION_ANY, text, (size_t)size, UMH_FOREVER_MS);
    }
}

static void *run(void *argument)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        uint64_t count;

        while (wanted_count == 0 && !atomic_load(&is_ending))
            pthread_cond_wait(&changed, &lock);
        if (atomic_load(&is_ending))
            break;
        count = wanted_count;
        wanted_count = 0;
        pthread_mutex_unlock(&lock);
        ask(count);
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return argument;
}

static int compare(const void *one, const void *other)
{
    const uint64_t *a = one;
    const uint64_t *b = other;

    return (*a > *b) - (*a < *b);
}

static void begin(const umh_message_v1 *go)
{
    size_t unused;

    bench_read_go(go, &question_count, &unused);
    if (question_count > QUESTIONS_MAX)
        question_count = QUESTIONS_MAX;
    answer_count = 0;
    pthread_mutex_lock(&lock);
    wanted_count = question_count;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static int init(const umh_host_v1 *given, void **ret_state)
{
    *ret_state = NULL;
    host = given;
    return 0;
}

static int start(void *state)
{
    return pthread_create(&thread, NULL, run, state);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    uint64_t now_ns = bench_now_ns();

    (void)state;
    if (memcmp(&message->service, &bench_go, sizeof(bench_go)) == 0) {
        begin(message);
        return;
    }
    if (answer_count == question_count)
        return;
    turns_ns[answer_count++] = now_ns - strtoull(message->text, NULL, 10);
    if (answer_count < question_count)
        return;
    qsort(turns_ns, answer_count, sizeof(*turns_ns), compare);
    bench_say(host, "p50_ns", turns_ns[answer_count / 2], "p99_ns",
              turns_ns[answer_count * 99 / 100]);
}

static void stop(void *state)
{
    (void)state;
    atomic_store(&is_ending, true);
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
}

const umh_module_v1 *umh_module_entry(void)
{
    static umh_guid_v1 services[2];
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "pacer",
        .version = "1",
        .services = services,
        .service_count = 2,
        .init = init,
        .start = start,
        .on_message = on_message,
        .stop = stop,
    };

    services[0] = bench_go;
    services[1] = bench_answer;
    return &module;
}
