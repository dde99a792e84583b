/* SPDX-License-Identifier: MIT */
/*
 * Which symbols a shared object defines: small ones that a linker made, of both classes and both
 * kinds of hash table, and what is left of them when bytes are cut off or changed.
 */
#include "formats/elf_symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FILE_BYTES_MAX 4096

/* Each defines umh_module_entry and x, and needs `other`. */
static const char *const names[] = {"gnu_64", "gnu_32", "sysv_64"};

typedef struct elf_file {
    uint8_t data[FILE_BYTES_MAX];
    size_t size;
} elf_file;

static void read_object(const char *name, elf_file *ret_object)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, UMH_SOURCE_FOLDER "/tests/fuzz/corpus/elf_symbols/%s", name);
    file = fopen(path, "rb");
    assert_non_null(file);
    ret_object->size = fread(ret_object->data, 1, sizeof ret_object->data, file);
    fclose(file);
    assert_in_range(ret_object->size, 1000, sizeof ret_object->data - 1);
}

static umh_elf_symbol find(const elf_file *from, size_t size, const char *name)
{
    return umh_elf_find_symbol(umh_bytes_of(from->data, size), name);
}

static void test_finds_what_is_defined(void **state)
{
    elf_file object;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(names); i++) {
        read_object(names[i], &object);
        assert_int_equal(find(&object, object.size, "umh_module_entry"), ELF_SYMBOL_DEFINED);
        assert_int_equal(find(&object, object.size, "x"), ELF_SYMBOL_DEFINED);
    }
}

static void test_misses_what_is_not(void **state)
{
    elf_file object;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(names); i++) {
        read_object(names[i], &object);
        assert_int_equal(find(&object, object.size, "umh_module_entr"), ELF_SYMBOL_MISSING);
        assert_int_equal(find(&object, object.size, "umh_module_entry2"), ELF_SYMBOL_MISSING);
        assert_int_equal(find(&object, object.size, ""), ELF_SYMBOL_MISSING);
        /* It needs this one from elsewhere. */
        assert_int_equal(find(&object, object.size, "other"), ELF_SYMBOL_MISSING);
    }
}

static void test_knows_nothing_of_other_files(void **state)
{
    elf_file object = {.size = 128};

    (void)state;
    assert_int_equal(find(&object, 0, "x"), ELF_SYMBOL_UNKNOWN);
    assert_int_equal(find(&object, object.size, "x"), ELF_SYMBOL_UNKNOWN);
    memcpy(object.data, "MZ", 2);
    assert_int_equal(find(&object, object.size, "x"), ELF_SYMBOL_UNKNOWN);
    memcpy(object.data, "\177ELF\2\2", 6); /* big endian */
    assert_int_equal(find(&object, object.size, "x"), ELF_SYMBOL_UNKNOWN);
}

static void test_survives_any_cut(void **state)
{
    elf_file object;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(names); i++) {
        read_object(names[i], &object);
        for (size_t size = 0; size < object.size; size++)
            assert_in_range(find(&object, size, "umh_module_entry"), ELF_SYMBOL_DEFINED,
                            ELF_SYMBOL_UNKNOWN);
        assert_int_equal(find(&object, 100, "umh_module_entry"), ELF_SYMBOL_UNKNOWN);
    }
}

static void test_survives_any_changed_byte(void **state)
{
    elf_file object;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(names); i++) {
        read_object(names[i], &object);
        for (size_t at = 0; at < object.size; at++) {
            uint8_t before = object.data[at];

            object.data[at] = 0xFF;
            assert_in_range(find(&object, object.size, "umh_module_entry"), ELF_SYMBOL_DEFINED,
                            ELF_SYMBOL_UNKNOWN);
            object.data[at] = before;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_is_defined),
        cmocka_unit_test(test_misses_what_is_not),
        cmocka_unit_test(test_knows_nothing_of_other_files),
        cmocka_unit_test(test_survives_any_cut),
        cmocka_unit_test(test_survives_any_changed_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
