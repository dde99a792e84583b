/* SPDX-License-Identifier: MIT */
/* What a service says to its manager, to a socket that stands for it. */
#include "platform/service.h"

#include "platform/environment.h"
#include "platform/file.h"
#include "platform/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct manager {
    char folder[UMH_PATH_BYTES];
    int socket;
} manager;

static int begin(void **state)
{
    static manager one;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *state = &one;
    assert_int_equal(umh_file_make_temporary("umh-service-", one.folder), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/notify", one.folder);
    one.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(one.socket, (struct sockaddr *)&address, sizeof address), 0);
    return umh_environment_set("NOTIFY_SOCKET", address.sun_path);
}

static int end(void **state)
{
    manager *one = *state;

    close(one->socket);
    return umh_file_remove_tree(one->folder);
}

static void assert_heard(const manager *one, const char *wanted)
{
    char text[256] = "";

    assert_int_equal(recv(one->socket, text, sizeof text - 1, 0), strlen(wanted));
    assert_string_equal(text, wanted);
}

static void test_says_what_it_is_told(void **state)
{
    assert_true(umh_service_is_managed());
    assert_true(umh_service_say("READY=1\nSTATUS=3 of 3 hosts run"));
    assert_heard(*state, "READY=1\nSTATUS=3 of 3 hosts run");
}

static void test_says_when_it_reloads(void **state)
{
    const manager *one = *state;
    char text[256] = "";
    unsigned long long us;

    assert_true(umh_service_say_reloading());
    assert_true(recv(one->socket, text, sizeof text - 1, 0) > 0);
    assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
    assert_true(us > 0);
}

static void test_never_waits_for_a_manager_that_does_not_read(void **state)
{
    const manager *one = *state;
    char text[256];
    unsigned count = 0;

    while (count < 100000 && umh_service_say("STATUS=x"))
        count++;
    assert_in_range(count, 1, 99999);
    while (recv(one->socket, text, sizeof text, 0) > 0)
        continue;
    assert_true(umh_service_say("STATUS=y"));
    assert_heard(one, "STATUS=y");
}

static void test_has_no_manager(void **state)
{
    static const char *const nobody[] = {"", "relative", "/", "@"};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(nobody); i++) {
        assert_int_equal(umh_environment_set("NOTIFY_SOCKET", nobody[i]), 0);
        assert_false(umh_service_is_managed());
        assert_true(umh_service_say("READY=1"));
    }
    assert_int_equal(umh_environment_set("NOTIFY_SOCKET", "/nowhere/at/all"), 0);
    assert_false(umh_service_say("READY=1"));
}

static void assert_watchdog(const char *limit, const char *pid, uint64_t wanted_ms)
{
    assert_int_equal(umh_environment_set("WATCHDOG_USEC", limit), 0);
    assert_int_equal(umh_environment_set("WATCHDOG_PID", pid), 0);
    assert_int_equal(umh_service_watchdog_ms(), wanted_ms);
}

static void test_feeds_the_watchdog_at_half_of_its_limit(void **state)
{
    char own[32];

    (void)state;
    snprintf(own, sizeof own, "%lld", (long long)umh_process_own_pid());
    assert_watchdog("10000000", own, 5000);
    assert_watchdog("10000000", "", 5000);
    assert_watchdog("10000000", "1", 0);
    assert_watchdog("1000", own, 1);
    assert_watchdog("", own, 0);
    assert_watchdog("0", own, 0);
    assert_watchdog("-1", own, 0);
    assert_watchdog("10s", own, 0);
    assert_watchdog("99999999999999999999999", own, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_says_what_it_is_told, begin, end),
        cmocka_unit_test_setup_teardown(test_says_when_it_reloads, begin, end),
        cmocka_unit_test_setup_teardown(test_never_waits_for_a_manager_that_does_not_read, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_has_no_manager, begin, end),
        cmocka_unit_test(test_feeds_the_watchdog_at_half_of_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
