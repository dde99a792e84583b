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
