/* SPDX-License-Identifier: MIT */
/* Well-known services keep their GUIDs, and no other is taken for one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/services.h"

typedef struct expectation {
    umh_service_id id;
    const char *name;
    const char *guid;
    bool is_control;
} expectation;

static const expectation expected[] = {
    {SERVICE_ALL, "All", "00000000-0000-0000-0000-000000000000", true},
    {SERVICE_BROKER, "Broker", "92D627A3-6C62-4C5B-8477-484A34ED3B82", true},
    {SERVICE_MODULE_META, "ModuleMeta", "6E6A094C-839F-4EAF-BD22-08CB9E1A318F", true},
    {SERVICE_HOST_INIT, "HostInit", "AA810FBD-B33C-4895-8E82-8814EE849E02", true},
    {SERVICE_MANAGED_HOST, "ManagedHost", "7924FE60-C967-449C-BA5D-2EBAA7D16024", true},
    {SERVICE_SHELL_EXEC, "ShellExec", "BEA684E7-697F-4201-844F-98224FA16D2F", false},
    {SERVICE_CONF_STORE, "ConfStore", "8583CDC9-DB92-45BE-90CE-4D3AA4CD14F5", false},
    {SERVICE_CONF_CONSUMER, "ConfConsumer", "8ED3A4D7-7C78-4B88-A547-A4D87A9DDC35", false},
};

static umh_guid guid_of(const char *text)
{
    umh_guid guid = {{0}};

    assert_int_equal(umh_guid_decode(umh_bytes_of_text(text), &guid), 0);
    return guid;
}

static void test_has_every_service(void **state)
{
    (void)state;
    assert_int_equal(UMH_COUNT_OF(expected), SERVICE_ID_COUNT);
    for (size_t i = 0; i < UMH_COUNT_OF(expected); i++) {
        umh_guid guid = guid_of(expected[i].guid);

        assert_int_equal(expected[i].id, i);
        assert_true(umh_guid_is_equal(umh_service_guid(expected[i].id), &guid));
        assert_string_equal(umh_service_name(expected[i].id), expected[i].name);
        assert_int_equal(umh_service_find(&guid), expected[i].id);
        assert_int_equal(umh_service_is_control(&guid), expected[i].is_control);
    }
}

/* One bit off, anywhere, is an ordinary service. */
static void test_takes_no_other_for_one_of_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(expected); i++) {
        for (unsigned bit = 0; bit < 128; bit++) {
            umh_guid guid = guid_of(expected[i].guid);

            guid.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(umh_service_find(&guid), SERVICE_ORDINARY);
            assert_false(umh_service_is_control(&guid));
        }
    }
}

/* umh_service_find relies on it. */
static void test_services_differ_in_their_first_byte(void **state)
{
    bool is_seen[256] = {false};

    (void)state;
    for (unsigned i = 0; i < SERVICE_ID_COUNT; i++) {
        uint8_t first = umh_service_guid((umh_service_id)i)->bytes[0];

        assert_false(is_seen[first]);
        is_seen[first] = true;
    }
}

static void test_hosts_have_services_of_their_own(void **state)
{
    umh_guid one;
    umh_guid again;
    umh_guid other_session;
    umh_guid published = guid_of("e3e35e6b-82c0-5cb6-acee-23dcb9114001");

    (void)state;
    umh_service_of_host("agents", &one);
    umh_service_of_host("agents", &again);
    umh_service_of_host("agents@2", &other_session);
    assert_true(umh_guid_is_equal(&one, &again));
    assert_true(umh_guid_is_equal(&one, &published));
    assert_false(umh_guid_is_equal(&one, &other_session));
    assert_int_equal(one.bytes[6] >> 4, 5);
    assert_int_equal(one.bytes[8] >> 6, 2);
    assert_int_equal(umh_service_find(&one), SERVICE_ORDINARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has_every_service),
        cmocka_unit_test(test_takes_no_other_for_one_of_them),
        cmocka_unit_test(test_services_differ_in_their_first_byte),
        cmocka_unit_test(test_hosts_have_services_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
