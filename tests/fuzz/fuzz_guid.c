/* SPDX-License-Identifier: MIT */
/* GUIDs: what is decoded comes back as the same GUID, and any 16 bytes have a text. */
#include "formats/guid.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const umh_guid *guid)
{
    char text[UMH_GUID_TEXT_BYTES];
    umh_guid back;

    umh_guid_encode(guid, text);
    umh_assert(umh_guid_decode(umh_bytes_of_text(text), &back) == 0);
    umh_assert(umh_guid_is_equal(guid, &back));
    umh_assert(umh_guid_hash(guid) == umh_guid_hash(&back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umh_guid guid;

    if (umh_guid_decode(umh_bytes_of(data, size), &guid) == 0)
        check_round_trip(&guid);
    if (size >= sizeof guid.bytes) {
        memcpy(guid.bytes, data, sizeof guid.bytes);
        check_round_trip(&guid);
        umh_guid_derive(&guid, umh_bytes_of(data, size), &guid);
        umh_assert(guid.bytes[6] >> 4 == 5);
    }
    return 0;
}
