/* SPDX-License-Identifier: MIT */
/* Commands and answers: what is read, what is refused with a reason, what comes out again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/control.h"

#define LONGEST_NAME "abcdefghijklmnopqrstuvwxyz01234" /* 31 bytes */

_Static_assert(sizeof LONGEST_NAME == UMH_COMMAND_NAME_BYTES, "it fills the name");

static void assert_refuses_command(const char *text)
{
    umh_command command = UMH_COMMAND_INIT;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_command_decode(umh_bytes_of_text(text), &command, &why), UMH_CONTROL_BAD);
    assert_true(why.text[0] != '\0');
    assert_null(command.body);
    assert_int_equal(umh_command_decode(umh_bytes_of_text(text), &command, NULL), UMH_CONTROL_BAD);
}

static void assert_refuses_answer(const char *text)
{
    umh_answer answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_answer_decode(umh_bytes_of_text(text), &answer, &why), UMH_CONTROL_BAD);
    assert_true(why.text[0] != '\0');
    assert_null(answer.body);
}

static void decode_command(const char *text, umh_command *ret_command)
{
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_command_decode(umh_bytes_of_text(text), ret_command, &why), 0);
}

static void decode_answer(umh_bytes text, umh_answer *ret_answer)
{
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_answer_decode(text, ret_answer, &why), 0);
}

static umh_bytes bytes_of(const umh_buffer *buffer)
{
    return umh_bytes_of(buffer->data, buffer->size);
}

static void test_reads_a_command(void **state)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;

    (void)state;
    decode_command("{\"id\": 7, \"do\": \"load\", \"slot\": 3}", &command);
    assert_true(command.id == 7);
    assert_string_equal(command.name, "load");
    assert_true(umh_jsonc_get_integer(command.body, "slot", 0) == 3);
}

static void test_command_without_id_wants_no_answer(void **state)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;

    (void)state;
    decode_command("{\"do\":\"subscribe\"}", &command);
    assert_true(command.id == 0);
}

static void test_reads_ids_from_0_to_the_highest(void **state)
{
    UMH_AUTO(umh_command) lowest = UMH_COMMAND_INIT;
    UMH_AUTO(umh_command) highest = UMH_COMMAND_INIT;

    (void)state;
    decode_command("{\"id\":0,\"do\":\"x\"}", &lowest);
    assert_true(lowest.id == 0);
    decode_command("{\"id\":9223372036854775807,\"do\":\"x\"}", &highest);
    assert_true(highest.id == INT64_MAX);
    assert_refuses_command("{\"id\":-1,\"do\":\"x\"}");
    assert_refuses_command("{\"id\":9223372036854775808,\"do\":\"x\"}");
    assert_refuses_command("{\"id\":1.0,\"do\":\"x\"}");
    assert_refuses_command("{\"id\":\"1\",\"do\":\"x\"}");
    assert_refuses_command("{\"id\":null,\"do\":\"x\"}");
}

static void test_reads_names_up_to_the_longest(void **state)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;

    (void)state;
    decode_command("{\"do\":\"" LONGEST_NAME "\"}", &command);
    assert_string_equal(command.name, LONGEST_NAME);
    assert_refuses_command("{\"do\":\"" LONGEST_NAME "5\"}");
    assert_refuses_command("{\"do\":\"\"}");
    assert_refuses_command("{\"do\":7}");
    assert_refuses_command("{\"do\":\"lo\\u0000ad\"}");
    assert_refuses_command("{}");
}

static void test_refuses_what_is_no_object(void **state)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "7",
                                        "null",
                                        "\"x\"",
                                        "{",
                                        "{\"do\":\"x\"}{}",
                                        "{\"do\":\"x\",}",
                                        "/**/{\"do\":\"x\"}",
                                        "\xEF\xBB\xBF{\"do\":\"x\"}",
                                        "{\"do\":\"x\",\"do\":\"y\"}",
                                        "{\"do\":\"\xFF\"}"};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++) {
        assert_refuses_command(texts[i]);
        assert_refuses_answer(texts[i]);
    }
}

/* `{"id":1,"do":"x","pad":"aaa..."}` of `size` bytes. */
static char *padded(size_t size)
{
    static const char head[] = "{\"id\":1,\"do\":\"x\",\"ok\":true,\"pad\":\"";
    char *text = malloc(size + 1);

    assert_non_null(text);
    memset(text, 'a', size);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + size - 2, "\"}", 3);
    return text;
}

static void test_bounds_what_it_reads(void **state)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    char *longest_command = padded(UMH_COMMAND_BYTES_MAX);
    char *long_command = padded(UMH_COMMAND_BYTES_MAX + 1);
    char *longest_answer = padded(UMH_ANSWER_BYTES_MAX);
    char *long_answer = padded(UMH_ANSWER_BYTES_MAX + 1);

    (void)state;
    decode_command(longest_command, &command);
    decode_answer(umh_bytes_of_text(longest_answer), &answer);
    assert_refuses_command(long_command);
    assert_refuses_answer(long_answer);
    free(longest_command);
    free(long_command);
    free(longest_answer);
    free(long_answer);
}

static void test_writes_a_command(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;

    (void)state;
    assert_int_equal(umh_command_encode_take(7, "load", json_pack("{s:i}", "slot", 3), &payload),
                     0);
    assert_string_equal((char *)payload.data, "{\"id\":7,\"do\":\"load\",\"slot\":3}");
    assert_int_equal(umh_command_encode_take(0, LONGEST_NAME, NULL, &payload), 0);
    assert_string_equal((char *)payload.data, "{\"id\":7,\"do\":\"load\",\"slot\":3}"
                                              "{\"id\":0,\"do\":\"" LONGEST_NAME "\"}");
}

/* A body cannot pass for another command or for another's answer. */
static void test_id_and_do_are_not_the_bodys(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;

    (void)state;
    assert_int_equal(umh_command_encode_take(
                         7, "load", json_pack("{s:i, s:s}", "id", 9, "do", "exit"), &payload),
                     0);
    assert_string_equal((char *)payload.data, "{\"id\":7,\"do\":\"load\"}");
    umh_buffer_clear(&payload);
    assert_int_equal(umh_answer_encode_take(7, json_pack("{s:i, s:b}", "id", 9, "ok", 0), &payload),
                     0);
    assert_string_equal((char *)payload.data, "{\"id\":7,\"ok\":true}");
}

static void test_answers_come_back(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;

    (void)state;
    assert_int_equal(
        umh_answer_encode_take(INT64_MAX, json_pack("{s:s}", "outcome", "running"), &payload), 0);
    decode_answer(bytes_of(&payload), &answer);
    assert_true(answer.is_ok);
    assert_true(answer.id == INT64_MAX);
    assert_string_equal(answer.error, "");
    assert_string_equal(answer.why.text, "");
    assert_string_equal(umh_jsonc_get_text(answer.body, "outcome", ""), "running");
}

static void test_errors_come_back_with_their_place(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    umh_why_set(&why, "no \"module\"\nof that name");
    umh_why_place(&why, "/etc/umh/broker.json", 12, 5, "ChildProcesses[2].Modules[0]");
    assert_int_equal(umh_answer_encode_error(3, UMH_E_MODULE, &why, &payload), 0);
    decode_answer(bytes_of(&payload), &answer);
    assert_false(answer.is_ok);
    assert_true(answer.id == 3);
    assert_string_equal(answer.error, "UMH_E_MODULE");
    assert_string_equal(answer.why.text, why.text);
    assert_string_equal(answer.why.file, why.file);
    assert_string_equal(answer.why.key, why.key);
    assert_int_equal(answer.why.line, 12);
    assert_int_equal(answer.why.column, 5);
}

static void test_error_has_only_what_is_known(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    umh_why_set(&why, "no");
    assert_int_equal(umh_answer_encode_error(3, UMH_E_REFUSED, &why, &payload), 0);
    assert_string_equal((char *)payload.data,
                        "{\"id\":3,\"ok\":false,\"error\":\"UMH_E_REFUSED\",\"text\":\"no\"}");
    umh_buffer_clear(&payload);
    assert_int_equal(umh_answer_encode_error(3, UMH_E_REFUSED, NULL, &payload), 0);
    assert_string_equal((char *)payload.data,
                        "{\"id\":3,\"ok\":false,\"error\":\"UMH_E_REFUSED\",\"text\":\"refused\"}");
    umh_buffer_clear(&payload);
    assert_int_equal(umh_answer_encode_error(3, -9999, &(umh_why)UMH_WHY_INIT, &payload), 0);
    assert_non_null(strstr((char *)payload.data, "\"error\":\"UMH_E_?\""));
}

static void test_error_may_hold_any_bytes(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    memset(why.text, 0xFF, sizeof why.text - 1);
    memset(why.file, 0xC3, sizeof why.file - 1);
    memset(why.key, 0x01, sizeof why.key - 1);
    assert_int_equal(umh_answer_encode_error(3, UMH_E_OS, &why, &payload), 0);
    decode_answer(bytes_of(&payload), &answer);
    assert_int_equal(strlen(answer.why.text), sizeof why.text - 1);
    assert_int_equal(strspn(answer.why.text, "?"), sizeof why.text - 1);
    assert_int_equal(strspn(answer.why.file, "?"), sizeof why.file - 1);
    assert_string_equal(answer.why.key, why.key);
}

/* The other side chose these members: their types and sizes are anything. */
static void test_reads_odd_errors(void **state)
{
    UMH_AUTO(umh_answer) odd = UMH_ANSWER_INIT;
    UMH_AUTO(umh_answer) long_one = UMH_ANSWER_INIT;
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;

    (void)state;
    decode_answer(umh_bytes_of_text("{\"ok\":false,\"error\":7,\"text\":null,\"file\":{},\"line\":"
                                    "2147483648,\"column\":-1,\"key\":[]}"),
                  &odd);
    assert_true(odd.id == 0);
    assert_string_equal(odd.error, "");
    assert_string_equal(odd.why.text, "");
    assert_string_equal(odd.why.file, "");
    assert_int_equal(odd.why.line, 0);
    assert_int_equal(odd.why.column, 0);

    assert_int_equal(umh_buffer_append_format(&payload,
                                              "{\"ok\":false,\"line\":%d,\"error\":"
                                              "\"%0100d\",\"text\":\"%01000d\"}",
                                              INT32_MAX, 0, 0),
                     0);
    decode_answer(bytes_of(&payload), &long_one);
    assert_int_equal(strlen(long_one.error), UMH_COMMAND_NAME_BYTES - 1);
    assert_int_equal(strlen(long_one.why.text), sizeof long_one.why.text - 1);
    assert_int_equal(long_one.why.line, INT32_MAX);

    assert_refuses_answer("{\"id\":1}");
    assert_refuses_answer("{\"id\":1,\"ok\":1}");
    assert_refuses_answer("{\"id\":-1,\"ok\":true}");
}

/* A body that makes the whole command `size` bytes long. */
static umh_json *body_for(size_t size)
{
    size_t pad_bytes = size - strlen("{\"id\":7,\"do\":\"x\",\"pad\":\"\"}");
    char *pad = malloc(pad_bytes);
    umh_json *body;

    assert_non_null(pad);
    memset(pad, 'a', pad_bytes);
    body = json_pack("{s:s%}", "pad", pad, pad_bytes);
    assert_non_null(body);
    free(pad);
    return body;
}

static void test_bounds_what_it_writes(void **state)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) small = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) answer = UMH_BUFFER_INIT;
    size_t size;

    (void)state;
    assert_int_equal(umh_command_encode_take(7, "x", body_for(UMH_COMMAND_BYTES_MAX), &payload), 0);
    assert_int_equal(payload.size, UMH_COMMAND_BYTES_MAX);
    size = payload.size;
    assert_int_equal(umh_command_encode_take(7, "x", body_for(UMH_COMMAND_BYTES_MAX + 1), &payload),
                     UMH_BUFFER_FULL);
    assert_int_equal(umh_answer_encode_take(7, body_for(UMH_ANSWER_BYTES_MAX + 8), &payload),
                     UMH_BUFFER_FULL);
    assert_int_equal(payload.size, size);
    assert_int_equal(umh_answer_encode_take(7, body_for(2 * UMH_COMMAND_BYTES_MAX), &answer), 0);
    assert_true(answer.size > UMH_COMMAND_BYTES_MAX);

    small.max_bytes = 10;
    assert_int_equal(umh_answer_encode_take(7, NULL, &small), UMH_BUFFER_FULL);
    assert_int_equal(umh_answer_encode_error(7, UMH_E_OS, NULL, &small), UMH_BUFFER_FULL);
    assert_int_equal(small.size, 0);
}

static void test_ends_twice(void **state)
{
    umh_command command = UMH_COMMAND_INIT;
    umh_answer answer = UMH_ANSWER_INIT;

    (void)state;
    umh_command_deinit(&command);
    umh_answer_deinit(&answer);
    decode_command("{\"do\":\"x\"}", &command);
    decode_answer(umh_bytes_of_text("{\"ok\":true}"), &answer);
    umh_command_deinit(&command);
    umh_command_deinit(&command);
    umh_answer_deinit(&answer);
    umh_answer_deinit(&answer);
    umh_command_deinit(NULL);
    umh_answer_deinit(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_command),
        cmocka_unit_test(test_command_without_id_wants_no_answer),
        cmocka_unit_test(test_reads_ids_from_0_to_the_highest),
        cmocka_unit_test(test_reads_names_up_to_the_longest),
        cmocka_unit_test(test_refuses_what_is_no_object),
        cmocka_unit_test(test_bounds_what_it_reads),
        cmocka_unit_test(test_writes_a_command),
        cmocka_unit_test(test_id_and_do_are_not_the_bodys),
        cmocka_unit_test(test_answers_come_back),
        cmocka_unit_test(test_errors_come_back_with_their_place),
        cmocka_unit_test(test_error_has_only_what_is_known),
        cmocka_unit_test(test_error_may_hold_any_bytes),
        cmocka_unit_test(test_reads_odd_errors),
        cmocka_unit_test(test_bounds_what_it_writes),
        cmocka_unit_test(test_ends_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
