/* SPDX-License-Identifier: MIT */
/* The connection to a broker against scripts: answers, messages between them, credit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/client.h"
#include "ipc/services.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "scripted_broker.h"

#define FIRST UMH_FIRST_CREDIT_BYTES
#define HEADER UMH_FRAME_HEADER_BYTES
#define LARGE_BYTES 300000u

static const umh_guid service = {{0x11, 0x22, 0x33}};

static uint64_t soon(void)
{
    return umh_clock_deadline_ns(20000);
}

static umh_cli cli_of(const scripted_broker *broker)
{
    return (umh_cli){.control_path = broker->path, .instance = "default"};
}

static umh_client *connect_to(const scripted_broker *broker)
{
    umh_cli cli = cli_of(broker);
    umh_client *client = NULL;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_client_connect(&cli, &client, &why), 0);
    return client;
}

static void finish(scripted_broker *broker, umh_client *client)
{
    umh_client_free(client);
    scripted_broker_finish(broker);
}

/* ------------------------- connect */

static void test_nobody_listens(void **state)
{
    umh_cli cli = {.control_path = "/nonexistent/umh/control", .instance = "default"};
    umh_client *client = NULL;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_client_connect(&cli, &client, &why), UMH_CLIENT_REFUSED);
    assert_null(client);
    assert_non_null(strstr(why.text, "no broker is running at /nonexistent/umh/control"));
    assert_non_null(strstr(why.text, "umh run FILE"));
    cli = (umh_cli){.instance = "nobody-has-this-name"};
    assert_int_equal(umh_client_connect(&cli, &client, &why), UMH_CLIENT_REFUSED);
    assert_non_null(strstr(why.text, "instance 'nobody-has-this-name'"));
}

static void play_turn_away(scripted_broker *broker)
{
    write_refusal(broker, 0, "there are 64 control clients already");
}

static void play_another_protocol(scripted_broker *broker)
{
    write_answer(broker, expect_command(broker, "hello"),
                 json_pack("{s:s, s:i, s:i}", "version", "9.9", "lowest", 2, "highest", 3));
}

static void play_hang_up(scripted_broker *broker)
{
    expect_command(broker, "hello");
}

static void test_rejected_at_the_door(void **state)
{
    static const struct {
        void (*play)(scripted_broker *broker);
        const char *text;
    } rows[] = {{play_turn_away, "64 control clients"},
                {play_another_protocol, "version 9.9, speaks another protocol"},
                {play_hang_up, "closed the connection"}};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        scripted_broker broker;
        umh_client *client = NULL;
        umh_why why = UMH_WHY_INIT;
        umh_cli cli;

        scripted_broker_start(&broker, rows[i].play);
        cli = cli_of(&broker);
        assert_int_equal(umh_client_connect(&cli, &client, &why), UMH_CLIENT_REFUSED);
        assert_non_null(strstr(why.text, rows[i].text));
        finish(&broker, client);
    }
}

/* ------------------------- questions */

static void play_messages_before_the_answer(scripted_broker *broker)
{
    char *large = calloc(1, LARGE_BYTES);
    int64_t id;

    memset(large, 'x', LARGE_BYTES);
    if (greet(broker, 1000000) && (id = expect_command(broker, "status")) != 0) {
        write_message(broker, "one", 3);
        write_message(broker, large, LARGE_BYTES);
        write_answer(broker, id + 1, NULL); /* to a question that was given up */
        write_message(broker, "t\0o", 3);
        write_answer(broker, id, json_pack("{s:i}", "n", 7));
        write_message(broker, "", 0);
    }
    free(large);
}

static void expect_text(umh_client *client, const char *text, size_t size)
{
    umh_client_message message;

    assert_int_equal(umh_client_receive(client, soon(), &message), 0);
    assert_int_equal(message.text.size, size);
    assert_int_equal(message.frame.source_host, 3);
    if (text)
        assert_memory_equal(message.text.data, text, size);
}

static void test_keeps_messages_while_it_asks(void **state)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    scripted_broker broker;
    umh_client_message message;
    umh_client *client;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    scripted_broker_start(&broker, play_messages_before_the_answer);
    client = connect_to(&broker);
    assert_int_equal(
        umh_client_ask_take(client, &(umh_client_question){"status", NULL, soon()}, &answer, &why),
        0);
    assert_int_equal(umh_jsonc_get_integer(answer.body, "n", 0), 7);
    expect_text(client, "one", 3);
    expect_text(client, NULL, LARGE_BYTES);
    expect_text(client, "t\0o", 3);
    expect_text(client, "", 0);
    assert_int_equal(umh_client_receive(client, soon(), &message), UMH_CLIENT_EOF);
    finish(&broker, client);
}

static void play_refuse(scripted_broker *broker)
{
    int64_t id;

    if (greet(broker, 1000000) && (id = expect_command(broker, "load")) != 0)
        write_refusal(broker, id, "there is no host 'x'");
    read_frame(broker); /* until it has gone */
}

static void test_says_why_it_was_refused(void **state)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    scripted_broker broker;
    umh_client *client;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    scripted_broker_start(&broker, play_refuse);
    client = connect_to(&broker);
    assert_int_equal(
        umh_client_ask_take(client, &(umh_client_question){"load", NULL, soon()}, &answer, &why),
        UMH_CLIENT_REFUSED);
    assert_string_equal(why.text, "there is no host 'x'");
    assert_null(answer.body);
    finish(&broker, client);
}

static void play_answer_after_a_sign(scripted_broker *broker)
{
    int64_t id;

    if (greet(broker, 1000000) && (id = expect_command(broker, "load")) != 0 &&
        expect_command(broker, "stop") != 0)
        write_answer(broker, id, NULL);
    read_frame(broker);
}

static void test_a_late_answer_can_be_waited_for_again(void **state)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    scripted_broker broker;
    umh_client *client;
    umh_why why = UMH_WHY_INIT;
    int64_t id = 0;
    int64_t other;

    (void)state;
    scripted_broker_start(&broker, play_answer_after_a_sign);
    client = connect_to(&broker);
    assert_int_equal(
        umh_client_begin_take(client, &(umh_client_question){"load", NULL, soon()}, &id), 0);
    assert_int_equal(umh_client_finish(client, id, 0, &answer, &why), UMH_CLIENT_TIMEOUT);
    assert_int_equal(umh_client_finish(client, id, umh_clock_deadline_ns(1), &answer, &why),
                     UMH_CLIENT_TIMEOUT);
    assert_int_equal(
        umh_client_begin_take(client, &(umh_client_question){"stop", NULL, soon()}, &other), 0);
    assert_int_equal(umh_client_finish(client, id, soon(), &answer, &why), 0);
    assert_true(answer.is_ok);
    finish(&broker, client);
}

static void play_resolve(scripted_broker *broker)
{
    int64_t id;

    if (greet(broker, 1000000) && (id = expect_command(broker, "resolve")) != 0)
        write_extended_answer(broker, id,
                              json_pack("{s:s}", "guid", "11223300-0000-0000-0000-000000000000"));
    read_frame(broker);
}

static void test_resolves_names_by_asking(void **state)
{
    scripted_broker broker;
    umh_client *client;
    umh_why why = UMH_WHY_INIT;
    umh_guid guid;

    (void)state;
    scripted_broker_start(&broker, play_resolve);
    client = connect_to(&broker);
    /* Nothing is asked for what is a GUID already. */
    assert_int_equal(
        umh_client_resolve(client, "{BEA684E7-697F-4201-844F-98224FA16D2F}", &guid, &why), 0);
    assert_true(umh_guid_is_equal(&guid, umh_service_guid(SERVICE_SHELL_EXEC)));
    assert_int_equal(umh_client_resolve(client, "readings", &guid, &why), 0);
    assert_true(umh_guid_is_equal(&guid, &service));
    finish(&broker, client);
}

static void play_nonsense(scripted_broker *broker)
{
    static const uint8_t bad[UMH_FRAME_HEADER_BYTES] = {1, 2, 3, 4, 99, 99};

    if (greet(broker, 1000000))
        write_bytes(broker, bad, sizeof bad);
    read_frame(broker);
}

static void test_rejects_what_is_no_frame(void **state)
{
    scripted_broker broker;
    umh_client_message message;
    umh_client *client;

    (void)state;
    scripted_broker_start(&broker, play_nonsense);
    client = connect_to(&broker);
    assert_int_equal(umh_client_receive(client, soon(), &message), UMH_E_PROTOCOL);
    umh_failure_take();
    finish(&broker, client);
}

/* ------------------------- publishing */

static int post(umh_client *client, size_t size, uint64_t deadline_ns)
{
    char *text = malloc(size + 1);
    umh_why why = UMH_WHY_INIT;
    umh_client_send send = {.service = service,
                            .session = UMH_SESSION_EVERY,
                            .text = {(const uint8_t *)text, size},
                            .deadline_ns = deadline_ns};
    int r;

    memset(text, 'a', size);
    r = umh_client_post(client, &send, &why);
    free(text);
    return r;
}

static void play_first_credit(scripted_broker *broker)
{
    if (greet(broker, 1000000) && expect_message(broker) && expect_message(broker) &&
        expect_want(broker, 1, HEADER + 1)) {
        write_credit(broker, &service, 1);
        expect_message(broker);
    }
    read_frame(broker);
}

static void test_first_credit_is_used_to_its_last_byte(void **state)
{
    scripted_broker broker;
    umh_client *client;

    (void)state;
    scripted_broker_start(&broker, play_first_credit);
    client = connect_to(&broker);
    assert_int_equal(post(client, 0, soon()), 0);
    assert_int_equal(post(client, FIRST - 3 * HEADER, soon()), 0);
    assert_int_equal(post(client, 1, soon()), 0);
    finish(&broker, client);
}

static void play_credit_in_parts(scripted_broker *broker)
{
    uint64_t cost = HEADER + LARGE_BYTES;

    if (greet(broker, 1000000) && expect_want(broker, cost, cost)) {
        write_message(broker, "meanwhile", 9);
        write_credit(broker, &service, 1000);
        write_credit(broker, &service, cost - 1000 - FIRST);
        /* First credit pays for the beginning of the first message. */
        if (expect_message(broker) && broker->frame.payload_bytes != LARGE_BYTES)
            say_fault(broker, "the message has another length");
    }
    read_frame(broker);
}

static void test_waits_for_credit(void **state)
{
    scripted_broker broker;
    umh_client *client;

    (void)state;
    scripted_broker_start(&broker, play_credit_in_parts);
    client = connect_to(&broker);
    assert_int_equal(post(client, LARGE_BYTES, soon()), 0);
    expect_text(client, "meanwhile", 9);
    finish(&broker, client);
}

static void play_too_late(scripted_broker *broker)
{
    uint64_t cost = HEADER + LARGE_BYTES;

    if (greet(broker, 1000000) && expect_want(broker, cost, cost) && expect_want(broker, 0, 0)) {
        write_credit(broker, &service, cost);
        write_answer(broker, expect_command(broker, "sync"), NULL);
        expect_message(broker);
    }
    read_frame(broker);
}

static void test_withdraws_what_it_gave_up(void **state)
{
    scripted_broker broker;
    umh_client *client;
    int64_t reached = 0;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    scripted_broker_start(&broker, play_too_late);
    client = connect_to(&broker);
    assert_int_equal(post(client, LARGE_BYTES, umh_clock_deadline_ns(20)), UMH_CLIENT_TIMEOUT);
    assert_int_equal(umh_client_sync(client, soon(), &reached, &why), 0);
    assert_int_equal(reached, UMH_CLIENT_NOT_SAID);
    /* Credit that crossed the withdrawal is good for the next one. */
    assert_int_equal(post(client, LARGE_BYTES, soon()), 0);
    finish(&broker, client);
}

static void play_give_back(scripted_broker *broker)
{
    uint64_t cost = HEADER + LARGE_BYTES;

    if (greet(broker, 1000000) && expect_want(broker, cost, cost)) {
        write_credit(broker, &service, 5000);
        write_give_back(broker, &service);
        if (expect_kind(broker, FRAME_GIVE_BACK)) {
            uint64_t bytes =
                umh_frame_amount(umh_bytes_of(broker->payload.data, broker->payload.size));

            if (bytes != 5000 || umh_grant_return(&broker->grant, bytes))
                say_fault(broker, "the client gave back another amount");
            /* What it wants stands as it did. */
            write_credit(broker, &service, umh_grant_missing(&broker->grant));
            expect_message(broker);
        }
    }
    read_frame(broker);
}

static void test_gives_back_while_it_waits(void **state)
{
    scripted_broker broker;
    umh_client *client;

    (void)state;
    scripted_broker_start(&broker, play_give_back);
    client = connect_to(&broker);
    assert_int_equal(post(client, LARGE_BYTES, soon()), 0);
    finish(&broker, client);
}

static void play_nothing_more(scripted_broker *broker)
{
    if (greet(broker, 100) && read_frame(broker))
        say_fault(broker, "the client sent what it was to refuse");
}

static void test_rejects_before_sending(void **state)
{
    scripted_broker broker;
    umh_client *client;
    umh_why why = UMH_WHY_INIT;
    umh_client_send send = {.service = *umh_service_guid(SERVICE_BROKER),
                            .text = {(const uint8_t *)"x", 1}};

    (void)state;
    scripted_broker_start(&broker, play_nothing_more);
    client = connect_to(&broker);
    assert_int_equal(umh_client_post(client, &send, &why), UMH_CLIENT_REFUSED);
    assert_non_null(strstr(why.text, "Broker"));
    send.service = *umh_service_guid(SERVICE_ALL);
    assert_int_equal(umh_client_post(client, &send, &why), UMH_CLIENT_REFUSED);
    send.service = service;
    send.text = umh_bytes_of_text("\xff");
    assert_int_equal(umh_client_post(client, &send, &why), UMH_CLIENT_REFUSED);
    assert_non_null(strstr(why.text, "UTF-8"));
    assert_int_equal(post(client, 101, soon()), UMH_CLIENT_REFUSED);
    finish(&broker, client);
}

static void play_leave_while_it_waits(scripted_broker *broker)
{
    uint64_t cost = HEADER + LARGE_BYTES;

    if (greet(broker, 1000000))
        expect_want(broker, cost, cost);
}

static void test_the_broker_ends_while_it_waits(void **state)
{
    scripted_broker broker;
    umh_client *client;

    (void)state;
    scripted_broker_start(&broker, play_leave_while_it_waits);
    client = connect_to(&broker);
    assert_int_equal(post(client, LARGE_BYTES, soon()), UMH_CLIENT_EOF);
    finish(&broker, client);
}

static int set_up(void **state)
{
    (void)state;
    return umh_process_prepare();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_rejected_at_the_door),
        cmocka_unit_test(test_keeps_messages_while_it_asks),
        cmocka_unit_test(test_says_why_it_was_refused),
        cmocka_unit_test(test_a_late_answer_can_be_waited_for_again),
        cmocka_unit_test(test_resolves_names_by_asking),
        cmocka_unit_test(test_rejects_what_is_no_frame),
        cmocka_unit_test(test_first_credit_is_used_to_its_last_byte),
        cmocka_unit_test(test_waits_for_credit),
        cmocka_unit_test(test_withdraws_what_it_gave_up),
        cmocka_unit_test(test_gives_back_while_it_waits),
        cmocka_unit_test(test_rejects_before_sending),
        cmocka_unit_test(test_the_broker_ends_while_it_waits),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
