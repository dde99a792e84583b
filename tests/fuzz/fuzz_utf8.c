/* SPDX-License-Identifier: MIT */
/* UTF-8: the answer does not depend on how a text is divided at its characters' borders. */
#include "formats/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_valid = umh_utf8_is_valid(umh_bytes_of(data, size));
    size_t cut = size / 2;

    while (is_valid && cut > 0 && (data[cut] & 0xC0) == 0x80)
        cut--;
    if (is_valid) {
        umh_assert(size / 2 - cut <= 3);
        umh_assert(umh_utf8_is_valid(umh_bytes_of(data, cut)));
        umh_assert(umh_utf8_is_valid(umh_bytes_of(data + cut, size - cut)));
    }
    return 0;
}
