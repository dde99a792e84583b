/* SPDX-License-Identifier: MIT */
/* Units of systemd: what they are called, and how paths stand in them. */
#include "platform/linux/service_unit.h"

#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MARK UMH_SERVICE_UNIT_MARK "\n"

static int write(const umh_service_spec *spec, const char *text, umh_buffer *unit, umh_why *why)
{
    return umh_service_unit_write(spec, umh_bytes_of_text(text), unit, why);
}

static void assert_unit(const umh_service_spec *spec, const char *text, const char *wanted)
{
    UMH_AUTO(umh_buffer) unit = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(write(spec, text, &unit, &why), 0);
    assert_string_equal((char *)unit.data, wanted);
}

static void assert_bad(const umh_service_spec *spec, const char *text)
{
    UMH_AUTO(umh_buffer) unit = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(write(spec, text, &unit, &why), UMH_SERVICE_UNIT_BAD);
    assert_true(why.text[0] != '\0');
}

static void test_names_units(void **state)
{
    char name[UMH_SERVICE_NAME_BYTES];

    (void)state;
    umh_service_unit_name("default", name);
    assert_string_equal(name, "umh.service");
    umh_service_unit_name("edge-2", name);
    assert_string_equal(name, "umh@edge-2.service");
}

static void test_fills_the_template(void **state)
{
    const umh_service_spec spec = {"edge", "/opt/umh", "/etc/umh/broker.json"};

    (void)state;
    assert_unit(&spec,
                MARK "ExecStart=@BROKER@ --instance @INSTANCE@ --config @CONFIG_ARGUMENT@\n"
                     "ExecReload=@UMH@ apply\n@UNIT@ in file:@INSTALLATION@\n",
                MARK "ExecStart=\"/opt/umh/libexec/umh/umh-broker\" --instance edge --config "
                     "\"/etc/umh/broker.json\"\nExecReload=\"/opt/umh/bin/umh\" apply\n"
                     "umh@edge.service in file:/opt/umh\n");
    /* What is none of its names stays: filters of system calls begin so. */
    assert_unit(&spec, MARK "SystemCallFilter=~@clock @raw-io @UNITS@ @UNIT",
                MARK "SystemCallFilter=~@clock @raw-io @UNITS@ @UNIT");
}

static void test_paths_are_read_as_they_are(void **state)
{
    const umh_service_spec odd = {"a", "/opt/100% mine", "/etc/a b\\c\"d$e%f"};

    (void)state;
    assert_unit(&odd, MARK "@BROKER@ @CONFIG_ARGUMENT@ @INSTALLATION@",
                MARK "\"/opt/100%% mine/libexec/umh/umh-broker\" "
                     "\"/etc/a b\\\\c\\\"d$$e%%f\" /opt/100%% mine");
}

static void test_rejects_what_cannot_be_written(void **state)
{
    (void)state;
    assert_bad(&(umh_service_spec){"a", "/opt/$HOME", "/etc/a"}, MARK);
    assert_bad(&(umh_service_spec){"a", "/opt", "/etc/a\nExecStartPre=/bin/evil"}, MARK);
    assert_bad(&(umh_service_spec){"a", "/opt/a\tb", "/etc/a"}, MARK);
    assert_bad(&(umh_service_spec){"a", "/opt", "/etc/a"}, "[Unit]\n");
    assert_bad(&(umh_service_spec){"a", "/opt", "/etc/a"}, "");
}

/* Nothing of ours is left in the one that ships. */
static void test_fills_the_template_that_ships(void **state)
{
    const umh_service_spec spec = {"default", "/opt/umh", "/etc/umh/broker.json"};
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) unit = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_file_read(UMH_SOURCE_FOLDER "/packaging/umh.service.in", 1 << 16, &text),
                     0);
    assert_int_equal(write(&spec, (const char *)text.data, &unit, &why), 0);
    for (const char *at = (const char *)unit.data; (at = strchr(at, '@')); at++)
        assert_false(at[1] >= 'A' && at[1] <= 'Z');
    assert_non_null(strstr((const char *)unit.data, "systemctl edit umh.service\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_units),
        cmocka_unit_test(test_fills_the_template),
        cmocka_unit_test(test_paths_are_read_as_they_are),
        cmocka_unit_test(test_rejects_what_cannot_be_written),
        cmocka_unit_test(test_fills_the_template_that_ships),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
