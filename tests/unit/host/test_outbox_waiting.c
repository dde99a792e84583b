/* SPDX-License-Identifier: MIT */
/* The outbox with threads that wait: for credit, for the lane, until a large text is written. */
#include "outbox_fixture.h"

#include "ipc/flow.h"

#define NONE UMH_SLOT_NONE
#define ROUNDS 60u
#define ROUND_LONGER_NS (20000u)

static umh_send waiting(unsigned service, uint16_t slot, size_t cost)
{
    umh_send send = outside(service, slot, cost);

    send.deadline_ns = UMH_FOREVER;
    return send;
}

static void test_credit_releases_in_order(void **state)
{
    fixture *self = *state;
    sending first;
    sending second;

    open_services(self, 5);
    start_sending(&first, self, waiting(4, 1, 100));
    take_want(self, 4, NONE, HEADER + 100, 100);
    assert_int_equal(send_one(self, inside(4, 2, 200)), 0);
    start_sending(&second, self, waiting(4, 1, 300));
    assert_false(atomic_load(&first.is_done));

    give_credit(self, 4, 100);
    assert_int_equal(end_sending(&first), 0);
    take_want(self, 4, NONE, HEADER + 300, 200);
    take_message(self, 4, 1, 100);
    give_credit(self, 4, 500);
    assert_int_equal(end_sending(&second), 0);
    take_message(self, 4, 2, 200);
    take_message(self, 4, 1, 300);
    assert_quiet(self);
}

static void test_other_services_pass(void **state)
{
    fixture *self = *state;
    sending blocked;

    open_services(self, 5);
    start_sending(&blocked, self, waiting(4, 1, 100));
    take_want(self, 4, NONE, HEADER + 100, 100);
    assert_int_equal(send_one(self, outside(0, 1, 100)), 0);
    take_message(self, 0, 1, 100);
    give_credit(self, 4, 100);
    assert_int_equal(end_sending(&blocked), 0);
    take_message(self, 4, 1, 100);
}

static void test_next_head_is_announced_after_a_deadline(void **state)
{
    fixture *self = *state;
    umh_send send = waiting(4, 1, 1000);
    sending blocked;

    open_services(self, 5);
    send.deadline_ns = umh_clock_deadline_ns(50);
    start_sending(&blocked, self, send);
    take_want(self, 4, NONE, HEADER + 1000, 1000);
    assert_int_equal(send_one(self, inside(4, 2, 200)), 0);
    assert_int_equal(end_sending(&blocked), UMH_OUTBOX_FULL);
    assert_true(umh_clock_now_ns() >= send.deadline_ns);
    take_want(self, 4, NONE, HEADER + 200, 200);
    give_credit(self, 4, 200);
    take_message(self, 4, 2, 200);
    assert_quiet(self);
}

static void test_want_is_withdrawn_after_a_deadline(void **state)
{
    fixture *self = *state;
    umh_send send = waiting(0, 1, 5000);
    sending blocked;

    open_services(self, 1);
    send.deadline_ns = umh_clock_deadline_ns(50);
    start_sending(&blocked, self, send);
    take_want(self, 0, NONE, HEADER + 5000 - UMH_FIRST_CREDIT_BYTES, 5000);
    assert_int_equal(end_sending(&blocked), UMH_OUTBOX_FULL);
    take_want(self, 0, NONE, 0, 0);
    assert_quiet(self);
}

/* The message behind the withdrawn one fits and goes; nothing else would clear the old want. */
static void test_want_is_withdrawn_when_the_next_fits(void **state)
{
    fixture *self = *state;
    umh_send send = waiting(0, 1, 5000);
    sending blocked;

    open_services(self, 1);
    send.deadline_ns = umh_clock_deadline_ns(50);
    start_sending(&blocked, self, send);
    take_want(self, 0, NONE, HEADER + 5000 - UMH_FIRST_CREDIT_BYTES, 5000);
    assert_int_equal(send_one(self, inside(0, 2, 100)), 0);
    assert_int_equal(end_sending(&blocked), UMH_OUTBOX_FULL);
    take_want(self, 0, NONE, 0, 0);
    take_message(self, 0, 2, 100);
    assert_quiet(self);
}

static void test_large_text_is_written_where_it_is(void **state)
{
    fixture *self = *state;
    size_t cost = HEADER + MESSAGE_MAX;
    sending large;

    open_services(self, 5);
    start_sending(&large, self, waiting(4, 1, cost));
    take_want(self, 4, NONE, HEADER + cost, cost);
    give_credit(self, 4, cost);
    assert_false(atomic_load(&large.is_done));
    take_message(self, 4, 1, cost);
    assert_int_equal(end_sending(&large), 0);

    give_credit(self, 4, 3 * cost);
    start_sending(&large, self, waiting(4, 1, cost));
    take_message(self, 4, 1, cost);
    assert_int_equal(end_sending(&large), 0);
    assert_quiet(self);
}

static void test_large_text_that_has_begun_is_written_past_its_deadline(void **state)
{
    fixture *self = *state;
    size_t cost = HEADER + MESSAGE_MAX;
    umh_send send = waiting(4, 1, cost);
    sending large;

    open_services(self, 5);
    give_credit(self, 4, cost);
    send.deadline_ns = umh_clock_deadline_ns(30);
    start_sending(&large, self, send);
    wait_for_byte(self);
    while (umh_clock_now_ns() < send.deadline_ns) {
    }
    assert_false(atomic_load(&large.is_done));
    take_message(self, 4, 1, cost);
    assert_int_equal(end_sending(&large), 0);
}

/* Fills the lane beyond its size behind a full pipe; the number of messages. */
static size_t fill_lane(fixture *self)
{
    bool is_blocked = false;
    size_t count = 0;
    size_t in_lane = 0;

    open_services(self, 1);
    give_credit(self, 0, 1u << 30);
    while (in_lane < UMH_OUTBOX_BYTES) {
        assert_int_equal(send_one(self, inside(0, 9, 10000)), 0);
        count++;
        if (is_blocked)
            in_lane += 10000;
        else
            umh_outbox_tick(self->outbox, &is_blocked);
    }
    return count;
}

/* What waits in the outbox has a writer that waits for the pipe. */
static void wait_for_writer(fixture *self)
{
    uint64_t deadline = umh_clock_deadline_ns(PATIENCE_MS);
    bool is_blocked = true;

    while (is_blocked) {
        umh_outbox_tick(self->outbox, &is_blocked);
        assert_true(umh_clock_now_ns() < deadline);
    }
}

static void test_full_lane_makes_senders_wait(void **state)
{
    fixture *self = *state;
    size_t count = fill_lane(self);
    umh_send send = waiting(0, 1, 100);
    sending senders[4];

    assert_int_equal(send_one(self, outside(0, 1, HEADER)), UMH_OUTBOX_FULL);
    send.deadline_ns = umh_clock_deadline_ns(20);
    assert_int_equal(send_one(self, send), UMH_OUTBOX_FULL);
    assert_true(umh_clock_now_ns() >= send.deadline_ns);

    for (uint16_t i = 0; i < UMH_COUNT_OF(senders); i++)
        start_sending(&senders[i], self, waiting(0, i, 100));
    for (size_t i = 0; i < count; i++)
        take_message(self, 0, 9, 10000);
    for (size_t i = 0; i < UMH_COUNT_OF(senders); i++) {
        take_frame(self);
        assert_int_equal(self->payload.size, 100 - HEADER);
    }
    for (size_t i = 0; i < UMH_COUNT_OF(senders); i++)
        assert_int_equal(end_sending(&senders[i]), 0);
    assert_quiet(self);
}

/* One of them has the pipe, the other waits for it: the deadline of the first hands it over. */
static void test_pipe_is_handed_over_at_a_deadline(void **state)
{
    fixture *self = *state;
    size_t count = fill_lane(self);
    umh_send send = waiting(0, 1, 100);
    sending first;
    sending second;

    send.deadline_ns = umh_clock_deadline_ns(300);
    start_sending(&first, self, send);
    wait_for_writer(self);
    start_watcher(self);
    start_sending(&second, self, waiting(0, 2, 100));
    assert_int_equal(end_sending(&first), UMH_OUTBOX_FULL);
    for (size_t i = 0; i < count / 2; i++)
        take_message(self, 0, 9, 10000);
    assert_int_equal(end_sending(&second), 0);
}

static void spin(uint64_t for_ns)
{
    uint64_t deadline_ns = umh_clock_now_ns() + for_ns;

    while (umh_clock_now_ns() < deadline_ns) {
    }
}

static void test_stop_ends_waiting_senders(void **state)
{
    fixture *self = *state;
    sending stopped[2];
    sending other;

    open_services(self, 5);
    start_sending(&stopped[0], self, waiting(4, 1, 1000));
    take_want(self, 4, NONE, HEADER + 1000, 1000);
    start_sending(&stopped[1], self, waiting(0, 1, 5000));
    take_want(self, 0, NONE, HEADER + 5000 - UMH_FIRST_CREDIT_BYTES, 5000);
    start_sending(&other, self, waiting(5, 2, 200));
    take_want(self, 5, NONE, 200, 200);
    assert_int_equal(send_one(self, inside(4, 1, 300)), 0);

    umh_outbox_stop_slot(self->outbox, 1);
    assert_int_equal(end_sending(&stopped[0]), UMH_OUTBOX_FULL);
    assert_int_equal(end_sending(&stopped[1]), UMH_OUTBOX_FULL);
    assert_false(atomic_load(&other.is_done));
    assert_int_equal(umh_outbox_finish_slot(self->outbox, 1, umh_bytes_of_text("{}")), 0);

    for (int i = 0; i < 2; i++) {
        take_frame(self);
        assert_int_equal(self->frame.kind, FRAME_WANT);
    }
    assert_quiet(self);
    give_credit(self, 4, 300);
    take_message(self, 4, 1, 300);
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_ANSWER);
    give_credit(self, 5, 200);
    assert_int_equal(end_sending(&other), 0);
    take_message(self, 5, 2, 200);
}

/*
 * At once, while another thread has the pipe. Nobody sees from outside when a thread has begun to
 * wait, so each round gives it more time to.
 */
static void test_stop_ends_senders_that_wait_for_the_lane(void **state)
{
    fixture *self = *state;
    size_t count = fill_lane(self);
    umh_send send = waiting(0, 1, 100);
    sending with_pipe;
    sending stopped;
    bool is_late = false;

    start_sending(&with_pipe, self, waiting(0, 2, 100));
    wait_for_writer(self);
    send.deadline_ns = umh_clock_deadline_ns(PATIENCE_MS);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        umh_outbox_open_slot(self->outbox, 1);
        start_sending(&stopped, self, send);
        spin(round * ROUND_LONGER_NS);
        umh_outbox_stop_slot(self->outbox, 1);
        assert_int_equal(end_sending(&stopped), UMH_OUTBOX_FULL);
        is_late |= umh_clock_now_ns() >= send.deadline_ns;
    }
    assert_false(atomic_load(&with_pipe.is_done));
    for (size_t i = 0; i < count; i++)
        take_message(self, 0, 9, 10000);
    assert_int_equal(end_sending(&with_pipe), 0);
    take_message(self, 0, 2, 100);
    assert_quiet(self);
    assert_false(is_late);
}

static void test_broken_pipe_ends_all_senders(void **state)
{
    fixture *self = *state;
    sending for_credit;
    sending in_place;
    sending for_lane;

    open_services(self, 5);
    start_sending(&for_credit, self, waiting(4, 1, 1000));
    take_want(self, 4, NONE, HEADER + 1000, 1000);
    give_credit(self, 0, 1u << 30);
    start_sending(&in_place, self, waiting(0, 1, HEADER + MESSAGE_MAX));
    wait_for_byte(self);
    start_sending(&for_lane, self, waiting(0, 1, 1000));
    umh_pipe_close(&self->in);
    assert_int_equal(end_sending(&in_place), UMH_OUTBOX_FULL);
    assert_int_equal(end_sending(&for_credit), UMH_OUTBOX_FULL);
    assert_int_equal(end_sending(&for_lane), UMH_OUTBOX_FULL);
    assert_int_equal(atomic_load(&self->breaks), 1);
}

/* ---- Everything at once ---- */

#define THREADS 6u
#define SERVICES 6u
#define SLOTS 3u
#define STOPPING_SLOT 2u
#define MESSAGES 1500u
#define LARGEST (100u * 1024)
#define SAID_MAX 64u

typedef struct said {
    unsigned service;
    uint64_t credit; /* 0: give back */
} said;

/* The broker's side by the broker's own ledgers: what an honest host does is never a violation. */
typedef struct broker {
    fixture *fixture;
    umh_grant grants[SERVICES];
    unsigned first_count;
    unsigned next[THREADS][SERVICES];
    unsigned messages;
    unsigned stops;
    bool is_stopped;     /* the answer has come */
    said said[SAID_MAX]; /* on its way to the host */
    size_t said_count;
    uint32_t random;
} broker;

typedef struct sender {
    fixture *fixture;
    umh_thread *thread;
    unsigned number;
} sender;

static uint32_t roll(uint32_t *random, uint32_t sides)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 8) % sides;
}

/* "thread service number" in front of some padding. */
static size_t compose(char *text, unsigned thread, unsigned service, unsigned number, uint32_t roll)
{
    size_t size = 24 + (roll % 50 == 0 ? roll % LARGEST : roll % 300);

    memset(text, 'x', size);
    snprintf(text, 24, "%02u %02u %08u", thread, service, number);
    return size;
}

static void run_sender(void *context)
{
    sender *self = context;
    uint32_t random = self->number;
    unsigned numbers[SERVICES] = {0};
    char *text = malloc(LARGEST + 512);

    for (unsigned i = 0; i < MESSAGES; i++) {
        unsigned service = roll(&random, SERVICES);
        umh_send send = outside(service, (uint16_t)(self->number % SLOTS), HEADER);
        int r = UMH_OUTBOX_FULL;

        send.text.size =
            compose(text, self->number, service, numbers[service]++, roll(&random, 1u << 20));
        send.text.data = (const uint8_t *)text;
        while (r == UMH_OUTBOX_FULL) {
            uint32_t manner = roll(&random, 8);

            send.is_inside = manner < 3;
            send.deadline_ns = UMH_FOREVER;
            if (manner == 3)
                send.deadline_ns = 0;
            if (manner == 4)
                send.deadline_ns = umh_clock_now_ns() + 100000;
            r = umh_outbox_send(self->fixture->outbox, &send);
            if (send.is_inside)
                umh_outbox_flush(self->fixture->outbox);
        }
        if (r != 0)
            abort();
    }
    free(text);
}

static unsigned service_number(const umh_guid *service)
{
    unsigned number = service->bytes[2];

    assert_true(number < SERVICES);
    return number;
}

static void receive_message(broker *self, umh_grant *grant, unsigned service)
{
    umh_bytes payload = self->fixture->payload;
    unsigned words[3];
    char text[24];
    uint64_t credited;

    assert_int_equal(
        umh_grant_use(grant, umh_frame_cost((uint32_t)payload.size), &self->first_count, &credited),
        0);
    memcpy(text, payload.data, sizeof text);
    assert_int_equal(sscanf(text, "%u %u %u", &words[0], &words[1], &words[2]), 3);
    assert_true(words[0] < THREADS);
    assert_int_equal(words[1], service);
    assert_int_equal(words[2], self->next[words[0]][service]++);
    assert_int_equal(self->fixture->frame.source_slot, words[0] % SLOTS);
    assert_false(self->is_stopped && self->fixture->frame.source_slot == STOPPING_SLOT);
    self->messages++;
}

static void receive(broker *self)
{
    fixture *from = self->fixture;
    unsigned service;
    umh_grant *grant;
    umh_want want;

    take_frame(from);
    if (from->frame.kind == FRAME_ANSWER) {
        assert_false(self->is_stopped);
        self->is_stopped = true;
        return;
    }
    service = service_number(&from->frame.service);
    grant = &self->grants[service];
    switch (from->frame.kind) {
    case FRAME_MESSAGE:
        receive_message(self, grant, service);
        break;
    case FRAME_WANT:
        umh_frame_want(from->payload, &want.need, &want.cost);
        assert_int_equal(
            umh_grant_set_want(grant, &want, from->frame.source_slot, HEADER + LARGEST + 512), 0);
        break;
    case FRAME_GIVE_BACK:
        assert_int_equal(umh_grant_return(grant, from->amount), 0);
        break;
    default:
        fail();
    }
}

static void say(broker *self, unsigned service, uint64_t credit)
{
    assert_true(self->said_count < SAID_MAX);
    self->said[self->said_count++] = (said){.service = service, .credit = credit};
}

static void hear(broker *self)
{
    umh_guid service = service_of(self->said[0].service);
    uint64_t credit = self->said[0].credit;

    memmove(self->said, self->said + 1, --self->said_count * sizeof self->said[0]);
    if (credit > 0)
        give_credit(self->fixture, service.bytes[2], credit);
    else
        assert_int_equal(umh_outbox_on_give_back(self->fixture->outbox, &service), 0);
}

/* Meets wants, gives more than is wanted, asks it back; now and then, and all of it when idle. */
static void decide(broker *self, bool is_idle)
{
    for (unsigned i = 0; i < SERVICES && self->said_count + 2 < SAID_MAX; i++) {
        umh_grant *grant = &self->grants[i];
        uint64_t missing = umh_grant_missing(grant);

        if (grant->is_asked)
            continue;
        if (missing > 0 && (is_idle || roll(&self->random, 8) == 0)) {
            missing += roll(&self->random, 2) ? roll(&self->random, 5000) : 0;
            umh_grant_give(grant, missing);
            say(self, i, missing);
        } else if (umh_grant_unused(grant) > 0 && grant->is_fresh &&
                   roll(&self->random, 200) == 0) {
            grant->is_asked = true;
            grant->is_fresh = false;
            say(self, i, 0);
        }
    }
    while (self->said_count > 0 && (is_idle || roll(&self->random, 4) == 0))
        hear(self);
}

static void stop_and_open(broker *self)
{
    fixture *to = self->fixture;

    if (self->is_stopped) {
        umh_outbox_open_slot(to->outbox, STOPPING_SLOT);
        self->is_stopped = false;
        self->stops++;
        return;
    }
    umh_outbox_stop_slot(to->outbox, STOPPING_SLOT);
    assert_int_equal(umh_outbox_finish_slot(to->outbox, STOPPING_SLOT, umh_bytes_of_text("{}")), 0);
    while (!self->is_stopped) {
        bool is_idle = !has_bytes(to);

        decide(self, is_idle);
        if (!is_idle || has_bytes(to))
            receive(self);
    }
}

static void test_all_arrives_in_order_and_within_credit(void **state)
{
    fixture *self = *state;
    broker other = {.fixture = self, .random = 1};
    sender senders[THREADS];
    uint64_t deadline = umh_clock_deadline_ns(3 * PATIENCE_MS);

    start_watcher(self);
    for (unsigned i = 0; i < SERVICES; i++)
        umh_grant_init(&other.grants[i]);
    for (unsigned i = 0; i < THREADS; i++) {
        senders[i] = (sender){.fixture = self, .number = i};
        assert_int_equal(umh_thread_start(run_sender, &senders[i], "sender", &senders[i].thread),
                         0);
    }
    while (other.messages < THREADS * MESSAGES) {
        bool is_idle = !has_bytes(self);

        assert_true(umh_clock_now_ns() < deadline);
        if (!is_idle)
            receive(&other);
        decide(&other, is_idle);
        if (other.is_stopped || roll(&other.random, 1000) == 0)
            stop_and_open(&other);
    }
    for (unsigned i = 0; i < THREADS; i++)
        umh_thread_join(senders[i].thread);
    assert_true(other.stops > 0);

    /* At rest both sides have the same sums. */
    while (other.said_count > 0 || has_bytes(self)) {
        decide(&other, true);
        if (has_bytes(self))
            receive(&other);
    }
    for (unsigned i = 0; i < SERVICES; i++) {
        umh_guid service = service_of(i);

        assert_int_equal(umh_grant_missing(&other.grants[i]), 0);
        assert_int_equal(umh_grant_promised(&other.grants[i]), 0);
        assert_int_equal(umh_outbox_on_give_back(self->outbox, &service), 0);
        take_amount(self, FRAME_GIVE_BACK, umh_grant_unused(&other.grants[i]));
    }
    assert_false(has_bytes(self));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_credit_releases_in_order),
        TEST(test_other_services_pass),
        TEST(test_next_head_is_announced_after_a_deadline),
        TEST(test_want_is_withdrawn_after_a_deadline),
        TEST(test_want_is_withdrawn_when_the_next_fits),
        TEST(test_large_text_is_written_where_it_is),
        TEST(test_large_text_that_has_begun_is_written_past_its_deadline),
        TEST(test_full_lane_makes_senders_wait),
        TEST(test_pipe_is_handed_over_at_a_deadline),
        TEST(test_stop_ends_waiting_senders),
        TEST(test_stop_ends_senders_that_wait_for_the_lane),
        TEST(test_broken_pipe_ends_all_senders),
        TEST(test_all_arrives_in_order_and_within_credit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
