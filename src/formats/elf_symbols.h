/* SPDX-License-Identifier: MIT */
/*
 * Whether a shared object defines a symbol, by its own tables alone: nothing of it is loaded or
 * run. Pure: bytes in, a value out; every offset is untrusted. Any thread.
 */
#pragma once

#include "base/bytes.h"

typedef enum umh_elf_symbol {
    ELF_SYMBOL_DEFINED,
    ELF_SYMBOL_MISSING,
    ELF_SYMBOL_UNKNOWN, /* no ELF of this byte order, or its tables are not as they should be */
} umh_elf_symbol;

/* `file`: all of it; 32-bit or 64-bit, little-endian. Never fails. */
umh_elf_symbol umh_elf_find_symbol(umh_bytes file, const char *name);
