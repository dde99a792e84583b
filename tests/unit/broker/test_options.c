/* SPDX-License-Identifier: MIT */
/* The broker's command line. */
#include "broker/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int read_options(umh_broker_options *options, const char *const *argv)
{
    int argc = 0;

    *options = (umh_broker_options)UMH_BROKER_OPTIONS_INIT;
    while (argv[argc])
        argc++;
    return umh_options_read(argc, (char **)(uintptr_t)argv, options);
}

#define READ(options, ...)                                                                         \
    read_options((options), (const char *[]){"umh-broker", __VA_ARGS__, NULL})

static void test_reads_all(void **state)
{
    umh_broker_options options;

    (void)state;
    assert_int_equal(READ(&options, "--config", "a.json", "--instance", "two", "--control", "/c",
                          "--for", "1.5", "--colour", "always"),
                     0);
    assert_string_equal(options.config_path, "a.json");
    assert_string_equal(options.instance, "two");
    assert_string_equal(options.control_path, "/c");
    assert_int_equal(options.run_for_ms, 1500);
    assert_true(options.force_colour);
    assert_false(options.no_colour);
}

static void test_has_defaults(void **state)
{
    umh_broker_options options;

    (void)state;
    assert_int_equal(READ(&options, "--config", "a.json"), 0);
    assert_string_equal(options.instance, "default");
    assert_null(options.control_path);
    assert_int_equal(options.run_for_ms, UINT64_MAX);
    assert_false(options.force_colour);
    assert_int_equal(READ(&options, "--colour", "auto", "--config", "a.json"), 0);
    assert_false(options.force_colour || options.no_colour);
    assert_int_equal(READ(&options, "--colour", "never", "--config", "a.json"), 0);
    assert_true(options.no_colour);
}

static void assert_misuse(const char *const *argv, const char *part)
{
    umh_broker_options options;
    umh_failure failure;

    assert_int_equal(read_options(&options, argv), UMH_E_USAGE);
    failure = umh_failure_take();
    if (!strstr(failure.text, part))
        print_error("'%s' lacks '%s'\n", failure.text, part);
    assert_non_null(strstr(failure.text, part));
}

#define MISUSE(part, ...) assert_misuse((const char *[]){"umh-broker", __VA_ARGS__, NULL}, part)

static void test_names_what_is_wrong(void **state)
{
    char long_name[UMH_NAME_BYTES_MAX + 2];

    (void)state;
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    MISUSE("--config FILE is missing", "--for", "1");
    MISUSE("'--what'", "--what");
    MISUSE("'file.json'", "file.json");
    MISUSE("--config takes a value", "--config");
    MISUSE("'soon'", "--for", "soon");
    MISUSE("'-1'", "--for", "-1");
    MISUSE("'nan'", "--for", "nan");
    MISUSE("'1e10'", "--for", "1e10");
    MISUSE("'pink'", "--colour", "pink");
    MISUSE("'../x'", "--instance", "../x");
    MISUSE("'.'", "--instance", ".");
    MISUSE("''", "--instance", "");
    MISUSE("xxx'", "--instance", long_name);
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(umh_options_exit_code(0), 0);
    assert_int_equal(umh_options_exit_code(UMH_FAIL(UMH_E_USAGE, "wrong")), 2);
    assert_int_equal(umh_options_exit_code(UMH_FAIL(UMH_E_OS, "failed")), 1);
    assert_int_equal(umh_failure_take().code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all),
        cmocka_unit_test(test_has_defaults),
        cmocka_unit_test(test_names_what_is_wrong),
        cmocka_unit_test(test_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
