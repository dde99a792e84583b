/* SPDX-License-Identifier: MIT */
/* A broker of a few lines on a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripted_broker.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_SECONDS 20

/* ------------------------- life */

static void *run(void *context)
{
    scripted_broker *broker = context;
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};

    broker->client = accept(broker->listener, NULL, NULL);
    setsockopt(broker->client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    broker->play(broker);
    close(broker->client);
    return NULL;
}

void scripted_broker_start(scripted_broker *broker, void (*play)(scripted_broker *broker))
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *broker = (scripted_broker){.play = play, .payload = UMH_BUFFER_INIT};
    umh_grant_init(&broker->grant);
    assert_int_equal(umh_file_make_temporary("umh-test-", broker->folder), 0);
    assert_int_equal(umh_file_join(broker->folder, "control", broker->path), 0);
    assert_true(umh_text_put(address.sun_path, sizeof address.sun_path, broker->path));
    broker->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(broker->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(broker->listener, 1), 0);
    assert_int_equal(pthread_create(&broker->thread, NULL, run, broker), 0);
}

void scripted_broker_finish(scripted_broker *broker)
{
    pthread_join(broker->thread, NULL);
    close(broker->listener);
    umh_buffer_deinit(&broker->payload);
    assert_int_equal(umh_file_remove_tree(broker->folder), 0);
    if (broker->fault)
        fail_msg("%s", broker->fault);
}

/* ------------------------- in */

void say_fault(scripted_broker *broker, const char *fault)
{
    if (!broker->fault)
        broker->fault = fault;
}

static bool read_bytes(scripted_broker *broker, uint8_t *to, size_t size)
{
    while (size > 0) {
        ssize_t count = read(broker->client, to, size);

        if (count <= 0)
            return false;
        to += count;
        size -= (size_t)count;
    }
    return true;
}

bool read_frame(scripted_broker *broker)
{
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    umh_why why = UMH_WHY_INIT;
    uint8_t piece[4096];
    size_t rest;

    if (!read_bytes(broker, header, sizeof header))
        return false;
    if (umh_frame_decode(umh_bytes_of(header, sizeof header), UMH_MESSAGE_BYTES_HIGHEST,
                         &broker->frame, &why)) {
        say_fault(broker, "the client sent no frame");
        return false;
    }
    umh_buffer_clear(&broker->payload);
    for (rest = broker->frame.payload_bytes; rest > 0;) {
        size_t size = rest < sizeof piece ? rest : sizeof piece;

        if (!read_bytes(broker, piece, size) || umh_buffer_append(&broker->payload, piece, size))
            return false;
        rest -= size;
    }
    return true;
}

bool expect_kind(scripted_broker *broker, umh_frame_kind kind)
{
    if (!read_frame(broker)) {
        say_fault(broker, "the client has gone, where it was to send something");
        return false;
    }
    if (broker->frame.kind != kind) {
        say_fault(broker, "the client sent a frame of another kind");
        return false;
    }
    return true;
}

static umh_bytes payload_of(const scripted_broker *broker)
{
    return umh_bytes_of(broker->payload.data, broker->payload.size);
}

int64_t expect_command(scripted_broker *broker, const char *name)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    umh_why why = UMH_WHY_INIT;

    if (!expect_kind(broker, FRAME_MESSAGE))
        return 0;
    if (umh_command_decode(payload_of(broker), &command, &why) || strcmp(command.name, name) != 0) {
        say_fault(broker, "the client sent another command");
        return 0;
    }
    return command.id;
}

bool expect_message(scripted_broker *broker)
{
    uint64_t credited;

    if (!expect_kind(broker, FRAME_MESSAGE))
        return false;
    if (umh_grant_use(&broker->grant, umh_frame_cost(broker->frame.payload_bytes),
                      &broker->first_count, &credited)) {
        say_fault(broker, "the client sent more than its credit");
        return false;
    }
    return true;
}

bool expect_want(scripted_broker *broker, uint64_t need, uint64_t cost)
{
    umh_want want = {0};

    if (!expect_kind(broker, FRAME_WANT))
        return false;
    umh_frame_want(payload_of(broker), &want.need, &want.cost);
    if (want.need != need || want.cost != cost) {
        say_fault(broker, "the client wants something else");
        return false;
    }
    if (umh_grant_set_want(&broker->grant, &want, UMH_SLOT_NONE,
                           umh_frame_cost(UMH_MESSAGE_BYTES_DEFAULT))) {
        say_fault(broker, "the client wants too much");
        return false;
    }
    return true;
}

/* ------------------------- out */

void write_bytes(scripted_broker *broker, const void *data, size_t size)
{
    const uint8_t *from = data;

    while (size > 0) {
        ssize_t count = send(broker->client, from, size, MSG_NOSIGNAL);

        if (count <= 0) {
            say_fault(broker, "the client does not read");
            return;
        }
        from += count;
        size -= (size_t)count;
    }
}

static umh_frame frame_of(umh_frame_kind kind, size_t size)
{
    return (umh_frame){.version = UMH_PROTOCOL_HIGHEST,
                       .kind = (uint8_t)kind,
                       .payload_bytes = (uint32_t)size,
                       .source_slot = UMH_SLOT_NONE,
                       .slot = UMH_SLOT_NONE};
}

static void write_frame(scripted_broker *broker, const umh_frame *frame, const void *payload)
{
    uint8_t header[UMH_FRAME_HEADER_BYTES];

    umh_frame_encode(frame, header);
    write_bytes(broker, header, sizeof header);
    write_bytes(broker, payload, frame->payload_bytes);
    if (frame->kind == FRAME_MESSAGE)
        write_bytes(broker, "", 1);
}

void write_answer(scripted_broker *broker, int64_t id, umh_json *body_take)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame;

    umh_ignore(umh_answer_encode_take(id, body_take, &payload));
    frame = frame_of(FRAME_ANSWER, payload.size);
    write_frame(broker, &frame, payload.data);
}

void write_extended_answer(scripted_broker *broker, int64_t id, umh_json *body_take)
{
    static const uint8_t extensions[] = {7, 0, 0x77, 0x77, 3, 0, 'n', 'e', 'w'};
    UMH_AUTO(umh_buffer) answer = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame;

    umh_ignore(umh_answer_encode_take(id, body_take, &answer));
    umh_ignore(umh_buffer_append(&payload, extensions, sizeof extensions));
    umh_ignore(umh_buffer_append(&payload, answer.data, answer.size));
    frame = frame_of(FRAME_ANSWER, payload.size);
    frame.flags = FRAME_FLAG_EXTENDED;
    write_frame(broker, &frame, payload.data);
}

void write_refusal(scripted_broker *broker, int64_t id, const char *text)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;
    umh_frame frame;

    umh_why_set(&why, "%s", text);
    umh_ignore(umh_answer_encode_error(id, UMH_E_REFUSED, &why, &payload));
    frame = frame_of(FRAME_ANSWER, payload.size);
    write_frame(broker, &frame, payload.data);
}

void write_message(scripted_broker *broker, const char *text, size_t size)
{
    umh_frame frame = frame_of(FRAME_MESSAGE, size);

    frame.service.bytes[0] = 0x55;
    frame.source_host = 3;
    write_frame(broker, &frame, text);
}

void write_credit(scripted_broker *broker, const umh_guid *service, uint64_t bytes)
{
    umh_frame frame = frame_of(FRAME_CREDIT, 0);
    uint8_t whole[UMH_FRAME_AMOUNT_BYTES];

    frame.service = *service;
    umh_frame_encode_amount(&frame, bytes, whole);
    umh_grant_give(&broker->grant, bytes);
    write_bytes(broker, whole, sizeof whole);
}

void write_give_back(scripted_broker *broker, const umh_guid *service)
{
    umh_frame frame = frame_of(FRAME_GIVE_BACK, 0);

    frame.service = *service;
    broker->grant.is_asked = true;
    write_frame(broker, &frame, "");
}

bool greet(scripted_broker *broker, int64_t max_message_bytes)
{
    int64_t id = expect_command(broker, "hello");

    if (id == 0)
        return false;
    write_answer(broker, id,
                 json_pack("{s:s, s:i, s:i, s:I}", "version", "9.9", "lowest", 1, "highest", 1,
                           "max_message_bytes", (json_int_t)max_message_bytes));
    return true;
}
