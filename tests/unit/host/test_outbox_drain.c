/* SPDX-License-Identifier: MIT */
/* The end of an outbox: all that was said is in the pipe, to the last byte, and nothing else. */
#include "outbox_fixture.h"

#define LARGE (3u * 1024 * 1024)
#define NO_TIME_MS 20

/* A thread that drains, while the test reads. */
typedef struct draining {
    fixture *fixture;
    umh_thread *thread;
    uint64_t deadline_ns;
    atomic_bool is_done;
} draining;

static void run_draining(void *context)
{
    draining *self = context;

    umh_outbox_drain(self->fixture->outbox, self->deadline_ns);
    atomic_store(&self->is_done, true);
}

static void start_draining(draining *self, fixture *of)
{
    *self = (draining){.fixture = of, .deadline_ns = umh_clock_deadline_ns(PATIENCE_MS)};
    assert_int_equal(umh_thread_start(run_draining, self, "draining", &self->thread), 0);
}

/* What is written after this was not written by the drain: the pipe is read empty before. */
static void end_draining(draining *self)
{
    umh_thread_join(self->thread);
    assert_true(umh_clock_now_ns() < self->deadline_ns);
}

static void open_with_credit(fixture *self)
{
    open_services(self, 1);
    give_credit(self, 0, 1u << 30);
}

static void test_writes_what_a_full_pipe_kept_back(void **state)
{
    fixture *self = *state;
    draining drain;
    size_t filling;

    open_with_credit(self);
    filling = fill_pipe(self);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(send_one(self, inside(0, 1, 1000)), 0);
    assert_int_equal(umh_outbox_answer(self->outbox, umh_bytes_of_text("{}")), 0);

    start_draining(&drain, self);
    take_filling(self, filling);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
    for (size_t i = 0; i < 100; i++)
        take_message(self, 0, 1, 1000);
    end_draining(&drain);
    assert_false(has_bytes(self));
}

/* With an empty lane, too. */
static void test_writes_control_frames(void **state)
{
    fixture *self = *state;
    draining drain;
    size_t filling = fill_pipe(self);

    umh_outbox_credit(self->outbox, 3, 100);
    start_draining(&drain, self);
    take_filling(self, filling);
    take_amount(self, FRAME_CREDIT, 100);
    end_draining(&drain);
}

/* A frame that another thread has begun is no more to be cut than one's own. */
static void test_waits_for_who_has_the_pipe(void **state)
{
    fixture *self = *state;
    umh_send send = outside(0, 1, HEADER + LARGE);
    sending large;
    draining drain;
    uint64_t deadline_ns;

    open_with_credit(self);
    send.deadline_ns = UMH_FOREVER;
    start_sending(&large, self, send);
    wait_for_byte(self);
    start_draining(&drain, self);
    assert_int_equal(send_one(self, inside(0, 2, 100)), 0);
    deadline_ns = umh_clock_deadline_ns(NO_TIME_MS);
    while (umh_clock_now_ns() < deadline_ns)
        assert_false(atomic_load(&drain.is_done));
    take_message(self, 0, 1, HEADER + LARGE);
    take_message(self, 0, 2, 100);
    assert_int_equal(end_sending(&large), 0);
    end_draining(&drain);
}

static void test_gives_up_at_the_deadline(void **state)
{
    fixture *self = *state;
    size_t filling = fill_pipe(self);
    uint64_t deadline_ns = umh_clock_deadline_ns(NO_TIME_MS);

    umh_outbox_drain(self->outbox, deadline_ns);
    assert_true(umh_clock_now_ns() >= deadline_ns);
    take_filling(self, filling);
}

static void test_returns_when_nobody_reads_any_more(void **state)
{
    fixture *self = *state;
    draining drain;

    fill_pipe(self);
    start_draining(&drain, self);
    umh_pipe_close(&self->in);
    end_draining(&drain);
    assert_int_equal(atomic_load(&self->breaks), 1);
}

/* The end of the process may come at any time now. */
static void test_writes_nothing_afterwards(void **state)
{
    fixture *self = *state;

    open_with_credit(self);
    umh_outbox_drain(self->outbox, UMH_FOREVER);
    assert_int_equal(send_one(self, inside(0, 1, 100)), 0);
    assert_int_equal(umh_outbox_pong(self->outbox, umh_bytes_of_text("12345678")), 0);
    assert_quiet(self);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writes_what_a_full_pipe_kept_back),  TEST(test_writes_control_frames),
        TEST(test_waits_for_who_has_the_pipe),         TEST(test_gives_up_at_the_deadline),
        TEST(test_returns_when_nobody_reads_any_more), TEST(test_writes_nothing_afterwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
