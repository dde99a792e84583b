/* SPDX-License-Identifier: MIT */
/*
 * The ledgers at their edges, and host and broker together: no honest host is accused, no credit is
 * lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "ipc/flow.h"
#include "ipc/frame.h"

#define FIRST UMH_FIRST_CREDIT_BYTES
#define COST_MAX 100000u

static void test_budget_counts_and_can_be_overdrawn(void **state)
{
    umh_budget budget;

    (void)state;
    umh_budget_init(&budget, 100);
    assert_true(umh_budget_free(&budget) == 100);
    umh_budget_charge(&budget, 0);
    umh_budget_charge(&budget, 99);
    assert_true(umh_budget_free(&budget) == 1);
    umh_budget_charge(&budget, 1);
    assert_true(umh_budget_free(&budget) == 0);
    umh_budget_charge(&budget, 50);
    assert_true(umh_budget_free(&budget) == 0);
    assert_true(budget.charged == 150);
    umh_budget_release(&budget, 51);
    assert_true(umh_budget_free(&budget) == 1);
    umh_budget_release(&budget, 99);
    umh_budget_release(&budget, 0);
    assert_true(umh_budget_free(&budget) == 100);
    assert_true(budget.highest == 150);
    umh_budget_charge(&budget, 10);
    assert_true(budget.highest == 150);
}

static void test_budget_of_nothing(void **state)
{
    umh_budget budget;

    (void)state;
    umh_budget_init(&budget, 0);
    assert_true(umh_budget_free(&budget) == 0);
    umh_budget_charge(&budget, 1);
    umh_budget_release(&budget, 1);
    assert_true(budget.charged == 0);
    umh_budget_init(&budget, UINT64_MAX);
    assert_true(umh_budget_free(&budget) == UINT64_MAX);
}

static void test_window_overshoots_by_one_message(void **state)
{
    umh_window window;

    (void)state;
    umh_window_init(&window, 1000);
    assert_true(umh_window_is_open(&window));
    umh_window_take(&window, 999);
    assert_true(umh_window_is_open(&window));
    umh_window_take(&window, 500000);
    assert_false(umh_window_is_open(&window));
    assert_int_equal(umh_window_give(&window, 499998), 0);
    assert_false(umh_window_is_open(&window)); /* 1001 outstanding */
    assert_int_equal(umh_window_give(&window, 1), 0);
    assert_false(umh_window_is_open(&window)); /* 1000 */
    assert_int_equal(umh_window_give(&window, 1), 0);
    assert_true(umh_window_is_open(&window)); /* 999 */
}

static void test_window_rejects_more_than_outstanding(void **state)
{
    umh_window window;

    (void)state;
    umh_window_init(&window, 1000);
    assert_int_equal(umh_window_give(&window, 0), 0);
    assert_int_equal(umh_window_give(&window, 1), UMH_FLOW_VIOLATION);
    umh_window_take(&window, 40);
    assert_int_equal(umh_window_give(&window, 41), UMH_FLOW_VIOLATION);
    assert_int_equal(umh_window_give(&window, UINT64_MAX), UMH_FLOW_VIOLATION);
    assert_true(window.outstanding == 40);
    assert_int_equal(umh_window_give(&window, 40), 0);
    assert_true(window.outstanding == 0);
}

static void test_consumed_credits_in_halves_of_the_window(void **state)
{
    umh_consumed consumed = {0};

    (void)state;
    assert_true(umh_consumed_add(&consumed, 499, 1000) == 0);
    assert_true(umh_consumed_add(&consumed, 1, 1000) == 500);
    assert_true(consumed.bytes == 0);
    assert_true(umh_consumed_add(&consumed, 40, 1000) == 0);
    assert_true(umh_consumed_add(&consumed, 70000, 1000) == 70040);
    assert_true(umh_consumed_add(&consumed, 499, 1000) == 0);
}

/* Whatever the window and the costs: a closed window is opened again by what was taken. */
static void test_window_and_consumed_never_shut_for_good(void **state)
{
    static const uint64_t costs[] = {40, 41, 168, 4096, 499, 500, 1000, 70000};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(costs); i++) {
        umh_consumed consumed = {0};
        umh_window window;

        umh_window_init(&window, 1000);
        for (unsigned round = 0; round < 100; round++) {
            unsigned passed = 0;

            for (; umh_window_is_open(&window); passed++)
                umh_window_take(&window, costs[i]);
            assert_true(passed > 0 && window.outstanding < 1000 + costs[i]);
            for (; passed; passed--) {
                uint64_t credit = umh_consumed_add(&consumed, costs[i], 1000);

                assert_int_equal(umh_window_give(&window, credit), 0);
            }
        }
    }
}

static void test_sender_takes_first_credit_with_its_first_message(void **state)
{
    umh_sender sender;
    unsigned first_count = 0;

    (void)state;
    umh_sender_init(&sender);
    assert_false(umh_sender_take(&sender, FIRST + 1, &first_count));
    assert_int_equal(first_count, 0);
    assert_false(sender.is_first);
    assert_true(sender.sent == 0);

    assert_true(umh_sender_take(&sender, 40, &first_count));
    assert_int_equal(first_count, 1);
    assert_true(sender.is_first);
    assert_true(umh_sender_take(&sender, FIRST - 40, &first_count));
    assert_int_equal(first_count, 1);
    assert_true(sender.sent == FIRST);
    assert_false(umh_sender_take(&sender, 40, &first_count));
    assert_true(sender.sent == FIRST);
}

static void test_only_four_services_have_first_credit(void **state)
{
    unsigned host_count = 0;
    unsigned broker_count = 0;

    (void)state;
    for (unsigned i = 0; i < UMH_FIRST_CREDIT_SERVICES + 2; i++) {
        bool is_entitled = i < UMH_FIRST_CREDIT_SERVICES;
        umh_sender sender;
        umh_grant grant;
        uint64_t credited = 77;

        umh_sender_init(&sender);
        umh_grant_init(&grant);
        assert_int_equal(umh_sender_take(&sender, FIRST, &host_count), is_entitled);
        assert_int_equal(umh_grant_use(&grant, FIRST, &broker_count, &credited),
                         is_entitled ? 0 : UMH_FLOW_VIOLATION);
        assert_true(credited == (is_entitled ? 0 : 77));
        assert_int_equal(sender.is_first, is_entitled);
        assert_int_equal(grant.is_first, is_entitled);
    }
    assert_int_equal(host_count, UMH_FIRST_CREDIT_SERVICES);
    assert_int_equal(broker_count, UMH_FIRST_CREDIT_SERVICES);
}

/* A service that began without first credit does not get it later, even when another ended. */
static void test_first_credit_is_the_first_messages_or_never(void **state)
{
    unsigned first_count = UMH_FIRST_CREDIT_SERVICES;
    umh_sender sender;

    (void)state;
    umh_sender_init(&sender);
    umh_sender_credit(&sender, 50);
    assert_true(umh_sender_take(&sender, 50, &first_count));
    first_count = 0;
    assert_false(umh_sender_take(&sender, 40, &first_count));
    assert_int_equal(first_count, 0);
    assert_false(sender.is_first);
}

static void test_sender_takes_up_to_what_is_given(void **state)
{
    unsigned first_count = UMH_FIRST_CREDIT_SERVICES;
    umh_sender sender;

    (void)state;
    umh_sender_init(&sender);
    assert_false(umh_sender_take(&sender, 40, &first_count));
    assert_true(umh_sender_want(&sender, 40).need == 40);
    umh_sender_credit(&sender, 39);
    assert_false(umh_sender_take(&sender, 40, &first_count));
    umh_sender_credit(&sender, 1);
    assert_true(umh_sender_take(&sender, 40, &first_count));
    assert_true(umh_sender_want(&sender, 100).need == 140);
    umh_sender_credit(&sender, UINT64_MAX);
    umh_sender_credit(&sender, UINT64_MAX);
    assert_true(sender.given == UINT64_MAX);
    assert_true(umh_sender_take(&sender, 100, &first_count));
}

static void test_want_does_not_count_first_credit(void **state)
{
    unsigned first_count = 0;
    umh_sender sender;

    (void)state;
    umh_sender_init(&sender);
    assert_true(umh_sender_take(&sender, 1000, &first_count));
    assert_true(umh_sender_want(&sender, FIRST - 1000).need == 0); /* fits */
    assert_true(umh_sender_want(&sender, FIRST - 999).need == 1);
    umh_sender_credit(&sender, 1);
    assert_true(umh_sender_take(&sender, FIRST - 999, &first_count));
}

static void test_gives_back_what_is_not_used_but_first_credit(void **state)
{
    unsigned first_count = 0;
    umh_sender sender;

    (void)state;
    umh_sender_init(&sender);
    assert_true(umh_sender_give_back(&sender) == 0);
    assert_true(umh_sender_take(&sender, 100, &first_count));
    assert_true(umh_sender_give_back(&sender) == 0);
    umh_sender_credit(&sender, 500);
    assert_true(umh_sender_give_back(&sender) == 500);
    assert_true(sender.given == 0);
    assert_true(umh_sender_take(&sender, FIRST - 100, &first_count)); /* was never given back */
    umh_sender_credit(&sender, 500);
    assert_true(umh_sender_take(&sender, 40, &first_count));
    assert_true(umh_sender_give_back(&sender) == 460);
    assert_false(umh_sender_take(&sender, 1, &first_count));
}

static void test_grant_splits_a_cost_between_first_and_given(void **state)
{
    unsigned first_count = 0;
    uint64_t credited = 77;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(grant.want_slot, UMH_SLOT_NONE);
    umh_grant_give(&grant, 1000);
    assert_true(umh_grant_unused(&grant) == 1000);
    assert_int_equal(umh_grant_use(&grant, FIRST - 1, &first_count, &credited), 0);
    assert_true(credited == 0 && umh_grant_unused(&grant) == 1000);
    assert_int_equal(umh_grant_use(&grant, 101, &first_count, &credited), 0);
    assert_true(credited == 100 && umh_grant_unused(&grant) == 900);
    assert_int_equal(umh_grant_use(&grant, 901, &first_count, &credited), UMH_FLOW_VIOLATION);
    assert_true(credited == 100 && umh_grant_unused(&grant) == 900);
    assert_int_equal(umh_grant_use(&grant, 900, &first_count, &credited), 0);
    assert_true(credited == 900 && umh_grant_unused(&grant) == 0);
    assert_int_equal(umh_grant_use(&grant, 40, &first_count, &credited), UMH_FLOW_VIOLATION);
    assert_int_equal(first_count, 1);
}

static void test_first_message_may_be_larger_than_first_credit(void **state)
{
    unsigned first_count = 0;
    uint64_t credited = 77;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(umh_grant_use(&grant, FIRST + 1, &first_count, &credited), UMH_FLOW_VIOLATION);
    assert_int_equal(first_count, 0);
    umh_grant_give(&grant, 1);
    assert_int_equal(umh_grant_use(&grant, FIRST + 1, &first_count, &credited), 0);
    assert_true(credited == 1);
    assert_int_equal(first_count, 1);
}

/* A head that needs `need` and nothing was sent before; 0 withdraws. */
static int set_want(umh_grant *grant, uint64_t need, uint16_t slot)
{
    umh_want want = {.need = need, .cost = need < COST_MAX ? need : COST_MAX};

    return umh_grant_set_want(grant, &want, slot, COST_MAX);
}

static void test_want_stands_until_it_is_given(void **state)
{
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_true(umh_grant_missing(&grant) == 0);
    assert_int_equal(set_want(&grant, 5000, 3), 0);
    assert_int_equal(grant.want_slot, 3);
    assert_true(umh_grant_missing(&grant) == 5000);
    umh_grant_give(&grant, 4999);
    assert_true(umh_grant_missing(&grant) == 1);
    umh_grant_give(&grant, 1);
    assert_true(umh_grant_missing(&grant) == 0);
    assert_int_equal(set_want(&grant, 6000, 3), 0);
    assert_true(umh_grant_missing(&grant) == 1000);
    assert_int_equal(set_want(&grant, 0, 3), 0);
    assert_true(umh_grant_missing(&grant) == 0);
}

static void test_rejects_a_want_beyond_any_message(void **state)
{
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(set_want(&grant, COST_MAX + 1, 0), UMH_FLOW_VIOLATION);
    assert_int_equal(set_want(&grant, UINT64_MAX, 0), UMH_FLOW_VIOLATION);
    assert_true(grant.want == 0);
    assert_int_equal(set_want(&grant, COST_MAX, 0), 0);
    umh_grant_give(&grant, 10);
    assert_int_equal(set_want(&grant, COST_MAX + 11, 0), UMH_FLOW_VIOLATION);
    assert_int_equal(set_want(&grant, COST_MAX + 10, 0), 0);
}

/* What an honest host announces is its own cost away from what it was given, at most. */
static void test_rejects_a_want_that_does_not_add_up(void **state)
{
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    umh_grant_give(&grant, 1000);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){1141, 140}, 0, COST_MAX),
                     UMH_FLOW_VIOLATION);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){1001, 0}, 0, COST_MAX),
                     UMH_FLOW_VIOLATION);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){500, COST_MAX + 1}, 0, COST_MAX),
                     UMH_FLOW_VIOLATION);
    assert_true(grant.want == 0 && grant.want_cost == 0);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){1140, 140}, 0, COST_MAX), 0);
    assert_true(grant.want == 1140 && grant.want_cost == 140);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){500, COST_MAX}, 0, COST_MAX), 0);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){1000, 0}, 0, COST_MAX), 0);
    assert_true(umh_grant_missing(&grant) == 0);
}

/* The want of the next head overtakes the message that was promised its credit. */
static void test_promise_outlives_the_next_want(void **state)
{
    unsigned first_count = UMH_FIRST_CREDIT_SERVICES;
    uint64_t credited;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(set_want(&grant, 1000, 0), 0);
    umh_grant_give(&grant, 1000);
    assert_int_equal(umh_grant_set_want(&grant, &(umh_want){3000, 2000}, 0, COST_MAX), 0);
    assert_true(umh_grant_promised(&grant) == 1000);
    assert_int_equal(umh_grant_use(&grant, 1000, &first_count, &credited), 0);
    assert_true(umh_grant_promised(&grant) == 0);
    assert_true(umh_grant_missing(&grant) == 2000);
}

static void test_promise_is_what_was_given_below_the_want(void **state)
{
    unsigned first_count = UMH_FIRST_CREDIT_SERVICES;
    uint64_t credited;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    umh_grant_give(&grant, 100); /* growth */
    assert_true(umh_grant_promised(&grant) == 0);
    assert_int_equal(set_want(&grant, 1000, 0), 0);
    assert_true(umh_grant_promised(&grant) == 0);
    umh_grant_give(&grant, 400);
    assert_true(umh_grant_promised(&grant) == 500);
    umh_grant_give(&grant, 600); /* 500 of it for the want */
    assert_true(umh_grant_promised(&grant) == 1000);
    assert_int_equal(umh_grant_use(&grant, 1000, &first_count, &credited), 0);
    assert_true(umh_grant_promised(&grant) == 0);
    assert_true(umh_grant_unused(&grant) == 100);
}

static void test_withdrawn_want_ends_its_promise(void **state)
{
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(set_want(&grant, 1000, 0), 0);
    umh_grant_give(&grant, 1000);
    assert_int_equal(set_want(&grant, 300, 0), 0);
    assert_true(umh_grant_promised(&grant) == 300);
    umh_grant_give(&grant, 100); /* growth: not for this head alone */
    assert_true(umh_grant_promised(&grant) == 300);
    assert_int_equal(set_want(&grant, 2000, 0), 0);
    assert_true(umh_grant_promised(&grant) == 0);
    assert_int_equal(set_want(&grant, 0, 0), 0);
    assert_true(umh_grant_promised(&grant) == 0);
    assert_true(umh_grant_unused(&grant) == 1100);
}

/*
 * The want of the first message did not know of first credit; its arrival ends the promise all the
 * same.
 */
static void test_first_message_ends_its_promise(void **state)
{
    unsigned first_count = 0;
    uint64_t credited;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(set_want(&grant, 50000, 0), 0);
    umh_grant_give(&grant, 50000);
    assert_int_equal(umh_grant_use(&grant, 50000, &first_count, &credited), 0);
    assert_true(umh_grant_promised(&grant) == 0);
    assert_true(credited == 50000 - FIRST);
    assert_true(umh_grant_unused(&grant) == FIRST);
}

static void test_return_is_asked_and_at_most_what_is_unused(void **state)
{
    unsigned first_count = UMH_FIRST_CREDIT_SERVICES;
    uint64_t credited;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_int_equal(umh_grant_return(&grant, 0), UMH_FLOW_VIOLATION);
    assert_int_equal(set_want(&grant, 1500, 0), 0);
    umh_grant_give(&grant, 1000);
    assert_int_equal(umh_grant_use(&grant, 100, &first_count, &credited), 0);
    grant.level = UMH_CREDIT_LEVEL_BYTES_MIN;
    grant.is_asked = true;
    grant.is_fresh = false;
    assert_int_equal(umh_grant_return(&grant, 901), UMH_FLOW_VIOLATION);
    assert_int_equal(umh_grant_return(&grant, UINT64_MAX), UMH_FLOW_VIOLATION);
    assert_true(grant.is_asked && umh_grant_unused(&grant) == 900);
    assert_int_equal(umh_grant_return(&grant, 800), 0);
    assert_true(umh_grant_unused(&grant) == 100);
    assert_true(umh_grant_promised(&grant) == 100);
    assert_true(umh_grant_missing(&grant) == 1300); /* the want stands again by itself */
    assert_true(grant.level == 0);
    assert_false(grant.is_asked);
    assert_false(grant.is_fresh);
    assert_int_equal(umh_grant_return(&grant, 0), UMH_FLOW_VIOLATION);
}

static void test_fresh_after_a_message_or_a_gift(void **state)
{
    unsigned first_count = 0;
    uint64_t credited;
    umh_grant grant;

    (void)state;
    umh_grant_init(&grant);
    assert_false(grant.is_fresh);
    umh_grant_give(&grant, 1);
    assert_true(grant.is_fresh);
    grant.is_fresh = false;
    assert_int_equal(umh_grant_use(&grant, 40, &first_count, &credited), 0);
    assert_true(grant.is_fresh);
}

/*
 * Host and broker with two pipes between them. Upstream, wants and answers overtake messages;
 * downstream, credits and asks keep their order. The broker gives, asks and the host's messages
 * lose patience at random.
 */
#define SERVICES 6
#define PIPE_MAX 64

typedef struct frame_stub {
    unsigned service;
    unsigned kind;
    uint64_t amount;
    uint64_t cost; /* of a want */
} frame_stub;

typedef struct pipe_stub {
    frame_stub frames[PIPE_MAX];
    unsigned count;
} pipe_stub;

typedef struct world_stub {
    uint32_t random;
    umh_sender senders[SERVICES];
    umh_grant grants[SERVICES];
    uint64_t heads[SERVICES];     /* cost of the waiting message, 0: none */
    umh_want announced[SERVICES]; /* as the host last said */
    unsigned host_first_count;
    unsigned broker_first_count;
    pipe_stub messages;
    pipe_stub control;
    pipe_stub down;
    umh_budget budget;
    unsigned arrived_count;
} world_stub;

static uint32_t draw(world_stub *world, uint32_t below)
{
    world->random = world->random * 1664525u + 1013904223u;
    return (world->random >> 8) % below;
}

static void put(pipe_stub *pipe, unsigned service, unsigned kind, uint64_t amount)
{
    assert_true(pipe->count < PIPE_MAX);
    pipe->frames[pipe->count++] = (frame_stub){service, kind, amount, 0};
}

static void put_want(pipe_stub *pipe, unsigned service, const umh_want *want)
{
    put(pipe, service, FRAME_WANT, want->need);
    pipe->frames[pipe->count - 1].cost = want->cost;
}

static frame_stub get(pipe_stub *pipe)
{
    frame_stub frame = pipe->frames[0];

    memmove(pipe->frames, pipe->frames + 1, --pipe->count * sizeof *pipe->frames);
    return frame;
}

/* After any change on the host: send the head if it fits, say what it needs if not. */
static void settle_host(world_stub *world, unsigned i)
{
    umh_sender *sender = &world->senders[i];
    umh_want want;

    if (world->heads[i] && world->messages.count < PIPE_MAX &&
        umh_sender_take(sender, world->heads[i], &world->host_first_count)) {
        put(&world->messages, i, FRAME_MESSAGE, world->heads[i]);
        world->heads[i] = 0;
    }
    want = umh_sender_want(sender, world->heads[i]);
    if ((want.cost || world->announced[i].cost) && want.need != world->announced[i].need) {
        put_want(&world->control, i, &want);
        world->announced[i] = want;
    }
}

static void move_host(world_stub *world)
{
    unsigned i = draw(world, SERVICES);

    if (world->control.count > PIPE_MAX - 4)
        return;
    if (world->down.count && draw(world, 2)) {
        frame_stub frame = get(&world->down);

        i = frame.service;
        if (frame.kind == FRAME_CREDIT)
            umh_sender_credit(&world->senders[i], frame.amount);
        else
            put(&world->control, i, FRAME_GIVE_BACK, umh_sender_give_back(&world->senders[i]));
    } else if (!world->heads[i]) {
        world->heads[i] = 40 + draw(world, draw(world, 4) ? 300 : COST_MAX - 40);
    } else if (draw(world, 8) == 0) {
        world->heads[i] = 0; /* its deadline */
    }
    settle_host(world, i);
}

static void receive(world_stub *world)
{
    bool is_control = world->control.count && (!world->messages.count || draw(world, 2));
    frame_stub frame;
    umh_grant *grant;
    umh_want want;
    uint64_t credited = 0;

    if (!is_control && !world->messages.count)
        return;
    frame = get(is_control ? &world->control : &world->messages);
    grant = &world->grants[frame.service];
    switch (frame.kind) {
    case FRAME_MESSAGE:
        assert_int_equal(umh_grant_use(grant, frame.amount, &world->broker_first_count, &credited),
                         0);
        assert_true(credited <= frame.amount && frame.amount - credited <= FIRST);
        umh_budget_release(&world->budget, credited);
        world->arrived_count++;
        break;
    case FRAME_WANT:
        want = (umh_want){.need = frame.amount, .cost = frame.cost};
        assert_int_equal(umh_grant_set_want(grant, &want, 0, COST_MAX), 0);
        break;
    default:
        assert_int_equal(umh_grant_return(grant, frame.amount), 0);
        umh_budget_release(&world->budget, frame.amount);
        break;
    }
    assert_true(umh_grant_promised(grant) <= umh_grant_unused(grant));
}

static void give(world_stub *world, unsigned i, uint64_t bytes)
{
    umh_grant_give(&world->grants[i], bytes);
    umh_budget_charge(&world->budget, bytes);
    put(&world->down, i, FRAME_CREDIT, bytes);
}

static void move_broker(world_stub *world)
{
    unsigned i = draw(world, SERVICES);
    umh_grant *grant = &world->grants[i];
    uint64_t missing = umh_grant_missing(grant);

    receive(world);
    if (world->down.count == PIPE_MAX || grant->is_asked)
        return;
    if (missing && draw(world, 2)) {
        give(world, i, missing);
    } else if (draw(world, 8) == 0 && umh_grant_unused(grant) < UMH_CREDIT_BYTES_MAX) {
        give(world, i, 1 + draw(world, 5000));
    } else if (draw(world, 4) == 0 && umh_grant_unused(grant) && grant->is_fresh) {
        grant->is_asked = true;
        grant->is_fresh = false;
        put(&world->down, i, FRAME_GIVE_BACK, 0);
    }
}

static void assert_ledgers_agree(const world_stub *world)
{
    uint64_t unused = 0;

    for (unsigned i = 0; i < SERVICES; i++) {
        assert_true(world->senders[i].given <= world->grants[i].given);
        assert_true(world->senders[i].sent >= world->grants[i].used);
        unused += umh_grant_unused(&world->grants[i]);
    }
    assert_true(world->budget.charged == unused);
}

/*
 * Everything on the way arrives, every want is met: then both sides know the same and nothing
 * waits.
 */
static void drain(world_stub *world)
{
    for (unsigned round = 0; round < 100000; round++) {
        bool is_idle = !world->messages.count && !world->control.count && !world->down.count;

        receive(world);
        while (world->down.count) {
            frame_stub frame = get(&world->down);

            if (frame.kind == FRAME_CREDIT)
                umh_sender_credit(&world->senders[frame.service], frame.amount);
            else
                put(&world->control, frame.service, FRAME_GIVE_BACK,
                    umh_sender_give_back(&world->senders[frame.service]));
        }
        for (unsigned i = 0; i < SERVICES; i++) {
            settle_host(world, i);
            if (umh_grant_missing(&world->grants[i]) && !world->grants[i].is_asked)
                give(world, i, umh_grant_missing(&world->grants[i]));
            is_idle &= !world->down.count && !world->messages.count && !world->control.count;
        }
        if (is_idle)
            return;
    }
    fail_msg("never came to rest");
}

static void test_host_and_broker_agree(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        world_stub world = {.random = seed};

        umh_budget_init(&world.budget, UINT64_MAX);
        for (unsigned i = 0; i < SERVICES; i++) {
            umh_sender_init(&world.senders[i]);
            umh_grant_init(&world.grants[i]);
        }
        for (unsigned step = 0; step < 20000; step++) {
            if (draw(&world, 2))
                move_host(&world);
            else
                move_broker(&world);
            assert_ledgers_agree(&world);
        }
        drain(&world);
        assert_ledgers_agree(&world);
        assert_true(world.arrived_count > 1000);
        assert_int_equal(world.host_first_count, world.broker_first_count);
        for (unsigned i = 0; i < SERVICES; i++) {
            assert_true(world.heads[i] == 0);
            assert_true(world.senders[i].given == world.grants[i].given);
            assert_true(world.senders[i].sent == world.grants[i].used);
            assert_int_equal(world.senders[i].is_first, world.grants[i].is_first);
            assert_true(umh_grant_promised(&world.grants[i]) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_counts_and_can_be_overdrawn),
        cmocka_unit_test(test_budget_of_nothing),
        cmocka_unit_test(test_window_overshoots_by_one_message),
        cmocka_unit_test(test_window_rejects_more_than_outstanding),
        cmocka_unit_test(test_consumed_credits_in_halves_of_the_window),
        cmocka_unit_test(test_window_and_consumed_never_shut_for_good),
        cmocka_unit_test(test_sender_takes_first_credit_with_its_first_message),
        cmocka_unit_test(test_only_four_services_have_first_credit),
        cmocka_unit_test(test_first_credit_is_the_first_messages_or_never),
        cmocka_unit_test(test_sender_takes_up_to_what_is_given),
        cmocka_unit_test(test_want_does_not_count_first_credit),
        cmocka_unit_test(test_gives_back_what_is_not_used_but_first_credit),
        cmocka_unit_test(test_grant_splits_a_cost_between_first_and_given),
        cmocka_unit_test(test_first_message_may_be_larger_than_first_credit),
        cmocka_unit_test(test_want_stands_until_it_is_given),
        cmocka_unit_test(test_rejects_a_want_beyond_any_message),
        cmocka_unit_test(test_rejects_a_want_that_does_not_add_up),
        cmocka_unit_test(test_promise_outlives_the_next_want),
        cmocka_unit_test(test_promise_is_what_was_given_below_the_want),
        cmocka_unit_test(test_withdrawn_want_ends_its_promise),
        cmocka_unit_test(test_first_message_ends_its_promise),
        cmocka_unit_test(test_return_is_asked_and_at_most_what_is_unused),
        cmocka_unit_test(test_fresh_after_a_message_or_a_gift),
        cmocka_unit_test(test_host_and_broker_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
