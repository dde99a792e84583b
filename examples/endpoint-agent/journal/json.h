/* SPDX-License-Identifier: MIT */
/* Is a text one JSON value? Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 64 /* deeper is no value that a journal needs to look into */

/* RFC 8259, white space around it included; the text is known to be UTF-8. */
bool json_is_value(const char *text, size_t size);
