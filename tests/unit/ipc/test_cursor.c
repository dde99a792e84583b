/* SPDX-License-Identifier: MIT */
/* Numbers and bytes are taken in order, in little-endian order, and never beyond the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/cursor.h"

static const uint8_t counted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void test_takes_little_endian(void **state)
{
    umh_cursor cursor = umh_cursor_of(umh_bytes_of(counted, 6));
    uint16_t u16 = 0;
    uint32_t u32 = 0;

    (void)state;
    assert_true(umh_cursor_take_u16(&cursor, &u16));
    assert_true(umh_cursor_take_u32(&cursor, &u32));
    assert_int_equal(u16, 0x0201);
    assert_int_equal(u32, 0x06050403);
    assert_int_equal(cursor.rest.size, 0);
}

static void test_takes_the_highest_numbers(void **state)
{
    static const uint8_t ones[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    umh_cursor cursor = umh_cursor_of(umh_bytes_of(ones, sizeof ones));
    uint16_t u16 = 0;
    uint32_t u32 = 0;

    (void)state;
    assert_true(umh_cursor_take_u32(&cursor, &u32));
    assert_true(umh_cursor_take_u16(&cursor, &u16));
    assert_true(u32 == UINT32_MAX);
    assert_int_equal(u16, UINT16_MAX);
}

/*
 * One byte too few: nothing moves, nothing is written. The heap shows the first byte read behind
 * the end.
 */
static void test_does_not_move_on_failure(void **state)
{
    uint8_t *data = malloc(3);
    umh_cursor cursor;
    uint16_t u16 = 0xAAAA;
    uint32_t u32 = 0xAAAAAAAA;
    umh_bytes bytes = {NULL, 77};

    (void)state;
    assert_non_null(data);
    memcpy(data, counted, 3);

    cursor = umh_cursor_of(umh_bytes_of(data, 3));
    assert_false(umh_cursor_take_u32(&cursor, &u32));
    assert_false(umh_cursor_take_bytes(&cursor, 4, &bytes));
    assert_false(umh_cursor_take_bytes(&cursor, SIZE_MAX, &bytes));
    assert_ptr_equal(cursor.rest.data, data);
    assert_int_equal(cursor.rest.size, 3);
    cursor = umh_cursor_of(umh_bytes_of(data, 1));
    assert_false(umh_cursor_take_u16(&cursor, &u16));
    assert_int_equal(cursor.rest.size, 1);

    assert_int_equal(u16, 0xAAAA);
    assert_true(u32 == 0xAAAAAAAA);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 77);
    free(data);
}

static void test_takes_bytes_up_to_the_last(void **state)
{
    umh_cursor cursor = umh_cursor_of(umh_bytes_of(counted, sizeof counted));
    umh_bytes bytes = {NULL, 0};

    (void)state;
    assert_true(umh_cursor_take_bytes(&cursor, 5, &bytes));
    assert_ptr_equal(bytes.data, counted);
    assert_int_equal(bytes.size, 5);
    assert_true(umh_cursor_take_bytes(&cursor, 0, &bytes));
    assert_int_equal(bytes.size, 0);
    assert_int_equal(cursor.rest.size, sizeof counted - 5);
    assert_true(umh_cursor_take_bytes(&cursor, sizeof counted - 5, &bytes));
    assert_ptr_equal(bytes.data, counted + 5);
    assert_int_equal(cursor.rest.size, 0);
    assert_true(umh_cursor_take_bytes(&cursor, 0, &bytes));
    assert_false(umh_cursor_take_bytes(&cursor, 1, &bytes));
}

static void test_takes_nothing_from_nothing(void **state)
{
    umh_cursor cursor = umh_cursor_of(umh_bytes_of(NULL, 0));
    umh_bytes bytes = {counted, 1};
    uint16_t u16 = 0;

    (void)state;
    assert_false(umh_cursor_take_u16(&cursor, &u16));
    assert_true(umh_cursor_take_bytes(&cursor, 0, &bytes));
    assert_int_equal(bytes.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_little_endian),
        cmocka_unit_test(test_takes_the_highest_numbers),
        cmocka_unit_test(test_does_not_move_on_failure),
        cmocka_unit_test(test_takes_bytes_up_to_the_last),
        cmocka_unit_test(test_takes_nothing_from_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
