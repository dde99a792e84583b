/* SPDX-License-Identifier: MIT */
/* Who is held by a debugger is told, and what a dead CLR listened at is removed. */
#include "platform/debugger.h"

#include "base/err.h"
#include "platform/file.h"

#include "process_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAITS "wait" /* the argument of this program as a child that only waits */

/* Starts it with that variable in its environment; returns when it runs. */
static pid_t start_waiting(const char *variable)
{
    char name[] = "test_debugger";
    char waits[] = WAITS;
    char own[4 * UMH_DIAGNOSTICS_BYTES] = "A=B";
    char *const arguments[] = {name, waits, NULL};
    char *const environment[] = {own, NULL};
    int ends[2];
    char byte;
    pid_t child;

    if (variable)
        snprintf(own, sizeof own, "%s", variable);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], 1);
        execve("/proc/self/exe", arguments, environment);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void test_a_traced_process_is_held(void **state)
{
    pid_t child = start_waiting(NULL);
    int status;

    (void)state;
    assert_false(umh_debugger_is_attached(child));
    assert_int_equal(ptrace(PTRACE_SEIZE, child, NULL, NULL), 0);
    assert_true(umh_debugger_is_attached(child));
    assert_int_equal(ptrace(PTRACE_INTERRUPT, child, NULL, NULL), 0);
    assert_int_equal(waitpid(child, &status, __WALL), child);
    assert_true(umh_debugger_is_attached(child));
    assert_int_equal(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
    assert_false(umh_debugger_is_attached(child));
    end(child);
    assert_false(umh_debugger_is_attached(child));
    assert_false(umh_debugger_is_attached(0));
}

/* What the CLR has open while a debugger of .NET is connected. */
static void test_a_debugger_of_the_clr_is_seen(void **state)
{
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    int file;

    (void)state;
    assert_int_equal(umh_file_make_temporary("umh-debugger-", folder), 0);
    assert_int_equal(umh_file_join(folder, "clr-debug-pipe-2-345-in", path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(umh_debugger_is_attached(getpid()));
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    assert_true(umh_debugger_is_attached(getpid()));
    unlink(path); /* as the CLR does once it has gone, and keeps its end */
    assert_false(umh_debugger_is_attached(getpid()));
    close(file);
    assert_int_equal(umh_file_remove_tree(folder), 0);
}

static void test_the_address_has_the_folder_and_the_pid(void **state)
{
    char address[UMH_DIAGNOSTICS_BYTES] = "untouched";
    char expected[UMH_DIAGNOSTICS_BYTES];
    char longest[2 * UMH_DIAGNOSTICS_BYTES] = "TMPDIR=";
    const char *const variables[] = {NULL, "TMPDIR=", "TMPDIR=/some/where", "TMPDIR=/some/where/"};
    const char *const folders[] = {"/tmp", "/tmp", "/some/where", "/some/where"};
    pid_t child;

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(variables); i++) {
        child = start_waiting(variables[i]);
        assert_true(umh_debugger_find_diagnostics(child, address));
        snprintf(expected, sizeof expected, "%s/dotnet-diagnostic-%d-", folders[i], (int)child);
        assert_memory_equal(address, expected, strlen(expected));
        assert_true(strtoull(address + strlen(expected), NULL, 10) > 0);
        assert_string_equal(strrchr(address, '-'), "-socket");
        end(child);
    }
    assert_false(umh_debugger_find_diagnostics(0, address));

    memset(longest + strlen(longest), '/', UMH_DIAGNOSTICS_BYTES);
    child = start_waiting(longest);
    assert_false(umh_debugger_find_diagnostics(child, address));
    end(child);
}

static void test_what_was_left_goes(void **state)
{
    static const char *const names[] = {"dotnet-diagnostic-2-345-socket", "clr-debug-pipe-2-345-in",
                                        "clr-debug-pipe-2-345-out"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[UMH_PATH_BYTES];
    char other[UMH_PATH_BYTES];
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(umh_file_make_temporary("umh-debugger-", folder), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.64s/%s", folder, names[0]);
    assert_false(umh_debugger_is_listening(address.sun_path));
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof address), 0);
    assert_true(umh_debugger_is_listening(address.sun_path));
    for (size_t i = 1; i < UMH_COUNT_OF(names); i++) {
        assert_int_equal(umh_file_join(folder, names[i], other), 0);
        assert_int_equal(mkfifo(other, 0600), 0);
    }
    assert_int_equal(umh_file_join(folder, "clr-debug-pipe-2-346-in", other), 0);
    assert_int_equal(mkfifo(other, 0600), 0);

    umh_debugger_remove_left(address.sun_path);
    umh_debugger_remove_left(address.sun_path);
    umh_debugger_remove_left("");
    assert_false(umh_debugger_is_listening(address.sun_path));
    assert_int_equal(unlink(other), 0);
    assert_int_equal(rmdir(folder), 0);
    close(server);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_traced_process_is_held),
        cmocka_unit_test(test_a_debugger_of_the_clr_is_seen),
        cmocka_unit_test(test_the_address_has_the_folder_and_the_pid),
        cmocka_unit_test(test_what_was_left_goes),
    };

    if (argc == 2 && strcmp(argv[1], WAITS) == 0) {
        if (write(1, ".", 1) == 1)
            pause();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
