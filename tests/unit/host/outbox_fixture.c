/* SPDX-License-Identifier: MIT */
/* See outbox_fixture.h. */
#include "outbox_fixture.h"

#include "platform/process.h"

static void count_wake(void *context)
{
    fixture *self = context;

    atomic_fetch_add(&self->wakes, 1);
    umh_lock_take(self->lock);
    self->is_woken = true;
    umh_condition_wake_one(self->woken);
    umh_lock_release(self->lock);
}

static void count_break(void *context)
{
    atomic_fetch_add(&((fixture *)context)->breaks, 1);
}

static void run_watcher(void *context)
{
    fixture *self = context;
    bool is_blocked = false;

    umh_lock_take(self->lock);
    while (!self->is_ended) {
        if (!is_blocked && !self->is_woken) {
            umh_condition_wait(self->woken, self->lock, UMH_FOREVER);
            continue;
        }
        self->is_woken = false;
        umh_lock_release(self->lock);
        umh_outbox_tick(self->outbox, &is_blocked);
        if (is_blocked)
            umh_ignore(umh_pipe_wait_writable(self->out, umh_clock_deadline_ns(2)));
        umh_lock_take(self->lock);
    }
    umh_lock_release(self->lock);
}

void start_watcher(fixture *self)
{
    assert_int_equal(umh_thread_start(run_watcher, self, "watcher", &self->watcher), 0);
}

static void end_watcher(fixture *self)
{
    if (!self->watcher)
        return;
    umh_lock_take(self->lock);
    self->is_ended = true;
    umh_condition_wake_one(self->woken);
    umh_lock_release(self->lock);
    umh_thread_join(self->watcher);
}

int fixture_set_up(void **state)
{
    fixture *self = calloc(1, sizeof *self);
    umh_outbox_spec spec = {
        .max_message_bytes = MESSAGE_MAX,
        .wake = count_wake,
        .on_broken = count_break,
        .context = self,
    };

    assert_non_null(self);
    assert_int_equal(umh_process_prepare(), 0);
    assert_int_equal(umh_pipe_new(&self->in, &self->out), 0);
    assert_int_equal(umh_pipe_set_non_blocking(self->out), 0);
    assert_int_equal(umh_lock_new(&self->lock), 0);
    assert_int_equal(umh_condition_new(&self->woken), 0);
    spec.out = self->out;
    assert_int_equal(umh_outbox_new(&spec, &self->outbox), 0);
    self->bytes = malloc(MESSAGE_MAX + UMH_PIPE_BYTES);
    assert_non_null(self->bytes);
    *state = self;
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture *self = *state;

    end_watcher(self);
    self->outbox = umh_outbox_free(self->outbox);
    assert_null(umh_outbox_free(self->outbox));
    umh_pipe_close(&self->in);
    umh_pipe_close(&self->out);
    umh_condition_free(self->woken);
    umh_lock_free(self->lock);
    free(self->bytes);
    free(self);
    return 0;
}

umh_guid service_of(unsigned number)
{
    umh_guid guid = {.bytes = {0xAB, (uint8_t)(number >> 8), (uint8_t)number}};

    return guid;
}

umh_bytes text_of(size_t size)
{
    static uint8_t text[MESSAGE_MAX + 1];

    if (text[0] != 'a')
        memset(text, 'a', sizeof text);
    assert_true(size <= sizeof text);
    return umh_bytes_of(text, size);
}

umh_send outside(unsigned service, uint16_t slot, size_t cost)
{
    assert_true(cost >= HEADER);
    return (umh_send){
        .service = service_of(service),
        .text = text_of(cost - HEADER),
        .session = UMH_SESSION_EVERY,
        .slot = slot,
        .may_use_allowance = true,
    };
}

umh_send inside(unsigned service, uint16_t slot, size_t cost)
{
    umh_send send = outside(service, slot, cost);

    send.is_inside = true;
    return send;
}

int send_one(fixture *self, umh_send send)
{
    return umh_outbox_send(self->outbox, &send);
}

/* Keeps at most one frame of the largest size and a pipe full. */
static void read_some(fixture *self, uint64_t deadline_ns, int *ret_result)
{
    size_t room = MESSAGE_MAX + UMH_PIPE_BYTES;
    size_t size = 0;

    memmove(self->bytes, self->bytes + self->at, self->size - self->at);
    self->size -= self->at;
    self->at = 0;
    room -= self->size;
    if (self->read_max > 0 && self->read_max < room)
        room = self->read_max;
    *ret_result = umh_pipe_read(self->in, self->bytes + self->size, room, deadline_ns, &size);
    self->size += size;
}

static bool has_frame(fixture *self)
{
    umh_bytes rest = umh_bytes_of(self->bytes + self->at, self->size - self->at);
    umh_why why = UMH_WHY_INIT;
    int r = umh_frame_decode(rest, MESSAGE_MAX, &self->frame, &why);

    assert_int_not_equal(r, UMH_FRAME_BAD);
    return r == 0 && rest.size >= HEADER + (size_t)self->frame.payload_bytes;
}

void take_frame(fixture *self)
{
    uint64_t deadline = umh_clock_deadline_ns(PATIENCE_MS);

    while (!has_frame(self)) {
        bool is_blocked;
        int r;

        read_some(self, umh_clock_deadline_ns(1), &r);
        if (r == UMH_PIPE_TIMEOUT && !self->watcher)
            umh_outbox_tick(self->outbox, &is_blocked);
        else
            assert_true(r == 0 || r == UMH_PIPE_TIMEOUT);
        assert_true(umh_clock_now_ns() < deadline);
    }
    self->payload = umh_bytes_of(self->bytes + self->at + HEADER, self->frame.payload_bytes);
    self->at += HEADER + (size_t)self->frame.payload_bytes;
    self->amount = umh_frame_amount(self->payload);
}

static void assert_service(const fixture *self, unsigned service)
{
    umh_guid guid = service_of(service);

    assert_memory_equal(self->frame.service.bytes, guid.bytes, sizeof guid.bytes);
}

void take_message(fixture *self, unsigned service, uint16_t slot, size_t cost)
{
    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_MESSAGE);
    assert_service(self, service);
    assert_int_equal(self->frame.source_slot, slot);
    assert_int_equal(self->frame.session, UMH_SESSION_EVERY);
    assert_int_equal(self->payload.size, cost - HEADER);
    assert_int_equal(memcmp(self->payload.data, text_of(cost - HEADER).data, cost - HEADER), 0);
}

void take_want(fixture *self, unsigned service, uint16_t slot, uint64_t need, uint64_t cost)
{
    uint64_t has_cost;

    take_frame(self);
    assert_int_equal(self->frame.kind, FRAME_WANT);
    assert_service(self, service);
    assert_int_equal(self->frame.source_slot, slot);
    umh_frame_want(self->payload, &self->need, &has_cost);
    assert_int_equal(self->need, need);
    assert_int_equal(has_cost, cost);
}

void take_amount(fixture *self, umh_frame_kind kind, uint64_t amount)
{
    take_frame(self);
    assert_int_equal(self->frame.kind, kind);
    assert_int_equal(self->payload.size, 8);
    assert_int_equal(self->amount, amount);
}

bool has_bytes(fixture *self)
{
    int r;

    if (self->size > self->at)
        return true;
    read_some(self, 0, &r);
    assert_true(r == 0 || r == UMH_PIPE_TIMEOUT);
    return r == 0;
}

void wait_for_byte(fixture *self)
{
    int r;

    assert_int_equal(self->at, self->size);
    self->read_max = 1;
    read_some(self, umh_clock_deadline_ns(PATIENCE_MS), &r);
    assert_int_equal(r, 0);
    self->read_max = 0;
}

void assert_quiet(fixture *self)
{
    bool is_blocked;

    umh_outbox_tick(self->outbox, &is_blocked);
    assert_false(is_blocked);
    assert_false(has_bytes(self));
}

size_t fill_pipe(fixture *self)
{
    bool is_blocked = false;
    size_t count = 0;

    assert_false(has_bytes(self));
    while (!is_blocked) {
        assert_int_equal(umh_outbox_pong(self->outbox, umh_bytes_of_text("12345678")), 0);
        count++;
        umh_outbox_tick(self->outbox, &is_blocked);
    }
    return count;
}

void take_filling(fixture *self, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        take_frame(self);
        assert_int_equal(self->frame.kind, FRAME_PONG);
        assert_memory_equal(self->payload.data, "12345678", 8);
    }
}

void open_services(fixture *self, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(send_one(self, inside(i, 0, HEADER)), 0);
        umh_outbox_flush(self->outbox);
        if (i < UMH_FIRST_CREDIT_SERVICES) {
            take_message(self, i, 0, HEADER);
        } else {
            take_want(self, i, UMH_SLOT_NONE, HEADER, HEADER);
            give_credit(self, i, HEADER);
            take_message(self, i, 0, HEADER);
        }
    }
}

void give_credit(fixture *self, unsigned service, uint64_t bytes)
{
    umh_guid guid = service_of(service);

    assert_int_equal(umh_outbox_on_credit(self->outbox, &guid, bytes), 0);
}

static void run_sending(void *context)
{
    sending *one = context;

    one->result = umh_outbox_send(one->fixture->outbox, &one->send);
    atomic_store(&one->is_done, true);
}

void start_sending(sending *one, fixture *self, umh_send send)
{
    one->fixture = self;
    one->send = send;
    atomic_init(&one->is_done, false);
    assert_int_equal(umh_thread_start(run_sending, one, "sending", &one->thread), 0);
}

int end_sending(sending *one)
{
    umh_thread_join(one->thread);
    return one->result;
}
