/* SPDX-License-Identifier: MIT */
/*
 * A service's or host's GUID: 16 bytes in the order of its text (RFC 9562). A plain value. Any
 * thread.
 */
#pragma once

#include "base/bytes.h"

typedef struct umh_guid {
    uint8_t bytes[16];
} umh_guid;

#define UMH_GUID_TEXT_BYTES 37 /* "8-4-4-4-12" and a NUL */

/* With or without braces, either case. Outcomes: UMH_GUID_BAD_TEXT. */
enum { UMH_GUID_BAD_TEXT = 1 };
UMH_MUST_USE int umh_guid_decode(umh_bytes text, umh_guid *ret_guid);

/* Lower case without braces, terminated. */
void umh_guid_encode(const umh_guid *guid, char text[UMH_GUID_TEXT_BYTES]);

bool umh_guid_is_equal(const umh_guid *one, const umh_guid *other);
bool umh_guid_is_null(const umh_guid *guid);
/* good enough for a table in memory, the same within one process */
uint64_t umh_guid_hash(const umh_guid *guid);

/* Version 4, of random bytes that nobody else has. */
void umh_guid_make(umh_guid *ret_guid);

/* Version 5 (SHA-1 of `space` and `name`), by libuuid. */
void umh_guid_derive(const umh_guid *space, umh_bytes name, umh_guid *ret_guid);
