/* SPDX-License-Identifier: MIT */
/* JSON with comments, strict JSON, and where in a file a key stands. */
#include "formats/jsonc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    umh_why why = UMH_WHY_INIT;
    json_t *root = NULL;
    int r = umh_jsonc_parse(umh_bytes_of_text(text), &root, &why);

    if (r)
        print_error("%d:%d: %s\n", why.line, why.column, why.text);
    assert_int_equal(r, 0);
    assert_non_null(root);
    return root;
}

static umh_why reject(const char *text, bool is_strict)
{
    json_t *untouched = (json_t *)(uintptr_t)1;
    json_t *root = untouched;
    umh_why why = UMH_WHY_INIT;
    int r = is_strict ? umh_jsonc_parse_strict(umh_bytes_of_text(text), &root, &why)
                      : umh_jsonc_parse(umh_bytes_of_text(text), &root, &why);

    assert_int_equal(r, UMH_JSONC_BAD);
    assert_ptr_equal(root, untouched);
    assert_true(why.text[0] != '\0');
    return why;
}

static void test_blanks_comments_and_commas(void **state)
{
    UMH_AUTO_PTR(umh_json) root = NULL;
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    (void)state;
    root = parse("\xEF\xBB\xBF// first\r\n"
                 "{ /* \" { [ */ \"a\": [1, 2 /* x */ , /* y */], // \"\n"
                 "  \"// no comment\": \"/* nor here */\", /***/ \"b\": {\"c\": \"\\\"//\",\n},\n"
                 "  \"d\": \"\\\\\",}\n// last, without a line break");
    assert_int_equal(umh_jsonc_print(root, &text), 0);
    assert_string_equal(
        (const char *)text.data,
        "{\"a\":[1,2],\"// no comment\":\"/* nor here */\",\"b\":{\"c\":\"\\\"//\"},"
        "\"d\":\"\\\\\"}");
}

static void test_accepts_what_people_write(void **state)
{
    static const char *const rows[][2] = {
        {"{}", "{}"},
        {"[1,]", "[1]"},
        {"[1 , /* x */ // y\n ]", "[1]"},
        {"{\"a\":{\"b\":[],},}", "{\"a\":{\"b\":[]}}"},
        {"[\"a\",]", "[\"a\"]"},
        {"/**/[/**/]/**/", "[]"},
        {"[1]//", "[1]"},
        {"\"a // b /* c */ ,]\"", "\"a // b /* c */ ,]\""},
        {"\"\\\"// \\\\\"// x", "\"\\\"// \\\\\""},
        {"\xEF\xBB\xBF[true]", "[true]"},
        {"[1]/* \xFF\xFE */", "[1]"},
        {"7", "7"},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        UMH_AUTO_PTR(umh_json) root = parse(rows[i][0]);
        UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

        assert_int_equal(umh_jsonc_print(root, &text), 0);
        assert_string_equal((const char *)text.data, rows[i][1]);
    }
}

static void test_rejects_with_place(void **state)
{
    static const struct {
        const char *text;
        int line;
        int column;
    } rows[] = {
        {"", 1, 1},
        {"{\n  \"a\": 1,\n  \"b\": tru\n}", 3, 8},
        {"{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3},
        {"{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", 3, 2},
        {"[1, /* never", 1, 5},
        {"[1, \"never\n]", 1, 5},
        {"[1, \"never", 1, 5},
        {"[1\n", 2, 1},
        {"[1", 1, 3},
        {"[\n,]", 2, 1},
        {"[1,,]", 1, 4},
        {"{,}", 1, 2},
        {"{\"a\":,}", 1, 6},
        {"[1] 2", 1, 5},
        {"[\"\xC3\xA4\xC3\xA4\", x]", 1, 8},
        {"/* \xC3\xA4 */ x", 1, 9},
        {"\xEF\xBB\xBF x", 1, 2},
        {"[\"abc\xFF\"]", 1, 6},
        {"[\"ab\\q\"]", 1, 6},
        {"[\"a\\u0000\"]", 1, 2},
        {"[01]", 1, 2},
        {"[1]/", 1, 4},
        {"]", 1, 1},
        {"{\"a\"}", 1, 5},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        umh_why why = reject(rows[i].text, false);

        if (why.line != rows[i].line || why.column != rows[i].column)
            print_error("'%s': %d:%d: %s\n", rows[i].text, why.line, why.column, why.text);
        assert_int_equal(why.line, rows[i].line);
        assert_int_equal(why.column, rows[i].column);
    }
}

static void test_names_a_duplicate(void **state)
{
    umh_why why;

    (void)state;
    why = reject("{\"Name\": 1, // x\n\"Name\": 2}", false);
    assert_string_equal(why.text, "the key \"Name\" occurs twice in one object");
    assert_int_equal(why.line, 2);
    why = reject("{\"a\": 1, \"\\u0061\": 2}", true);
    assert_string_equal(why.text, "the key \"\\u0061\" occurs twice in one object");
    assert_int_equal(why.column, 10);
}

static void test_strict_knows_no_comments(void **state)
{
    static const char *const texts[] = {"[1] // x", "/**/[1]", "[1,]", "{\"a\":1,}",
                                        "\xEF\xBB\xBF[1]"};
    UMH_AUTO_PTR(umh_json) root = NULL;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++)
        umh_ignore(reject(texts[i], true).line);

    /* The text of a message may hold a NUL; it is no C string then. */
    assert_int_equal(
        umh_jsonc_parse_strict(umh_bytes_of_text("{\"text\":\"a\\u0000b\",\"link\":\"http://x\"}"),
                               &root, &why),
        0);
    assert_int_equal(json_string_length(json_object_get(root, "text")), 3);
    assert_null(umh_jsonc_get_text(root, "text", NULL));
    assert_string_equal(umh_jsonc_get_text(root, "link", ""), "http://x");
}

static void fill_depth(char *text, size_t depth)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
}

static void test_limits_depth(void **state)
{
    static char text[200001];
    json_t *root;

    (void)state;
    fill_depth(text, UMH_JSONC_DEPTH_MAX);
    root = parse(text);
    json_decref(root);
    fill_depth(text, UMH_JSONC_DEPTH_MAX + 1);
    assert_int_equal(reject(text, false).column, UMH_JSONC_DEPTH_MAX + 1);
    assert_int_equal(reject(text, true).column, UMH_JSONC_DEPTH_MAX + 1);
    fill_depth(text, 100000);
    umh_ignore(reject(text, false).line);
}

static void test_limits_size(void **state)
{
    char *text = malloc(UMH_JSONC_FILE_BYTES_MAX + 1);
    umh_why why = UMH_WHY_INIT;
    json_t *root = NULL;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', UMH_JSONC_FILE_BYTES_MAX + 1);
    text[0] = '1';
    assert_int_equal(umh_jsonc_parse(umh_bytes_of(text, UMH_JSONC_FILE_BYTES_MAX), &root, &why), 0);
    json_decref(root);
    assert_int_equal(umh_jsonc_parse(umh_bytes_of(text, UMH_JSONC_FILE_BYTES_MAX + 1), &root, &why),
                     UMH_JSONC_BAD);
    assert_int_equal(
        umh_jsonc_parse_strict(umh_bytes_of(text, UMH_JSONC_FILE_BYTES_MAX + 1), &root, &why),
        UMH_JSONC_BAD);
    free(text);
}

static const char located[] =
    "// a comment with \"ChildProcesses\": [\n"                        /*  1 */
    "{\n"                                                              /*  2 */
    "  \"Other\": {\"ChildProcesses\": 1},\n"                          /*  3 */
    "  \"ChildProcesses\": [\n"                                        /*  4 */
    "    {}, /* [ */\n"                                                /*  5 */
    "    [1, [2, 3]],\n"                                               /*  6 */
    "    {\"Ui\": true, \"Modules\": [\"X\",\n"                        /*  7 */
    "      { \"P\xC3\xA4th\" : \"y\", \"Path\": 4 }]}\n"               /*  8 */
    "  ],\n"                                                           /*  9 */
    "  \"a.b\": {\"c\": 1}, \"a\": {\"b\": {\"d\": 2}, \"b.c\": 3},\n" /* 10 */
    "  \"x[0]\": 5, \"\\u0041\\n\": [7]\n"                             /* 11 */
    "}\n";

static void test_locates(void **state)
{
    static const struct {
        const char *path;
        bool of_key;
        int line;
        int column;
    } rows[] = {
        {"", false, 2, 1},
        {"", true, 2, 1},
        {"ChildProcesses", false, 4, 21},
        {"ChildProcesses", true, 4, 3},
        {"ChildProcesses[0]", false, 5, 5},
        {"ChildProcesses[0]", true, 5, 5},
        {"ChildProcesses[1][1][0]", false, 6, 10},
        {"ChildProcesses[2].Ui", false, 7, 12},
        {"ChildProcesses[2].Ui", true, 7, 6},
        {"ChildProcesses[2].Modules[0]", false, 7, 30},
        {"ChildProcesses[2].Modules[1].Path", false, 8, 31},
        {"ChildProcesses[2].Modules[1].P\xC3\xA4th", false, 8, 18},
        {"Other.ChildProcesses", true, 3, 13},
        {"a.b.c", false, 10, 16},
        {"a.b.d", false, 10, 37},
        {"a.b", false, 10, 10},
        {"x[0]", false, 11, 11},
        {"A\n[0]", false, 11, 27},
        {"ChildProcesses[3]", false, 0, 0},
        {"ChildProcesses[2].Modules[1].Path.More", false, 0, 0},
        {"ChildProcesses[2].Path", false, 0, 0},
        {"ChildProcesses[2]Ui", false, 0, 0},
        {"ChildProcesses[99999999999999999999999]", false, 0, 0},
        {"ChildProcesses[", false, 0, 0},
        {"ChildProcesses[]", false, 0, 0},
        {"ChildProcesses[-1]", false, 0, 0},
        {"Child", false, 0, 0},
        {"ChildProcesses.Ui", false, 0, 0},
        {"[0]", false, 0, 0},
        {".", false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        int line = -1;
        int column = -1;

        umh_jsonc_locate(umh_bytes_of_text(located), rows[i].path, rows[i].of_key, &line, &column);
        if (line != rows[i].line || column != rows[i].column)
            print_error("'%s': %d:%d\n", rows[i].path, line, column);
        assert_int_equal(line, rows[i].line);
        assert_int_equal(column, rows[i].column);
    }
}

/*
 * A text cut anywhere, on the heap: nothing behind it is read, and nothing is found that is not
 * there.
 */
static void test_locates_in_broken_texts(void **state)
{
    (void)state;
    for (size_t size = 0; size <= sizeof located - 1; size++) {
        uint8_t *text = malloc(size + (size == 0));
        int line;
        int column;

        assert_non_null(text);
        memcpy(text, located, size);
        umh_jsonc_locate(umh_bytes_of(text, size), "ChildProcesses[2].Modules[1].Path", true, &line,
                         &column);
        assert_true((line == 0 && column == 0) || (line == 8 && column == 23));
        umh_jsonc_locate(umh_bytes_of(text, size), "A\n[0]", false, &line, &column);
        assert_true(line == 0 || line == 11);
        free(text);
    }
}

static void test_locates_without_deep_recursion(void **state)
{
    static char text[300001];
    static char path[300001];
    int line;
    int column;

    (void)state;
    memset(text, '[', 300000);
    for (size_t i = 0; i < 300000; i += 3)
        memcpy(path + i, "[0]", 3);
    umh_jsonc_locate(umh_bytes_of_text(text), path, false, &line, &column);
    assert_int_equal(line, 0);
}

static void test_prints_into_a_limit(void **state)
{
    UMH_AUTO_PTR(umh_json) root = parse("{\"a\":[1,2,3],\"b\":\"\xC3\xA4\"}");
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    (void)state;
    text.max_bytes = 30;
    assert_int_equal(umh_jsonc_print(root, &text), 0);
    assert_string_equal((const char *)text.data, "{\"a\":[1,2,3],\"b\":\"\xC3\xA4\"}");
    assert_int_equal(umh_jsonc_print(root, &text), UMH_BUFFER_FULL);
    assert_string_equal((const char *)text.data, "{\"a\":[1,2,3],\"b\":\"\xC3\xA4\"}");
    assert_int_equal(text.size, 22);
}

static void test_gets_members_by_type(void **state)
{
    UMH_AUTO_PTR(umh_json)
    root = parse("{\"t\":\"x\",\"i\":-5,\"r\":5.0,\"b\":true,\"o\":{},\"a\":[],\"n\":null}");

    (void)state;
    assert_string_equal(umh_jsonc_get_text(root, "t", "y"), "x");
    assert_string_equal(umh_jsonc_get_text(root, "i", "y"), "y");
    assert_null(umh_jsonc_get_text(root, "none", NULL));
    assert_int_equal(umh_jsonc_get_integer(root, "i", 1), -5);
    assert_int_equal(umh_jsonc_get_integer(root, "r", 1), 1);
    assert_int_equal(umh_jsonc_get_integer(root, "none", 1), 1);
    assert_true(umh_jsonc_get_bool(root, "b", false));
    assert_true(umh_jsonc_get_bool(root, "n", true));
    assert_non_null(umh_jsonc_get_object(root, "o"));
    assert_null(umh_jsonc_get_object(root, "a"));
    assert_non_null(umh_jsonc_get_array(root, "a"));
    assert_null(umh_jsonc_get_array(root, "o"));
    assert_null(umh_jsonc_get_object(NULL, "o"));
    assert_int_equal(umh_jsonc_get_integer(umh_jsonc_get_array(root, "a"), "i", 3), 3);
}

static void test_makes_a_text_of_any_bytes(void **state)
{
    UMH_AUTO_PTR(umh_json) right = umh_jsonc_text("gr\xC3\xBC\xC3\x9F");
    UMH_AUTO_PTR(umh_json) wrong = umh_jsonc_text("gr\xFC\xDF dich");

    (void)state;
    assert_string_equal(json_string_value(right), "gr\xC3\xBC\xC3\x9F");
    assert_string_equal(json_string_value(wrong), "gr?? dich");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blanks_comments_and_commas),
        cmocka_unit_test(test_accepts_what_people_write),
        cmocka_unit_test(test_rejects_with_place),
        cmocka_unit_test(test_names_a_duplicate),
        cmocka_unit_test(test_strict_knows_no_comments),
        cmocka_unit_test(test_limits_depth),
        cmocka_unit_test(test_limits_size),
        cmocka_unit_test(test_locates),
        cmocka_unit_test(test_locates_in_broken_texts),
        cmocka_unit_test(test_locates_without_deep_recursion),
        cmocka_unit_test(test_prints_into_a_limit),
        cmocka_unit_test(test_gets_members_by_type),
        cmocka_unit_test(test_makes_a_text_of_any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
