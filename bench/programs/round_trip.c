/* SPDX-License-Identifier: MIT */
/*
 * A turn of a conversation through a relay, as the system does it: one process asks, a relay polls,
 * reads and writes, one process answers, and back the same way.
 *
 *   round_trip BYTES TURNS
 */
#include "measure.h"

#include <fcntl.h>
#include <poll.h>

#define MESSAGE_BYTES_MAX 65536u
#define WARM_UP_TURNS 1000u

typedef struct chain {
    size_t message_bytes;
    uint64_t turn_count;
    int question[2][2]; /* asker to relay, relay to answerer */
    int answer[2][2];   /* answerer to relay, relay to asker */
} chain;

enum { AT_READ, AT_WRITE };

static void close_pipe(const int ends[2])
{
    close(ends[AT_READ]);
    close(ends[AT_WRITE]);
}

static void answer(void *context)
{
    static uint8_t message[MESSAGE_BYTES_MAX];
    const chain *of = context;

    close_pipe(of->question[0]);
    close_pipe(of->answer[1]);
    close(of->question[1][AT_WRITE]);
    close(of->answer[0][AT_READ]);
    while (read_whole(of->question[1][AT_READ], message, of->message_bytes))
        write_whole(of->answer[0][AT_WRITE], message, of->message_bytes);
}

static void relay(void *context)
{
    static uint8_t message[MESSAGE_BYTES_MAX];
    const chain *of = context;
    int to[2] = {of->question[1][AT_WRITE], of->answer[1][AT_WRITE]};
    struct pollfd from[2] = {{.fd = of->question[0][AT_READ], .events = POLLIN},
                             {.fd = of->answer[0][AT_READ], .events = POLLIN}};

    close(of->question[0][AT_WRITE]);
    close(of->answer[0][AT_WRITE]);
    for (;;) {
        must(poll(from, 2, -1) > 0, "poll");
        for (int i = 0; i < 2; i++) {
            ssize_t count;

            if (!from[i].revents)
                continue;
            count = read(from[i].fd, message, sizeof(message));
            must(count >= 0, "read");
            if (count == 0)
                return;
            write_whole(to[i], message, (size_t)count);
        }
    }
}

static void ask(const chain *of, uint64_t *ret_ns)
{
    static uint8_t message[MESSAGE_BYTES_MAX];

    for (uint64_t i = 0; i < of->turn_count + WARM_UP_TURNS; i++) {
        uint64_t begin_ns = umh_clock_now_ns();

        write_whole(of->question[0][AT_WRITE], message, of->message_bytes);
        must(read_whole(of->answer[1][AT_READ], message, of->message_bytes), "the relay ended");
        if (i >= WARM_UP_TURNS)
            ret_ns[i - WARM_UP_TURNS] = umh_clock_now_ns() - begin_ns;
    }
}

static int compare(const void *one, const void *other)
{
    const uint64_t *a = one;
    const uint64_t *b = other;

    return (*a > *b) - (*a < *b);
}

int main(int argc, char **argv)
{
    chain made = {.message_bytes = number_argument(argc, argv, 1, 128),
                  .turn_count = number_argument(argc, argv, 2, 10000)};
    uint64_t *ns = calloc(made.turn_count, sizeof(*ns));

    must(ns && made.turn_count > 0 && made.message_bytes > 0 &&
             made.message_bytes <= MESSAGE_BYTES_MAX,
         "BYTES TURNS");
    for (int i = 0; i < 2; i++)
        must(pipe2(made.question[i], O_CLOEXEC) == 0 && pipe2(made.answer[i], O_CLOEXEC) == 0,
             "pipe2");
    start_part(relay, &made);
    start_part(answer, &made);
    close(made.question[0][AT_READ]);
    close(made.answer[1][AT_WRITE]);
    close_pipe(made.question[1]);
    close_pipe(made.answer[0]);
    ask(&made, ns);
    close(made.question[0][AT_WRITE]);
    wait_for_parts();
    qsort(ns, made.turn_count, sizeof(*ns), compare);
    printf("{\"turns\": %llu, \"p50_ns\": %llu, \"p99_ns\": %llu}\n",
           (unsigned long long)made.turn_count, (unsigned long long)ns[made.turn_count / 2],
           (unsigned long long)ns[made.turn_count * 99 / 100]);
    free(ns);
    return 0;
}
