/* SPDX-License-Identifier: MIT */
/* Commands and answers between struct and JSON. */
#include "ipc/control.h"

#include <string.h>

/* The object and its id; its size has been looked at. Outcomes: UMH_CONTROL_BAD. */
static int decode_object(umh_bytes payload, umh_json **ret_body, int64_t *ret_id, umh_why *ret_why)
{
    UMH_AUTO_PTR(umh_json) body = NULL;
    const json_t *id;
    int r;

    r = umh_jsonc_parse_strict(payload, &body, ret_why);
    if (r == UMH_JSONC_BAD)
        return UMH_CONTROL_BAD;
    if (r)
        return r;
    if (!json_is_object(body)) {
        umh_why_set(ret_why, "a command or answer is a JSON object");
        return UMH_CONTROL_BAD;
    }
    id = json_object_get(body, "id");
    if (id && (!json_is_integer(id) || json_integer_value(id) < 0)) {
        umh_why_set(ret_why, "'id' is a whole number from 0");
        return UMH_CONTROL_BAD;
    }
    *ret_id = json_integer_value(id);
    *ret_body = UMH_MOVE(body);
    return 0;
}

int umh_command_decode(umh_bytes payload, umh_command *ret_command, umh_why *ret_why)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    const char *name;
    int r;

    if (payload.size > UMH_COMMAND_BYTES_MAX) {
        umh_why_set(ret_why, "a command of more than %u bytes", UMH_COMMAND_BYTES_MAX);
        return UMH_CONTROL_BAD;
    }
    r = decode_object(payload, &command.body, &command.id, ret_why);
    if (r == UMH_CONTROL_BAD)
        return UMH_CONTROL_BAD;
    if (r)
        return r;
    name = umh_jsonc_get_text(command.body, "do", "");
    if (!name[0] || !umh_text_put(command.name, sizeof command.name, name)) {
        umh_why_set(ret_why, "'do' is a name of 1 to %u bytes", UMH_COMMAND_NAME_BYTES - 1);
        return UMH_CONTROL_BAD;
    }
    *ret_command = command;
    command.body = NULL;
    return 0;
}

/* A member that says where, within what an int can say. */
static int get_place(const json_t *body, const char *key)
{
    int64_t value = umh_jsonc_get_integer(body, key, 0);

    return value > 0 && value <= INT32_MAX ? (int)value : 0;
}

int umh_answer_decode(umh_bytes payload, umh_answer *ret_answer, umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    const json_t *body;
    int r;

    if (payload.size > UMH_ANSWER_BYTES_MAX) {
        umh_why_set(ret_why, "an answer of more than %u bytes", UMH_ANSWER_BYTES_MAX);
        return UMH_CONTROL_BAD;
    }
    r = decode_object(payload, &answer.body, &answer.id, ret_why);
    if (r == UMH_CONTROL_BAD)
        return UMH_CONTROL_BAD;
    if (r)
        return r;
    body = answer.body;
    if (!json_is_boolean(json_object_get(body, "ok"))) {
        umh_why_set(ret_why, "'ok' is true or false");
        return UMH_CONTROL_BAD;
    }
    answer.is_ok = umh_jsonc_get_bool(body, "ok", false);
    if (!answer.is_ok) {
        umh_text_put(answer.error, sizeof answer.error, umh_jsonc_get_text(body, "error", ""));
        umh_why_set(&answer.why, "%s", umh_jsonc_get_text(body, "text", ""));
        umh_why_place(&answer.why, umh_jsonc_get_text(body, "file", NULL), get_place(body, "line"),
                      get_place(body, "column"), umh_jsonc_get_text(body, "key", NULL));
    }
    *ret_answer = answer;
    answer.body = NULL;
    return 0;
}

/* `head` with the members of `body` that it has not; both are taken. Outcomes: UMH_BUFFER_FULL. */
static int encode_take(umh_json *head, umh_json *body, size_t max_bytes, umh_buffer *payload)
{
    UMH_AUTO_PTR(umh_json) whole = head;
    UMH_AUTO_PTR(umh_json) rest = body;
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    int r;

    umh_assert(!rest || json_is_object(rest));
    if (!whole || (rest && json_object_update_missing(whole, rest)))
        return UMH_FAIL(UMH_E_MEMORY, "encode a command or answer");
    text.max_bytes = max_bytes;
    r = umh_jsonc_print(whole, &text);
    if (r == 0)
        r = umh_buffer_append(payload, text.data, text.size);
    if (r == UMH_BUFFER_FULL)
        return UMH_BUFFER_FULL;
    return r;
}

int umh_command_encode_take(int64_t id, const char *name, umh_json *body, umh_buffer *payload)
{
    int r;

    umh_assert(id >= 0 && name[0] && strlen(name) < UMH_COMMAND_NAME_BYTES);
    r = encode_take(json_pack("{s:I, s:s}", "id", (json_int_t)id, "do", name), body,
                    UMH_COMMAND_BYTES_MAX, payload);
    if (r == UMH_BUFFER_FULL)
        return UMH_BUFFER_FULL;
    return r;
}

int umh_answer_encode_take(int64_t id, umh_json *body, umh_buffer *payload)
{
    int r = encode_take(json_pack("{s:I, s:b}", "id", (json_int_t)id, "ok", 1), body,
                        UMH_ANSWER_BYTES_MAX, payload);

    if (r == UMH_BUFFER_FULL)
        return UMH_BUFFER_FULL;
    return r;
}

int umh_answer_encode_error(int64_t id, int code, const umh_why *why, umh_buffer *payload)
{
    const char *text = why && why->text[0] ? why->text : umh_error_text(code);
    UMH_AUTO_PTR(umh_json) head = NULL;
    int bad = 0;
    int r;

    head = json_pack("{s:I, s:b, s:s, s:o}", "id", (json_int_t)id, "ok", 0, "error",
                     umh_error_name(code), "text", umh_jsonc_text(text));
    if (head && why) {
        if (why->file[0])
            bad |= json_object_set_new(head, "file", umh_jsonc_text(why->file));
        if (why->line > 0)
            bad |= json_object_set_new(head, "line", json_integer(why->line));
        if (why->column > 0)
            bad |= json_object_set_new(head, "column", json_integer(why->column));
        if (why->key[0])
            bad |= json_object_set_new(head, "key", umh_jsonc_text(why->key));
    }
    if (bad)
        return UMH_FAIL(UMH_E_MEMORY, "encode an error");
    r = encode_take(UMH_MOVE(head), NULL, UMH_COMMAND_BYTES_MAX, payload);
    if (r == UMH_BUFFER_FULL)
        return UMH_BUFFER_FULL;
    return r;
}

void umh_command_deinit(umh_command *command)
{
    if (command)
        command->body = umh_json_free(command->body);
}

void umh_answer_deinit(umh_answer *answer)
{
    if (answer)
        answer->body = umh_json_free(answer->body);
}
