/* SPDX-License-Identifier: MIT */
/* Borrowed bytes, the growing buffer at its limits, and texts. */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_bytes_borrow(void **state)
{
    static const char text[] = "abc";

    (void)state;
    assert_ptr_equal(umh_bytes_of_text(text).data, text);
    assert_int_equal(umh_bytes_of_text(text).size, 3);
    assert_int_equal(umh_bytes_of_text(NULL).size, 0);
    assert_true(umh_bytes_are_equal(umh_bytes_of(NULL, 0), umh_bytes_of(text, 0)));
    assert_true(umh_bytes_are_equal(umh_bytes_of(text, 3), umh_bytes_of_text("abc")));
    assert_false(umh_bytes_are_equal(umh_bytes_of(text, 2), umh_bytes_of_text("abc")));
    assert_false(umh_bytes_are_equal(umh_bytes_of_text("abd"), umh_bytes_of_text("abc")));
}

static void test_buffer_grows_to_its_maximum(void **state)
{
    UMH_AUTO(umh_buffer) buffer = UMH_BUFFER_INIT;

    (void)state;
    buffer.max_bytes = 1000;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(umh_buffer_append(&buffer, "0123456789", 10), 0);
        assert_int_equal(buffer.data[buffer.size], 0);
        assert_true(buffer.capacity > buffer.size);
        assert_true(buffer.capacity <= 1001);
    }
    assert_int_equal(buffer.size, 1000);
    assert_int_equal(umh_buffer_append(&buffer, "x", 1), UMH_BUFFER_FULL);
    assert_int_equal(umh_buffer_append_text(&buffer, "x"), UMH_BUFFER_FULL);
    assert_int_equal(umh_buffer_append_format(&buffer, "%d", 1), UMH_BUFFER_FULL);
    assert_int_equal(umh_buffer_append(&buffer, "", 0), 0);
    assert_int_equal(buffer.size, 1000);
    assert_int_equal(buffer.data[999], '9');
}

static void test_buffer_takes_no_sum_that_overflows(void **state)
{
    UMH_AUTO(umh_buffer) buffer = UMH_BUFFER_INIT;

    (void)state;
    assert_int_equal(umh_buffer_append(&buffer, "abc", 3), 0);
    assert_int_equal(umh_buffer_append(&buffer, "abc", SIZE_MAX), UMH_BUFFER_FULL);
    assert_int_equal(umh_buffer_append(&buffer, "abc", UMH_BUFFER_DEFAULT_MAX), UMH_BUFFER_FULL);
    buffer.max_bytes = SIZE_MAX;
    assert_int_equal(umh_buffer_append(&buffer, "abc", SIZE_MAX - 3), UMH_BUFFER_FULL);
    assert_int_equal(buffer.size, 3);
}

static void test_buffer_formats(void **state)
{
    UMH_AUTO(umh_buffer) buffer = UMH_BUFFER_INIT;
    char *expected = umh_text_format("%s-%0200d", "a", 7);

    (void)state;
    assert_int_equal(umh_buffer_append_format(&buffer, "%s", ""), 0);
    assert_null(buffer.data);
    assert_int_equal(umh_buffer_append_format(&buffer, "%s-%0200d", "a", 7), 0);
    assert_string_equal((const char *)buffer.data, expected);
    assert_int_equal(umh_buffer_append_text(&buffer, "!"), 0);
    assert_int_equal(buffer.size, 203);
    expected = umh_text_free(expected);
    assert_null(expected);
}

static void test_buffer_consumes_and_clears(void **state)
{
    umh_buffer buffer = UMH_BUFFER_INIT;
    const uint8_t *memory;

    (void)state;
    umh_buffer_consume(&buffer, 0);
    umh_buffer_clear(&buffer);
    assert_int_equal(umh_buffer_append_text(&buffer, "hello"), 0);
    memory = buffer.data;
    umh_buffer_consume(&buffer, 2);
    assert_string_equal((const char *)buffer.data, "llo");
    assert_int_equal(buffer.size, 3);
    umh_buffer_consume(&buffer, 3);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(umh_buffer_append_text(&buffer, "again"), 0);
    umh_buffer_clear(&buffer);
    assert_string_equal((const char *)buffer.data, "");
    assert_ptr_equal(buffer.data, memory);

    umh_buffer_deinit(&buffer);
    umh_buffer_deinit(&buffer);
    umh_buffer_deinit(NULL);
    assert_int_equal(umh_buffer_append_text(&buffer, "usable again"), 0);
    umh_buffer_deinit(&buffer);
}

static void test_texts_on_the_heap(void **state)
{
    char *text = umh_text_copy("abc");

    (void)state;
    assert_string_equal(text, "abc");
    text = umh_text_free(text);
    text = umh_text_copy_bytes("a\0b", 3);
    assert_memory_equal(text, "a\0b", 4);
    text = umh_text_free(text);
    text = umh_text_copy_bytes(NULL, 0);
    assert_string_equal(text, "");
    text = umh_text_free(text);
    assert_null(umh_text_free(text));

    assert_null(umh_text_copy_bytes("", SIZE_MAX));
    assert_int_equal(umh_failure_take().code, UMH_E_MEMORY);
}

static void test_puts_whole_characters(void **state)
{
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t sizes[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    char buffer[16];

    (void)state;
    for (size_t capacity = 0; capacity < UMH_COUNT_OF(sizes); capacity++) {
        memset(buffer, 'x', sizeof buffer);
        assert_int_equal(umh_text_put(buffer, capacity, text), capacity > strlen(text));
        if (capacity)
            assert_int_equal(strlen(buffer), sizes[capacity]);
        assert_memory_equal(buffer, text, capacity ? strlen(buffer) : 0);
        assert_int_equal(buffer[capacity], 'x');
    }
    assert_false(umh_text_put(buffer, 5, "\x80\x80\x80\x80\x80\x80")); /* no UTF-8: cut anywhere */
    assert_int_equal(strlen(buffer), 4);
}

static void test_cuts_what_was_appended(void **state)
{
    UMH_AUTO(umh_buffer) buffer = UMH_BUFFER_INIT;

    (void)state;
    umh_buffer_cut(&buffer, 0);
    assert_int_equal(umh_buffer_append_text(&buffer, "kept, gone"), 0);
    umh_buffer_cut(&buffer, 4);
    assert_int_equal(buffer.size, 4);
    assert_string_equal((const char *)buffer.data, "kept");
    umh_buffer_cut(&buffer, 4);
    assert_string_equal((const char *)buffer.data, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_borrow),
        cmocka_unit_test(test_buffer_grows_to_its_maximum),
        cmocka_unit_test(test_buffer_takes_no_sum_that_overflows),
        cmocka_unit_test(test_buffer_formats),
        cmocka_unit_test(test_buffer_consumes_and_clears),
        cmocka_unit_test(test_texts_on_the_heap),
        cmocka_unit_test(test_puts_whole_characters),
        cmocka_unit_test(test_cuts_what_was_appended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
