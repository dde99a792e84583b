/* SPDX-License-Identifier: MIT */
/*
 * Receives the streams of sources and looks at every message: number, checksum, one call at a time.
 *
 *   Config     Service, Asked, Result: numbers of services; DelayUs for each message
 *   Asked      "report"
 *   Result     {"count", "errors", "ended", "sources", "bytes", "ns"}, also after the end of each
 *              stream; `errors` counts gaps, repetitions, damage and calls at the same time
 */
#include "configured.h"
#include "stream.h"

#include <stdatomic.h>

#define STREAMS_MAX 128

typedef struct stream {
    uint32_t host;
    uint16_t slot;
    bool is_known;
    bool is_ended;
    uint64_t next;
    uint64_t total;
} stream;

typedef struct sink {
    const umh_host_v1 *host;
    umh_guid_v1 service;
    umh_guid_v1 asked;
    umh_guid_v1 result;
    long long delay_ns;
    atomic_bool is_inside;
    stream streams[STREAMS_MAX];
    uint64_t count;
    uint64_t error_count;
    uint64_t ended_count;
    uint64_t bytes;
} sink;

static sink self;

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    self.host = host;
    self.service = config_service(host, "Service");
    self.asked = config_service(host, "Asked");
    self.result = config_service(host, "Result");
    self.delay_ns = config_number(host, "DelayUs", 0) * 1000;
    if (host->subscribe(host, &self.service) != UMH_V1_OK ||
        host->subscribe(host, &self.asked) != UMH_V1_OK)
        return 1;
    return 0;
}

static void report(void)
{
    size_t sources = 0;

    while (sources < STREAMS_MAX && self.streams[sources].is_known)
        sources++;
    answer(self.host, &self.result,
           "{\"count\":%llu,\"errors\":%llu,\"ended\":%llu,\"sources\":%zu,\"bytes\":%llu,\"ns\":%"
           "lld}",
           (unsigned long long)self.count, (unsigned long long)self.error_count,
           (unsigned long long)self.ended_count, sources, (unsigned long long)self.bytes, now_ns());
}

/* NULL: there are too many. */
static stream *find_stream(const umh_message_v1 *message)
{
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        stream *candidate = &self.streams[i];

        if (!candidate->is_known) {
            *candidate = (stream){message->source_host, message->source_slot, true, false, 0, 0};
            return candidate;
        }
        if (candidate->host == message->source_host && candidate->slot == message->source_slot)
            return candidate;
    }
    return NULL;
}

static void take_end(stream *from, const umh_message_v1 *message)
{
    uint64_t count = 0;
    uint64_t total = 0;

    if (message->text_bytes != STREAM_END_BYTES || !stream_get_number(message->text + 4, &count) ||
        !stream_get_number(message->text + 20, &total) || count != from->next ||
        total != from->total || from->is_ended)
        self.error_count++;
    from->is_ended = true;
    self.ended_count++;
    report();
}

static void take(stream *from, const umh_message_v1 *message)
{
    uint64_t number = 0;
    uint64_t sum = 0;

    if (!stream_read(message->text, message->text_bytes, &number, &sum) || number != from->next ||
        message->text[message->text_bytes] != '\0')
        self.error_count++;
    from->next = number + 1;
    from->total = stream_add(from->total, sum);
    self.count++;
    self.bytes += message->text_bytes;
}

static void dwell(void)
{
    long long until = self.delay_ns > 0 ? now_ns() + self.delay_ns : 0;

    while (until != 0 && now_ns() < until)
        continue;
}

static void on_message(void *state, const umh_message_v1 *message)
{
    stream *from;

    (void)state;
    if (atomic_exchange_explicit(&self.is_inside, true, memory_order_relaxed))
        self.error_count++;
    if (!is_service(message, &self.service)) {
        report();
    } else {
        from = find_stream(message);
        if (!from)
            self.error_count++;
        else if (message->text_bytes >= 4 && memcmp(message->text, STREAM_END, 4) == 0)
            take_end(from, message);
        else
            take(from, message);
        dwell();
    }
    atomic_store_explicit(&self.is_inside, false, memory_order_relaxed);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "sink",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
