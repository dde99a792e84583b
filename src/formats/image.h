/* SPDX-License-Identifier: MIT */
/*
 * What kind of module a file is, by its header alone: ELF, PE, PE with a CLI header. Pure: bytes
 * in, a value out; every offset is untrusted. Any thread.
 */
#pragma once

#include "base/bytes.h"
#include "base/why.h"

typedef enum umh_image_kind {
    IMAGE_UNKNOWN,    /* a text file, an archive, an object file, ... */
    IMAGE_TRUNCATED,  /* begins like an image and ends too soon */
    IMAGE_ELF_SHARED, /* ET_DYN without being a position-independent program */
    IMAGE_ELF_PROGRAM,
    IMAGE_PE_SHARED,
    IMAGE_PE_PROGRAM,
    IMAGE_CLI_SHARED,  /* a managed assembly marked as DLL */
    IMAGE_CLI_PROGRAM, /* marked as EXE: a managed UI module */
} umh_image_kind;

typedef enum umh_image_machine {
    MACHINE_OTHER,
    MACHINE_X86,
    MACHINE_X64,
    MACHINE_ARM64,
    MACHINE_ANY
} umh_image_machine;

typedef struct umh_image {
    umh_image_kind kind;
    umh_image_machine machine; /* MACHINE_ANY: managed, IL only */
    int bits;                  /* 32, 64; 0: any (managed) */
    uint16_t machine_code;     /* as in the file, for messages */
} umh_image;

/*
 * Bytes of a file's beginning that are enough to decide; a PE header lies within them or the file
 * is IMAGE_UNKNOWN.
 */
#define UMH_IMAGE_HEADER_BYTES 4096

/*
 * `header`: the file's first bytes, whole file when it is shorter; `file_bytes`: the file's size.
 * Never fails.
 */
umh_image umh_image_decode(umh_bytes header, uint64_t file_bytes);

/*
 * Whether an ELF file of that size has its table of sections: no loader reads it, but a file that
 * is written from its beginning to its end has it last. True for other files.
 */
bool umh_image_has_sections(umh_bytes header, uint64_t file_bytes);

bool umh_image_is_managed(const umh_image *image);

/* What a native module must be for this program to load it. */
umh_image umh_image_native(void);

/* "64-bit x86 ELF shared object", "managed assembly (.NET)". Static text. */
const char *umh_image_describe(const umh_image *image);
