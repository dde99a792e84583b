/* SPDX-License-Identifier: MIT */
/*
 * The path of a message through the broker: real pipes on a real loop, the hosts played by the
 * test.
 */
#include "broker/peer.h"
#include "broker/router.h"
#include "ipc/cursor.h"
#include "ipc/services.h"
#include "platform/pipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STREAM_MAX (40u * 1024 * 1024)
#define TURNS_MAX 20000

/* The two functions of broker.c that the path calls. */
void umh_broker_wake(umh_broker *broker)
{
    (void)broker;
}

void umh_broker_fail(umh_broker *broker)
{
    (void)broker;
    fail_msg("the broker failed");
}

/* One host with one module: the broker's side, and the far ends of its pipes. */
typedef struct host_stub {
    umh_broker *broker;
    umh_peer *peer;
    umh_credit_account *account;
    umh_slot slot;
    umh_slot *slots[1];
    umh_source source;
    umh_pipe to_broker, from_broker;
    uint8_t *received; /* what came, all of it */
    size_t received_bytes;
    umh_why end;
    bool is_ended;
} host_stub;

static int on_header(void *context, const umh_frame *frame, umh_why *ret_why)
{
    host_stub *host = context;

    return umh_router_admit(host->broker->router, &host->source, frame, ret_why)
               ? UMH_PEER_VIOLATION
               : 0;
}

static int on_frame(void *context, const umh_frame *frame, umh_bytes payload, umh_message *stored,
                    umh_why *ret_why)
{
    host_stub *host = context;
    umh_want want;
    uint32_t count;
    int r = 0;

    switch (frame->kind) {
    case FRAME_MESSAGE:
        r = umh_router_route(host->broker->router, &host->source,
                             &(umh_arrival){.frame = frame, .payload = payload, .stored = stored},
                             &count, ret_why);
        break;
    case FRAME_WANT:
        umh_frame_want(payload, &want.need, &want.cost);
        r = umh_credit_on_want(host->account, &frame->service, frame->source_slot, &want, ret_why);
        break;
    case FRAME_CREDIT:
        r = umh_slot_on_credit(&host->slot, umh_frame_amount(payload));
        break;
    default:
        break;
    }
    return r ? UMH_PEER_VIOLATION : 0;
}

static void on_end(void *context, const umh_why *why)
{
    host_stub *host = context;

    host->is_ended = true;
    host->end = *why;
}

static void send_credit(void *context, const umh_guid *service, uint64_t bytes)
{
    host_stub *host = context;

    umh_outbox_credit(umh_peer_outbox(host->peer), service, bytes);
}

static void send_give_back(void *context, const umh_guid *service)
{
    host_stub *host = context;

    umh_outbox_give_back(umh_peer_outbox(host->peer), service);
}

static uv_pipe_t *open_stream(umh_broker *broker, umh_pipe end)
{
    uv_pipe_t *stream = calloc(1, sizeof(*stream));

    assert_non_null(stream);
    assert_int_equal(uv_pipe_init(&broker->loop, stream, 0), 0);
    assert_int_equal(uv_pipe_open(stream, (uv_file)end.handle), 0);
    return stream;
}

static umh_broker *open_broker(uint64_t memory_bytes)
{
    umh_broker *broker = calloc(1, sizeof(*broker));

    assert_non_null(broker);
    assert_int_equal(uv_loop_init(&broker->loop), 0);
    broker->config.queue_mib = 8;
    broker->max_message_bytes = UMH_MESSAGE_BYTES_DEFAULT;
    broker->read_buffer = malloc(UMH_FRAME_HEADER_BYTES + UMH_READ_BYTES);
    umh_budget_init(&broker->budget, memory_bytes);
    assert_int_equal(umh_message_pool_new(&broker->budget, &broker->pool), 0);
    assert_int_equal(umh_outbox_set_new(broker, &broker->outboxes), 0);
    assert_int_equal(umh_router_new(broker, &broker->router), 0);
    assert_int_equal(umh_credit_new(&broker->budget, umh_router_is_over_mark, broker->router,
                                    umh_frame_cost(broker->max_message_bytes), &broker->credit),
                     0);
    return broker;
}

static void open_host(umh_broker *broker, uint32_t number, umh_overflow overflow, host_stub *host)
{
    umh_credit_account_events account_events = {
        .context = host, .send_credit = send_credit, .send_give_back = send_give_back};
    umh_peer_spec spec = {
        .broker = broker,
        .events = {.context = host, .on_header = on_header, .on_frame = on_frame, .on_end = on_end},
        .control_bytes_max = UMH_OUTBOX_CONTROL_BYTES};
    umh_pipe in;
    umh_pipe out;

    memset(host, 0, sizeof(*host));
    host->broker = broker;
    host->received = malloc(STREAM_MAX);
    assert_int_equal(umh_pipe_new(&in, &host->to_broker), 0);
    assert_int_equal(umh_pipe_new(&host->from_broker, &out), 0);
    assert_int_equal(umh_pipe_set_non_blocking(host->to_broker), 0);
    assert_int_equal(umh_credit_account_new(broker->credit, &account_events, &host->account), 0);
    spec.in = open_stream(broker, in);
    spec.out = open_stream(broker, out);
    assert_int_equal(umh_peer_new(&spec, &host->peer), 0);
    umh_slot_init(&host->slot, broker, 0, overflow);
    host->slots[0] = &host->slot;
    umh_slot_connect(&host->slot, umh_peer_outbox(host->peer));
    umh_slot_set_gate(&host->slot, SLOT_OPEN);
    host->source = (umh_source){.account = host->account,
                                .host_number = number,
                                .session = 0,
                                .slots = host->slots,
                                .slot_count = 1};
}

static void close_host(host_stub *host)
{
    umh_slot_deinit(&host->slot);
    umh_peer_close(host->peer);
    umh_credit_account_free(host->account);
    umh_pipe_close(&host->to_broker);
    umh_pipe_close(&host->from_broker);
    free(host->received);
}

static void close_broker(umh_broker *broker)
{
    umh_credit_free(broker->credit);
    umh_router_free(broker->router);
    uv_run(&broker->loop, UV_RUN_DEFAULT);
    umh_outbox_set_free(broker->outboxes);
    assert_true(broker->budget.charged == 0);
    umh_message_pool_free(broker->pool);
    assert_int_equal(uv_loop_close(&broker->loop), 0);
    free(broker->read_buffer);
    free(broker);
}

static void turn(umh_broker *broker)
{
    uv_run(&broker->loop, UV_RUN_NOWAIT);
    broker->turn_number++;
    umh_router_settle(broker->router);
    umh_credit_settle(broker->credit);
    umh_outbox_set_flush(broker->outboxes);
}

/* What has come out so far; one read of at most `bytes`. False: nothing there. */
static bool receive(host_stub *host, size_t bytes)
{
    size_t size = 0;
    int r =
        umh_pipe_read(host->from_broker, host->received + host->received_bytes, bytes, 0, &size);

    host->received_bytes += r == 0 ? size : 0;
    return r == 0;
}

/* Turns until `host` has `bytes` in all. */
static void receive_until(host_stub *host, size_t bytes)
{
    for (unsigned i = 0; host->received_bytes < bytes; i++) {
        assert_true(i < TURNS_MAX);
        turn(host->broker);
        while (receive(host, 1024u * 1024))
            continue;
    }
}

static umh_guid service_of(uint8_t number)
{
    umh_guid guid = {{0xEE}};

    guid.bytes[15] = number;
    return guid;
}

static void subscribe(host_stub *host, uint8_t service)
{
    umh_guid guid = service_of(service);

    assert_int_equal(
        umh_subscriptions_add(umh_router_subscriptions(host->broker->router), &guid, &host->slot),
        0);
}

static size_t encode(uint8_t *to, umh_frame frame, const void *payload, uint32_t payload_bytes)
{
    frame.version = 1;
    frame.payload_bytes = payload_bytes;
    umh_frame_encode(&frame, to);
    memcpy(to + UMH_FRAME_HEADER_BYTES, payload, payload_bytes);
    return UMH_FRAME_HEADER_BYTES + payload_bytes;
}

/* The host writes, in as many turns as the pipe needs. */
static void write_all(host_stub *host, const uint8_t *data, size_t size)
{
    size_t at = 0;

    for (unsigned i = 0; at < size; i++) {
        umh_bytes rest = umh_bytes_of(data + at, size - at);
        size_t written = 0;

        assert_true(i < TURNS_MAX);
        if (umh_pipe_write_parts(host->to_broker, &rest, 1, &written) == 0)
            at += written;
        turn(host->broker);
    }
}

static void publish(host_stub *host, uint8_t service, uint32_t session, const char *text)
{
    uint8_t bytes[4096];
    umh_frame frame = {.kind = FRAME_MESSAGE,
                       .service = service_of(service),
                       .session = session,
                       .source_host = 77,
                       .source_session = 5};

    write_all(host, bytes, encode(bytes, frame, text, (uint32_t)strlen(text)));
}

static umh_frame decode_at(const host_stub *host, size_t at, umh_bytes *ret_text)
{
    umh_why why = UMH_WHY_INIT;
    umh_frame frame;

    assert_true(host->received_bytes >= at + UMH_FRAME_HEADER_BYTES);
    assert_int_equal(umh_frame_decode(umh_bytes_of(host->received + at, host->received_bytes - at),
                                      UMH_MESSAGE_BYTES_DEFAULT, &frame, &why),
                     0);
    *ret_text = umh_bytes_of(host->received + at + UMH_FRAME_HEADER_BYTES, frame.payload_bytes);
    return frame;
}

static void test_stamps_the_source_and_reaches_the_sender(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    host_stub host;
    umh_bytes text;
    umh_frame frame;

    (void)state;
    open_host(broker, 9, OVERFLOW_BLOCK, &host);
    subscribe(&host, 1);
    publish(&host, 1, UMH_SESSION_EVERY, "hello");
    receive_until(&host, UMH_FRAME_AMOUNT_BYTES + 46);
    frame = decode_at(&host, 0, &text); /* its credit grows with use: that goes first */
    assert_int_equal(frame.kind, FRAME_CREDIT);
    frame = decode_at(&host, UMH_FRAME_AMOUNT_BYTES, &text);
    assert_int_equal(frame.source_host, 9);
    assert_int_equal(frame.source_session, 0);
    assert_int_equal(frame.slot, 0);
    assert_memory_equal(text.data, "hello\0", 6);
    close_host(&host);
    close_broker(broker);
}

static void test_keeps_sessions_apart(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    host_stub own;
    host_stub first;
    host_stub second;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &own);
    open_host(broker, 2, OVERFLOW_BLOCK, &first);
    open_host(broker, 3, OVERFLOW_BLOCK, &second);
    first.slot.session = first.source.session = 1;
    second.slot.session = second.source.session = 2;
    subscribe(&own, 1);
    subscribe(&first, 1);
    subscribe(&second, 1);
    publish(&first, 1, UMH_SESSION_EVERY, "a"); /* own and itself, not the other user's */
    publish(&own, 1, 2, "bb");                  /* the second user's only */
    publish(&second, 1, 1, "ccc");              /* closed between users */
    receive_until(&own, 42);
    receive_until(&first, 42);
    receive_until(&second, 43);
    turn(broker);
    assert_int_equal(own.slot.counters.delivered_count, 1);
    assert_int_equal(first.slot.counters.delivered_count, 1);
    assert_int_equal(second.slot.counters.delivered_count, 1);
    close_host(&own);
    close_host(&first);
    close_host(&second);
    close_broker(broker);
}

/*
 * Frames of every size up to beyond the read buffer, the stream cut at every possible place by the
 * reads.
 */
static void test_frames_survive_any_cut(void **state)
{
    static const uint32_t sizes[] = {0, 1,       127, 128, 65536,  65537,  300000,
                                     5, 1000000, 40,  0,   262104, 262105, 3};
    umh_broker *broker = open_broker(64u << 20);
    uint8_t *stream = malloc(STREAM_MAX);
    uint8_t *payload = malloc(1000000);
    umh_why why = UMH_WHY_INIT;
    host_stub host;
    size_t expected = 0;
    size_t at = 0;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &host);
    subscribe(&host, 1);
    for (unsigned i = 0; i < UMH_COUNT_OF(sizes); i++) {
        umh_frame frame = {
            .kind = FRAME_MESSAGE, .service = service_of(1), .session = UMH_SESSION_EVERY};
        umh_guid guid = service_of(1);
        umh_want want = {.need = at + sizes[i] + 40, .cost = sizes[i] + 40};
        uint8_t give[UMH_FRAME_AMOUNT_BYTES];
        umh_frame credit = {.version = 1, .kind = FRAME_CREDIT};

        assert_int_equal(umh_credit_on_want(host.account, &guid, UMH_SLOT_NONE, &want, &why), 0);
        for (unsigned j = 0; j < 10; j++)
            turn(broker);
        memset(payload, 'a' + (int)i, sizes[i]);
        write_all(&host, stream, encode(stream, frame, payload, sizes[i]));
        at += sizes[i] + 40;
        expected += sizes[i] + 41;
        for (unsigned j = 0; host.slot.counters.delivered_count <= i; j++) {
            assert_true(j < TURNS_MAX && !host.is_ended);
            turn(broker);
            while (receive(&host, 1u << 20))
                continue;
        }
        umh_frame_encode_amount(&credit, sizes[i] + 40, give);
        write_all(&host, give, sizeof(give));
    }
    /* credit frames stand between the messages: walk what came */
    for (size_t i = 0, n = 0; n < UMH_COUNT_OF(sizes);) {
        umh_bytes text;
        umh_frame frame;

        receive_until(&host, i + UMH_FRAME_HEADER_BYTES);
        frame = decode_at(&host, i, &text);
        receive_until(&host, i + (size_t)umh_frame_delivered_bytes(&frame));
        if (frame.kind == FRAME_MESSAGE) {
            assert_int_equal(text.size, sizes[n]);
            for (size_t j = 0; j < text.size; j++)
                assert_int_equal(text.data[j], 'a' + (int)n);
            n++;
        }
        i += (size_t)umh_frame_delivered_bytes(&frame);
    }
    close_host(&host);
    close_broker(broker);
    free(payload);
    free(stream);
}

static void test_window_closes_and_opens(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    uint8_t give[UMH_FRAME_AMOUNT_BYTES];
    umh_frame credit = {.version = 1, .kind = FRAME_CREDIT};
    umh_message *stored = NULL;
    static uint8_t payload[1000];
    umh_frame frame = {.payload_bytes = sizeof(payload),
                       .version = 1,
                       .kind = FRAME_MESSAGE,
                       .service = service_of(1)};
    host_stub host;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &host);
    for (unsigned i = 0; i < 3000; i++) {
        stored = NULL;
        umh_slot_deliver(&host.slot, &frame, umh_bytes_of(payload, sizeof(payload)), false,
                         &stored);
        umh_message_unref(stored);
        turn(broker);
        while (receive(&host, 1u << 20))
            host.received_bytes = 0;
    }
    /* it overshoots by one message at most */
    assert_true(host.slot.window.outstanding >= UMH_WINDOW_BYTES);
    assert_true(host.slot.window.outstanding < UMH_WINDOW_BYTES + 1040);
    assert_int_equal(host.slot.queue.count, 3000 - host.slot.counters.delivered_count);
    umh_frame_encode_amount(&credit, host.slot.window.outstanding, give);
    write_all(&host, give, sizeof(give));
    for (unsigned i = 0; host.slot.window.outstanding < UMH_WINDOW_BYTES; i++) {
        assert_true(i < TURNS_MAX);
        turn(broker);
        while (receive(&host, 1u << 20))
            host.received_bytes = 0;
    }
    assert_false(host.is_ended);
    umh_frame_encode_amount(&credit, host.slot.window.outstanding + 1, give);
    write_all(&host, give, sizeof(give));
    turn(broker);
    assert_true(host.is_ended); /* more than is outstanding */
    close_host(&host);
    close_broker(broker);
}

static void fill(host_stub *host, unsigned count, uint32_t bytes)
{
    static uint8_t payload[100000];
    umh_frame frame = {
        .payload_bytes = bytes, .version = 1, .kind = FRAME_MESSAGE, .service = service_of(1)};

    for (unsigned i = 0; i < count; i++) {
        umh_message *stored = NULL;

        umh_slot_deliver(&host->slot, &frame, umh_bytes_of(payload, bytes), false, &stored);
        umh_message_unref(stored);
    }
}

static void test_policies_of_a_full_queue(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    host_stub oldest;
    host_stub newest;

    (void)state;
    open_host(broker, 1, OVERFLOW_DROP_OLDEST, &oldest);
    open_host(broker, 2, OVERFLOW_DROP_NEWEST, &newest);
    fill(&oldest, 400, 50000);
    fill(&newest, 400, 50000);
    assert_true(oldest.slot.queue.bytes <= 8u << 20);
    assert_true(newest.slot.queue.bytes <= 8u << 20);
    assert_true(oldest.slot.counters.dropped_count > 0);
    assert_int_equal(oldest.slot.counters.dropped_count + oldest.slot.queue.count +
                         oldest.slot.counters.delivered_count,
                     400);
    assert_int_equal(newest.slot.counters.dropped_count + newest.slot.queue.count +
                         newest.slot.counters.delivered_count,
                     400);
    assert_false(umh_slot_is_over_mark(&oldest.slot, 1u << 30)); /* nobody waits for it */
    close_host(&oldest);
    close_host(&newest);
    close_broker(broker);
}

static void test_counts_what_a_dead_host_had(void **state)
{
    umh_slot_death death = {.hold_bytes = 100000, .hold_ms = 60000, .consumed_count = 7};
    umh_broker *broker = open_broker(64u << 20);
    host_stub host;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &host);
    fill(&host, 10, 100);
    assert_int_equal(umh_slot_disconnect(&host.slot, &death), 3);
    assert_int_equal(host.slot.counters.lost_count, 3);
    assert_int_equal(umh_slot_disconnect(&host.slot, &death), 0); /* once */
    umh_slot_connect(&host.slot, umh_peer_outbox(host.peer));
    umh_slot_set_gate(&host.slot, SLOT_OPEN);
    fill(&host, 10, 100);
    death.consumed_count = 1000; /* a lie */
    assert_int_equal(umh_slot_disconnect(&host.slot, &death), 0);
    close_host(&host);
    close_broker(broker);
}

static void test_crash_holds_so_much_and_no_more(void **state)
{
    umh_slot_death crash = {.hold_bytes = 100000, .hold_ms = 60000};
    umh_slot_death orderly = {.is_orderly = true};
    umh_broker *broker = open_broker(64u << 20);
    host_stub host;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &host);
    umh_slot_disconnect(&host.slot, &crash);
    fill(&host, 10, 30000);
    assert_int_equal(host.slot.queue.count, 3);
    assert_int_equal(host.slot.counters.dropped_count, 7);
    assert_false(umh_slot_is_over_mark(&host.slot, 1u << 30)); /* a crash loop stops nobody */
    umh_slot_expire(&host.slot, host.slot.hold_until_ns);
    assert_int_equal(host.slot.queue.count, 0);
    umh_slot_disconnect(&host.slot, &orderly);
    fill(&host, 10, 30000);
    assert_int_equal(host.slot.queue.count, 10); /* orderly: nothing is lost */
    umh_slot_connect(&host.slot, umh_peer_outbox(host.peer));
    umh_slot_set_gate(&host.slot, SLOT_OPEN);
    receive_until(&host, 10 * 30041);
    close_host(&host);
    close_broker(broker);
}

static void test_accuses_bad_peers(void **state)
{
    static const struct {
        const char *text;
        uint8_t service;
        uint16_t slot;
        bool is_control;
    } bad[] = {{"\xC3\x28", 1, 0, false}, {"x", 1, 3, false}, {"{}", 1, 0, true}};

    (void)state;
    for (unsigned i = 0; i < UMH_COUNT_OF(bad); i++) {
        umh_broker *broker = open_broker(64u << 20);
        umh_frame frame = {.kind = FRAME_MESSAGE,
                           .service = bad[i].is_control ? *umh_service_guid(SERVICE_BROKER)
                                                        : service_of(bad[i].service),
                           .source_slot = bad[i].slot};
        uint8_t bytes[100];
        host_stub host;

        open_host(broker, 1, OVERFLOW_BLOCK, &host);
        write_all(&host, bytes, encode(bytes, frame, bad[i].text, (uint32_t)strlen(bad[i].text)));
        turn(broker);
        assert_true(host.is_ended);
        assert_true(host.end.text[0] != '\0');
        close_host(&host);
        close_broker(broker);
    }
}

static void test_drain_reads_what_a_dead_host_left(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    umh_frame frame = {
        .kind = FRAME_MESSAGE, .service = service_of(1), .session = UMH_SESSION_EVERY};
    uint8_t bytes[100];
    size_t size = encode(bytes, frame, "last", 4);
    umh_bytes part;
    size_t written;
    host_stub dying;
    host_stub other;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &dying);
    open_host(broker, 2, OVERFLOW_BLOCK, &other);
    subscribe(&other, 1);
    part = umh_bytes_of(bytes, size);
    assert_int_equal(umh_pipe_write_parts(dying.to_broker, &part, 1, &written), 0);
    part = umh_bytes_of(bytes, size - 2); /* killed within a frame */
    assert_int_equal(umh_pipe_write_parts(dying.to_broker, &part, 1, &written), 0);
    umh_pipe_close(&dying.to_broker);
    umh_peer_drain(dying.peer);
    assert_true(dying.is_ended);
    assert_int_equal(other.slot.counters.delivered_count, 1);
    receive_until(&other, 45);
    close_host(&dying);
    close_host(&other);
    close_broker(broker);
}

/*
 * A host that does not read: control passes once it does, in front of what waits, and never within
 * a frame.
 */
static void test_control_overtakes_messages(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    umh_frame ping = {.version = 1, .kind = FRAME_PING};
    host_stub host;
    size_t at = 0;
    unsigned before = 0;
    bool was_ping = false;

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &host);
    fill(&host, 300, 1000);
    turn(broker); /* the pipe is full now, part of a frame is in it */
    fill(&host, 100, 1000);
    umh_outbox_control(umh_peer_outbox(host.peer), &ping, umh_bytes_of(NULL, 0));
    receive_until(&host, 400 * 1041 + 40);
    while (at < host.received_bytes) {
        umh_bytes text;
        umh_frame frame = decode_at(&host, at, &text);

        was_ping |= frame.kind == FRAME_PING;
        before += was_ping ? 0 : 1;
        at += (size_t)umh_frame_delivered_bytes(&frame);
    }
    assert_true(was_ping);
    assert_true(before < 400);
    close_host(&host);
    close_broker(broker);
}

static void test_module_removed_within_its_message(void **state)
{
    umh_broker *broker = open_broker(64u << 20);
    umh_frame frame = {
        .kind = FRAME_MESSAGE, .service = service_of(1), .session = UMH_SESSION_EVERY};
    host_stub sender;
    host_stub listener;
    uint8_t bytes[128];
    umh_bytes text;
    size_t size = encode(bytes, frame, "from nobody any more", 20);

    (void)state;
    open_host(broker, 1, OVERFLOW_BLOCK, &sender);
    open_host(broker, 2, OVERFLOW_BLOCK, &listener);
    subscribe(&listener, 1);
    write_all(&sender, bytes, size - 5);
    turn(broker);
    umh_slot_deinit(&sender.slot);
    sender.slots[0] = NULL;
    write_all(&sender, bytes + size - 5, 5);
    receive_until(&listener, size + 1);
    frame = decode_at(&listener, 0, &text);
    assert_memory_equal(text.data, "from nobody any more", 20);
    assert_false(sender.is_ended);
    close_host(&listener);
    close_host(&sender);
    close_broker(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamps_the_source_and_reaches_the_sender),
        cmocka_unit_test(test_keeps_sessions_apart),
        cmocka_unit_test(test_frames_survive_any_cut),
        cmocka_unit_test(test_window_closes_and_opens),
        cmocka_unit_test(test_policies_of_a_full_queue),
        cmocka_unit_test(test_counts_what_a_dead_host_had),
        cmocka_unit_test(test_crash_holds_so_much_and_no_more),
        cmocka_unit_test(test_accuses_bad_peers),
        cmocka_unit_test(test_drain_reads_what_a_dead_host_left),
        cmocka_unit_test(test_control_overtakes_messages),
        cmocka_unit_test(test_module_removed_within_its_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
