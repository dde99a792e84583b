/* SPDX-License-Identifier: MIT */
/* Is this UTF-8? Any thread, no state. */
#pragma once

#include "base/bytes.h"

/*
 * Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF). NUL is allowed. Made for the message path: ASCII runs are tested 8 or more bytes at a
 * time, and non-ASCII text by a table-driven automaton or vector code, never byte by byte with
 * branches.
 */
bool umh_utf8_is_valid(umh_bytes text);

/* Bytes of the character at the head of `text`, which is not empty; 0: no UTF-8. */
size_t umh_utf8_measure(umh_bytes text);

/* What stands for bytes that are no UTF-8: U+FFFD. */
#define UMH_UTF8_REPLACEMENT "\xEF\xBF\xBD"
