/* SPDX-License-Identifier: MIT */
/* A slot's inbox: order, copies, batches that are held, bounds. */
#include "host/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 1000u

static umh_inbox_entry entry_of(umh_inbox_kind kind, const char *text)
{
    umh_inbox_entry entry = {.kind = kind, .payload = umh_bytes_of_text(text)};

    entry.frame.payload_bytes = (uint32_t)entry.payload.size;
    return entry;
}

static int push(umh_inbox *inbox, umh_inbox_kind kind, const char *text)
{
    umh_inbox_entry entry = entry_of(kind, text);
    int r = umh_inbox_push(inbox, &entry, NULL, ROOM);

    return r;
}

static void expect(umh_inbox *inbox, umh_inbox_kind kind, const char *text)
{
    umh_inbox_entry entry;
    umh_inbox_kind seen;

    assert_true(umh_inbox_peek(inbox, &seen));
    assert_int_equal(seen, kind);
    assert_true(umh_inbox_next(inbox, &entry));
    assert_int_equal(entry.kind, kind);
    assert_int_equal(entry.payload.size, strlen(text));
    assert_int_equal(entry.frame.payload_bytes, strlen(text));
    assert_string_equal((const char *)entry.payload.data, text);
}

static void expect_nothing(umh_inbox *inbox)
{
    umh_inbox_entry entry;
    umh_inbox_kind kind;

    assert_false(umh_inbox_peek(inbox, &kind));
    assert_false(umh_inbox_next(inbox, &entry));
}

static void test_is_empty_when_new(void **state)
{
    UMH_AUTO(umh_inbox) inbox = UMH_INBOX_INIT;

    (void)state;
    expect_nothing(&inbox);
    assert_false(umh_inbox_swap(&inbox));
    expect_nothing(&inbox);
}

static void test_keeps_the_order_of_messages_and_commands(void **state)
{
    UMH_AUTO(umh_inbox) inbox = UMH_INBOX_INIT;

    (void)state;
    assert_int_equal(push(&inbox, INBOX_MESSAGE, "one"), 0);
    assert_int_equal(push(&inbox, INBOX_COMMAND, "two"), 0);
    expect_nothing(&inbox);
    assert_true(umh_inbox_swap(&inbox));
    expect(&inbox, INBOX_MESSAGE, "one");
    assert_int_equal(push(&inbox, INBOX_MESSAGE, ""), 0);
    expect(&inbox, INBOX_COMMAND, "two");
    expect_nothing(&inbox);
    assert_true(umh_inbox_swap(&inbox));
    assert_int_equal(push(&inbox, INBOX_UNLOAD, "four"), 0);
    expect(&inbox, INBOX_MESSAGE, "");
    assert_true(umh_inbox_swap(&inbox));
    expect(&inbox, INBOX_UNLOAD, "four");
    assert_false(umh_inbox_swap(&inbox));
}

static void test_copies_what_it_is_given(void **state)
{
    UMH_AUTO(umh_inbox) inbox = UMH_INBOX_INIT;
    char text[] = "first";

    (void)state;
    assert_int_equal(push(&inbox, INBOX_MESSAGE, text), 0);
    memset(text, 'x', sizeof(text) - 1);
    assert_true(umh_inbox_swap(&inbox));
    expect(&inbox, INBOX_MESSAGE, "first");
}

static void test_is_full_beyond_its_room(void **state)
{
    UMH_AUTO(umh_inbox) inbox = UMH_INBOX_INIT;
    char text[ROOM - UMH_FRAME_HEADER_BYTES + 2];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(push(&inbox, INBOX_MESSAGE, text), UMH_INBOX_FULL);
    text[sizeof(text) - 2] = '\0';
    assert_int_equal(push(&inbox, INBOX_MESSAGE, text), 0);
    assert_int_equal(push(&inbox, INBOX_MESSAGE, ""), UMH_INBOX_FULL);
    assert_int_equal(push(&inbox, INBOX_COMMAND, "commands are counted apart"), 0);

    assert_true(umh_inbox_swap(&inbox));
    assert_int_equal(push(&inbox, INBOX_MESSAGE, text), 0);
    expect(&inbox, INBOX_MESSAGE, text);
    expect(&inbox, INBOX_COMMAND, "commands are counted apart");
}

static void test_is_full_beyond_its_commands(void **state)
{
    UMH_AUTO(umh_inbox) inbox = UMH_INBOX_INIT;

    (void)state;
    for (unsigned i = 0; i < UMH_INBOX_COMMANDS_MAX; i++)
        assert_int_equal(push(&inbox, INBOX_COMMAND, "load"), 0);
    assert_int_equal(push(&inbox, INBOX_COMMAND, "load"), UMH_INBOX_FULL);
    assert_int_equal(push(&inbox, INBOX_MESSAGE, "messages are counted apart"), 0);
    assert_true(umh_inbox_swap(&inbox));
    assert_int_equal(push(&inbox, INBOX_COMMAND, "load"), 0);
}

static umh_batch *batch_of(const char *text)
{
    umh_batch *batch;

    assert_int_equal(umh_batch_new(strlen(text) + 1, &batch), 0);
    memcpy(batch->data, text, strlen(text) + 1);
    return batch;
}

static void test_holds_a_batch_until_the_next_entry(void **state)
{
    UMH_AUTO(umh_inbox) inbox = UMH_INBOX_INIT;
    umh_batch *batch = batch_of("large");
    umh_inbox_entry entry = entry_of(INBOX_MESSAGE, (const char *)batch->data);

    (void)state;
    assert_false(umh_batch_is_shared(batch));
    assert_int_equal(umh_inbox_push(&inbox, &entry, batch, ROOM), 0);
    assert_true(umh_batch_is_shared(batch));
    assert_int_equal(push(&inbox, INBOX_MESSAGE, "small"), 0);
    assert_true(umh_inbox_swap(&inbox));
    assert_true(umh_inbox_next(&inbox, &entry));
    assert_ptr_equal(entry.payload.data, batch->data);
    assert_true(umh_batch_is_shared(batch));
    expect(&inbox, INBOX_MESSAGE, "small");
    assert_false(umh_batch_is_shared(batch));
    umh_batch_unref(batch);
}

static void test_lets_go_of_what_nobody_took(void **state)
{
    umh_inbox inbox = UMH_INBOX_INIT;
    umh_batch *batch = batch_of("large");
    umh_inbox_entry entry = entry_of(INBOX_MESSAGE, (const char *)batch->data);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(umh_inbox_push(&inbox, &entry, batch, ROOM), 0);
    assert_true(umh_inbox_swap(&inbox));
    assert_true(umh_inbox_next(&inbox, &entry));
    assert_int_equal(umh_inbox_push(&inbox, &entry, batch, ROOM), 0);
    umh_inbox_deinit(&inbox);
    assert_false(umh_batch_is_shared(batch));
    umh_inbox_deinit(&inbox);
    umh_batch_unref(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_empty_when_new),
        cmocka_unit_test(test_keeps_the_order_of_messages_and_commands),
        cmocka_unit_test(test_copies_what_it_is_given),
        cmocka_unit_test(test_is_full_beyond_its_room),
        cmocka_unit_test(test_is_full_beyond_its_commands),
        cmocka_unit_test(test_holds_a_batch_until_the_next_entry),
        cmocka_unit_test(test_lets_go_of_what_nobody_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
