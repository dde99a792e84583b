/* SPDX-License-Identifier: MIT */
/* The table of subscriptions. */
#include "broker/slot.h"
#include "broker/subscriptions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static umh_guid service_of(unsigned number)
{
    umh_guid guid = {{0}};

    guid.bytes[0] = 1;
    guid.bytes[14] = (uint8_t)(number >> 8);
    guid.bytes[15] = (uint8_t)number;
    return guid;
}

static void test_matches_in_the_order_of_subscribing(void **state)
{
    umh_subscriptions *table = NULL;
    umh_guid service = service_of(1);
    umh_guid other = service_of(2);
    umh_slot one = {.number = 1};
    umh_slot two = {.number = 2};
    umh_subscribers found;

    (void)state;
    assert_int_equal(umh_subscriptions_new(&table), 0);
    assert_int_equal(umh_subscriptions_add(table, &service, &two), 0);
    assert_int_equal(umh_subscriptions_add(table, &service, &one), 0);
    assert_int_equal(umh_subscriptions_add(table, &service, &two), 0); /* twice is once */
    found = umh_subscriptions_match(table, &service);
    assert_int_equal(found.count, 2);
    assert_ptr_equal(found.slots[0], &two);
    assert_ptr_equal(found.slots[1], &one);
    assert_int_equal(umh_subscriptions_match(table, &other).count, 0);
    umh_subscriptions_remove(table, &service, &two);
    umh_subscriptions_remove(table, &service, &two);
    assert_int_equal(umh_subscriptions_match(table, &service).count, 1);
    umh_subscriptions_remove_slot(table, &one);
    assert_int_equal(umh_subscriptions_match(table, &service).count, 0);
    assert_int_equal(one.subscription_count + two.subscription_count, 0);
    umh_subscriptions_free(table);
}

static void test_all_is_a_list_of_its_own(void **state)
{
    umh_subscriptions *table = NULL;
    umh_guid all = {{0}};
    umh_guid service = service_of(1);
    umh_slot slot = {.number = 1};

    (void)state;
    assert_int_equal(umh_subscriptions_new(&table), 0);
    assert_int_equal(umh_subscriptions_add(table, &all, &slot), 0);
    assert_int_equal(umh_subscriptions_match(table, &service).count, 0);
    assert_int_equal(umh_subscriptions_of_all(table).count, 1);
    umh_subscriptions_remove(table, &all, &slot);
    assert_int_equal(umh_subscriptions_of_all(table).count, 0);
    umh_subscriptions_free(table);
}

static void test_bounds_what_a_module_subscribes_to(void **state)
{
    umh_subscriptions *table = NULL;
    umh_slot slot = {.number = 1};
    umh_guid service;

    (void)state;
    assert_int_equal(umh_subscriptions_new(&table), 0);
    for (unsigned i = 0; i < UMH_SUBSCRIPTIONS_PER_MODULE_MAX; i++) {
        service = service_of(i);
        assert_int_equal(umh_subscriptions_add(table, &service, &slot), 0);
    }
    service = service_of(UMH_SUBSCRIPTIONS_PER_MODULE_MAX);
    assert_int_equal(umh_subscriptions_add(table, &service, &slot), UMH_SUBSCRIPTIONS_FULL);
    assert_int_equal(umh_subscriptions_match(table, &service).count, 0);
    umh_subscriptions_remove_slot(table, &slot);
    assert_int_equal(slot.subscription_count, 0);
    umh_subscriptions_free(table);
}

static void test_renewal_ends_what_is_not_said_again(void **state)
{
    umh_subscriptions *table = NULL;
    umh_guid kept = service_of(1);
    umh_guid gone = service_of(2);
    umh_guid fresh = service_of(3);
    umh_guid all = {{0}};
    umh_slot slot = {.number = 1};
    umh_slot other = {.number = 2};

    (void)state;
    assert_int_equal(umh_subscriptions_new(&table), 0);
    assert_int_equal(umh_subscriptions_add(table, &kept, &slot), 0);
    assert_int_equal(umh_subscriptions_add(table, &gone, &slot), 0);
    assert_int_equal(umh_subscriptions_add(table, &gone, &other), 0);
    assert_int_equal(umh_subscriptions_add(table, &all, &slot), 0);
    umh_subscriptions_begin_renewal(table, &slot);
    assert_int_equal(umh_subscriptions_match(table, &gone).count, 2); /* until the end */
    assert_int_equal(umh_subscriptions_add(table, &kept, &slot), 0);
    assert_int_equal(umh_subscriptions_add(table, &fresh, &slot), 0);
    umh_subscriptions_end_renewal(table, &slot);
    assert_true(umh_subscriptions_has(table, &kept, &slot));
    assert_true(umh_subscriptions_has(table, &fresh, &slot));
    assert_false(umh_subscriptions_has(table, &gone, &slot));
    assert_true(umh_subscriptions_has(table, &gone, &other));
    assert_int_equal(umh_subscriptions_of_all(table).count, 0);
    assert_int_equal(slot.subscription_count, 2);
    umh_subscriptions_remove_slot(table, &slot);
    umh_subscriptions_remove_slot(table, &other);
    umh_subscriptions_free(table);
}

/* Against a plain matrix, at random. */
static void test_agrees_with_a_matrix(void **state)
{
    enum { SERVICES = 300, SLOTS = 5 };
    static bool matrix[SERVICES][SLOTS];
    umh_slot slots[SLOTS];
    umh_subscriptions *table = NULL;

    (void)state;
    srand(3);
    memset(slots, 0, sizeof(slots));
    assert_int_equal(umh_subscriptions_new(&table), 0);
    for (unsigned step = 0; step < 60000; step++) {
        unsigned service = (unsigned)rand() % SERVICES;
        unsigned slot = (unsigned)rand() % SLOTS;
        umh_guid guid = service_of(service);

        if (rand() % 1000 == 0) {
            umh_subscriptions_remove_slot(table, &slots[slot]);
            for (unsigned i = 0; i < SERVICES; i++)
                matrix[i][slot] = false;
        } else if (rand() % 2) {
            umh_subscriptions_remove(table, &guid, &slots[slot]);
            matrix[service][slot] = false;
        } else {
            int r = umh_subscriptions_add(table, &guid, &slots[slot]);

            matrix[service][slot] |= r == 0;
        }
        assert_int_equal(umh_subscriptions_has(table, &guid, &slots[slot]), matrix[service][slot]);
    }
    for (unsigned i = 0; i < SERVICES; i++) {
        umh_guid guid = service_of(i);
        unsigned count = 0;

        for (unsigned j = 0; j < SLOTS; j++)
            count += matrix[i][j];
        assert_int_equal(umh_subscriptions_match(table, &guid).count, count);
    }
    for (unsigned j = 0; j < SLOTS; j++)
        umh_subscriptions_remove_slot(table, &slots[j]);
    umh_subscriptions_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_in_the_order_of_subscribing),
        cmocka_unit_test(test_all_is_a_list_of_its_own),
        cmocka_unit_test(test_bounds_what_a_module_subscribes_to),
        cmocka_unit_test(test_renewal_ends_what_is_not_said_again),
        cmocka_unit_test(test_agrees_with_a_matrix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
