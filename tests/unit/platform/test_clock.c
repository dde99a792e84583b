/* SPDX-License-Identifier: MIT */
/* The clocks: forwards only, deadlines that cannot overflow, the text of a log line. */
#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_never_goes_back(void **state)
{
    uint64_t last = umh_clock_now_ns();

    (void)state;
    assert_true(last > 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = umh_clock_now_ns();

        assert_true(now >= last);
        last = now;
    }
}

static void test_deadline_lies_ahead(void **state)
{
    uint64_t before = umh_clock_now_ns();
    uint64_t deadline = umh_clock_deadline_ns(1500);
    uint64_t after = umh_clock_now_ns();

    (void)state;
    assert_true(deadline >= before + 1500 * UMH_NS_PER_MS);
    assert_true(deadline <= after + 1500 * UMH_NS_PER_MS);
}

static void test_deadline_beyond_the_range_is_forever(void **state)
{
    (void)state;
    assert_true(umh_clock_deadline_ns(UINT64_MAX) == UMH_FOREVER);
    assert_true(umh_clock_deadline_ns(UINT64_MAX / UMH_NS_PER_MS) == UMH_FOREVER);
    assert_true(umh_clock_deadline_ns(UINT64_MAX / UMH_NS_PER_MS / 2) < UMH_FOREVER);
}

static void test_wall_text_has_its_shape(void **state)
{
    static const char shape[] = "0000-00-00T00:00:00.000Z";
    char text[UMH_CLOCK_TEXT_BYTES];

    (void)state;
    umh_clock_wall_text(text);
    assert_int_equal(strlen(text), sizeof shape - 1);
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == '0')
            assert_in_range(text[i], '0', '9');
        else
            assert_int_equal(text[i], shape[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_goes_back),
        cmocka_unit_test(test_deadline_lies_ahead),
        cmocka_unit_test(test_deadline_beyond_the_range_is_forever),
        cmocka_unit_test(test_wall_text_has_its_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
