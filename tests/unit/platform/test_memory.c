/* SPDX-License-Identifier: MIT */
/* Memory beside the heap: zeroed, writable, and given back. */
#include "platform/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BYTES (320u * 1024)

static void test_is_zeroed_and_writable(void **state)
{
    uint8_t *memory = umh_memory_map(BYTES);

    (void)state;
    assert_non_null(memory);
    for (size_t i = 0; i < BYTES; i++)
        assert_int_equal(memory[i], 0);
    memory[0] = 1;
    memory[BYTES - 1] = 1;
    umh_memory_unmap(memory, BYTES);
}

static void test_says_that_there_is_none(void **state)
{
    (void)state;
    assert_null(umh_memory_map(SIZE_MAX / 2));
    umh_memory_unmap(NULL, BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_zeroed_and_writable),
        cmocka_unit_test(test_says_that_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
