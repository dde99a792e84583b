/* SPDX-License-Identifier: MIT */
/* UTF-8: the answer does not depend on how a text is divided at its characters' borders. */
#include "formats/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_valid = umh_utf8_is_valid(umh_bytes_of(data, size));
    size_t cut = umh_utf8_cut((const char *)data, size / 2);

    umh_assert(cut <= size / 2 && size / 2 - cut <= 3);
    if (is_valid && size) {
        umh_assert(umh_utf8_cut((const char *)data, size) == size);
        umh_assert(umh_utf8_is_valid(umh_bytes_of(data, cut)));
        umh_assert(umh_utf8_is_valid(umh_bytes_of(data + cut, size - cut)));
    }
    return 0;
}
