/* SPDX-License-Identifier: MIT */
/* What is put in is found, whatever came and went around it. */
#include "broker/guid_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define THING_COUNT 500u

typedef struct thing {
    umh_guid guid;
    bool is_in;
} thing;

static thing things[THING_COUNT];

static int make_things(void **state)
{
    (void)state;
    memset(things, 0, sizeof(things));
    for (size_t i = 0; i < THING_COUNT; i++) {
        things[i].guid.bytes[0] = (uint8_t)i;
        things[i].guid.bytes[15] = (uint8_t)(i >> 8);
    }
    return 0;
}

static void add(umh_guid_table *table, thing *added)
{
    assert_int_equal(umh_guid_table_add(table, added), 0);
    added->is_in = true;
}

static void take_out(umh_guid_table *table, thing *removed)
{
    umh_guid_table_remove(table, removed);
    removed->is_in = false;
}

static void check_all(const umh_guid_table *table)
{
    uint32_t count = 0;
    uint32_t at = 0;

    for (size_t i = 0; i < THING_COUNT; i++) {
        assert_ptr_equal(umh_guid_table_find(table, &things[i].guid),
                         things[i].is_in ? &things[i] : NULL);
        count += things[i].is_in;
    }
    assert_int_equal(table->count, count);
    for (const thing *found = NULL; (found = umh_guid_table_next(table, &at)) != NULL; count--)
        assert_true(found->is_in);
    assert_int_equal(count, 0);
}

static void test_is_empty_at_first(void **state)
{
    umh_guid_table table = UMH_GUID_TABLE_INIT;

    (void)state;
    check_all(&table);
    umh_guid_table_deinit(&table);
    umh_guid_table_deinit(&table);
    umh_guid_table_deinit(NULL);
}

static void test_finds_what_was_put_in(void **state)
{
    umh_guid_table table = UMH_GUID_TABLE_INIT;

    (void)state;
    for (size_t i = 0; i < THING_COUNT; i++) {
        add(&table, &things[i]);
        assert_true(table.count * 2 <= table.capacity);
    }
    check_all(&table);
    umh_guid_table_deinit(&table);
    assert_int_equal(table.count, 0);
}

static void test_loses_nothing_beside_what_is_taken_out(void **state)
{
    umh_guid_table table = UMH_GUID_TABLE_INIT;

    (void)state;
    for (size_t i = 0; i < THING_COUNT; i++)
        add(&table, &things[i]);
    for (size_t i = 0; i < THING_COUNT; i += 3)
        take_out(&table, &things[i]);
    check_all(&table);
    for (size_t i = 0; i < THING_COUNT; i += 6)
        add(&table, &things[i]);
    check_all(&table);
    for (size_t i = 0; i < THING_COUNT; i++) {
        if (things[i].is_in)
            take_out(&table, &things[i]);
    }
    check_all(&table);
    umh_guid_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_is_empty_at_first, make_things),
        cmocka_unit_test_setup(test_finds_what_was_put_in, make_things),
        cmocka_unit_test_setup(test_loses_nothing_beside_what_is_taken_out, make_things),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
