/* SPDX-License-Identifier: MIT */
/* Kinds of images, from headers made here field by field. */
#include "formats/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_BYTES 8192

static void put(uint8_t *at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Program headers: a whole PT_LOAD, then what the test adds. */
static void make_elf(uint8_t *file, int bits, unsigned type, unsigned machine)
{
    bool is_64 = bits == 64;
    size_t word = is_64 ? 8 : 4;

    memset(file, 0, FILE_BYTES);
    memcpy(file, "\177ELF", 4);
    file[4] = is_64 ? 2 : 1;
    file[5] = 1;
    put(file + 16, 2, type);
    put(file + 18, 2, machine);
    put(file + (is_64 ? 32 : 28), word, is_64 ? 64 : 52);
    put(file + (is_64 ? 54 : 42), 2, is_64 ? 56 : 32);
    put(file + (is_64 ? 56 : 44), 2, 0);
}

static uint8_t *add_segment(uint8_t *file, unsigned type, uint64_t at, uint64_t size)
{
    bool is_64 = file[4] == 2;
    uint8_t *count = file + (is_64 ? 56 : 44);
    uint8_t *segment = file + (is_64 ? 64 + 56 * *count : 52 + 32 * *count);

    put(segment, 4, type);
    put(segment + (is_64 ? 8 : 4), is_64 ? 8 : 4, at);
    put(segment + (is_64 ? 32 : 16), is_64 ? 8 : 4, size);
    ++*count;
    return segment;
}

static void put_tag(uint8_t *file, size_t at, uint64_t tag, uint64_t value)
{
    size_t word = file[4] == 2 ? 8 : 4;

    put(file + at, word, tag);
    put(file + at + word, word, value);
}

#define PE_AT 128

static void make_pe(uint8_t *file, int bits, unsigned machine, unsigned flags, bool is_managed)
{
    uint8_t *optional = file + PE_AT + 24;
    size_t directories = bits == 64 ? 112 : 96;

    memset(file, 0, FILE_BYTES);
    memcpy(file, "MZ", 2);
    put(file + 0x3C, 4, PE_AT);
    memcpy(file + PE_AT, "PE\0\0", 4);
    put(file + PE_AT + 4, 2, machine);
    put(file + PE_AT + 6, 2, 1);
    put(file + PE_AT + 20, 2, directories + 128);
    put(file + PE_AT + 22, 2, flags);
    put(optional, 2, bits == 64 ? 0x20B : 0x10B);
    put(optional + directories - 4, 4, 16);
    if (is_managed) {
        put(optional + directories + 14 * 8, 4, 0x2008);
        put(optional + directories + 14 * 8 + 4, 4, 72);
    }
    put(optional + directories + 128 + 16, 4, 0x1000); /* a section's size and place */
    put(optional + directories + 128 + 20, 4, 0x1000);
}

static umh_image decode(const uint8_t *file)
{
    return umh_image_decode(umh_bytes_of(file, UMH_IMAGE_HEADER_BYTES), FILE_BYTES);
}

#define assert_image(image, wanted_kind, wanted_machine, wanted_bits)                              \
    do {                                                                                           \
        umh_image found_ = (image);                                                                \
        assert_int_equal(found_.kind, wanted_kind);                                                \
        assert_int_equal(found_.machine, wanted_machine);                                          \
        assert_int_equal(found_.bits, wanted_bits);                                                \
    } while (0)

static void test_elf_kinds(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    for (int bits = 32; bits <= 64; bits += 32) {
        make_elf(file, bits, 3, 62);
        assert_image(decode(file), IMAGE_ELF_SHARED, MACHINE_X64, bits);
        add_segment(file, 1, 0, FILE_BYTES);
        assert_image(decode(file), IMAGE_ELF_SHARED, MACHINE_X64, bits);
        add_segment(file, 3, 0, 10);
        assert_image(decode(file), IMAGE_ELF_PROGRAM, MACHINE_X64, bits);
        make_elf(file, bits, 2, 3);
        assert_image(decode(file), IMAGE_ELF_PROGRAM, MACHINE_X86, bits);
        make_elf(file, bits, 1, 183); /* an object file */
        assert_image(decode(file), IMAGE_UNKNOWN, MACHINE_ARM64, bits);
        make_elf(file, bits, 4, 0xBEEF); /* a core file */
        assert_image(decode(file), IMAGE_UNKNOWN, MACHINE_OTHER, bits);
        assert_int_equal(decode(file).machine_code, 0xBEEF);
    }
    make_elf(file, 64, 3, 62);
    file[5] = 2;
    assert_image(decode(file), IMAGE_UNKNOWN, MACHINE_OTHER, 0);
    file[5] = 1;
    file[4] = 3;
    assert_image(decode(file), IMAGE_UNKNOWN, MACHINE_OTHER, 0);
}

/* The mark of the linker outweighs the interpreter, where it can be seen. */
static void test_elf_program_mark(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    for (int bits = 32; bits <= 64; bits += 32) {
        make_elf(file, bits, 3, 62);
        add_segment(file, 2, 1024, 256);
        put_tag(file, 1024, 5, 1);
        assert_int_equal(decode(file).kind, IMAGE_ELF_SHARED);
        add_segment(file, 3, 0, 10);
        assert_int_equal(decode(file).kind, IMAGE_ELF_SHARED); /* a library with an interpreter */
        put_tag(file, 1024 + bits / 4, 0x6FFFFFFB, 0x08000001);
        assert_int_equal(decode(file).kind, IMAGE_ELF_PROGRAM);
        put_tag(file, 1024 + bits / 4, 0x6FFFFFFB, 0x1);
        assert_int_equal(decode(file).kind, IMAGE_ELF_SHARED);
        put_tag(file, 1024 + bits / 4, 0, 0);
        put_tag(file, 1024 + bits / 2, 0x6FFFFFFB, 0x08000000);
        assert_int_equal(decode(file).kind, IMAGE_ELF_SHARED); /* behind the end */

        make_elf(file, bits, 3, 62);
        add_segment(file, 2, 5000, 256);
        add_segment(file, 3, 0, 10);
        assert_int_equal(decode(file).kind, IMAGE_ELF_PROGRAM); /* out of sight */
        put_tag(file, 5000, 5, 1);
        assert_int_equal(umh_image_decode(umh_bytes_of(file, FILE_BYTES), FILE_BYTES).kind,
                         IMAGE_ELF_SHARED); /* the whole file is exact */
    }
}

static void test_elf_truncated(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    for (int bits = 32; bits <= 64; bits += 32) {
        make_elf(file, bits, 3, 62);
        add_segment(file, 1, 0, FILE_BYTES + 1);
        assert_int_equal(decode(file).kind, IMAGE_TRUNCATED);
        add_segment(file, 1, UINT64_MAX, UINT64_MAX); /* a sum that overflows */
        assert_int_equal(decode(file).kind, IMAGE_TRUNCATED);
        make_elf(file, bits, 3, 62);
        put(file + (bits == 64 ? 32 : 28), 4, FILE_BYTES - 10);
        file[bits == 64 ? 56 : 44] = 1;
        assert_int_equal(decode(file).kind, IMAGE_TRUNCATED);
        put(file + (bits == 64 ? 32 : 28), 4, 5000);
        assert_int_equal(decode(file).kind, IMAGE_ELF_SHARED); /* moved to where it is not seen */
        file[bits == 64 ? 54 : 42] = 1;
        assert_int_equal(decode(file).kind, IMAGE_UNKNOWN);
    }
}

/* The table that no loader reads, but that is written last. */
static void test_elf_sections(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    for (int bits = 32; bits <= 64; bits += 32) {
        size_t word = (size_t)bits / 8;
        uint8_t *table = file + (bits == 64 ? 40 : 32);
        uint8_t *entry_bytes = file + (bits == 64 ? 58 : 46);

        make_elf(file, bits, 3, 62);
        assert_true(umh_image_has_sections(umh_bytes_of(file, 4096), FILE_BYTES));
        put(table, word, FILE_BYTES - 640);
        put(entry_bytes, 2, 64);
        put(entry_bytes + 2, 2, 10);
        assert_true(umh_image_has_sections(umh_bytes_of(file, 4096), FILE_BYTES));
        assert_false(umh_image_has_sections(umh_bytes_of(file, 4096), FILE_BYTES - 1));
        put(entry_bytes + 2, 2, 11);
        assert_false(umh_image_has_sections(umh_bytes_of(file, 4096), FILE_BYTES));
        put(table, word, UINT64_MAX);
        assert_false(umh_image_has_sections(umh_bytes_of(file, 4096), FILE_BYTES));
        assert_false(umh_image_has_sections(umh_bytes_of(file, 20), 20));
    }
    assert_true(umh_image_has_sections(umh_bytes_of_text("MZ"), 2));
    assert_true(umh_image_has_sections(umh_bytes_of_text(""), 0));
}

static void test_pe_kinds(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    make_pe(file, 64, 0x8664, 0x2022, false);
    assert_image(decode(file), IMAGE_PE_SHARED, MACHINE_X64, 64);
    make_pe(file, 64, 0x8664, 0x0022, false);
    assert_image(decode(file), IMAGE_PE_PROGRAM, MACHINE_X64, 64);
    make_pe(file, 32, 0x014C, 0x2102, false);
    assert_image(decode(file), IMAGE_PE_SHARED, MACHINE_X86, 32);
    make_pe(file, 64, 0xAA64, 0x2022, false);
    assert_image(decode(file), IMAGE_PE_SHARED, MACHINE_ARM64, 64);
    make_pe(file, 64, 0x1234, 0x2022, false);
    assert_image(decode(file), IMAGE_PE_SHARED, MACHINE_OTHER, 64);
    assert_int_equal(decode(file).machine_code, 0x1234);
    make_pe(file, 64, 0x8664, 0x2020, false); /* not executable: an object */
    assert_int_equal(decode(file).kind, IMAGE_UNKNOWN);
    make_pe(file, 64, 0x8664, 0x2022, false);
    put(file + PE_AT + 24, 2, 0x107); /* a ROM image */
    assert_int_equal(decode(file).kind, IMAGE_UNKNOWN);
}

static void test_cli_kinds(void **state)
{
    static const uint16_t systems[] = {0, 0x7B79, 0x4644, 0xADC4, 0x1993, 0x1992};
    static uint8_t file[FILE_BYTES];

    (void)state;
    make_pe(file, 32, 0x014C, 0x2102, true);
    assert_image(decode(file), IMAGE_CLI_SHARED, MACHINE_ANY, 0);
    make_pe(file, 32, 0x014C, 0x0102, true);
    assert_image(decode(file), IMAGE_CLI_PROGRAM, MACHINE_ANY, 0);
    for (size_t i = 0; i < UMH_COUNT_OF(systems); i++) {
        make_pe(file, 64, 0x8664 ^ systems[i], 0x2022, true);
        assert_image(decode(file), IMAGE_CLI_SHARED, MACHINE_X64, 64);
        make_pe(file, 64, 0xAA64 ^ systems[i], 0x0022, true);
        assert_image(decode(file), IMAGE_CLI_PROGRAM, MACHINE_ARM64, 64);
    }
    make_pe(file, 32, 0x014C ^ 0x7B79, 0x2022, true);
    assert_image(decode(file), IMAGE_CLI_SHARED, MACHINE_X86, 32);
    make_pe(file, 32, 0x01C4, 0x2022, true);
    assert_image(decode(file), IMAGE_CLI_SHARED, MACHINE_OTHER, 32);

    /* No directory 14, by either count. */
    make_pe(file, 32, 0x014C, 0x2102, true);
    put(file + PE_AT + 24 + 92, 4, 14);
    assert_int_equal(decode(file).kind, IMAGE_PE_SHARED);
    make_pe(file, 32, 0x014C, 0x2102, true);
    put(file + PE_AT + 6, 2, 0);
    put(file + PE_AT + 20, 2, 96 + 14 * 8 + 7);
    assert_int_equal(decode(file).kind, IMAGE_PE_SHARED);
}

static void test_pe_places(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    make_pe(file, 64, 0x8664, 0x2022, false);
    put(file + 0x3C, 4, FILE_BYTES - 8);
    assert_int_equal(decode(file).kind, IMAGE_TRUNCATED);
    put(file + 0x3C, 4, 5000);
    assert_int_equal(decode(file).kind, IMAGE_UNKNOWN);
    put(file + 0x3C, 4, 0xFFFFFFFF);
    assert_int_equal(decode(file).kind, IMAGE_TRUNCATED);
    put(file + 0x3C, 4, PE_AT + 1);
    assert_int_equal(decode(file).kind, IMAGE_UNKNOWN);
    make_pe(file, 64, 0x8664, 0x2022, false);
    put(file + PE_AT + 24 + 112 + 128 + 20, 4, FILE_BYTES - 0xFFF);
    assert_int_equal(decode(file).kind, IMAGE_TRUNCATED); /* a section ends too late */
    put(file + PE_AT + 24 + 112 + 128 + 20, 4, FILE_BYTES - 0x1000);
    assert_int_equal(decode(file).kind, IMAGE_PE_SHARED);
    put(file + PE_AT + 20, 2, 0);
    assert_int_equal(decode(file).kind, IMAGE_UNKNOWN);
    put(file + PE_AT + 20, 2, 0xFFFF);
    assert_int_equal(decode(file).kind, IMAGE_TRUNCATED);
}

static void test_other_files(void **state)
{
    static const char *const texts[] = {"", "M", "\177EL", "#!/bin/sh\n", "{}", "!<arch>\n"};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++) {
        umh_bytes text = umh_bytes_of_text(texts[i]);

        assert_image(umh_image_decode(text, text.size), IMAGE_UNKNOWN, MACHINE_OTHER, 0);
    }
    assert_int_equal(umh_image_decode(umh_bytes_of_text("MZ"), 2).kind, IMAGE_TRUNCATED);
    assert_int_equal(umh_image_decode(umh_bytes_of_text("\177ELF"), 4).kind, IMAGE_TRUNCATED);
    assert_image(umh_image_decode(umh_bytes_of(NULL, 0), 0), IMAGE_UNKNOWN, MACHINE_OTHER, 0);
}

/*
 * Every beginning of an image, on the heap, as a file that is that short: cut off, and nothing
 * behind it is read.
 */
static void test_every_beginning_is_truncated(void **state)
{
    static uint8_t file[FILE_BYTES];

    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            make_pe(file, 64, 0x8664, 0x2022, true);
        else
            make_elf(file, kind == 1 ? 32 : 64, 3, 62);
        if (kind)
            add_segment(file, 1, 0, FILE_BYTES);
        for (size_t size = 4; size < 1500; size++) {
            uint8_t *cut = malloc(size);

            assert_non_null(cut);
            memcpy(cut, file, size);
            assert_int_equal(umh_image_decode(umh_bytes_of(cut, size), size).kind, IMAGE_TRUNCATED);
            free(cut);
        }
    }
}

static void test_describes(void **state)
{
    static const struct {
        umh_image image;
        const char *text;
    } rows[] = {
        {{IMAGE_ELF_SHARED, MACHINE_X64, 64, 62}, "64-bit x86 ELF shared object"},
        {{IMAGE_ELF_SHARED, MACHINE_X86, 32, 3}, "32-bit x86 ELF shared object"},
        {{IMAGE_ELF_PROGRAM, MACHINE_ARM64, 64, 183}, "64-bit ARM ELF program"},
        {{IMAGE_ELF_SHARED, MACHINE_X64, 32, 62}, "ELF shared object for another machine"},
        {{IMAGE_PE_SHARED, MACHINE_X64, 64, 0x8664}, "64-bit x86 Windows DLL"},
        {{IMAGE_CLI_SHARED, MACHINE_ANY, 0, 0x14C}, "managed assembly (.NET)"},
        {{IMAGE_CLI_PROGRAM, MACHINE_X64, 64, 0xFD1D}, "managed program (.NET, 64-bit x86)"},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++)
        assert_string_equal(umh_image_describe(&rows[i].image), rows[i].text);
    for (int kind = IMAGE_UNKNOWN; kind <= IMAGE_CLI_PROGRAM; kind++) {
        for (int machine = MACHINE_OTHER; machine <= MACHINE_ANY; machine++) {
            umh_image image = {(umh_image_kind)kind, (umh_image_machine)machine, 64, 0};

            assert_true(strlen(umh_image_describe(&image)) > 0);
        }
    }
}

/* This test itself is a program, whatever the linker made of it. */
static void test_a_real_file(void **state)
{
    static uint8_t header[UMH_IMAGE_HEADER_BYTES];
    const char *path = *state;
    FILE *file = fopen(path, "rb");
    umh_image image;
    size_t size;

    assert_non_null(file);
    size = fread(header, 1, sizeof header, file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    image = umh_image_decode(umh_bytes_of(header, size), (uint64_t)ftell(file));
    fclose(file);
    assert_true(image.kind == IMAGE_ELF_PROGRAM || image.kind == IMAGE_PE_PROGRAM);
    assert_int_equal(image.bits, 8 * sizeof(void *));
}

static void test_knows_what_it_can_load(void **state)
{
    static const umh_image_kind managed[] = {IMAGE_CLI_SHARED, IMAGE_CLI_PROGRAM};
    umh_image image = umh_image_native();

    (void)state;
    assert_int_equal(image.bits, sizeof(void *) * 8);
    assert_true(image.kind == IMAGE_ELF_SHARED || image.kind == IMAGE_PE_SHARED);
    assert_int_not_equal(image.machine, MACHINE_ANY);
    assert_false(umh_image_is_managed(&image));
    for (size_t i = 0; i < UMH_COUNT_OF(managed); i++) {
        image.kind = managed[i];
        assert_true(umh_image_is_managed(&image));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf_kinds),
        cmocka_unit_test(test_elf_program_mark),
        cmocka_unit_test(test_elf_truncated),
        cmocka_unit_test(test_elf_sections),
        cmocka_unit_test(test_pe_kinds),
        cmocka_unit_test(test_cli_kinds),
        cmocka_unit_test(test_pe_places),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_every_beginning_is_truncated),
        cmocka_unit_test(test_describes),
        cmocka_unit_test_prestate(test_a_real_file, argv[0]),
        cmocka_unit_test(test_knows_what_it_can_load),
    };

    (void)argc;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
