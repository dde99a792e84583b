/* SPDX-License-Identifier: MIT */
/* The outbox without other threads: credit to the byte, wants, lanes, ticks, what is refused. */
#include "outbox_fixture.h"

#include "ipc/services.h"

#define FIRST UMH_FIRST_CREDIT_BYTES
#define NONE UMH_SLOT_NONE

/* ---- Credit and wants ---- */

static void test_four_services_have_first_credit(void **state)
{
    fixture *self = *state;

    for (unsigned i = 0; i < UMH_FIRST_CREDIT_SERVICES; i++) {
        assert_int_equal(send_one(self, outside(i, 1, FIRST + 1)), UMH_OUTBOX_FULL);
        assert_int_equal(send_one(self, outside(i, 1, FIRST)), 0);
        assert_int_equal(send_one(self, outside(i, 1, HEADER)), UMH_OUTBOX_FULL);
        take_message(self, i, 1, FIRST);
    }
    assert_int_equal(send_one(self, outside(4, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_quiet(self);
}

static void test_who_only_wanted_has_no_first_credit(void **state)
{
    fixture *self = *state;

    assert_int_equal(send_one(self, inside(9, 1, FIRST + 1)), 0);
    take_want(self, 9, NONE, FIRST + 1, FIRST + 1);
    open_services(self, 4);

    give_credit(self, 9, FIRST);
    assert_quiet(self);
    give_credit(self, 9, 1);
    take_message(self, 9, 1, FIRST + 1);
    assert_int_equal(send_one(self, outside(9, 1, HEADER)), UMH_OUTBOX_FULL);
}

static void test_first_credit_pays_for_the_beginning(void **state)
{
    fixture *self = *state;

    assert_int_equal(send_one(self, inside(0, 1, FIRST + 1)), 0);
    take_want(self, 0, NONE, FIRST + 1, FIRST + 1);
    give_credit(self, 0, 1);
    /* For the broker the want would stand. */
    take_want(self, 0, NONE, 1, 0);
    take_message(self, 0, 1, FIRST + 1);
    assert_quiet(self);
}

static void test_wants_are_offsets(void **state)
{
    fixture *self = *state;

    assert_int_equal(send_one(self, inside(0, 1, 4000)), 0);
    assert_int_equal(send_one(self, inside(0, 1, 200)), 0);
    assert_int_equal(send_one(self, inside(0, 2, 300)), 0);
    umh_outbox_flush(self->outbox);
    take_want(self, 0, NONE, 4200 - FIRST, 200);
    take_message(self, 0, 1, 4000);
    assert_quiet(self);

    give_credit(self, 0, 4200 - FIRST - 1);
    assert_quiet(self);
    give_credit(self, 0, 1);
    take_want(self, 0, NONE, 4500 - FIRST, 300);
    take_message(self, 0, 1, 200);
    give_credit(self, 0, 300 + HEADER);
    take_message(self, 0, 2, 300);
    assert_quiet(self);

    assert_int_equal(send_one(self, outside(0, 1, HEADER + 1)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
    take_message(self, 0, 1, HEADER);
    assert_quiet(self);
}

static void test_credit_without_a_message_is_an_error(void **state)
{
    fixture *self = *state;
    umh_guid guid = service_of(77);

    assert_int_equal(umh_outbox_on_credit(self->outbox, &guid, 1), UMH_E_PROTOCOL);
    assert_int_equal(umh_outbox_on_give_back(self->outbox, &guid), UMH_E_PROTOCOL);
}

static void test_gives_back_what_it_has_not_used(void **state)
{
    fixture *self = *state;
    umh_guid first = service_of(0);
    umh_guid fifth = service_of(4);

    open_services(self, 5);
    give_credit(self, 0, 500);
    give_credit(self, 4, 1000);
    assert_int_equal(send_one(self, outside(4, 1, 400)), 0);
    take_message(self, 4, 1, 400);

    assert_int_equal(umh_outbox_on_give_back(self->outbox, &first), 0);
    take_amount(self, FRAME_GIVE_BACK, 500);
    assert_memory_equal(self->frame.service.bytes, first.bytes, sizeof first.bytes);
    assert_int_equal(umh_outbox_on_give_back(self->outbox, &fifth), 0);
    take_amount(self, FRAME_GIVE_BACK, 600);
    assert_int_equal(umh_outbox_on_give_back(self->outbox, &fifth), 0);
    take_amount(self, FRAME_GIVE_BACK, 0);

    assert_int_equal(send_one(self, outside(4, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, outside(0, 1, FIRST - HEADER)), 0);
    take_message(self, 0, 1, FIRST - HEADER);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), UMH_OUTBOX_FULL);
}

static void test_head_stays_announced_when_credit_goes_back(void **state)
{
    fixture *self = *state;
    umh_guid fifth = service_of(4);

    open_services(self, 5);
    give_credit(self, 4, 100);
    assert_int_equal(send_one(self, inside(4, 1, 200)), 0);
    take_want(self, 4, NONE, HEADER + 200, 200);
    assert_int_equal(umh_outbox_on_give_back(self->outbox, &fifth), 0);
    take_amount(self, FRAME_GIVE_BACK, 100);
    assert_quiet(self);
    give_credit(self, 4, 199);
    assert_quiet(self);
    give_credit(self, 4, 1);
    take_message(self, 4, 1, 200);
}

/* ---- The allowance ---- */

static void test_allowance_is_per_slot(void **state)
{
    fixture *self = *state;
    size_t cost = 1024;
    size_t count = UMH_ALLOWANCE_BYTES / cost;

    open_services(self, 5);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(send_one(self, inside(4, 1, cost)), 0);
    assert_int_equal(send_one(self, inside(4, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, inside(0, 1, FIRST)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, inside(4, 2, HEADER)), 0);
    take_want(self, 4, NONE, HEADER + cost, cost);

    give_credit(self, 4, cost);
    take_want(self, 4, NONE, HEADER + 2 * cost, cost);
    take_message(self, 4, 1, cost);
    assert_int_equal(send_one(self, inside(4, 1, cost + 1)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, inside(4, 1, cost)), 0);
    assert_int_equal(send_one(self, inside(4, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_quiet(self);
}

static void test_one_larger_message_is_accepted_alone(void **state)
{
    fixture *self = *state;
    size_t large = UMH_ALLOWANCE_BYTES + 1;

    open_services(self, 5);
    assert_int_equal(send_one(self, inside(4, 1, HEADER)), 0);
    assert_int_equal(send_one(self, inside(4, 1, large)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, inside(4, 2, large)), 0);
    assert_int_equal(send_one(self, inside(4, 2, HEADER)), UMH_OUTBOX_FULL);
    take_want(self, 4, NONE, 2 * HEADER, HEADER);
    give_credit(self, 4, HEADER);
    take_want(self, 4, NONE, 2 * HEADER + large, large);
    take_message(self, 4, 1, HEADER);
    give_credit(self, 4, large);
    take_message(self, 4, 2, large);
    assert_quiet(self);
}

static void test_try_send_has_no_allowance(void **state)
{
    fixture *self = *state;
    umh_send trial = inside(4, 1, HEADER);

    open_services(self, 4);
    trial.may_use_allowance = false;
    assert_int_equal(send_one(self, trial), UMH_OUTBOX_FULL);
    assert_quiet(self);
    assert_int_equal(send_one(self, inside(4, 1, HEADER)), 0);
    take_want(self, 4, NONE, HEADER, HEADER);
    give_credit(self, 4, 1000);
    take_message(self, 4, 1, HEADER);
    assert_int_equal(send_one(self, trial), 0);
    take_message(self, 4, 1, HEADER);
}

/* The caller's text is its own again when send has returned. */
static void test_accepted_large_message_is_a_copy(void **state)
{
    fixture *self = *state;
    umh_send send = inside(4, 1, HEADER + MESSAGE_MAX);
    uint8_t *text = malloc(MESSAGE_MAX);

    assert_non_null(text);
    memset(text, 'a', MESSAGE_MAX);
    send.text = umh_bytes_of(text, MESSAGE_MAX);
    open_services(self, 5);

    assert_int_equal(send_one(self, send), 0);
    memset(text, 'b', MESSAGE_MAX);
    take_want(self, 4, NONE, 2 * HEADER + MESSAGE_MAX, HEADER + MESSAGE_MAX);
    give_credit(self, 4, HEADER + MESSAGE_MAX);
    take_message(self, 4, 1, HEADER + MESSAGE_MAX);

    memset(text, 'a', MESSAGE_MAX);
    give_credit(self, 4, HEADER + MESSAGE_MAX);
    assert_int_equal(send_one(self, send), 0);
    memset(text, 'b', MESSAGE_MAX);
    take_message(self, 4, 1, HEADER + MESSAGE_MAX);

    memset(text, 'a', MESSAGE_MAX);
    send.is_inside = false;
    assert_int_equal(send_one(self, send), UMH_OUTBOX_FULL);
    give_credit(self, 4, HEADER + MESSAGE_MAX);
    assert_int_equal(send_one(self, send), 0);
    memset(text, 'b', MESSAGE_MAX);
    take_message(self, 4, 1, HEADER + MESSAGE_MAX);
    assert_quiet(self);
    free(text);
}

/* ---- Lanes ---- */

static void test_credit_of_a_slot_is_added_up(void **state)
{
    fixture *self = *state;
    size_t filling = fill_pipe(self);

    umh_outbox_credit(self->outbox, 3, 100);
    umh_outbox_credit(self->outbox, 119, 7);
    umh_outbox_credit(self->outbox, 3, 50);
    take_filling(self, filling);
    take_amount(self, FRAME_CREDIT, 150);
    assert_int_equal(self->frame.source_slot, 3);
    take_amount(self, FRAME_CREDIT, 7);
    assert_int_equal(self->frame.source_slot, 119);
    assert_quiet(self);
    umh_outbox_credit(self->outbox, 3, 1);
    take_amount(self, FRAME_CREDIT, 1);
}

static void test_want_is_replaced_and_goes_before_the_answer(void **state)
{
    fixture *self = *state;
    umh_guid fifth = service_of(4);
    size_t filling;

    open_services(self, 5);
    filling = fill_pipe(self);
    give_credit(self, 4, 500);
    assert_int_equal(umh_outbox_on_give_back(self->outbox, &fifth), 0);
    assert_int_equal(send_one(self, inside(4, 1, 100)), 0);
    assert_int_equal(send_one(self, inside(4, 1, 300)), 0);
    give_credit(self, 4, 100);
    take_filling(self, filling);
    take_want(self, 4, NONE, HEADER + 400, 300);
    take_amount(self, FRAME_GIVE_BACK, 500);
    take_message(self, 4, 1, 100);
    assert_quiet(self);
}

/* A pipe gives room by the page, so the message that fills one is cut. */
static void test_control_goes_between_frames(void **state)
{
    fixture *self = *state;
    size_t filling;
    size_t before = 0;
    size_t count = 1000;

    open_services(self, 1);
    give_credit(self, 0, 1u << 30);
    filling = fill_pipe(self);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(send_one(self, inside(0, 1, 137)), 0);
    self->read_max = 3 * 4096;
    take_filling(self, 1);
    umh_outbox_flush(self->outbox);
    assert_int_equal(umh_outbox_answer(self->outbox, umh_bytes_of_text("{}")), 0);
    self->read_max = 0;
    take_filling(self, filling - 1);
    for (;;) {
        take_frame(self);
        if (self->frame.kind != FRAME_MESSAGE)
            break;
        before++;
    }
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
    assert_memory_equal(self->payload.data, "{}", 2);
    assert_true(before > 0 && before < count);
    for (; before < count; before++)
        take_message(self, 0, 1, 137);
    assert_quiet(self);
}

static void test_control_waits_for_the_end_of_a_large_frame(void **state)
{
    fixture *self = *state;
    size_t large = 3u * 1024 * 1024;

    open_services(self, 1);
    give_credit(self, 0, 1u << 30);
    assert_int_equal(send_one(self, inside(0, 1, large)), 0);
    assert_int_equal(send_one(self, inside(0, 1, HEADER)), 0);
    assert_int_equal(umh_outbox_pong(self->outbox, umh_bytes_of_text("x")), 0);
    take_message(self, 0, 1, large);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_PONG);
    take_message(self, 0, 1, HEADER);
}

static void test_commands_say_who_asks(void **state)
{
    fixture *self = *state;

    assert_int_equal(umh_outbox_command(self->outbox, umh_service_guid(SERVICE_MODULE_META), 5,
                                        umh_bytes_of_text("{}")),
                     0);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_MESSAGE);
    assert_int_equal(self->frame.source_slot, 5);
    assert_int_equal(umh_service_find(&self->frame.service), SERVICE_MODULE_META);
    assert_int_equal(umh_outbox_answer(self->outbox, text_of(UMH_COMMAND_BYTES_MAX + 1)),
                     UMH_E_LIMIT);
    assert_int_equal(umh_outbox_answer(self->outbox, text_of(UMH_COMMAND_BYTES_MAX)), 0);
    take_frame(self);
    assert_int_equal(self->payload.size, UMH_COMMAND_BYTES_MAX);
}

static void test_control_frames_are_bounded(void **state)
{
    fixture *self = *state;
    int r = 0;

    for (int i = 0; i < 8 && r == 0; i++)
        r = umh_outbox_answer(self->outbox, text_of(UMH_COMMAND_BYTES_MAX));
    assert_int_equal(r, UMH_E_LIMIT);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
    assert_int_equal(self->payload.size, UMH_COMMAND_BYTES_MAX);
}

/* ---- Who writes ---- */

static void test_first_messages_write_themselves(void **state)
{
    fixture *self = *state;
    bool is_blocked;
    int count = 0;

    open_services(self, 1);
    umh_outbox_tick(self->outbox, &is_blocked);
    while (atomic_load(&self->wakes) == 0) {
        assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
        count++;
        if (atomic_load(&self->wakes) == 0)
            take_message(self, 0, 1, HEADER);
    }
    assert_int_equal(count, UMH_OUTBOX_WRITES_PER_TICK + 1);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
    assert_false(has_bytes(self));
    assert_int_equal(atomic_load(&self->wakes), 1);

    umh_outbox_flush(self->outbox);
    take_message(self, 0, 1, HEADER);
    take_message(self, 0, 1, HEADER);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
    assert_true(has_bytes(self));
    take_message(self, 0, 1, HEADER);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
    assert_false(has_bytes(self));

    umh_outbox_tick(self->outbox, &is_blocked);
    assert_false(is_blocked);
    assert_true(has_bytes(self));
    take_message(self, 0, 1, HEADER);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
    assert_true(has_bytes(self));
}

static void test_callbacks_write_a_full_lane_only(void **state)
{
    fixture *self = *state;
    size_t cost = 1000;
    size_t count = 0;

    open_services(self, 1);
    give_credit(self, 0, 1u << 30);
    while ((count + 1) * cost < UMH_OUTBOX_BYTES) {
        assert_int_equal(send_one(self, inside(0, 1, cost)), 0);
        count++;
    }
    assert_false(has_bytes(self));
    assert_int_equal(send_one(self, inside(0, 1, cost)), 0);
    assert_true(has_bytes(self));
    for (size_t i = 0; i <= count; i++)
        take_message(self, 0, 1, cost);
    assert_int_equal(send_one(self, inside(0, 1, cost)), 0);
    assert_false(has_bytes(self));
    umh_outbox_flush(self->outbox);
    assert_true(has_bytes(self));
}

/* The callback it belongs to, and the flush after it, may be over. */
static void test_inside_elsewhere_needs_no_flush(void **state)
{
    fixture *self = *state;
    umh_send send = inside(0, 1, HEADER);
    bool is_blocked;

    send.is_elsewhere = true;
    open_services(self, 1);
    umh_outbox_tick(self->outbox, &is_blocked);
    while (atomic_load(&self->wakes) == 0) {
        assert_int_equal(send_one(self, send), 0);
        if (atomic_load(&self->wakes) == 0) {
            assert_true(has_bytes(self));
            take_message(self, 0, 1, HEADER);
        }
    }
    assert_false(has_bytes(self));
    umh_outbox_tick(self->outbox, &is_blocked);
    take_message(self, 0, 1, HEADER);
    assert_quiet(self);
}

/* What credit has been given for always goes; the pipe being full wakes the watcher once. */
static void test_callbacks_never_wait_for_the_pipe(void **state)
{
    fixture *self = *state;
    size_t cost = 10000;
    size_t count = 5000;
    bool is_blocked;

    open_services(self, 1);
    give_credit(self, 0, 1u << 30);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(send_one(self, inside(0, 1, cost)), 0);
    assert_int_equal(atomic_load(&self->wakes), 1);
    umh_outbox_tick(self->outbox, &is_blocked);
    assert_true(is_blocked);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), UMH_OUTBOX_FULL);
    for (size_t i = 0; i < count; i++)
        take_message(self, 0, 1, cost);
    assert_quiet(self);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), 0);
}

/* ---- Stop ---- */

static void test_stop_brings_accepted_messages_to_the_front(void **state)
{
    fixture *self = *state;
    uint64_t sent = HEADER;

    open_services(self, 5);
    assert_int_equal(send_one(self, inside(4, 1, 1000)), 0);
    take_want(self, 4, NONE, sent + 1000, 1000);
    assert_int_equal(send_one(self, inside(4, 2, 201)), 0);
    assert_int_equal(send_one(self, inside(4, 1, 1001)), 0);
    assert_int_equal(send_one(self, inside(4, 2, 202)), 0);
    umh_outbox_stop_slot(self->outbox, 2);
    take_want(self, 4, 2, sent + 201, 201);
    assert_int_equal(send_one(self, inside(4, 2, 203)), 0);
    assert_int_equal(send_one(self, outside(4, 2, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, outside(0, 2, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(umh_outbox_finish_slot(self->outbox, 2, umh_bytes_of_text("{}")), 0);
    assert_int_equal(send_one(self, inside(0, 2, HEADER)), UMH_OUTBOX_FULL);
    assert_quiet(self);

    give_credit(self, 4, 201 + 202);
    take_want(self, 4, 2, sent + 606, 203);
    take_message(self, 4, 2, 201);
    take_message(self, 4, 2, 202);
    assert_quiet(self);
    give_credit(self, 4, 203);
    take_want(self, 4, NONE, sent + 1606, 1000);
    take_message(self, 4, 2, 203);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
    assert_int_equal(self->frame.source_slot, 2);
    assert_memory_equal(self->payload.data, "{}", 2);

    give_credit(self, 4, 2001);
    take_message(self, 4, 1, 1000);
    take_message(self, 4, 1, 1001);
    assert_quiet(self);
    umh_outbox_open_slot(self->outbox, 2);
    assert_int_equal(send_one(self, outside(0, 2, HEADER)), 0);
    take_message(self, 0, 2, HEADER);
}

static void test_head_of_a_stopping_slot_is_announced_again(void **state)
{
    fixture *self = *state;

    open_services(self, 5);
    assert_int_equal(send_one(self, inside(4, 2, 500)), 0);
    take_want(self, 4, NONE, HEADER + 500, 500);
    umh_outbox_stop_slot(self->outbox, 2);
    take_want(self, 4, 2, HEADER + 500, 500);
    umh_outbox_stop_slot(self->outbox, 2);
    assert_quiet(self);
}

static void test_two_slots_may_stop_at_once(void **state)
{
    fixture *self = *state;

    open_services(self, 5);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(send_one(self, inside(4, 1, 100 + i)), 0);
        assert_int_equal(send_one(self, inside(4, 2, 200 + i)), 0);
        assert_int_equal(send_one(self, inside(4, 3, 300 + i)), 0);
    }
    umh_outbox_stop_slot(self->outbox, 3);
    umh_outbox_stop_slot(self->outbox, 2);
    assert_int_equal(send_one(self, inside(4, 3, 303)), 0);
    assert_int_equal(umh_outbox_finish_slot(self->outbox, 3, umh_bytes_of_text("3")), 0);
    assert_int_equal(umh_outbox_finish_slot(self->outbox, 2, umh_bytes_of_text("2")), 0);
    while (has_bytes(self))
        take_frame(self);

    give_credit(self, 4, 100000);
    for (size_t i = 0; i < 3; i++)
        take_message(self, 4, 3, 300 + i);
    for (size_t i = 0; i < 3; i++)
        take_message(self, 4, 2, 200 + i);
    take_frame(self);
    assert_memory_equal(self->payload.data, "2", 1);
    take_message(self, 4, 3, 303);
    take_frame(self);
    assert_memory_equal(self->payload.data, "3", 1);
    for (size_t i = 0; i < 3; i++)
        take_message(self, 4, 1, 100 + i);
    assert_quiet(self);
}

static void test_answer_follows_what_is_in_the_lane(void **state)
{
    fixture *self = *state;

    assert_int_equal(send_one(self, inside(0, 1, 100)), 0);
    umh_outbox_stop_slot(self->outbox, 1);
    assert_int_equal(send_one(self, inside(0, 1, 101)), 0);
    assert_int_equal(umh_outbox_finish_slot(self->outbox, 1, umh_bytes_of_text("{}")), 0);
    take_message(self, 0, 1, 100);
    take_message(self, 0, 1, 101);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
}

/* ---- What is refused ---- */

static void test_refuses_what_is_no_text(void **state)
{
    fixture *self = *state;
    umh_send send = outside(0, 1, HEADER);

    send.text = umh_bytes_of("a\0b", 3);
    assert_int_equal(send_one(self, send), 0);
    send.text = umh_bytes_of("\xC3", 1);
    assert_int_equal(send_one(self, send), UMH_OUTBOX_NOT_TEXT);
    take_frame(self);
    assert_memory_equal(self->payload.data, "a\0b", 3);
    assert_quiet(self);
}

static void test_refuses_what_is_too_long(void **state)
{
    fixture *self = *state;

    assert_int_equal(send_one(self, inside(0, 1, HEADER + MESSAGE_MAX + 1)), UMH_OUTBOX_TOO_LARGE);
    umh_outbox_limit(self->outbox, 1000);
    assert_int_equal(send_one(self, inside(0, 1, HEADER + 1001)), UMH_OUTBOX_TOO_LARGE);
    assert_int_equal(send_one(self, inside(0, 1, HEADER + 1000)), 0);
    take_message(self, 0, 1, HEADER + 1000);
}

static void test_refuses_control_services(void **state)
{
    fixture *self = *state;
    umh_send send = outside(0, 1, HEADER);

    for (unsigned id = 0; id < SERVICE_ID_COUNT; id++) {
        bool is_open =
            id == SERVICE_SHELL_EXEC || id == SERVICE_CONF_STORE || id == SERVICE_CONF_CONSUMER;

        send.service = *umh_service_guid((umh_service_id)id);
        assert_int_equal(send_one(self, send), is_open ? 0 : UMH_OUTBOX_NOT_ALLOWED);
    }
}

static void test_services_are_limited(void **state)
{
    fixture *self = *state;

    open_services(self, 4);
    for (unsigned i = 4; i < UMH_SERVICES_PER_PEER_MAX; i++)
        assert_int_equal(send_one(self, outside(i, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, outside(UMH_SERVICES_PER_PEER_MAX, 1, HEADER)),
                     UMH_OUTBOX_LIMIT);
    assert_int_equal(send_one(self, outside(2, 1, HEADER)), 0);
    for (unsigned i = 4; i < UMH_SERVICES_PER_PEER_MAX; i++)
        give_credit(self, i, HEADER + i);
    take_message(self, 2, 1, HEADER);
    for (unsigned i = 4; i < UMH_SERVICES_PER_PEER_MAX; i++) {
        assert_int_equal(send_one(self, inside(i, 1, HEADER + i)), 0);
        umh_outbox_flush(self->outbox);
        take_message(self, i, 1, HEADER + i);
    }
    assert_quiet(self);
}

static void test_broken_pipe_is_told_once(void **state)
{
    fixture *self = *state;

    open_services(self, 5);
    assert_int_equal(send_one(self, inside(4, 1, 1000)), 0);
    assert_int_equal(send_one(self, inside(0, 1, 1000)), 0);
    umh_pipe_close(&self->in);
    umh_outbox_flush(self->outbox);
    assert_int_equal(atomic_load(&self->breaks), 1);
    assert_int_equal(send_one(self, inside(0, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(send_one(self, outside(0, 1, HEADER)), UMH_OUTBOX_FULL);
    assert_int_equal(umh_outbox_pong(self->outbox, umh_bytes_of_text("x")), 0);
    umh_outbox_credit(self->outbox, 1, 5);
    give_credit(self, 4, 1000);
    assert_int_equal(umh_outbox_finish_slot(self->outbox, 1, umh_bytes_of_text("{}")), 0);
    umh_outbox_flush(self->outbox);
    assert_int_equal(atomic_load(&self->breaks), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_four_services_have_first_credit),
        TEST(test_who_only_wanted_has_no_first_credit),
        TEST(test_first_credit_pays_for_the_beginning),
        TEST(test_wants_are_offsets),
        TEST(test_credit_without_a_message_is_an_error),
        TEST(test_gives_back_what_it_has_not_used),
        TEST(test_head_stays_announced_when_credit_goes_back),
        TEST(test_allowance_is_per_slot),
        TEST(test_one_larger_message_is_accepted_alone),
        TEST(test_try_send_has_no_allowance),
        TEST(test_accepted_large_message_is_a_copy),
        TEST(test_credit_of_a_slot_is_added_up),
        TEST(test_want_is_replaced_and_goes_before_the_answer),
        TEST(test_control_goes_between_frames),
        TEST(test_control_waits_for_the_end_of_a_large_frame),
        TEST(test_commands_say_who_asks),
        TEST(test_control_frames_are_bounded),
        TEST(test_first_messages_write_themselves),
        TEST(test_callbacks_write_a_full_lane_only),
        TEST(test_inside_elsewhere_needs_no_flush),
        TEST(test_callbacks_never_wait_for_the_pipe),
        TEST(test_stop_brings_accepted_messages_to_the_front),
        TEST(test_head_of_a_stopping_slot_is_announced_again),
        TEST(test_two_slots_may_stop_at_once),
        TEST(test_answer_follows_what_is_in_the_lane),
        TEST(test_refuses_what_is_no_text),
        TEST(test_refuses_what_is_too_long),
        TEST(test_refuses_control_services),
        TEST(test_services_are_limited),
        TEST(test_broken_pipe_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
