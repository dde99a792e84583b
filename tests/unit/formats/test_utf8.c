/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 against a plain reference: every pair of bytes, every edge of longer sequences, at every
 * alignment.
 */
#include "formats/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every value at which a rule for some byte changes, and its neighbours. */
static const uint8_t edges[] = {0x00, 0x01, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0,
                                0xA1, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
                                0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFE, 0xFF};

/* The definition, by code point. */
static bool is_valid_reference(const uint8_t *text, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t at = 0;

    while (at < size) {
        uint8_t lead = text[at];
        size_t length = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        uint32_t point = length == 1 ? lead : lead & (0x7Fu >> length);

        if (length == 0 || lead >= 0xF8 || length > size - at)
            return false;
        for (size_t i = 1; i < length; i++) {
            if ((text[at + i] & 0xC0) != 0x80)
                return false;
            point = point << 6 | (text[at + i] & 0x3F);
        }
        if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
            return false;
        at += length;
    }
    return true;
}

static void check(const uint8_t *text, size_t size)
{
    if (umh_utf8_is_valid(umh_bytes_of(text, size)) != is_valid_reference(text, size)) {
        print_error("%zu bytes, beginning %02x %02x %02x %02x\n", size, text[0],
                    size > 1 ? text[1] : 0, size > 2 ? text[2] : 0, size > 3 ? text[3] : 0);
        fail();
    }
}

static void test_accepts_nothing_and_nul(void **state)
{
    (void)state;
    assert_true(umh_utf8_is_valid(umh_bytes_of(NULL, 0)));
    assert_true(umh_utf8_is_valid(umh_bytes_of("", 1)));
    assert_true(umh_utf8_is_valid(umh_bytes_of("a\0b", 3)));
}

static void test_all_short_sequences(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 0x10000; value++) {
        uint8_t text[2] = {(uint8_t)(value >> 8), (uint8_t)value};

        check(text, 1);
        check(text, 2);
    }
}

static void test_all_three_byte_sequences(void **state)
{
    (void)state;
    for (unsigned value = 0xC00000; value < 0x1000000; value++) {
        uint8_t text[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

        check(text, 3);
    }
}

static void test_edges_of_four_byte_sequences(void **state)
{
    (void)state;
    for (unsigned lead = 0; lead < 256; lead++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t third = 0; third < UMH_COUNT_OF(edges); third++) {
                uint8_t text[4] = {(uint8_t)lead, (uint8_t)second, edges[third], 0};

                for (size_t fourth = 0; fourth < UMH_COUNT_OF(edges); fourth++) {
                    text[3] = edges[fourth];
                    check(text, 4);
                }
            }
        }
    }
}

/* Every code point, the surrogates too, written as if all were allowed. */
static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t point = 0x800; point < 0x110400; point++) {
        bool is_short = point < 0x10000;
        uint8_t text[4] = {(uint8_t)(0xF0 | point >> 18), (uint8_t)(0x80 | (point >> 12 & 0x3F)),
                           (uint8_t)(0x80 | (point >> 6 & 0x3F)), (uint8_t)(0x80 | (point & 0x3F))};
        bool is_valid = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);

        if (is_short)
            text[1] = (uint8_t)(0xE0 | point >> 12);
        assert_true(umh_utf8_is_valid(umh_bytes_of(is_short ? text + 1 : text, is_short ? 3 : 4)) ==
                    is_valid);
    }
}

/* A fragment at every place of texts of every length around the sizes of words and blocks. */
static void test_all_places_and_alignments(void **state)
{
    static const char *const fragments[] = {
        "\xC3\xA4",     "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xC3",     "\xE2\x82",
        "\xF0\x9F\x98", "\x80",         "\xED\xA0\x80",     "\xC0\xAF", "\xF4\x90\x80\x80",
        "\xFF",         "\xE0\x80\x80", "\xF0\x8F\xBF\xBF",
    };
    static const char *const fillings[] = {"a", "\xC3\xA4", "\xE2\x82\xAC"};
    uint8_t buffer[160];

    (void)state;
    for (size_t filling = 0; filling < UMH_COUNT_OF(fillings); filling++) {
        size_t width = strlen(fillings[filling]);

        for (size_t fragment = 0; fragment < UMH_COUNT_OF(fragments); fragment++) {
            size_t length = strlen(fragments[fragment]);

            for (size_t place = 0; place + length <= 140; place++) {
                for (size_t i = 0; i < sizeof buffer; i++)
                    buffer[i] = (uint8_t)fillings[filling][i % width];
                memcpy(buffer + place, fragments[fragment], length);
                for (size_t size = 1; size <= 140; size++)
                    check(buffer, size);
                for (size_t start = 1; start < 16; start++)
                    check(buffer + start, 100);
            }
        }
    }
}

/* On the heap and exactly as long as the text, so that a sanitizer sees a read behind it. */
static void test_reads_no_byte_outside(void **state)
{
    (void)state;
    for (size_t size = 1; size < 140; size++) {
        uint8_t *text = malloc(size);

        assert_non_null(text);
        memset(text, 'x', size);
        assert_true(umh_utf8_is_valid(umh_bytes_of(text, size)));
        text[size - 1] = 0xC3;
        assert_false(umh_utf8_is_valid(umh_bytes_of(text, size)));
        free(text);
    }
}

static void test_random_texts(void **state)
{
    uint64_t seed = 42;
    uint8_t text[96];

    (void)state;
    for (int round = 0; round < 300000; round++) {
        size_t size = 0;

        while (size < sizeof text - 4) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            if (seed >> 60 < 9) {
                text[size++] = (uint8_t)(seed >> 40 & 0x7F);
            } else if (seed >> 60 < 15) {
                memcpy(text + size, "\xE2\x82\xAC", 3);
                size += 3;
            } else {
                text[size++] = round % 4 ? 'x' : edges[(seed >> 32) % UMH_COUNT_OF(edges)];
            }
        }
        check(text, size);
    }
}

static void test_measures_the_first_character(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"a\xC3\xA4", 1},    {"\xC3\xA4z", 2}, {"\xE2\x82\xAC", 3}, {"\xF0\x9F\x98\x80z", 4},
        {"\xF0\x9F\x98", 0}, {"\x80z", 0},     {"\xC0\xAF", 0},     {"\xFFz", 0},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++)
        assert_int_equal(umh_utf8_measure(umh_bytes_of_text(rows[i].text)), rows[i].size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_nothing_and_nul),
        cmocka_unit_test(test_all_short_sequences),
        cmocka_unit_test(test_all_three_byte_sequences),
        cmocka_unit_test(test_edges_of_four_byte_sequences),
        cmocka_unit_test(test_all_code_points),
        cmocka_unit_test(test_all_places_and_alignments),
        cmocka_unit_test(test_reads_no_byte_outside),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_measures_the_first_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
