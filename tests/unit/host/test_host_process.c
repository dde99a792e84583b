/* SPDX-License-Identifier: MIT */
/* The host as its broker sees it: a process, its pipes and its black box. */
#include "fake_broker.h"

#include "platform/file.h"

#include "../../support/modules/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NUMBERS 50000
#define RELOADS 50
#define RELOADS_BESIDE 20

static umh_guid guid_of(umh_guid_v1 service)
{
    umh_guid guid;

    memcpy(&guid, &service, sizeof(guid));
    return guid;
}

#define GUID_OF(service) guid_of((umh_guid_v1)service)

static int start(void **state)
{
    static fake_broker broker;

    fake_broker_start(&broker);
    fake_broker_greet(&broker);
    *state = &broker;
    return 0;
}

static int stop(void **state)
{
    fake_broker_stop(*state);
    return 0;
}

static void expect_echo(fake_broker *broker, uint16_t slot, const char *text)
{
    umh_guid asked = GUID_OF(ECHO_ASKED);
    umh_guid answered = GUID_OF(ECHO_ANSWERED);
    umh_frame frame = {.kind = FRAME_MESSAGE, .slot = slot, .service = asked};
    fake_frame answer;

    fake_broker_send(broker, &frame, umh_bytes_of_text(text));
    fake_broker_await(broker, FRAME_MESSAGE, &answer);
    assert_int_equal(answer.frame.source_slot, slot);
    assert_true(umh_guid_is_equal(&answer.frame.service, &answered));
    assert_int_equal(answer.payload.size, strlen(text));
    assert_memory_equal(answer.payload.data, text, strlen(text));
}

static void expect_error(fake_broker *broker, uint16_t slot, const char *name, const char *error)
{
    umh_answer answer;

    fake_broker_ask(broker, slot, name, NULL, &answer);
    assert_false(answer.is_ok);
    assert_string_equal(answer.error, error);
    assert_true(answer.why.text[0] != '\0');
    umh_answer_deinit(&answer);
}

static void expect_outcome(fake_broker *broker, uint16_t slot, const char *outcome)
{
    umh_answer answer;

    fake_broker_ask(broker, slot, "unload", NULL, &answer);
    assert_true(answer.is_ok);
    assert_string_equal(umh_jsonc_get_text(answer.body, "why", ""), "");
    assert_string_equal(umh_jsonc_get_text(answer.body, "outcome", ""), outcome);
    umh_answer_deinit(&answer);
}

static void await_activity(fake_broker *broker, uint16_t slot, umh_activity activity)
{
    const umh_blackbox *blackbox = fake_broker_blackbox(broker);
    uint64_t deadline_ns = umh_clock_deadline_ns(FAKE_BROKER_PATIENCE_MS);

    while (atomic_load(&blackbox->slots[slot].activity) != activity)
        assert_true(umh_clock_now_ns() < deadline_ns);
}

static void test_refuses_to_be_started_by_hand(void **state)
{
    static const char *const arguments[] = {"umh-host64", NULL};
    fake_broker broker;
    umh_process_end end;

    (void)state;
    fake_broker_start_with(&broker, arguments);
    end = fake_broker_await_end(&broker, false);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 2);
    fake_broker_await_log(&broker, "umh try");
    fake_broker_stop(&broker);
}

static void test_fills_the_black_box(void **state)
{
    const umh_blackbox *blackbox = fake_broker_blackbox(*state);

    assert_int_equal(atomic_load(&blackbox->magic), UMH_BLACKBOX_MAGIC);
    assert_int_equal(atomic_load(&blackbox->slot_count), UMH_MODULES_PER_HOST_MAX);
}

static void test_goes_on_without_a_black_box(void **state)
{
    fake_broker broker;

    (void)state;
    fake_broker_start_without_page(&broker);
    fake_broker_greet(&broker);
    fake_broker_await_log(&broker, "level=warning msg=\"no black box");
    fake_broker_load(&broker, 0, "echo", true);
    expect_echo(&broker, 0, "unseen");
    fake_broker_stop(&broker);
}

static void test_answers_a_second_init_with_an_error(void **state)
{
    fake_broker *broker = *state;
    umh_answer answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    fake_frame frame;

    fake_broker_command(broker, SERVICE_HOST_INIT, UMH_SLOT_NONE, "init", NULL);
    fake_broker_await(broker, FRAME_ANSWER, &frame);
    assert_int_equal(umh_answer_decode(frame.payload, &answer, &why), 0);
    assert_false(answer.is_ok);
    umh_answer_deinit(&answer);
}

static void test_carries_a_module_through_its_life(void **state)
{
    fake_broker *broker = *state;

    fake_broker_load(broker, 5, "echo", true);
    expect_echo(broker, 5, "hello");
    expect_echo(broker, 5, "");
    expect_echo(broker, 5, "again");
    fake_broker_expect_ok(broker, 5, "stop");
    expect_outcome(broker, 5, "unloaded");
    fake_broker_load(broker, 5, "echo", true);
    expect_echo(broker, 5, "reloaded");
}

static void test_answers_what_is_out_of_phase_with_an_error(void **state)
{
    fake_broker *broker = *state;

    expect_error(broker, 0, "start", "UMH_E_PROTOCOL");
    expect_error(broker, 0, "stop", "UMH_E_PROTOCOL");
    expect_error(broker, 0, "unload", "UMH_E_PROTOCOL");
    expect_error(broker, 0, "dance", "UMH_E_PROTOCOL");
    expect_error(broker, UMH_MODULES_PER_HOST_MAX, "start", "UMH_E_PROTOCOL");
    fake_broker_load(broker, 0, "echo", false);
    expect_error(broker, 0, "load", "UMH_E_PROTOCOL");
    expect_error(broker, 0, "unload", "UMH_E_PROTOCOL");
    fake_broker_expect_ok(broker, 0, "start");
    expect_error(broker, 0, "start", "UMH_E_PROTOCOL");
    fake_broker_expect_ok(broker, 0, "stop");
    expect_error(broker, 0, "stop", "UMH_E_PROTOCOL");
    expect_outcome(broker, 0, "unloaded");
}

/* `command` behind extensions of a type that nobody knows. */
static void send_extended(fake_broker *broker, uint16_t slot, const char *command)
{
    static const uint8_t extensions[] = {7, 0, 0x77, 0x77, 3, 0, 'n', 'e', 'w'};
    umh_frame frame = {.kind = FRAME_MESSAGE,
                       .flags = FRAME_FLAG_EXTENDED,
                       .slot = slot,
                       .service = *umh_service_guid(SERVICE_MODULE_META)};
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;

    assert_int_equal(umh_buffer_append(&payload, extensions, sizeof(extensions)), 0);
    assert_int_equal(umh_buffer_append_text(&payload, command), 0);
    fake_broker_send(broker, &frame, umh_bytes_of(payload.data, payload.size));
}

static void test_passes_over_the_extensions_of_commands(void **state)
{
    fake_broker *broker = *state;
    umh_answer answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    umh_process_end end;
    fake_frame frame;

    fake_broker_load(broker, 0, "echo", false);
    send_extended(broker, 0, "{\"id\":99,\"do\":\"start\"}");
    fake_broker_await(broker, FRAME_ANSWER, &frame);
    assert_int_equal(umh_answer_decode(frame.payload, &answer, &why), 0);
    assert_true(answer.is_ok);
    assert_int_equal(answer.id, 99);
    umh_answer_deinit(&answer);
    expect_echo(broker, 0, "started");
    send_extended(broker, UMH_SLOT_NONE, "{\"id\":0,\"do\":\"exit\"}");
    end = fake_broker_await_end(broker, false);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 0);
}

static void test_shows_that_a_module_is_in_init(void **state)
{
    fake_broker *broker = *state;
    umh_answer answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;
    char folder[UMH_PATH_BYTES];
    char gate[UMH_PATH_BYTES];
    char module[UMH_PATH_BYTES];
    char config[UMH_PATH_BYTES + 64];
    fake_frame frame;

    assert_int_equal(umh_file_make_temporary("umh-test-", folder), 0);
    assert_int_equal(umh_file_join(folder, "gate", gate), 0);
    assert_int_equal(umh_file_write(gate, umh_bytes_of_text("")), 0);
    snprintf(config, sizeof(config), "{\"Phase\":\"init\",\"Gate\":\"%s\"}", gate);
    fake_broker_module_path("gated", module);
    fake_broker_command(
        broker, SERVICE_MODULE_META, 2, "load",
        json_pack("{s:s,s:s,s:s}", "name", "gated", "path", module, "config", config));
    await_activity(broker, 2, ACTIVITY_INIT);
    assert_int_equal(umh_file_remove_tree(folder), 0);
    fake_broker_await(broker, FRAME_ANSWER, &frame);
    assert_int_equal(umh_answer_decode(frame.payload, &answer, &why), 0);
    assert_true(answer.is_ok);
    umh_answer_deinit(&answer);
    await_activity(broker, 2, ACTIVITY_NONE);
}

static void test_says_why_a_module_cannot_be_loaded(void **state)
{
    fake_broker *broker = *state;
    umh_answer answer;

    fake_broker_ask(broker, 1, "load",
                    json_pack("{s:s,s:s}", "name", "missing", "path", "/nowhere/missing.so"),
                    &answer);
    assert_false(answer.is_ok);
    assert_string_equal(answer.error, "UMH_E_MODULE");
    assert_non_null(strstr(answer.why.text, "/nowhere/missing.so"));
    umh_answer_deinit(&answer);
    fake_broker_load(broker, 1, "echo", true);
    expect_echo(broker, 1, "the slot is free");
}

static void test_drops_messages_for_a_slot_that_has_not_started(void **state)
{
    fake_broker *broker = *state;
    umh_guid asked = GUID_OF(ECHO_ASKED);

    fake_broker_post(broker, &asked, 9, "nobody there");
    fake_broker_load(broker, 9, "echo", false);
    fake_broker_post(broker, &asked, 9, "not started");
    fake_broker_expect_ok(broker, 9, "start");
    expect_echo(broker, 9, "started");
    fake_broker_await_log(broker, "slot 9");
    assert_int_equal(broker->message_count, 1);
    fake_broker_await_consumed(broker, 9, 1);
}

static void test_carries_large_messages(void **state)
{
    fake_broker *broker = *state;
    size_t sizes[] = {UMH_READ_BYTES - 41, UMH_READ_BYTES - 40, 1000000, UMH_MESSAGE_BYTES_DEFAULT};
    char *text = calloc(1, UMH_MESSAGE_BYTES_DEFAULT + (size_t)1);

    fake_broker_load(broker, 0, "echo", true);
    for (size_t i = 0; i < UMH_COUNT_OF(sizes); i++) {
        memset(text, 'a' + (int)i, sizes[i]);
        text[sizes[i]] = '\0';
        expect_echo(broker, 0, text);
        expect_echo(broker, 0, "small");
    }
    free(text);
}

/* What was consumed and not credited is nobody's after a stop: the broker counts anew, too. */
static void test_gives_credit_back_in_steps_of_half_a_window(void **state)
{
    fake_broker *broker = *state;
    umh_guid asked = GUID_OF(COUNTER_ASKED);
    char text[1025] = "";
    uint64_t sent = 0;
    fake_frame frame;

    memset(text, ' ', sizeof(text) - 1);
    fake_broker_load(broker, 2, "counter", true);
    for (int i = 0; i < 100; i++)
        fake_broker_post(broker, &asked, 2, text);
    fake_broker_expect_ok(broker, 2, "stop");
    expect_outcome(broker, 2, "unloaded");
    assert_int_equal(fake_broker_consumed(broker, 2), 100);
    assert_int_equal(broker->credited[2], 0);

    fake_broker_load(broker, 2, "counter", true);
    for (; sent < UMH_WINDOW_BYTES / 2; sent += umh_frame_cost(1024))
        fake_broker_post(broker, &asked, 2, text);
    fake_broker_await(broker, FRAME_CREDIT, &frame);
    assert_int_equal(frame.frame.source_slot, 2);
    assert_int_equal(broker->credited[2], sent);
}

static void test_answers_pings(void **state)
{
    fake_broker *broker = *state;
    fake_frame frame;

    fake_broker_ping(broker);
    fake_broker_await(broker, FRAME_PONG, &frame);
    assert_int_equal(frame.payload.size, 8);
    assert_memory_equal(frame.payload.data, "12345678", 8);
    assert_true(atomic_load(&fake_broker_blackbox(broker)->heartbeat_ns) > 0);
}

static void test_keeps_the_order_of_a_module_that_is_slow_at_times(void **state)
{
    fake_broker *broker = *state;
    umh_guid counted = GUID_OF(COUNTER_ASKED);
    char text[64];

    fake_broker_load(broker, 0, "counter", true);
    for (int i = 0; i < NUMBERS; i++) {
        snprintf(text, sizeof(text), "%d", i);
        fake_broker_post(broker, &counted, 0, text);
    }
    fake_broker_exchange(broker, &counted, 0, "report", text, sizeof(text));
    assert_string_equal(text, "count=50000 errors=0");
    fake_broker_await_consumed(broker, 0, NUMBERS + 1);
}

static void test_makes_a_log_line_of_what_a_module_prints(void **state)
{
    fake_broker *broker = *state;
    umh_guid asked = GUID_OF(PRINTING_ASKED);

    fake_broker_load(broker, 0, "printing", true);
    fake_broker_post(broker, &asked, 0, "to standard output");
    fake_broker_await_log(broker, "printed: to standard output\n");
    fake_broker_await_log(broker, "level=info module=printing msg=logged text=\"to standard");
}

static void test_unloads_with_proof_again_and_again(void **state)
{
    fake_broker *broker = *state;
    size_t before = 0;

    for (int i = 0; i < RELOADS; i++) {
        fake_broker_load(broker, 3, "echo", true);
        expect_echo(broker, 3, "hello");
        fake_broker_expect_ok(broker, 3, "stop");
        expect_outcome(broker, 3, "unloaded");
        if (i == 0)
            before = fake_broker_thread_count(broker);
    }
    assert_in_range(fake_broker_thread_count(broker), 3, before + 1);
}

static void test_unloads_beside_a_module_that_works(void **state)
{
    fake_broker *broker = *state;
    umh_guid counted = GUID_OF(COUNTER_ASKED);
    char text[64];

    fake_broker_load(broker, 0, "echo", true);
    for (int i = 0; i < 5; i++) {
        fake_broker_load(broker, 1, "counter", true);
        expect_echo(broker, 0, "before");
        fake_broker_post(broker, &counted, 1, "0");
        fake_broker_exchange(broker, &counted, 1, "report", text, sizeof(text));
        assert_string_equal(text, "count=1 errors=0");
        fake_broker_expect_ok(broker, 1, "stop");
        expect_outcome(broker, 1, "unloaded");
        expect_echo(broker, 0, "after");
    }
}

/* Everything at once: a stream with pauses, a slow module, an echo, modules that come and go. */
static void test_reloads_beside_streams(void **state)
{
    fake_broker *broker = *state;
    umh_guid counted = GUID_OF(COUNTER_ASKED);
    umh_guid slow = GUID_OF(SLOW_ASKED);
    umh_guid printing = GUID_OF(PRINTING_ASKED);
    char text[64];
    int number = 0;

    fake_broker_load(broker, 0, "echo", true);
    fake_broker_load(broker, 1, "slow", true);
    fake_broker_load(broker, 2, "counter", true);
    for (int i = 0; i < RELOADS_BESIDE; i++) {
        fake_broker_load(broker, 3, "printing", true);
        for (int j = 0; j < 1000; j++) {
            snprintf(text, sizeof(text), "%d", number++);
            fake_broker_post(broker, &counted, 2, text);
            if (j % 10 == 0)
                fake_broker_post(broker, &slow, 1, "200");
        }
        fake_broker_post(broker, &printing, 3, "here");
        expect_echo(broker, 0, "beside");
        fake_broker_expect_ok(broker, 3, "stop");
        expect_outcome(broker, 3, "unloaded");
    }
    fake_broker_exchange(broker, &counted, 2, "report", text, sizeof(text));
    assert_string_equal(text, "count=20000 errors=0");
    fake_broker_expect_ok(broker, 1, "stop");
    fake_broker_await_consumed(broker, 1, RELOADS_BESIDE * 100);
}

/* Its slot is free, and what is left of it has a number and an explanation. */
static void test_tells_what_is_left_of_a_module(void **state)
{
    fake_broker *broker = *state;
    char path[UMH_PATH_BYTES];
    umh_answer answer;

    fake_broker_module_path("nodelete", path);
    fake_broker_ask(broker, 4, "load", json_pack("{s:s,s:s}", "name", "stays", "path", path),
                    &answer);
    assert_true(answer.is_ok);
    umh_answer_deinit(&answer);
    fake_broker_expect_ok(broker, 4, "start");
    expect_echo(broker, 4, "hello");
    fake_broker_expect_ok(broker, 4, "stop");
    fake_broker_ask(broker, 4, "unload", json_pack("{s:b}", "explain", 1), &answer);
    assert_true(answer.is_ok);
    assert_string_equal(umh_jsonc_get_text(answer.body, "outcome", ""), "replace");
    assert_string_not_equal(umh_jsonc_get_text(answer.body, "why", ""), "");
    assert_int_equal(umh_jsonc_get_integer(answer.body, "left", 0), 1);
    assert_int_equal(json_array_size(umh_jsonc_get_array(answer.body, "explanation")), 1);
    umh_answer_deinit(&answer);

    fake_broker_load(broker, 4, "echo", true);
    expect_echo(broker, 4, "another");
}

static void test_ends_at_eof(void **state)
{
    fake_broker *broker = *state;
    umh_process_end end;

    fake_broker_load(broker, 0, "echo", true);
    end = fake_broker_await_end(broker, true);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 0);
}

static void test_ends_when_the_broker_breaks_the_protocol(void **state)
{
    fake_broker *broker = *state;
    uint8_t nonsense[UMH_FRAME_HEADER_BYTES];
    umh_process_end end;

    memset(nonsense, 0xFF, sizeof(nonsense));
    fake_broker_send_bytes(broker, umh_bytes_of(nonsense, sizeof(nonsense)));
    end = fake_broker_await_end(broker, false);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 3);
    fake_broker_await_log(broker, "level=critical");
}

static void test_ends_when_asked_to(void **state)
{
    fake_broker *broker = *state;
    umh_process_end end;

    fake_broker_load(broker, 0, "echo", true);
    fake_broker_load(broker, 1, "counter", true);
    fake_broker_load(broker, 2, "echo", false);
    fake_broker_command(broker, SERVICE_MODULE_META, UMH_SLOT_NONE, "exit", NULL);
    end = fake_broker_await_end(broker, false);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 0);
}

static void test_ends_when_asked_to_without_modules(void **state)
{
    fake_broker *broker = *state;

    fake_broker_command(broker, SERVICE_MODULE_META, UMH_SLOT_NONE, "exit", NULL);
    assert_int_equal(fake_broker_await_end(broker, false).exit_code, 0);
}

static void test_shows_which_module_crashed(void **state)
{
    fake_broker *broker = *state;
    umh_guid asked = GUID_OF(CRASH_ASKED);
    const umh_blackbox *blackbox = fake_broker_blackbox(broker);
    umh_process_end end;

    fake_broker_load(broker, 0, "echo", true);
    fake_broker_load(broker, 4, "crash", true);
    expect_echo(broker, 0, "before");
    fake_broker_post(broker, &asked, 4, "now");
    end = fake_broker_await_end(broker, false);
    assert_true(end.signal != 0 || end.exit_code != 0);
    assert_int_equal(atomic_load(&blackbox->slots[0].activity), ACTIVITY_NONE);
    assert_int_equal(atomic_load(&blackbox->slots[4].activity), ACTIVITY_ON_MESSAGE);
}

#define host_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_to_be_started_by_hand),
        host_test(test_fills_the_black_box),
        cmocka_unit_test(test_goes_on_without_a_black_box),
        host_test(test_answers_a_second_init_with_an_error),
        host_test(test_carries_a_module_through_its_life),
        host_test(test_answers_what_is_out_of_phase_with_an_error),
        host_test(test_passes_over_the_extensions_of_commands),
        host_test(test_shows_that_a_module_is_in_init),
        host_test(test_says_why_a_module_cannot_be_loaded),
        host_test(test_drops_messages_for_a_slot_that_has_not_started),
        host_test(test_carries_large_messages),
        host_test(test_gives_credit_back_in_steps_of_half_a_window),
        host_test(test_answers_pings),
        host_test(test_keeps_the_order_of_a_module_that_is_slow_at_times),
        host_test(test_makes_a_log_line_of_what_a_module_prints),
        host_test(test_unloads_with_proof_again_and_again),
        host_test(test_unloads_beside_a_module_that_works),
        host_test(test_reloads_beside_streams),
        host_test(test_tells_what_is_left_of_a_module),
        host_test(test_ends_at_eof),
        host_test(test_ends_when_the_broker_breaks_the_protocol),
        host_test(test_ends_when_asked_to),
        host_test(test_ends_when_asked_to_without_modules),
        host_test(test_shows_which_module_crashed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
