/* SPDX-License-Identifier: MIT */
/*
 * What kind of module a file is: just enough of ELF, PE and the CLI header's presence, from
 * untrusted bytes.
 */
#include "formats/image.h"

#include <string.h>

/* ELF, System V gABI and the x86-64 psABI. */
#define ELF_IDENT_BYTES 16
#define ELF_CLASS_32 1
#define ELF_CLASS_64 2
#define ELF_LITTLE_ENDIAN 1
#define ELF_TYPE_PROGRAM 2
#define ELF_TYPE_DYNAMIC 3
#define ELF_SEGMENT_LOAD 1
#define ELF_SEGMENT_DYNAMIC 2
#define ELF_SEGMENT_INTERPRETER 3
#define ELF_TAG_END 0
#define ELF_TAG_FLAGS_1 0x6FFFFFFBu
#define ELF_FLAG_1_PIE 0x08000000u

/* PE/COFF, and ECMA-335 II.25 for the CLI. */
#define PE_DOS_HEADER_BYTES 64
#define PE_OFFSET_AT 0x3C
#define PE_HEADER_BYTES 24
#define PE_EXECUTABLE 0x0002u
#define PE_DLL 0x2000u
#define PE_MAGIC_32 0x10B
#define PE_MAGIC_64 0x20B
#define PE_DIRECTORY_BYTES 8
#define PE_DIRECTORY_CLI 14
#define PE_SECTION_BYTES 40

typedef struct elf_layout {
    size_t header_bytes;
    size_t table_at; /* of the offset of the program headers */
    size_t entry_bytes_at;
    size_t count_at;
    size_t word_bytes;
    size_t segment_bytes;
    size_t offset_at; /* within a program header */
    size_t size_at;
    size_t sections_at; /* of the offset of the section headers */
    size_t section_bytes_at;
    size_t section_count_at;
} elf_layout;

static const elf_layout elf_32 = {52, 28, 42, 44, 4, 32, 4, 16, 32, 46, 48};
static const elf_layout elf_64 = {64, 32, 54, 56, 8, 56, 8, 32, 40, 58, 60};

typedef struct image_source {
    umh_bytes header;
    uint64_t file_bytes;
} image_source;

/* What a range of the file means for deciding: at hand, or what the image is without it. */
typedef enum range_state { RANGE_SEEN, RANGE_BEYOND_HEADER, RANGE_BEYOND_FILE } range_state;

static uint64_t read_number(umh_bytes header, size_t at, size_t size)
{
    uint64_t value = 0;

    umh_assert(at <= header.size && size <= header.size - at);
    for (size_t i = size; i > 0; i--)
        value = value << 8 | header.data[at + i - 1];
    return value;
}

static uint16_t read_16(umh_bytes header, size_t at)
{
    return (uint16_t)read_number(header, at, 2);
}

static uint32_t read_32(umh_bytes header, size_t at)
{
    return (uint32_t)read_number(header, at, 4);
}

static range_state find_range(const image_source *source, uint64_t at, uint64_t size)
{
    if (at > source->file_bytes || size > source->file_bytes - at)
        return RANGE_BEYOND_FILE;
    if (at > source->header.size || size > source->header.size - at)
        return RANGE_BEYOND_HEADER;
    return RANGE_SEEN;
}

static umh_image_kind kind_without(range_state state)
{
    return state == RANGE_BEYOND_FILE ? IMAGE_TRUNCATED : IMAGE_UNKNOWN;
}

static umh_image_machine elf_machine(uint16_t code)
{
    switch (code) {
    case 3:
        return MACHINE_X86;
    case 62:
        return MACHINE_X64;
    case 183:
        return MACHINE_ARM64;
    default:
        return MACHINE_OTHER;
    }
}

typedef enum pie_mark { PIE_UNSEEN, PIE_ABSENT, PIE_PRESENT } pie_mark;

/* The linker's own word on whether this is a program. It often lies behind the header bytes. */
static pie_mark find_pie_mark(umh_bytes header, const elf_layout *layout, uint64_t at,
                              uint64_t size)
{
    size_t entry_bytes = 2 * layout->word_bytes;

    for (uint64_t used = 0; used + entry_bytes <= size; used += entry_bytes) {
        uint64_t tag;
        uint64_t value;

        if (at + used > header.size || entry_bytes > header.size - (at + used))
            return PIE_UNSEEN;
        tag = read_number(header, (size_t)(at + used), layout->word_bytes);
        value = read_number(header, (size_t)(at + used) + layout->word_bytes, layout->word_bytes);
        if (tag == ELF_TAG_FLAGS_1)
            return value & ELF_FLAG_1_PIE ? PIE_PRESENT : PIE_ABSENT;
        if (tag == ELF_TAG_END)
            break;
    }
    return PIE_ABSENT;
}

/*
 * Shared object or position-independent program? A shared object may name an interpreter too
 * (libc.so.6 does), so the mark in the dynamic section decides where it can be seen: always for a
 * caller that passes the whole file, seldom within the header bytes. A segment that ends behind the
 * file would be a SIGBUS when it is mapped.
 */
static umh_image_kind decode_dynamic(const image_source *source, const elf_layout *layout)
{
    umh_bytes header = source->header;
    uint64_t table = read_number(header, layout->table_at, layout->word_bytes);
    size_t count = read_16(header, layout->count_at);
    range_state state = find_range(source, table, (uint64_t)count * layout->segment_bytes);
    bool has_interpreter = false;
    pie_mark mark = PIE_UNSEEN;

    if (count && read_16(header, layout->entry_bytes_at) != layout->segment_bytes)
        return IMAGE_UNKNOWN;
    if (state == RANGE_BEYOND_FILE)
        return IMAGE_TRUNCATED;
    /* Moved there by a tool that edits images; the loader refuses programs too. */
    if (state == RANGE_BEYOND_HEADER)
        return IMAGE_ELF_SHARED;

    for (size_t i = 0; i < count; i++) {
        size_t segment = (size_t)table + i * layout->segment_bytes;
        uint32_t type = read_32(header, segment);
        uint64_t at = read_number(header, segment + layout->offset_at, layout->word_bytes);
        uint64_t size = read_number(header, segment + layout->size_at, layout->word_bytes);
        bool is_whole = find_range(source, at, size) != RANGE_BEYOND_FILE;

        if (type == ELF_SEGMENT_LOAD && !is_whole)
            return IMAGE_TRUNCATED;
        if (type == ELF_SEGMENT_INTERPRETER)
            has_interpreter = true;
        if (type == ELF_SEGMENT_DYNAMIC && is_whole)
            mark = find_pie_mark(header, layout, at, size);
    }
    if (mark == PIE_UNSEEN)
        return has_interpreter ? IMAGE_ELF_PROGRAM : IMAGE_ELF_SHARED;
    return mark == PIE_PRESENT ? IMAGE_ELF_PROGRAM : IMAGE_ELF_SHARED;
}

bool umh_image_has_sections(umh_bytes header, uint64_t file_bytes)
{
    const image_source source = {.header = header, .file_bytes = file_bytes};
    const elf_layout *layout;
    uint64_t table;

    if (header.size < ELF_IDENT_BYTES || memcmp(header.data, "\177ELF", 4) != 0)
        return true;
    layout = header.data[4] == ELF_CLASS_64 ? &elf_64 : &elf_32;
    if (header.size < layout->header_bytes)
        return false;
    table = read_number(header, layout->sections_at, layout->word_bytes);
    if (table == 0)
        return true; /* stripped of it */
    return find_range(&source, table,
                      (uint64_t)read_16(header, layout->section_bytes_at) *
                          read_16(header, layout->section_count_at)) != RANGE_BEYOND_FILE;
}

static umh_image decode_elf(const image_source *source)
{
    umh_bytes header = source->header;
    umh_image image = {.kind = IMAGE_UNKNOWN};
    const elf_layout *layout;
    range_state state = find_range(source, 0, ELF_IDENT_BYTES);

    if (state != RANGE_SEEN) {
        image.kind = kind_without(state);
        return image;
    }
    if (header.data[5] != ELF_LITTLE_ENDIAN ||
        (header.data[4] != ELF_CLASS_32 && header.data[4] != ELF_CLASS_64))
        return image;
    layout = header.data[4] == ELF_CLASS_64 ? &elf_64 : &elf_32;
    state = find_range(source, 0, layout->header_bytes);
    if (state != RANGE_SEEN) {
        image.kind = kind_without(state);
        return image;
    }

    image.machine_code = read_16(header, 18);
    image.machine = elf_machine(image.machine_code);
    image.bits = (int)layout->word_bytes * 8;
    if (read_16(header, 16) == ELF_TYPE_DYNAMIC)
        image.kind = decode_dynamic(source, layout);
    else if (read_16(header, 16) == ELF_TYPE_PROGRAM)
        image.kind = IMAGE_ELF_PROGRAM;
    return image;
}

static umh_image_machine pe_machine(uint16_t code)
{
    switch (code) {
    case 0x014C:
        return MACHINE_X86;
    case 0x8664:
        return MACHINE_X64;
    case 0xAA64:
        return MACHINE_ARM64;
    default:
        return MACHINE_OTHER;
    }
}

/*
 * Managed code that was compiled ahead (ReadyToRun) carries the machine combined with a number of
 * the operating system. IL that runs anywhere says i386; that it must not run as 64 bits stands in
 * the CLI header only, which the runtime reads.
 */
static void decode_cli_machine(umh_image *image)
{
    static const uint16_t systems[] = {
        0x0000, /* Windows */
        0x7B79, /* Linux */
        0x4644, /* Apple */
        0xADC4, /* FreeBSD */
        0x1993, /* NetBSD */
        0x1992, /* SunOS */
    };

    image->machine = MACHINE_OTHER;
    for (size_t i = 0; i < UMH_COUNT_OF(systems) && image->machine == MACHINE_OTHER; i++)
        image->machine = pe_machine(image->machine_code ^ systems[i]);
    if (image->machine_code == 0x014C && image->bits == 32) {
        image->machine = MACHINE_ANY;
        image->bits = 0;
    }
}

static bool has_cli_directory(umh_bytes header, size_t optional, size_t optional_bytes, bool is_64)
{
    size_t count_at = is_64 ? 108 : 92;
    size_t entry = count_at + 4 + PE_DIRECTORY_CLI * PE_DIRECTORY_BYTES;

    return optional_bytes >= entry + PE_DIRECTORY_BYTES &&
           read_32(header, optional + count_at) > PE_DIRECTORY_CLI &&
           read_32(header, optional + entry) != 0 && read_32(header, optional + entry + 4) != 0;
}

/* Whether the sections that can be seen end within the file. */
static bool has_whole_sections(const image_source *source, size_t table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t section = table + i * PE_SECTION_BYTES;
        range_state state = find_range(source, section, PE_SECTION_BYTES);

        if (state == RANGE_BEYOND_HEADER)
            return true;
        if (state == RANGE_BEYOND_FILE)
            return false;
        state = find_range(source, read_32(source->header, section + 20),
                           read_32(source->header, section + 16));
        if (state == RANGE_BEYOND_FILE)
            return false;
    }
    return true;
}

static void decode_optional(const image_source *source, size_t pe, umh_image *image)
{
    umh_bytes header = source->header;
    size_t optional = pe + PE_HEADER_BYTES;
    size_t optional_bytes = read_16(header, pe + 20);
    uint16_t flags = read_16(header, pe + 22);
    range_state state = find_range(source, optional, optional_bytes);
    uint16_t magic;

    if (state != RANGE_SEEN || optional_bytes < 2) {
        image->kind = kind_without(state);
        return;
    }
    magic = read_16(header, optional);
    if ((magic != PE_MAGIC_32 && magic != PE_MAGIC_64) || !(flags & PE_EXECUTABLE))
        return;
    image->bits = magic == PE_MAGIC_64 ? 64 : 32;
    image->machine = pe_machine(image->machine_code);
    if (!has_whole_sections(source, optional + optional_bytes, read_16(header, pe + 6))) {
        image->kind = IMAGE_TRUNCATED;
        return;
    }
    if (has_cli_directory(header, optional, optional_bytes, magic == PE_MAGIC_64)) {
        decode_cli_machine(image);
        image->kind = flags & PE_DLL ? IMAGE_CLI_SHARED : IMAGE_CLI_PROGRAM;
        return;
    }
    image->kind = flags & PE_DLL ? IMAGE_PE_SHARED : IMAGE_PE_PROGRAM;
}

static umh_image decode_pe(const image_source *source)
{
    umh_image image = {.kind = IMAGE_UNKNOWN};
    range_state state = find_range(source, 0, PE_DOS_HEADER_BYTES);
    uint64_t pe;

    if (state != RANGE_SEEN) {
        image.kind = kind_without(state);
        return image;
    }
    pe = read_32(source->header, PE_OFFSET_AT);
    state = find_range(source, pe, PE_HEADER_BYTES);
    if (state != RANGE_SEEN) {
        image.kind = kind_without(state);
        return image;
    }
    if (memcmp(source->header.data + pe, "PE\0\0", 4) != 0)
        return image; /* a DOS program */
    image.machine_code = read_16(source->header, (size_t)pe + 4);
    decode_optional(source, (size_t)pe, &image);
    return image;
}

umh_image umh_image_decode(umh_bytes header, uint64_t file_bytes)
{
    image_source source = {.header = header, .file_bytes = file_bytes};

    /* A caller that holds the whole file may have measured it before it grew. */
    if (source.file_bytes < header.size)
        source.file_bytes = header.size;
    if (header.size >= 4 && memcmp(header.data, "\177ELF", 4) == 0)
        return decode_elf(&source);
    if (header.size >= 2 && memcmp(header.data, "MZ", 2) == 0)
        return decode_pe(&source);
    return (umh_image){.kind = IMAGE_UNKNOWN};
}

bool umh_image_is_managed(const umh_image *image)
{
    return image->kind == IMAGE_CLI_SHARED || image->kind == IMAGE_CLI_PROGRAM;
}

/* The compiler knows its target; nothing else needs to. */
umh_image umh_image_native(void)
{
#if defined(__ELF__)
    umh_image image = {.kind = IMAGE_ELF_SHARED, .bits = (int)sizeof(void *) * 8};
#else
    umh_image image = {.kind = IMAGE_PE_SHARED, .bits = (int)sizeof(void *) * 8};
#endif

#if defined(__x86_64__)
    image.machine = MACHINE_X64;
#elif defined(__i386__)
    image.machine = MACHINE_X86;
#elif defined(__aarch64__)
    image.machine = MACHINE_ARM64;
#else
    image.machine = MACHINE_OTHER;
#endif
    return image;
}

/* One text for each machine a native image can be for. */
#define NATIVE_TEXTS(what)                                                                         \
    {                                                                                              \
        "32-bit x86 " what, "64-bit x86 " what, "64-bit ARM " what, what " for another machine"    \
    }

static size_t native_column(const umh_image *image)
{
    if (image->machine == MACHINE_X86 && image->bits == 32)
        return 0;
    if (image->machine == MACHINE_X64 && image->bits == 64)
        return 1;
    if (image->machine == MACHINE_ARM64 && image->bits == 64)
        return 2;
    return 3;
}

static const char *describe_managed(const umh_image *image)
{
    bool is_program = image->kind == IMAGE_CLI_PROGRAM;

    switch (image->machine) {
    case MACHINE_ANY:
        return is_program ? "managed program (.NET)" : "managed assembly (.NET)";
    case MACHINE_X86:
        return is_program ? "managed program (.NET, 32-bit x86)"
                          : "managed assembly (.NET, 32-bit x86)";
    case MACHINE_X64:
        return is_program ? "managed program (.NET, 64-bit x86)"
                          : "managed assembly (.NET, 64-bit x86)";
    case MACHINE_ARM64:
        return is_program ? "managed program (.NET, 64-bit ARM)"
                          : "managed assembly (.NET, 64-bit ARM)";
    case MACHINE_OTHER:
        break;
    }
    return is_program ? "managed program (.NET, another machine)"
                      : "managed assembly (.NET, another machine)";
}

const char *umh_image_describe(const umh_image *image)
{
    static const char *const elf_shared[] = NATIVE_TEXTS("ELF shared object");
    static const char *const elf_program[] = NATIVE_TEXTS("ELF program");
    static const char *const pe_shared[] = NATIVE_TEXTS("Windows DLL");
    static const char *const pe_program[] = NATIVE_TEXTS("Windows program");

    switch (image->kind) {
    case IMAGE_TRUNCATED:
        return "image that is cut off";
    case IMAGE_ELF_SHARED:
        return elf_shared[native_column(image)];
    case IMAGE_ELF_PROGRAM:
        return elf_program[native_column(image)];
    case IMAGE_PE_SHARED:
        return pe_shared[native_column(image)];
    case IMAGE_PE_PROGRAM:
        return pe_program[native_column(image)];
    case IMAGE_CLI_SHARED:
    case IMAGE_CLI_PROGRAM:
        return describe_managed(image);
    case IMAGE_UNKNOWN:
        break;
    }
    return "file of another kind (no ELF, no PE)";
}
