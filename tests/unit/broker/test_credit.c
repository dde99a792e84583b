/* SPDX-License-Identifier: MIT */
/* Upstream credit: wants, marks, one budget, give back, stop, death. */
#include "broker/credit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB (1024u * 1024u)
#define COST_MAX (16u * MIB + UMH_FRAME_HEADER_BYTES)

/* A host as the broker sees it: what it was given and asked, and an honest ledger of its own. */
typedef struct host_stub {
    umh_credit_account *account;
    umh_sender senders[8];
    unsigned first_count;
    unsigned asked[8];
} host_stub;

typedef struct world_stub {
    umh_budget budget;
    umh_credit *credit;
    bool is_over[8];
    host_stub hosts[4];
} world_stub;

static umh_guid service_of(unsigned number)
{
    umh_guid guid = {{0xAB, 0xCD}};

    guid.bytes[15] = (uint8_t)(number + 1);
    return guid;
}

static unsigned number_of(const umh_guid *service)
{
    return service->bytes[15] - 1u;
}

static bool is_over_mark(void *context, const umh_guid *service, uint64_t promised)
{
    world_stub *world = context;

    (void)promised;
    return world->is_over[number_of(service)];
}

static void send_credit(void *context, const umh_guid *service, uint64_t bytes)
{
    host_stub *host = context;

    umh_sender_credit(&host->senders[number_of(service)], bytes);
}

static void send_give_back(void *context, const umh_guid *service)
{
    host_stub *host = context;

    host->asked[number_of(service)]++;
}

static void open_host(world_stub *world, unsigned index)
{
    host_stub *host = &world->hosts[index];
    umh_credit_account_events events = {
        .context = host, .send_credit = send_credit, .send_give_back = send_give_back};
    unsigned i;

    memset(host, 0, sizeof(*host));
    for (i = 0; i < 8; i++)
        umh_sender_init(&host->senders[i]);
    assert_int_equal(umh_credit_account_new(world->credit, &events, &host->account), 0);
}

static void open_world(world_stub *world, uint64_t capacity)
{
    memset(world, 0, sizeof(*world));
    umh_budget_init(&world->budget, capacity);
    assert_int_equal(umh_credit_new(&world->budget, is_over_mark, world, COST_MAX, &world->credit),
                     0);
}

static void close_world(world_stub *world)
{
    unsigned i;

    for (i = 0; i < 4; i++)
        world->hosts[i].account = umh_credit_account_free(world->hosts[i].account);
    assert_true(world->budget.charged == 0);
    world->credit = umh_credit_free(world->credit);
}

static int use(host_stub *host, unsigned service, uint64_t cost)
{
    umh_guid guid = service_of(service);
    umh_why why = UMH_WHY_INIT;

    return umh_credit_use(host->account, &guid, cost, &why);
}

/* An honest send: true when it went. */
static bool give_message(host_stub *host, unsigned service, uint64_t cost)
{
    if (!umh_sender_take(&host->senders[service], cost, &host->first_count))
        return false;
    assert_int_equal(use(host, service, cost), 0);
    return true;
}

static void want(host_stub *host, unsigned service, uint64_t cost, uint16_t slot)
{
    umh_guid guid = service_of(service);
    umh_want announced = umh_sender_want(&host->senders[service], cost);
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_credit_on_want(host->account, &guid, slot, &announced, &why), 0);
}

static void answer(host_stub *host, unsigned service)
{
    umh_guid guid = service_of(service);
    umh_why why = UMH_WHY_INIT;

    assert_true(host->asked[service] > 0);
    host->asked[service]--;
    assert_int_equal(umh_credit_on_give_back(host->account, &guid,
                                             umh_sender_give_back(&host->senders[service]), &why),
                     0);
}

static void test_first_credit_of_four_services(void **state)
{
    world_stub world;
    host_stub *host;
    unsigned i;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    host = &world.hosts[0];
    for (i = 0; i < UMH_FIRST_CREDIT_SERVICES; i++)
        assert_true(give_message(host, i, UMH_FIRST_CREDIT_BYTES));
    assert_false(give_message(host, UMH_FIRST_CREDIT_SERVICES, 41));
    assert_int_equal(use(host, UMH_FIRST_CREDIT_SERVICES, 41), UMH_CREDIT_VIOLATION);
    close_world(&world);
}

static void test_accuses_who_overruns(void **state)
{
    world_stub world;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    assert_int_equal(use(&world.hosts[0], 0, UMH_FIRST_CREDIT_BYTES), 0);
    assert_int_equal(use(&world.hosts[0], 0, 41), UMH_CREDIT_VIOLATION);
    close_world(&world);
}

static void test_credit_grows_with_use(void **state)
{
    world_stub world;
    host_stub *host;
    unsigned sent = 0;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    host = &world.hosts[0];
    while (sent < 200000 && give_message(host, 0, 168)) {
        sent++;
        umh_credit_settle(world.credit);
    }
    assert_int_equal(sent, 200000);
    assert_true(umh_credit_count(world.credit).unused_bytes <= UMH_CREDIT_BYTES_MAX);
    assert_true(umh_credit_count(world.credit).unused_bytes >= UMH_CREDIT_BYTES_MAX / 4);
    close_world(&world);
}

static void test_want_is_met_when_the_queue_drains(void **state)
{
    world_stub world;
    host_stub *host;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    host = &world.hosts[0];
    world.is_over[0] = true;
    want(host, 0, 100000, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    assert_false(give_message(host, 0, 100000));
    world.is_over[0] = false; /* no event: the level is looked at */
    umh_credit_settle(world.credit);
    assert_true(give_message(host, 0, 100000));
    close_world(&world);
}

static void test_full_queue_hurts_its_service_only(void **state)
{
    world_stub world;
    host_stub *host;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    host = &world.hosts[0];
    world.is_over[0] = true;
    want(host, 0, 10000, UMH_SLOT_NONE);
    want(host, 1, 10000, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    assert_false(give_message(host, 0, 10000));
    assert_true(give_message(host, 1, 10000));
    close_world(&world);
}

static void test_one_large_message_per_service(void **state)
{
    world_stub world;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    open_host(&world, 1);
    want(&world.hosts[0], 0, MIB, UMH_SLOT_NONE);
    want(&world.hosts[1], 0, MIB, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    assert_false(give_message(&world.hosts[1], 0, MIB));
    assert_true(give_message(&world.hosts[0], 0, MIB));
    umh_credit_settle(world.credit);
    assert_true(give_message(&world.hosts[1], 0, MIB));
    close_world(&world);
}

static void test_withdrawn_want_frees_the_large_place(void **state)
{
    world_stub world;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    open_host(&world, 1);
    want(&world.hosts[0], 0, MIB, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    want(&world.hosts[1], 0, MIB, UMH_SLOT_NONE);
    want(&world.hosts[0], 0, 0, UMH_SLOT_NONE); /* its deadline crossed the credit */
    umh_credit_settle(world.credit);
    assert_true(give_message(&world.hosts[1], 0, MIB));
    close_world(&world);
}

static void test_idle_credit_is_asked_back_for_a_want(void **state)
{
    world_stub world;
    host_stub *idle;
    host_stub *hungry;
    unsigned i;

    (void)state;
    open_world(&world, 2 * MIB);
    open_host(&world, 0);
    open_host(&world, 1);
    idle = &world.hosts[0];
    hungry = &world.hosts[1];
    for (i = 0; i < 60000 && give_message(idle, 0, 168); i++)
        umh_credit_settle(world.credit);
    assert_true(umh_credit_count(world.credit).unused_bytes > 200000);

    want(hungry, 1, 2 * MIB - 1000, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    umh_credit_settle(world.credit);
    assert_false(give_message(hungry, 1, 2 * MIB - 1000));
    assert_int_equal(idle->asked[0], 1); /* once */
    answer(idle, 0);
    umh_credit_settle(world.credit);
    assert_true(give_message(hungry, 1, 2 * MIB - 1000));
    assert_true(world.budget.highest <= world.budget.capacity);
    close_world(&world);
}

static void test_rejects_a_give_back_nobody_asked_for(void **state)
{
    umh_guid guid = service_of(0);
    umh_why why = UMH_WHY_INIT;
    world_stub world;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    assert_int_equal(umh_credit_on_give_back(world.hosts[0].account, &guid, 0, &why),
                     UMH_CREDIT_VIOLATION);
    close_world(&world);
}

static void test_stop_reserve_passes_a_closed_queue(void **state)
{
    world_stub world;
    host_stub *host;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    host = &world.hosts[0];
    world.is_over[0] = true;
    assert_true(umh_credit_reserve_stop(host->account, 3));
    assert_true(umh_credit_reserve_stop(host->account, 3)); /* twice is once */
    want(host, 0, 200000, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    assert_false(give_message(host, 0, 200000)); /* the host has not seen stop yet */
    want(host, 0, 200000, 3);
    umh_credit_settle(world.credit);
    assert_true(give_message(host, 0, 200000));
    umh_credit_end_stop(host->account, 3);
    assert_true(world.budget.charged == umh_credit_count(world.credit).unused_bytes);
    close_world(&world);
}

static void test_stop_waits_for_memory_and_asks_for_it(void **state)
{
    world_stub world;
    host_stub *idle;

    (void)state;
    open_world(&world, COST_MAX + MIB / 2);
    open_host(&world, 0);
    open_host(&world, 1);
    idle = &world.hosts[0];
    want(idle, 0, MIB, UMH_SLOT_NONE);
    umh_credit_settle(world.credit); /* met, and never sent */
    assert_false(umh_credit_reserve_stop(world.hosts[1].account, 0));
    umh_credit_settle(world.credit);
    assert_int_equal(idle->asked[0], 1);
    answer(idle, 0);
    assert_true(umh_credit_reserve_stop(world.hosts[1].account, 0));
    close_world(&world);
}

/* Who wants the same service for a closed queue, and wanted it first, is no hindrance. */
static void test_stop_reserve_passes_others_that_wait(void **state)
{
    world_stub world;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    open_host(&world, 1);
    world.is_over[0] = true;
    assert_true(umh_credit_reserve_stop(world.hosts[1].account, 3));
    want(&world.hosts[0], 0, 200000, UMH_SLOT_NONE);
    want(&world.hosts[1], 0, 200000, 3);
    umh_credit_settle(world.credit);
    assert_true(give_message(&world.hosts[1], 0, 200000));
    assert_false(give_message(&world.hosts[0], 0, 200000));
    close_world(&world);
}

/* Others may fill what comes free: the stop gets its memory all the same, bit by bit. */
static void test_stop_gathers_its_memory(void **state)
{
    world_stub world;
    umh_credit_account *account;
    uint64_t others = 63 * MIB;
    int turns = 0;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    account = world.hosts[0].account;
    umh_budget_charge(&world.budget, others);
    while (!umh_credit_reserve_stop(account, 0) && turns < 1000) {
        umh_budget_release(&world.budget, MIB);
        others -= MIB;
        assert_true(umh_budget_free(&world.budget) >= MIB); /* something is left for them */
        umh_budget_charge(&world.budget, MIB / 2);
        others += MIB / 2;
        turns++;
    }
    assert_in_range(turns, 1, 100);
    umh_credit_end_stop(account, 0);
    assert_true(world.budget.charged == others);
    umh_budget_release(&world.budget, others);
    close_world(&world);
}

/* However many modules are stopped at once, messages have room. */
static void test_stops_leave_room_for_messages(void **state)
{
    world_stub world;
    umh_credit_account *account;
    uint16_t count = 0;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    account = world.hosts[0].account;
    while (umh_credit_reserve_stop(account, count))
        count++;
    assert_true(count > 0);
    assert_true(umh_budget_free(&world.budget) >= 16 * MIB);
    umh_credit_end_stop(account, 0);
    assert_true(umh_credit_reserve_stop(account, count));
    close_world(&world);
}

static void test_death_frees_what_was_given(void **state)
{
    world_stub world;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    open_host(&world, 1);
    want(&world.hosts[0], 0, MIB, UMH_SLOT_NONE);
    umh_credit_settle(world.credit);
    want(&world.hosts[0], 1, MIB, UMH_SLOT_NONE);
    world.hosts[0].account = umh_credit_account_free(world.hosts[0].account);
    assert_true(world.budget.charged == 0);
    want(&world.hosts[1], 0, MIB, UMH_SLOT_NONE); /* its large place is free as well */
    umh_credit_settle(world.credit);
    assert_true(give_message(&world.hosts[1], 0, MIB));
    assert_int_equal(umh_credit_count(world.credit).wants_standing, 0);
    close_world(&world);
}

static void test_bounds_services_of_a_connection(void **state)
{
    umh_why why = UMH_WHY_INIT;
    umh_want announced = {.need = 41, .cost = 41};
    world_stub world;
    unsigned i;

    (void)state;
    open_world(&world, 64 * MIB);
    open_host(&world, 0);
    for (i = 0; i <= UMH_SERVICES_PER_PEER_MAX; i++) {
        umh_guid guid = service_of(0);

        guid.bytes[3] = (uint8_t)(i >> 8);
        guid.bytes[4] = (uint8_t)i;
        assert_int_equal(
            umh_credit_on_want(world.hosts[0].account, &guid, UMH_SLOT_NONE, &announced, &why),
            i < UMH_SERVICES_PER_PEER_MAX ? 0 : UMH_CREDIT_VIOLATION);
    }
    close_world(&world);
}

/*
 * Hosts that send, lose patience, answer late and die at random: nobody honest is accused, the
 * budget holds, in the end all is sent.
 */
static void test_holds_for_any_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        world_stub world;
        uint64_t waiting[4][8] = {{0}};
        unsigned left = 0;

        srand(seed);
        open_world(&world, 3 * MIB);
        for (unsigned i = 0; i < 4; i++)
            open_host(&world, i);
        for (unsigned step = 0; step < 4000 || left > 0; step++) {
            unsigned h = (unsigned)rand() % 4;
            unsigned s = (unsigned)rand() % 8;
            host_stub *host = &world.hosts[h];

            assert_true(step < 400000);
            if (host->asked[s] > 0)
                answer(host, s);
            if (step < 4000 && rand() % 200 == 0) {
                host->account = umh_credit_account_free(host->account);
                for (unsigned i = 0; i < 8; i++) {
                    left -= waiting[h][i] ? 1 : 0;
                    waiting[h][i] = 0;
                }
                open_host(&world, h);
            } else if (waiting[h][s]) {
                if (give_message(host, s, waiting[h][s])) {
                    waiting[h][s] = 0;
                    left--;
                } else if (step < 4000 && rand() % 10 == 0) {
                    want(host, s, 0, UMH_SLOT_NONE);
                    waiting[h][s] = 0;
                    left--;
                }
            } else if (step < 4000) {
                waiting[h][s] = 40 + (uint64_t)rand() % (rand() % 3 ? 500 : 700000);
                left++;
                if (give_message(host, s, waiting[h][s])) {
                    waiting[h][s] = 0;
                    left--;
                } else {
                    want(host, s, waiting[h][s], UMH_SLOT_NONE);
                }
            }
            world.is_over[s] = step < 4000 && rand() % 3 == 0;
            if (step >= 4000)
                memset(world.is_over, 0, sizeof(world.is_over));
            umh_credit_settle(world.credit);
            assert_true(world.budget.charged == umh_credit_count(world.credit).unused_bytes);
            assert_true(world.budget.highest <= world.budget.capacity);
        }
        close_world(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_credit_of_four_services),
        cmocka_unit_test(test_accuses_who_overruns),
        cmocka_unit_test(test_credit_grows_with_use),
        cmocka_unit_test(test_want_is_met_when_the_queue_drains),
        cmocka_unit_test(test_full_queue_hurts_its_service_only),
        cmocka_unit_test(test_one_large_message_per_service),
        cmocka_unit_test(test_withdrawn_want_frees_the_large_place),
        cmocka_unit_test(test_idle_credit_is_asked_back_for_a_want),
        cmocka_unit_test(test_rejects_a_give_back_nobody_asked_for),
        cmocka_unit_test(test_stop_reserve_passes_a_closed_queue),
        cmocka_unit_test(test_stop_reserve_passes_others_that_wait),
        cmocka_unit_test(test_stop_waits_for_memory_and_asks_for_it),
        cmocka_unit_test(test_stop_gathers_its_memory),
        cmocka_unit_test(test_stops_leave_room_for_messages),
        cmocka_unit_test(test_death_frees_what_was_given),
        cmocka_unit_test(test_bounds_services_of_a_connection),
        cmocka_unit_test(test_holds_for_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
