/* SPDX-License-Identifier: MIT */
/* A command or answer from anybody: what decodes encodes to something that decodes to the same. */
#include "ipc/control.h"

#include <stdlib.h>
#include <string.h>

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_command(umh_bytes payload)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    UMH_AUTO(umh_command) again = UMH_COMMAND_INIT;
    UMH_AUTO(umh_buffer) encoded = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_command_decode(payload, &command, &why);

    require(r == 0 || (r == UMH_CONTROL_BAD && why.text[0]));
    if (r)
        return;
    require(command.id >= 0 && command.name[0]);
    r = umh_command_encode_take(command.id, command.name, json_incref(command.body), &encoded);
    if (r == UMH_BUFFER_FULL) /* numbers and escapes may take more room than they had */
        return;
    require(r == 0);
    require(umh_command_decode(umh_bytes_of(encoded.data, encoded.size), &again, &why) == 0);
    require(again.id == command.id && strcmp(again.name, command.name) == 0);
    require(json_object_size(again.body) >= json_object_size(command.body));
}

static void check_answer(umh_bytes payload)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    UMH_AUTO(umh_answer) again = UMH_ANSWER_INIT;
    UMH_AUTO(umh_buffer) encoded = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_answer_decode(payload, &answer, &why);

    require(r == 0 || (r == UMH_CONTROL_BAD && why.text[0]));
    if (r)
        return;
    require(umh_answer_encode_error(answer.id, UMH_E_MODULE, &answer.why, &encoded) == 0);
    require(umh_answer_decode(umh_bytes_of(encoded.data, encoded.size), &again, &why) == 0);
    require(again.id == answer.id && !again.is_ok);
    require(again.why.line == answer.why.line && again.why.column == answer.why.column);
    require(!answer.why.text[0] || strcmp(again.why.text, answer.why.text) == 0);
    require(strcmp(again.why.file, answer.why.file) == 0);
    require(strcmp(again.why.key, answer.why.key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_command(umh_bytes_of(data, size));
    check_answer(umh_bytes_of(data, size));
    return 0;
}
