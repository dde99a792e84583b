/* SPDX-License-Identifier: MIT */
/* Reads little-endian numbers from borrowed bytes; does not move on failure. */
#pragma once

#include "base/bytes.h"

typedef struct umh_cursor {
    umh_bytes rest;
} umh_cursor;

static inline umh_cursor umh_cursor_of(umh_bytes bytes)
{
    umh_cursor cursor = {bytes};
    return cursor;
}

/* False: not that many bytes left; nothing moved, nothing written. */
bool umh_cursor_take_u16(umh_cursor *cursor, uint16_t *ret_value);
bool umh_cursor_take_u32(umh_cursor *cursor, uint32_t *ret_value);
bool umh_cursor_take_bytes(umh_cursor *cursor, size_t size, umh_bytes *ret_bytes);
