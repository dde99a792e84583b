/* SPDX-License-Identifier: MIT */
/* Little-endian numbers out of borrowed bytes. */
#include "ipc/cursor.h"

#include "ipc/little_endian.h"

/* The next `size` bytes, passed over; NULL: there are fewer, nothing moved. `size` is not 0. */
static const uint8_t *pass(umh_cursor *cursor, size_t size)
{
    const uint8_t *data = cursor->rest.data;

    if (cursor->rest.size < size)
        return NULL;
    cursor->rest.data += size;
    cursor->rest.size -= size;
    return data;
}

bool umh_cursor_take_u16(umh_cursor *cursor, uint16_t *ret_value)
{
    const uint8_t *data = pass(cursor, sizeof *ret_value);

    if (!data)
        return false;
    *ret_value = umh_load_u16(data);
    return true;
}

bool umh_cursor_take_u32(umh_cursor *cursor, uint32_t *ret_value)
{
    const uint8_t *data = pass(cursor, sizeof *ret_value);

    if (!data)
        return false;
    *ret_value = umh_load_u32(data);
    return true;
}

bool umh_cursor_take_bytes(umh_cursor *cursor, size_t size, umh_bytes *ret_bytes)
{
    umh_bytes rest = cursor->rest;

    /* Of no bytes `data` may be NULL, which pass() could not tell from failure. */
    if (size && !pass(cursor, size))
        return false;
    ret_bytes->data = rest.data;
    ret_bytes->size = size;
    return true;
}
