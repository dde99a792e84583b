/* SPDX-License-Identifier: MIT */
/*
 * Publishes numbered messages and keeps book of those it receives, in a file that is mapped: what
 * is in it survives kill -9.
 *
 *   Config     Out: number of the service it publishes to, 0: none; In1, In2, In3: of those it
 *              hears; Gate: a file, published is while it is there; Record: the file; Bytes of a
 *              message, Burst: messages per millisecond, StopMs: how long its stop takes
 *   Record     the numbers of `record`, in native order
 *
 * A message's number is that of the publisher's process and of the message in it, so that it grows
 * over all processes of a host.
 */
#include "configured.h"
#include "stream.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define STORM_HOSTS_MAX 128
#define STORM_BYTES_MAX 65536
#define PROCESS_SHIFT 40

typedef struct record {
    uint64_t processes; /* so far */
    uint64_t sent;
    uint64_t refused;    /* by another reason than that it is stopping */
    uint64_t slowest_ns; /* send */
    uint64_t received;
    uint64_t backwards; /* whose number was not larger than the one before of the same host */
    uint64_t missing;   /* numbers between two of the same process */
    uint64_t last[STORM_HOSTS_MAX];
} record;

static const umh_host_v1 *used_host;
static record *book;
static umh_guid_v1 out;
static bool has_out;
static char gate[4096];
static size_t bytes;
static long long burst;
static long long stop_ms;
static pthread_t thread;
static bool has_thread;
static atomic_bool is_ending;

static bool map_book(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *memory;

    if (file < 0)
        return false;
    if (ftruncate(file, sizeof(record)) != 0) {
        close(file);
        return false;
    }
    memory = mmap(NULL, sizeof(record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED)
        return false;
    book = memory;
    book->processes++;
    return true;
}

static void publish(char *text, uint64_t number)
{
    long long began_ns = now_ns();
    umh_result_v1 result;

    stream_put_number(text, number);
    result = used_host->send(used_host, &out, UMH_SESSION_ANY, text, bytes, UMH_FOREVER_MS);
    if (result == UMH_V1_OK)
        book->sent++;
    else
        book->refused += result != UMH_V1_STOPPING && result != UMH_V1_FULL;
    if ((uint64_t)(now_ns() - began_ns) > book->slowest_ns)
        book->slowest_ns = (uint64_t)(now_ns() - began_ns);
}

static void *run(void *unused)
{
    static char text[STORM_BYTES_MAX];
    uint64_t number = book->processes << PROCESS_SHIFT;

    memset(text, 'x', sizeof(text));
    while (!atomic_load(&is_ending)) {
        if (access(gate, F_OK) == 0) {
            for (long long i = 0; i < burst && !atomic_load(&is_ending); i++)
                publish(text, ++number);
        }
        poll(NULL, 0, 1);
    }
    return unused;
}

static bool subscribe(const umh_host_v1 *host, const char *key)
{
    umh_guid_v1 service = config_service(host, key);

    return config_number(host, key, 0) == 0 || host->subscribe(host, &service) == UMH_V1_OK;
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    char path[4096];

    (void)ret_state;
    used_host = host;
    has_out = config_number(host, "Out", 0) != 0;
    out = config_service(host, "Out");
    bytes = (size_t)config_number(host, "Bytes", 200);
    burst = config_number(host, "Burst", 4);
    stop_ms = config_number(host, "StopMs", 0);
    config_text(host, "Gate", gate, sizeof(gate));
    config_text(host, "Record", path, sizeof(path));
    if (bytes < 16 || bytes > STORM_BYTES_MAX || !map_book(path))
        return 1;
    return subscribe(host, "In1") && subscribe(host, "In2") && subscribe(host, "In3") ? 0 : 2;
}

static int start(void *state)
{
    (void)state;
    has_thread = has_out && pthread_create(&thread, NULL, run, NULL) == 0;
    return has_thread == has_out ? 0 : 1;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    uint64_t number = 0;
    uint64_t *last;

    (void)state;
    if (message->source_host >= STORM_HOSTS_MAX || message->text_bytes < 16 ||
        !stream_get_number(message->text, &number)) {
        book->backwards++;
        return;
    }
    last = &book->last[message->source_host];
    if (number <= *last)
        book->backwards++;
    else if (*last >> PROCESS_SHIFT == number >> PROCESS_SHIFT)
        book->missing += number - *last - 1;
    *last = number;
    book->received++;
}

static void stop(void *state)
{
    (void)state;
    atomic_store(&is_ending, true);
    if (has_thread)
        pthread_join(thread, NULL);
    has_thread = false;
    poll(NULL, 0, (int)stop_ms);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "storm",
        .version = "1.0",
        .init = init,
        .start = start,
        .on_message = on_message,
        .stop = stop,
    };

    return &module;
}
