/* SPDX-License-Identifier: MIT */
/*
 * Commands and answers: JSON in frames. A command is {"id": 7, "do": "load", ...}; its answer on
 * the same connection, kind ANSWER, is {"id": 7, "ok": true, ...} or {"id": 7, "ok": false,
 * "error": "UMH_E_MODULE", "text": "..."}. Who may send which command when is a row of the table of
 * whoever handles it (broker/commands, host/commands); this file only encodes and decodes. Any
 * thread.
 */
#pragma once

#include "base/why.h"
#include "formats/jsonc.h"
#include "ipc/limits.h"

#define UMH_COMMAND_NAME_BYTES 32

typedef struct umh_command {
    int64_t id;                        /* >= 0; 0: no answer wanted */
    char name[UMH_COMMAND_NAME_BYTES]; /* of "do" */
    umh_json *body;                    /* the whole object, owned */
} umh_command;

#define UMH_COMMAND_INIT                                                                           \
    {                                                                                              \
        .id = 0, .name = "", .body = NULL                                                          \
    }

typedef struct umh_answer {
    int64_t id;
    bool is_ok;
    char error[UMH_COMMAND_NAME_BYTES]; /* "UMH_E_MODULE" */
    umh_why why;    /* text, and file, line, column, key where they were given */
    umh_json *body; /* the whole object, owned */
} umh_answer;

#define UMH_ANSWER_INIT                                                                            \
    {                                                                                              \
        .id = 0, .is_ok = false, .error = "", .why = UMH_WHY_INIT, .body = NULL                    \
    }

/* no JSON object, no "do", a name that is too long, a negative id; why says which */
enum { UMH_CONTROL_BAD = 1 };

/* Outcomes: UMH_CONTROL_BAD. */
UMH_MUST_USE int umh_command_decode(umh_bytes payload, umh_command *ret_command, umh_why *ret_why);
UMH_MUST_USE int umh_answer_decode(umh_bytes payload, umh_answer *ret_answer, umh_why *ret_why);

/*
 * Append the payload. `body` is taken (may be NULL: an empty object) and gets id and do, or id and
 * ok. Outcomes: UMH_BUFFER_FULL.
 */
UMH_MUST_USE int umh_command_encode_take(int64_t id, const char *name, umh_json *body,
                                         umh_buffer *payload);
UMH_MUST_USE int umh_answer_encode_take(int64_t id, umh_json *body, umh_buffer *payload);
UMH_MUST_USE int umh_answer_encode_error(int64_t id, int code, const umh_why *why,
                                         umh_buffer *payload);

void umh_command_deinit(umh_command *command);
void umh_answer_deinit(umh_answer *answer);
UMH_DEFINE_AUTO(umh_command);
UMH_DEFINE_AUTO(umh_answer);
