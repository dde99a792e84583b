/* SPDX-License-Identifier: MIT */
/*
 * Images: as a whole file, and as the beginning of a longer one; always an answer that can be
 * described.
 */
#include "formats/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(umh_bytes header, uint64_t file_bytes)
{
    umh_image image = umh_image_decode(header, file_bytes);

    umh_assert(image.kind <= IMAGE_CLI_PROGRAM && image.machine <= MACHINE_ANY);
    umh_assert(image.bits == 0 || image.bits == 32 || image.bits == 64);
    umh_assert(umh_image_describe(&image)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(umh_bytes_of(data, size), size);
    check(umh_bytes_of(data, size), 1u << 20);
    check(umh_bytes_of(data, size), UINT64_MAX);
    check(umh_bytes_of(data, size < 512 ? size : 512), size);
    return 0;
}
