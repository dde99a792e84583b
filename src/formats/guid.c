/* SPDX-License-Identifier: MIT */
/* GUIDs between text and bytes, as keys of a table, made up, and derived from names. */
#include "formats/guid.h"

#include <string.h>
#include <uuid/uuid.h>

#define TEXT_LENGTH (UMH_GUID_TEXT_BYTES - 1)

static bool has_dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

int umh_guid_decode(umh_bytes text, umh_guid *ret_guid)
{
    const uint8_t *at = text.data;
    umh_guid guid;

    if (text.size == TEXT_LENGTH + 2 && at[0] == '{' && at[TEXT_LENGTH + 1] == '}')
        at++;
    else if (text.size != TEXT_LENGTH)
        return UMH_GUID_BAD_TEXT;

    for (size_t i = 0; i < sizeof guid.bytes; i++) {
        int high;
        int low;

        if (has_dash_before(i) && *at++ != '-')
            return UMH_GUID_BAD_TEXT;
        high = digit_value(at[0]);
        low = digit_value(at[1]);
        if (high < 0 || low < 0)
            return UMH_GUID_BAD_TEXT;
        guid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *ret_guid = guid;
    return 0;
}

void umh_guid_encode(const umh_guid *guid, char text[UMH_GUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof guid->bytes; i++) {
        if (has_dash_before(i))
            *text++ = '-';
        *text++ = digits[guid->bytes[i] >> 4];
        *text++ = digits[guid->bytes[i] & 15];
    }
    *text = '\0';
}

bool umh_guid_is_equal(const umh_guid *one, const umh_guid *other)
{
    return memcmp(one->bytes, other->bytes, sizeof one->bytes) == 0;
}

bool umh_guid_is_null(const umh_guid *guid)
{
    static const umh_guid null_guid;

    return umh_guid_is_equal(guid, &null_guid);
}

uint64_t umh_guid_hash(const umh_guid *guid)
{
    uint64_t head;
    uint64_t tail;

    memcpy(&head, guid->bytes, sizeof head);
    memcpy(&tail, guid->bytes + sizeof head, sizeof tail);
    /*
     * GUIDs of one family may differ in a few digits anywhere, and tables take the low bits: a
     * product mixes upwards, so its high bits are brought down before each next one.
     */
    head *= UINT64_C(0x9E3779B97F4A7C15);
    head = ((head ^ head >> 32) + tail) * UINT64_C(0xD6E8FEB86659FD93);
    head = (head ^ head >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return head ^ head >> 32;
}

void umh_guid_derive(const umh_guid *space, umh_bytes name, umh_guid *ret_guid)
{
    umh_guid guid;

    uuid_generate_sha1(guid.bytes, space->bytes, name.size ? (const char *)name.data : "",
                       name.size);
    *ret_guid = guid;
}

void umh_guid_make(umh_guid *ret_guid)
{
    uuid_generate_random(ret_guid->bytes);
}
