/* SPDX-License-Identifier: MIT */
/*
 * What the system itself can do: publisher, relay and subscriber, each a process, between them
 * pipes, in them messages of one size in batches, without frames. The relay only copies.
 *
 *   relay BYTES MESSAGES [PIPE_BYTES]
 */
#include "measure.h"

#include <fcntl.h>

#define BATCH_BYTES (64u * 1024)

typedef struct chain {
    uint64_t message_bytes;
    uint64_t message_count;
    int pipe_bytes; /* 0: as they are born */
    int first[2];   /* publisher to relay */
    int second[2];  /* relay to subscriber */
} chain;

static void make_pipe(const chain *made, int ends[2])
{
    must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    if (made->pipe_bytes > 0)
        must(fcntl(ends[0], F_SETPIPE_SZ, made->pipe_bytes) >= 0, "F_SETPIPE_SZ");
}

static void publish(void *context)
{
    static uint8_t batch[BATCH_BYTES];
    static uint8_t message[BATCH_BYTES];
    const chain *of = context;
    size_t filled = 0;

    close(of->first[0]);
    close(of->second[0]);
    close(of->second[1]);
    memset(message, 'x', sizeof(message));
    for (uint64_t i = 0; i < of->message_count; i++) {
        if (filled + of->message_bytes > sizeof(batch)) {
            write_whole(of->first[1], batch, filled);
            filled = 0;
        }
        memcpy(message, &i, sizeof(i));
        memcpy(batch + filled, message, of->message_bytes);
        filled += of->message_bytes;
    }
    write_whole(of->first[1], batch, filled);
}

static void relay(void *context)
{
    static uint8_t batch[BATCH_BYTES];
    const chain *of = context;
    ssize_t count;

    close(of->first[1]);
    close(of->second[0]);
    while ((count = read(of->first[0], batch, sizeof(batch))) > 0)
        write_whole(of->second[1], batch, (size_t)count);
    must(count == 0, "read");
}

/* Every message is looked at. */
static uint64_t subscribe(const chain *of, uint64_t *ret_ns)
{
    static uint8_t batch[BATCH_BYTES];
    uint64_t bytes = 0;
    uint64_t seen = 0;
    uint64_t begin_ns = 0;
    ssize_t count;

    while ((count = read(of->second[0], batch, sizeof(batch))) > 0) {
        if (bytes == 0)
            begin_ns = umh_clock_now_ns();
        bytes += (uint64_t)count;
        for (ssize_t at = 0; at < count; at += (ssize_t)of->message_bytes)
            seen += batch[at];
    }
    must(count == 0 && bytes == of->message_bytes * of->message_count, "lost something");
    *ret_ns = umh_clock_now_ns() - begin_ns;
    return seen;
}

int main(int argc, char **argv)
{
    chain made = {.message_bytes = number_argument(argc, argv, 1, 128),
                  .message_count = number_argument(argc, argv, 2, 1000000),
                  .pipe_bytes = (int)number_argument(argc, argv, 3, 0)};
    uint64_t begin_cpu_ns = cpu_ns();
    uint64_t seen;
    uint64_t ns;

    must(made.message_bytes >= sizeof(uint64_t) && made.message_bytes <= BATCH_BYTES, "BYTES");
    make_pipe(&made, made.first);
    make_pipe(&made, made.second);
    start_part(publish, &made);
    start_part(relay, &made);
    close(made.first[0]);
    close(made.first[1]);
    close(made.second[1]);
    seen = subscribe(&made, &ns);
    wait_for_parts();
    printf("{\"messages\": %llu, \"ns\": %llu, \"cpu_ns\": %llu, \"seen\": %llu}\n",
           (unsigned long long)made.message_count, (unsigned long long)ns,
           (unsigned long long)(cpu_ns() - begin_cpu_ns), (unsigned long long)seen);
    return 0;
}
