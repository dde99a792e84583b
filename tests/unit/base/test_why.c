/* SPDX-License-Identifier: MIT */
/* An outcome explained: bounded texts, places, lists. */
#include "base/why.h"

#include "base/auto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_formats_what_is_known(void **state)
{
    umh_why why = UMH_WHY_INIT;
    char line[200];
    char small[8];

    (void)state;
    umh_why_format(&why, line, sizeof line);
    assert_string_equal(line, "");
    umh_why_set(&why, "expected %s", "true or false");
    umh_why_format(&why, line, sizeof line);
    assert_string_equal(line, "expected true or false");
    umh_why_place(&why, NULL, 12, 0, NULL);
    umh_why_format(&why, line, sizeof line);
    assert_string_equal(line, "line 12: expected true or false");
    umh_why_place(&why, NULL, 12, 3, NULL);
    umh_why_format(&why, line, sizeof line);
    assert_string_equal(line, "line 12, column 3: expected true or false");
    umh_why_place(&why, "broker.json", 0, 5, "ChildProcesses[2].Ui");
    umh_why_format(&why, line, sizeof line);
    assert_string_equal(line, "broker.json:12:5: ChildProcesses[2].Ui: expected true or false");
    umh_why_format(&why, small, sizeof small);
    assert_string_equal(small, "broker.");

    why = (umh_why)UMH_WHY_INIT;
    umh_why_place(&why, "broker.json", 0, 0, "Log");
    umh_why_set(&why, "%s", "unknown");
    umh_why_format(&why, line, sizeof line);
    assert_string_equal(line, "broker.json: Log: unknown");
}

static void test_place_keeps_what_is_not_given(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    umh_why_set(&why, "text");
    umh_why_place(&why, "file", 1, 2, "key");
    umh_why_place(&why, NULL, 0, 0, NULL);
    assert_string_equal(why.text, "text");
    assert_string_equal(why.file, "file");
    assert_string_equal(why.key, "key");
    assert_int_equal(why.line, 1);
    assert_int_equal(why.column, 2);
    umh_why_set(NULL, "nothing happens");
    umh_why_place(NULL, "nothing", 1, 1, "happens");
}

static void test_cuts(void **state)
{
    umh_why why = UMH_WHY_INIT;
    char text[1001];

    (void)state;
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(text + i, "\xC3\xA4", 2);
    text[1000] = '\0';

    umh_why_set(&why, "%s", text);
    assert_int_equal(strlen(why.text), sizeof why.text - 2);
    umh_why_place(&why, text, 1, 1, text);
    assert_int_equal(strlen(why.key), sizeof why.key - 2);
    assert_memory_equal(why.file, "...\xC3\xA4", 5); /* the end says more */
    assert_int_equal(strlen(why.file), 255);

    memset(text, 'a', sizeof text - 1);
    memcpy(text + 995, "/b.c", 5);
    umh_why_place(&why, text, 1, 1, NULL);
    assert_int_equal(strlen(why.file), sizeof why.file - 1);
    assert_string_equal(why.file + sizeof why.file - 5, "/b.c");
    memset(text, 'a', 255);
    text[255] = '\0';
    umh_why_place(&why, text, 1, 1, NULL);
    assert_string_equal(why.file, text);
    umh_why_set(&why, "again: %s", why.text); /* an argument may be its own text */
    assert_memory_equal(why.text, "again: \xC3\xA4", 9);
}

static void test_takes_the_failure(void **state)
{
    umh_why why = UMH_WHY_INIT;

    (void)state;
    umh_ignore(UMH_FAIL(UMH_E_MODULE, "load 'x'"));
    umh_why_set_failure(&why);
    assert_memory_equal(why.text, "load 'x' (UMH_E_MODULE, test_why.c:", 35);
    assert_int_equal(umh_failure_take().code, 0);
}

static void test_list_keeps_a_maximum(void **state)
{
    umh_why_list list = UMH_WHY_LIST_INIT;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    for (int i = 0; i < UMH_WHY_LIST_MAX + 3; i++) {
        umh_why_place(&why, NULL, i + 1, 1, NULL);
        umh_why_list_add(&list, &why);
    }
    assert_int_equal(list.count, UMH_WHY_LIST_MAX);
    assert_int_equal(list.dropped_count, 3);
    for (int i = 0; i < UMH_WHY_LIST_MAX; i++)
        assert_int_equal(list.items[i].line, i + 1);
    umh_why_list_deinit(&list);
    assert_int_equal(list.count, 0);

    umh_why_list_add(&list, &why);
    for (int i = 0; i < 20; i++)
        umh_why_list_add(&list, &list.items[0]); /* moved while it is read */
    assert_int_equal(list.items[20].line, UMH_WHY_LIST_MAX + 3);
    umh_why_list_deinit(&list);
    umh_why_list_deinit(&list);
    umh_why_list_deinit(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_what_is_known),
        cmocka_unit_test(test_place_keeps_what_is_not_given),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_takes_the_failure),
        cmocka_unit_test(test_list_keeps_a_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
