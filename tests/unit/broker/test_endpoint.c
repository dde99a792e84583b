/* SPDX-License-Identifier: MIT */
/* Control clients at the broker's message path: what they may ask, send and break. */
#include "broker/deadlines.h"
#include "broker/endpoint.h"
#include "broker/logs.h"
#include "broker/outbox.h"
#include "broker/sessions.h"
#include "broker/supervisor.h"
#include "ipc/control.h"
#include "ipc/services.h"
#include "platform/process.h"
#include "watch/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define FRAME_BYTES_MAX (UMH_FRAME_HEADER_BYTES + UMH_COMMAND_BYTES_MAX + 1)

typedef struct fixture {
    umh_broker broker; /* without hosts */
    uv_timer_t patience;
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    umh_buffer input; /* of the client that is read from */
} fixture;

static const umh_guid spoken = {{0x7E, 0x57, [15] = 1}};

/* ------------------------------------------------------------------ a broker without hosts */

static void on_turn(uv_check_t *check)
{
    umh_broker *broker = check->data;

    uv_idle_stop(&broker->turn_again);
    broker->turn_number++;
    umh_deadlines_settle(broker->deadlines);
    umh_supervisor_settle(broker->supervisor);
    umh_router_settle(broker->router);
    umh_credit_settle(broker->credit);
    umh_outbox_set_flush(broker->outboxes);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    umh_assert(!"the loop's time is over");
}

static void make_parts(umh_broker *broker)
{
    uint64_t cost_max = umh_frame_cost(broker->max_message_bytes);
    int r = umh_logs_new(broker, &broker->logs);

    if (r == 0)
        r = umh_deadlines_new(broker, &broker->deadlines);
    if (r == 0)
        r = umh_message_pool_new(&broker->budget, &broker->pool);
    if (r == 0)
        r = umh_outbox_set_new(broker, &broker->outboxes);
    if (r == 0)
        r = umh_router_new(broker, &broker->router);
    if (r == 0)
        r = umh_credit_new(&broker->budget, umh_router_is_over_mark, broker->router, cost_max,
                           &broker->credit);
    if (r == 0)
        r = umh_sessions_new(broker, &broker->sessions);
    if (r == 0)
        r = umh_supervisor_new(broker, &broker->supervisor);
    assert_int_equal(r, 0);
}

static void make_broker(fixture *f)
{
    umh_broker *broker = &f->broker;
    umh_why why = UMH_WHY_INIT;

    uv_loop_init(&broker->loop);
    uv_check_init(&broker->loop, &broker->turn);
    uv_idle_init(&broker->loop, &broker->turn_again);
    uv_timer_init(&broker->loop, &f->patience);
    broker->turn.data = broker;
    uv_check_start(&broker->turn, on_turn);
    uv_timer_start(&f->patience, on_patience, PATIENCE_MS, 0);
    umh_budget_init(&broker->budget, 64u << 20);
    broker->config = (umh_config)UMH_CONFIG_INIT;
    broker->config.control = true;
    broker->config.queue_mib = 8;
    broker->config.log_level = UMH_LOG_LEVEL_COUNT; /* silent */
    broker->config.path = umh_text_format("%s/broker.json", f->folder);
    broker->options = (umh_broker_options)UMH_BROKER_OPTIONS_INIT;
    broker->options.control_path = f->path;
    broker->max_message_bytes = 1u << 20;
    broker->read_buffer = malloc(UMH_FRAME_HEADER_BYTES + UMH_READ_BYTES);
    make_parts(broker);
    assert_int_equal(umh_endpoint_open(broker, &broker->endpoint, &why), 0);
    assert_non_null(broker->endpoint);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    *state = f;
    assert_int_equal(umh_file_make_temporary("umh-endpoint-", f->folder), 0);
    assert_int_equal(umh_file_join(f->folder, "run/control", f->path), 0);
    make_broker(f);
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    umh_broker *broker = &f->broker;

    umh_endpoint_close(broker->endpoint);
    umh_deadlines_close(broker->deadlines);
    uv_close((uv_handle_t *)&broker->turn, NULL);
    uv_close((uv_handle_t *)&broker->turn_again, NULL);
    uv_close((uv_handle_t *)&f->patience, NULL);
    uv_run(&broker->loop, UV_RUN_DEFAULT);
    umh_supervisor_free(broker->supervisor);
    umh_sessions_close(broker->sessions);
    umh_credit_free(broker->credit);
    umh_router_free(broker->router);
    umh_outbox_set_free(broker->outboxes);
    umh_message_pool_free(broker->pool);
    umh_logs_close(broker->logs);
    uv_run(&broker->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&broker->loop), 0);
    assert_int_equal(broker->budget.charged, 0);
    umh_config_deinit(&broker->config);
    free(broker->read_buffer);
    umh_buffer_deinit(&f->input);
    assert_int_equal(umh_file_remove_tree(f->folder), 0);
    free(f);
    return 0;
}

/* ------------------------------------------------------------------ a client */

static umh_pipe connect_client(fixture *f)
{
    uv_file socket = -1;

    assert_int_equal(umh_listener_connect(f->path, &socket, NULL), 0);
    umh_buffer_clear(&f->input);
    return (umh_pipe){.handle = socket};
}

static void send_frame(umh_pipe client, umh_frame frame, umh_bytes payload)
{
    uint8_t header[UMH_FRAME_HEADER_BYTES];

    frame.payload_bytes = (uint32_t)payload.size;
    frame.version = frame.version ? frame.version : UMH_PROTOCOL_HIGHEST;
    frame.source_slot = 3; /* whatever it claims */
    frame.session = UMH_SESSION_EVERY;
    umh_frame_encode(&frame, header);
    assert_int_equal(umh_pipe_write_all(client, umh_bytes_of(header, sizeof header)), 0);
    assert_int_equal(umh_pipe_write_all(client, payload), 0);
}

static void send_text(umh_pipe client, const umh_guid *service, const char *text)
{
    send_frame(client, (umh_frame){.kind = FRAME_MESSAGE, .service = *service},
               umh_bytes_of_text(text));
}

/* False: the stream has ended. */
static bool receive(fixture *f, umh_pipe client, umh_frame *ret_frame, umh_buffer *ret_payload)
{
    for (;;) {
        uint8_t bytes[4096];
        size_t size = 0;
        int r = umh_frame_decode(umh_bytes_of(f->input.data, f->input.size), FRAME_BYTES_MAX,
                                 ret_frame, NULL);

        if (r == 0 && f->input.size >= umh_frame_delivered_bytes(ret_frame)) {
            umh_buffer_clear(ret_payload);
            assert_int_equal(umh_buffer_append(ret_payload, f->input.data + UMH_FRAME_HEADER_BYTES,
                                               ret_frame->payload_bytes),
                             0);
            umh_buffer_consume(&f->input, (size_t)umh_frame_delivered_bytes(ret_frame));
            return true;
        }
        uv_run(&f->broker.loop, UV_RUN_NOWAIT);
        r = umh_pipe_read(client, bytes, sizeof bytes, umh_clock_deadline_ns(1), &size);
        if (r == UMH_PIPE_EOF)
            return false;
        if (r == 0)
            assert_int_equal(umh_buffer_append(&f->input, bytes, size), 0);
    }
}

/* Credit comes whenever it grows. */
static bool receive_beside_credit(fixture *f, umh_pipe client, umh_frame *ret_frame,
                                  umh_buffer *ret_payload)
{
    do {
        if (!receive(f, client, ret_frame, ret_payload))
            return false;
    } while (ret_frame->kind == FRAME_CREDIT);
    return true;
}

static void receive_answer(fixture *f, umh_pipe client, umh_answer *ret_answer)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame;

    assert_true(receive_beside_credit(f, client, &frame, &payload));
    assert_int_equal(frame.kind, FRAME_ANSWER);
    assert_int_equal(umh_answer_decode(umh_bytes_of(payload.data, payload.size), ret_answer, NULL),
                     0);
}

static umh_answer ask(fixture *f, umh_pipe client, const char *command)
{
    umh_answer answer = UMH_ANSWER_INIT;

    send_text(client, umh_service_guid(SERVICE_BROKER), command);
    receive_answer(f, client, &answer);
    return answer;
}

static void assert_refused(fixture *f, umh_pipe client, const char *command, const char *error,
                           const char *part)
{
    UMH_AUTO(umh_answer) answer = ask(f, client, command);

    assert_false(answer.is_ok);
    assert_string_equal(answer.error, error);
    if (!strstr(answer.why.text, part))
        print_error("'%s' lacks '%s'\n", answer.why.text, part);
    assert_non_null(strstr(answer.why.text, part));
}

/* ------------------------------------------------------------------ the tests */

static void test_greets(void **state)
{
    fixture *f = *state;
    umh_pipe client = connect_client(f);
    UMH_AUTO(umh_answer) answer = ask(f, client, "{\"id\":7,\"do\":\"hello\"}");

    assert_true(answer.is_ok);
    assert_int_equal(answer.id, 7);
    assert_string_not_equal(umh_jsonc_get_text(answer.body, "version", ""), "");
    assert_string_equal(umh_jsonc_get_text(answer.body, "instance", ""), "default");
    assert_int_equal(umh_jsonc_get_integer(answer.body, "pid", 0), umh_process_own_pid());
    assert_int_equal(umh_jsonc_get_integer(answer.body, "lowest", 0), UMH_PROTOCOL_LOWEST);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "highest", 0), UMH_PROTOCOL_HIGHEST);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "max_message_bytes", 0), 1 << 20);
    umh_pipe_close(&client);
}

static void test_tells_its_state(void **state)
{
    fixture *f = *state;
    umh_pipe client = connect_client(f);
    UMH_AUTO(umh_answer) status = ask(f, client, "{\"id\":1,\"do\":\"status\"}");
    UMH_AUTO(umh_answer) plan = ask(f, client, "{\"id\":2,\"do\":\"plan\"}");
    json_t *memory;

    assert_true(status.is_ok);
    assert_int_equal(json_array_size(umh_jsonc_get_array(status.body, "hosts")), 0);
    assert_int_equal(umh_jsonc_get_integer(status.body, "clients", 0), 1);
    memory = umh_jsonc_get_object(umh_jsonc_get_object(status.body, "broker"), "memory");
    assert_int_equal(umh_jsonc_get_integer(memory, "capacity", 0), 64 << 20);
    assert_true(plan.is_ok);
    assert_int_equal(json_array_size(umh_jsonc_get_array(plan.body, "steps")), 0);
    umh_pipe_close(&client);
}

static void test_refuses_and_goes_on(void **state)
{
    fixture *f = *state;
    umh_pipe client = connect_client(f);

    assert_refused(f, client, "{\"id\":1,\"do\":\"statu\"}", "UMH_E_USAGE", "'status'");
    assert_refused(f, client, "{\"id\":1,\"do\":\"load\"}", "UMH_E_USAGE", "\"host\"");
    assert_refused(f, client, "{\"id\":1,\"do\":\"load\",\"host\":\"a\",\"module\":\"b\"}",
                   "UMH_E_REFUSED", "'a'");
    assert_refused(f, client, "{\"id\":1,\"do\":\"resolve\",\"service\":\"Broke\"}", "UMH_E_USAGE",
                   "'Broker'");
    assert_refused(f, client, "{\"id\":1,\"do\":\"resolve\"}", "UMH_E_USAGE", "\"service\"");
    assert_refused(f, client, "{\"id\":1,\"do\":\"subscribe\",\"services\":[1]}", "UMH_E_USAGE",
                   "\"services\"");
    assert_refused(f, client, "{\"id\":1,\"do\":\"subscribe\",\"services\":[\"nobody\"]}",
                   "UMH_E_USAGE", "'nobody'");
    test_greets(state);
    umh_pipe_close(&client);
}

static void test_hears_what_it_subscribed_to(void **state)
{
    fixture *f = *state;
    umh_pipe client = connect_client(f);
    UMH_AUTO(umh_answer)
    subscribed = ask(f, client,
                     "{\"id\":1,\"do\":\"subscribe\",\"services\":[\"{7E570000-0000-0000-0000-"
                     "000000000001}\"]}");
    UMH_AUTO(umh_answer) lost = UMH_ANSWER_INIT;
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame;

    assert_true(subscribed.is_ok);
    assert_string_equal(
        json_string_value(json_array_get(umh_jsonc_get_array(subscribed.body, "services"), 0)),
        "7e570000-0000-0000-0000-000000000001");
    send_text(client, &spoken, "to myself");
    assert_true(receive_beside_credit(f, client, &frame, &payload));
    assert_int_equal(frame.kind, FRAME_MESSAGE);
    assert_true(umh_guid_is_equal(&frame.service, &spoken));
    assert_int_equal(frame.source_host, UMH_HOST_NUMBER_BROKER);
    assert_int_equal(frame.source_slot, UMH_SLOT_NONE);
    assert_int_equal(frame.source_session, UMH_SESSION_OWN);
    assert_string_equal((char *)payload.data, "to myself");
    lost = ask(f, client, "{\"id\":2,\"do\":\"lost\"}");
    assert_int_equal(umh_jsonc_get_integer(lost.body, "count", -1), 0);
    umh_pipe_close(&client);
}

static void test_syncs(void **state)
{
    fixture *f = *state;
    umh_pipe client = connect_client(f);
    umh_answer answer;

    send_text(client, &spoken, "one");
    send_text(client, &spoken, "two");
    answer = ask(f, client, "{\"id\":1,\"do\":\"sync\"}");
    assert_true(answer.is_ok);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "taken", -1), 2);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "refused", -1), 0);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "reached", -1), 0);
    umh_answer_deinit(&answer);

    send_text(client, &spoken, "\xFF");
    send_text(client, umh_service_guid(SERVICE_ALL), "to all");
    assert_refused(f, client, "{\"id\":2,\"do\":\"sync\"}", "UMH_E_REFUSED", "not UTF-8");
    send_text(client, umh_service_guid(SERVICE_HOST_INIT), "{}");
    assert_refused(f, client, "{\"id\":3,\"do\":\"sync\"}", "UMH_E_REFUSED", "HostInit");
    answer = ask(f, client, "{\"id\":4,\"do\":\"sync\"}");
    assert_true(answer.is_ok);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "taken", -1), 0);
    umh_answer_deinit(&answer);
    umh_pipe_close(&client);
}

static void test_gives_credit_for_a_long_message(void **state)
{
    static char text[600000];
    fixture *f = *state;
    umh_pipe client = connect_client(f);
    uint64_t cost = umh_frame_cost(sizeof text - 1);
    uint8_t want[UMH_FRAME_WANT_BYTES];
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST,
                       .service = spoken,
                       .kind = FRAME_WANT,
                       .payload_bytes = 16};
    umh_answer answer;

    memset(text, 'x', sizeof text - 1);
    umh_frame_encode_want(&frame, cost - UMH_FIRST_CREDIT_BYTES, cost, want);
    assert_int_equal(umh_pipe_write_all(client, umh_bytes_of(want, sizeof want)), 0);
    assert_true(receive(f, client, &frame, &payload));
    assert_int_equal(frame.kind, FRAME_CREDIT);
    assert_int_equal(umh_frame_amount(umh_bytes_of(payload.data, payload.size)),
                     cost - UMH_FIRST_CREDIT_BYTES);
    /* More than the socket holds: it is read while it is written. */
    assert_int_equal(umh_pipe_set_non_blocking(client), 0);
    frame = (umh_frame){.version = UMH_PROTOCOL_HIGHEST,
                        .service = spoken,
                        .kind = FRAME_MESSAGE,
                        .payload_bytes = sizeof text - 1};
    umh_frame_encode(&frame, want);
    assert_int_equal(umh_pipe_write_all(client, umh_bytes_of(want, UMH_FRAME_HEADER_BYTES)), 0);
    for (size_t done = 0; done < sizeof text - 1;) {
        umh_bytes part = umh_bytes_of(text + done, sizeof text - 1 - done);
        size_t size = 0;

        if (umh_pipe_write_parts(client, &part, 1, &size) == 0)
            done += size;
        uv_run(&f->broker.loop, UV_RUN_NOWAIT);
    }
    answer = ask(f, client, "{\"id\":1,\"do\":\"sync\"}");
    assert_int_equal(umh_jsonc_get_integer(answer.body, "taken", -1), 1);
    umh_answer_deinit(&answer);
    umh_pipe_close(&client);
}

/* It is told what was wrong, then the stream ends. */
static void assert_disconnects(fixture *f, umh_frame frame, umh_bytes payload, const char *part)
{
    umh_pipe client = connect_client(f);
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    UMH_AUTO(umh_buffer) rest = UMH_BUFFER_INIT;

    send_frame(client, frame, payload);
    receive_answer(f, client, &answer);
    assert_int_equal(answer.id, 0);
    assert_string_equal(answer.error, "UMH_E_PROTOCOL");
    if (!strstr(answer.why.text, part))
        print_error("'%s' lacks '%s'\n", answer.why.text, part);
    assert_non_null(strstr(answer.why.text, part));
    assert_false(receive(f, client, &frame, &rest));
    umh_pipe_close(&client);
}

static void test_disconnects_who_breaks_the_protocol(void **state)
{
    static const uint8_t eight[8] = {1};
    static char text[UMH_FIRST_CREDIT_BYTES + 1];
    fixture *f = *state;
    const umh_guid broker = *umh_service_guid(SERVICE_BROKER);
    umh_bytes number = umh_bytes_of(eight, sizeof eight);
    umh_bytes none = umh_bytes_of(NULL, 0);

    memset(text, 'x', sizeof text);
    assert_disconnects(f, (umh_frame){.kind = FRAME_MESSAGE, .service = broker},
                       umh_bytes_of_text("hello"), "");
    assert_disconnects(f, (umh_frame){.kind = FRAME_MESSAGE, .service = broker},
                       umh_bytes_of_text("{}"), "'do'");
    assert_disconnects(
        f, (umh_frame){.kind = FRAME_MESSAGE, .service = broker, .flags = FRAME_FLAG_EXTENDED},
        umh_bytes_of_text("{}"), "extensions");
    assert_disconnects(f, (umh_frame){.kind = FRAME_MESSAGE, .service = spoken},
                       umh_bytes_of(text, sizeof text), "credit");
    assert_disconnects(f, (umh_frame){.kind = FRAME_ANSWER, .service = broker},
                       umh_bytes_of_text("{}"), "kind 2");
    assert_disconnects(f, (umh_frame){.kind = FRAME_CREDIT, .service = spoken}, number, "kind 3");
    assert_disconnects(f, (umh_frame){.kind = FRAME_GIVE_BACK, .service = spoken}, number, "back");
    assert_disconnects(f, (umh_frame){.kind = FRAME_GIVE_BACK, .service = spoken}, none, "kind 5");
    assert_disconnects(f, (umh_frame){.kind = FRAME_PING}, none, "kind 6");
    assert_disconnects(f, (umh_frame){.kind = FRAME_PONG}, none, "kind 7");
    assert_disconnects(f, (umh_frame){.kind = 99}, none, "99");
    assert_disconnects(f, (umh_frame){.kind = FRAME_PING, .version = 9}, none, "version 9");
    while (umh_endpoint_client_count(f->broker.endpoint) > 0)
        uv_run(&f->broker.loop, UV_RUN_ONCE);
}

static void test_turns_away_who_is_too_many(void **state)
{
    fixture *f = *state;
    umh_pipe clients[UMH_CONTROL_CLIENTS_MAX];
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    UMH_AUTO(umh_buffer) rest = UMH_BUFFER_INIT;
    umh_frame frame;
    umh_pipe extra;

    for (size_t i = 0; i < UMH_CONTROL_CLIENTS_MAX; i++) {
        clients[i] = connect_client(f);
        while (umh_endpoint_client_count(f->broker.endpoint) <= i)
            uv_run(&f->broker.loop, UV_RUN_ONCE);
    }
    extra = connect_client(f);
    receive_answer(f, extra, &answer);
    assert_string_equal(answer.error, "UMH_E_LIMIT");
    assert_false(receive(f, extra, &frame, &rest));
    umh_pipe_close(&extra);
    for (size_t i = 0; i < UMH_CONTROL_CLIENTS_MAX; i++)
        umh_pipe_close(&clients[i]);
    while (umh_endpoint_client_count(f->broker.endpoint) > 0)
        uv_run(&f->broker.loop, UV_RUN_ONCE);
    test_greets(state);
}

/* Queues nothing while it reads; loses the oldest, counted, when it does not. */
static void test_a_forgotten_listener_stops_nobody(void **state)
{
    fixture *f = *state;
    umh_pipe listener = connect_client(f);
    UMH_AUTO(umh_answer) answer = ask(f, listener, "{\"id\":1,\"do\":\"subscribe\"}");
    umh_message *stored = NULL;
    uint64_t charged;
    char text[1000];
    umh_bytes payload = umh_bytes_of(text, sizeof text);
    umh_frame frame = {.payload_bytes = sizeof text,
                       .version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_MESSAGE,
                       .service = spoken,
                       .session = UMH_SESSION_EVERY};
    umh_subscribers all;

    assert_true(answer.is_ok);
    memset(text, 'x', sizeof text);
    all = umh_subscriptions_of_all(umh_router_subscriptions(f->broker.router));
    assert_int_equal(all.count, 1);
    for (unsigned i = 0; i < 20000; i++) {
        stored = NULL;
        umh_slot_deliver(all.slots[0], &frame, payload, true, &stored);
        umh_message_unref(stored);
        if (i % 100 == 0)
            uv_run(&f->broker.loop, UV_RUN_NOWAIT);
    }
    charged = f->broker.budget.charged;
    assert_in_range(charged, 1, (8u << 20) + UMH_OUTBOX_BYTES);
    assert_true(all.slots[0]->counters.dropped_count > 5000);
    test_greets(state);
    umh_pipe_close(&listener);
    while (umh_endpoint_client_count(f->broker.endpoint) > 0)
        uv_run(&f->broker.loop, UV_RUN_ONCE);
}

static void test_may_be_left_out(void **state)
{
    fixture *f = *state;
    umh_endpoint *endpoint = f->broker.endpoint;
    umh_why why = UMH_WHY_INIT;

    assert_string_equal(umh_endpoint_path(endpoint), f->path);
    f->broker.config.control = false;
    assert_int_equal(umh_endpoint_open(&f->broker, &endpoint, &why), 0);
    assert_null(endpoint);
    assert_int_equal(umh_endpoint_client_count(NULL), 0);
    umh_endpoint_close(NULL);
    f->broker.config.control = true;
    assert_int_equal(umh_endpoint_open(&f->broker, &endpoint, &why), UMH_ENDPOINT_IN_USE);
    assert_non_null(strstr(why.text, f->path));
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_greets),
        FRESH(test_tells_its_state),
        FRESH(test_refuses_and_goes_on),
        FRESH(test_hears_what_it_subscribed_to),
        FRESH(test_syncs),
        FRESH(test_gives_credit_for_a_long_message),
        FRESH(test_disconnects_who_breaks_the_protocol),
        FRESH(test_turns_away_who_is_too_many),
        FRESH(test_a_forgotten_listener_stops_nobody),
        FRESH(test_may_be_left_out),
    };

    if (umh_process_prepare())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
