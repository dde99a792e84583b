/* SPDX-License-Identifier: MIT */
/* Any bytes are a file in which a symbol is defined, missing, or nobody knows. */
#include "formats/elf_symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umh_assert(umh_elf_find_symbol(umh_bytes_of(data, size), "umh_module_entry") <=
               ELF_SYMBOL_UNKNOWN);
    return 0;
}
