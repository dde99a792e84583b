/* SPDX-License-Identifier: MIT */
/*
 * A message as one line of JSON: {"time":...,"service":...,"host":...,"slot":...,"message":...}.
 * A text that is JSON itself stands there as it is, any other as a text. One thread at a time.
 */
#pragma once

#include <umh/module.h>

#include <stdbool.h>

typedef struct agent_line {
    char *text; /* owned; no NUL at its end */
    size_t size;
    size_t capacity;
} agent_line;

#define AGENT_LINE_INIT                                                                            \
    {                                                                                              \
        .text = NULL, .size = 0, .capacity = 0                                                     \
    }

/* `service` is its name. False: out of memory. */
bool line_format(agent_line *line, const char *service, const umh_message_v1 *message);
/* Give back what an unusually large message took. */
void line_trim(agent_line *line);
void line_deinit(agent_line *line);
