/* SPDX-License-Identifier: MIT */
/* GUIDs between text and bytes. */
#include "formats/guid.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT "6ba7b810-9dad-11d1-80b4-00c04fd430c8" /* the name space of DNS names, RFC 9562 */

static const umh_guid dns = {{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00,
                              0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

static void test_decodes_all_spellings(void **state)
{
    static const char *const texts[] = {TEXT, "{" TEXT "}", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
                                        "{6Ba7B810-9dAD-11d1-80B4-00c04Fd430C8}"};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++) {
        umh_guid guid = {{0}};

        assert_int_equal(umh_guid_decode(umh_bytes_of_text(texts[i]), &guid), 0);
        assert_true(umh_guid_is_equal(&guid, &dns));
    }
}

static void test_rejects_other_texts(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "-",
        "x" TEXT,
        TEXT "x",
        " " TEXT,
        "{" TEXT,
        TEXT "}",
        "(" TEXT ")",
        "{" TEXT "]",
        "6ba7b8109dad11d180b400c04fd430c8",
        "6ba7b810-9dad-11d1-80b400c04-fd430c8",
        "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c",
        "6ba7b810:9dad-11d1-80b4-00c04fd430c8",
        "6ba7b810-9dad-11d1-80b4-00c04fd4 0c8",
    };
    umh_guid guid = dns;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++)
        assert_int_equal(umh_guid_decode(umh_bytes_of_text(texts[i]), &guid), UMH_GUID_BAD_TEXT);
    assert_int_equal(umh_guid_decode(umh_bytes_of(NULL, 0), &guid), UMH_GUID_BAD_TEXT);
    assert_true(umh_guid_is_equal(&guid, &dns)); /* written only on success */
}

/* Each of the 36 characters is needed, and no other is taken in its place. */
static void test_rejects_each_wrong_character(void **state)
{
    (void)state;
    for (size_t place = 0; place < UMH_GUID_TEXT_BYTES - 1; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[] = TEXT;
            umh_guid guid;
            bool is_good = TEXT[place] == '-' ? byte == '-' : isxdigit(byte) != 0;

            text[place] = (char)byte;
            assert_int_equal(umh_guid_decode(umh_bytes_of(text, sizeof text - 1), &guid),
                             is_good ? 0 : UMH_GUID_BAD_TEXT);
        }
    }
}

static void test_encodes_lower_case(void **state)
{
    char text[UMH_GUID_TEXT_BYTES];

    (void)state;
    memset(text, 'x', sizeof text);
    umh_guid_encode(&dns, text);
    assert_string_equal(text, TEXT);
}

static void test_compares_every_byte(void **state)
{
    static const umh_guid null_guid;

    (void)state;
    assert_true(umh_guid_is_null(&null_guid));
    for (size_t i = 0; i < sizeof dns.bytes; i++) {
        umh_guid other = dns;
        umh_guid single = null_guid;

        other.bytes[i] ^= 1;
        single.bytes[i] = 0x80;
        assert_false(umh_guid_is_equal(&dns, &other));
        assert_false(umh_guid_is_null(&single));
        assert_true(umh_guid_hash(&dns) != umh_guid_hash(&other));
    }
}

/* GUIDs that count up in one place must not fall into few rows of a table. */
static void test_hash_spreads(void **state)
{
    (void)state;
    for (size_t place = 0; place + 1 < sizeof dns.bytes; place++) {
        unsigned rows[1024] = {0};
        unsigned most = 0;

        for (unsigned i = 0; i < 1024; i++) {
            umh_guid guid = dns;
            unsigned *row;

            guid.bytes[place] = (uint8_t)(i >> 8);
            guid.bytes[place + 1] = (uint8_t)i;
            row = &rows[umh_guid_hash(&guid) % 1024];
            if (++*row > most)
                most = *row;
        }
        assert_true(most <= 10); /* a random function gives 5 to 8 */
    }
}

static void test_derives_version_five(void **state)
{
    umh_guid guid;
    char text[UMH_GUID_TEXT_BYTES];

    (void)state;
    umh_guid_derive(&dns, umh_bytes_of_text("www.example.com"), &guid);
    umh_guid_encode(&guid, text);
    assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2"); /* RFC 9562, A.4 */
    umh_guid_derive(&guid, umh_bytes_of(NULL, 0), &guid);
    assert_int_equal(guid.bytes[6] >> 4, 5);
    assert_int_equal(guid.bytes[8] >> 6, 2);
}

static void test_makes_version_four(void **state)
{
    umh_guid guids[64];

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(guids); i++) {
        umh_guid_make(&guids[i]);
        assert_int_equal(guids[i].bytes[6] >> 4, 4);
        assert_int_equal(guids[i].bytes[8] >> 6, 2);
        for (size_t j = 0; j < i; j++)
            assert_false(umh_guid_is_equal(&guids[i], &guids[j]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decodes_all_spellings),
        cmocka_unit_test(test_rejects_other_texts),
        cmocka_unit_test(test_rejects_each_wrong_character),
        cmocka_unit_test(test_encodes_lower_case),
        cmocka_unit_test(test_compares_every_byte),
        cmocka_unit_test(test_hash_spreads),
        cmocka_unit_test(test_derives_version_five),
        cmocka_unit_test(test_makes_version_four),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
