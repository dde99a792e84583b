/* SPDX-License-Identifier: MIT */
/* Entries that are wrong, and what they are at a change; paths of modules against the file. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static umh_config parse_at(const char *text, const char *path, size_t problem_count)
{
    umh_config config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;

    assert_int_equal(umh_config_parse(umh_bytes_of_text(text), path, NULL, &config, &problems), 0);
    assert_int_equal(problems.count, problem_count);
    umh_why_list_deinit(&problems);
    return config;
}

static umh_config parse(const char *text, size_t problem_count)
{
    return parse_at(text, "/etc/umh/broker.json", problem_count);
}

static const char before_text[] =
    "{\"ChildProcesses\": ["
    "{\"GroupName\": \"A\", \"Modules\": [{\"Name\": \"m\", \"Path\": \"m.so\", \"Config\": "
    "{\"k\": 1}}, \"n\"], \"Environment\": {\"X\": \"1\"}, \"DotNet\": {\"Root\": \"/net\"}},"
    "{\"GroupName\": \"B\"}]}";

static void test_wrong_entry_stays_as_it_was(void **state)
{
    UMH_AUTO(umh_config) before = parse(before_text, 0);
    UMH_AUTO(umh_config)
    config = parse("{\"ChildProcesses\": [{\"GroupName\": \"a\", \"Stage\": \"x\"},"
                   "{\"GroupName\": \"New\", \"Nonsense\": 1}, {\"GroupName\": \"C\"}]}",
                   2);
    const umh_host_config *kept;

    (void)state;
    assert_int_equal(config.host_count, 1);
    assert_int_equal(config.wrong_host_count, 2);
    assert_string_equal(config.wrong_hosts[0], "a");
    assert_string_equal(config.wrong_hosts[1], "New");
    assert_int_equal(umh_config_keep_wrong(&config, &before), 0);
    assert_int_equal(config.host_count, 2);
    kept = &config.hosts[1];
    /* A name in other letters is the same one. */
    assert_string_equal(kept->name, "A");
    assert_int_equal(kept->module_count, 2);
    assert_string_equal(kept->modules[0].path, "/etc/umh/m.so");
    assert_string_equal(kept->modules[0].config, "{\"k\":1}");
    assert_string_equal(kept->environment[0], "X=1");
    assert_string_equal(kept->dotnet.root, "/net");
    assert_ptr_not_equal(kept->modules, before.hosts[0].modules);
    /* Once more changes nothing. */
    assert_int_equal(umh_config_keep_wrong(&config, &before), 0);
    assert_int_equal(config.host_count, 2);
}

static void test_the_first_of_two_stands(void **state)
{
    UMH_AUTO(umh_config) before = parse(before_text, 0);
    UMH_AUTO(umh_config)
    config = parse("{\"ChildProcesses\": [{\"GroupName\": \"A\"}, {\"GroupName\": \"A\"}]}", 1);

    (void)state;
    assert_int_equal(config.wrong_host_count, 1);
    assert_int_equal(umh_config_keep_wrong(&config, &before), 0);
    assert_int_equal(config.host_count, 1);
    assert_int_equal(config.hosts[0].module_count, 0);
}

static void test_an_entry_without_a_name_is_nobody(void **state)
{
    UMH_AUTO(umh_config) before = parse(before_text, 0);
    UMH_AUTO(umh_config)
    config =
        parse("{\"ChildProcesses\": [{\"GroupName\": 5}, {}, 7, {\"GroupName\": \"a/b\"}]}", 4);

    (void)state;
    assert_int_equal(config.wrong_host_count, 0);
    assert_int_equal(umh_config_keep_wrong(&config, &before), 0);
    assert_int_equal(config.host_count, 0);
}

static void test_the_same_path_elsewhere_is_another(void **state)
{
    UMH_AUTO(umh_config) here = parse(before_text, 0);
    UMH_AUTO(umh_config) there = parse_at(before_text, "/srv/broker.json", 0);
    char folder[4000];
    char *text;

    (void)state;
    assert_string_equal(there.hosts[0].modules[0].path, "/srv/m.so");
    assert_null(there.hosts[0].modules[1].path);
    /* Together too long: whoever looks for the module says so. */
    memset(folder, 'x', sizeof folder);
    folder[0] = '/';
    folder[sizeof folder - 1] = '\0';
    text = umh_text_format("%s/broker.json", folder);
    assert_non_null(text);
    {
        UMH_AUTO(umh_config)
        far_away = parse_at("{\"ChildProcesses\": [{\"GroupName\": \"A\", \"Modules\": [{\"Path\": "
                            "\"a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/0/1/2/3/4/5/6/7/"
                            "8/9/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z.so\"}]}]}",
                            text, 0);
        assert_int_equal(far_away.hosts[0].modules[0].path[0], 'a');
    }
    umh_text_free(text);
    (void)here;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_entry_stays_as_it_was),
        cmocka_unit_test(test_the_first_of_two_stands),
        cmocka_unit_test(test_an_entry_without_a_name_is_nobody),
        cmocka_unit_test(test_the_same_path_elsewhere_is_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
