/* SPDX-License-Identifier: MIT */
/* umh-init as a process, this program under it: what it applies, reaps, forwards and reports. */
#include "init/init.h"
#include "platform/file.h"
#include "platform/page.h"
#include "platform/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define PATIENCE_SECONDS 20
#define ORPHANS 20
#define PAGE_BYTES 4096
#define REPORT_OFFSET 4080

static uint64_t soon(void)
{
    return umh_clock_deadline_ns(PATIENCE_MS);
}

/* ------------------------- the program under the init: this one */

static void say(const char *text)
{
    umh_ignore(umh_pipe_write_all(umh_pipe_standard(1), umh_bytes_of_text(text)));
}

static int wait_for_ever(void)
{
    while (pause() < 0)
        continue;
    return 0;
}

static int list_descriptors(void)
{
    for (int descriptor = 0; descriptor < 4096; descriptor++) {
        char text[16];

        snprintf(text, sizeof text, "%d ", descriptor);
        if (fcntl(descriptor, F_GETFD) >= 0)
            say(text);
    }
    return 0;
}

/* Those that are left in the namespace: whoever is there has a folder in its /proc. */
static int count_processes(void)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    while ((entry = readdir(folder)) != NULL)
        count += atoi(entry->d_name) > 0;
    closedir(folder);
    return count;
}

/* Ends when all of them have been reaped, or by the alarm. */
static int leave_orphans(void)
{
    alarm(PATIENCE_SECONDS);
    signal(SIGCHLD, SIG_IGN); /* those of its own need nobody */
    for (int i = 0; i < ORPHANS; i++) {
        if (fork() == 0) {
            if (fork() == 0)
                _exit(i);
            _exit(0);
        }
    }
    while (count_processes() > 2)
        continue;
    return 0;
}

static int describe(void)
{
    char self[64] = "";
    char text[160];
    int death_signal = 0;
    ssize_t size = readlink("/proc/self", self, sizeof self - 1);
    struct rlimit files;
    sigset_t blocked;

    prctl(PR_GET_PDEATHSIG, &death_signal);
    getrlimit(RLIMIT_NOFILE, &files);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    snprintf(text, sizeof text,
             "pid=%d parent=%d self=%s group=%s death=%d uid=%u gid=%u groups=%d "
             "blocked=%d files=%s",
             getpid(), getppid() == 1 ? 1 : 0, size > 0 ? self : "-",
             getpgrp() == getpid() ? "own" : "init's", death_signal, getuid(), getgid(),
             getgroups(0, NULL), sigismember(&blocked, SIGTERM),
             files.rlim_cur == 77 && files.rlim_max == 77 ? "77" : "many");
    say(text);
    return 0;
}

static int tell_folder(void)
{
    char folder[UMH_PATH_BYTES];

    say(getcwd(folder, sizeof folder) ? folder : "-");
    return 0;
}

static volatile sig_atomic_t was_asked;

static void on_term(int number)
{
    (void)number;
    was_asked = 1;
}

static int end_when_asked(void)
{
    sigset_t all;
    sigset_t none;

    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGTERM, on_term);
    say("ready");
    while (!was_asked)
        sigsuspend(&none);
    return 42;
}

/* A grandchild in a session of its own that ignores what can be ignored and holds descriptor 1. */
static void have_family(void)
{
    if (fork() == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        if (fork() == 0) {
            say("family");
            wait_for_ever();
        }
        _exit(0);
    }
}

static int stay_with_family(void)
{
    have_family();
    return wait_for_ever();
}

/* Stays until its parent's pipe, descriptor 0, ends. */
static int leave_the_pipe(void)
{
    char byte;

    close(1);
    close(2);
    while (read(0, &byte, 1) > 0)
        continue;
    return 6;
}

static int die_by(const char *number)
{
    int signal_number = atoi(number);

    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return 99;
}

static int be_program(int argc, char **argv)
{
    const char *what = argv[1];

    if (strcmp(what, "exit") == 0)
        return atoi(argv[2]);
    if (strcmp(what, "signal") == 0)
        return die_by(argc > 2 ? argv[2] : "9");
    if (strcmp(what, "descriptors") == 0)
        return list_descriptors();
    if (strcmp(what, "orphans") == 0)
        return leave_orphans();
    if (strcmp(what, "describe") == 0)
        return describe();
    if (strcmp(what, "folder") == 0)
        return tell_folder();
    if (strcmp(what, "asked") == 0)
        return end_when_asked();
    if (strcmp(what, "family") == 0)
        return stay_with_family();
    if (strcmp(what, "pipe") == 0)
        return leave_the_pipe();
    return 98;
}

/* ------------------------- helpers of the tests */

typedef struct fixture {
    char init[UMH_PATH_BYTES];
    char self[UMH_PATH_BYTES];
    const char *arguments[4];
    umh_process_spec spec;
    umh_process process;
    umh_page page;
    umh_pipe lifeline, lifeline_end;
    umh_pipe to, to_end;     /* its descriptor 0 */
    umh_pipe from, from_end; /* its descriptor 1 */
} fixture;

static int set_up(void **state)
{
    static fixture all;

    all = (fixture){.spec = UMH_PROCESS_SPEC_INIT, .process = UMH_PROCESS_INIT};
    assert_int_equal(umh_file_program_folder(all.self), 0);
    for (int i = 0; i < 3; i++)
        umh_file_parent(all.self, all.self);
    assert_int_equal(umh_file_join(all.self, "bin/umh-init", all.init), 0);
    assert_true(readlink("/proc/self/exe", all.self, sizeof all.self - 1) > 0);
    all.page = (umh_page)UMH_PAGE_INIT;
    assert_int_equal(umh_page_create(PAGE_BYTES, &all.page), 0);
    assert_int_equal(umh_pipe_new(&all.lifeline, &all.lifeline_end), 0);
    assert_int_equal(umh_pipe_new(&all.to, &all.to_end), 0);
    assert_int_equal(umh_pipe_new(&all.from, &all.from_end), 0);
    all.spec.program = all.self;
    all.spec.arguments = all.arguments;
    all.spec.init = all.init;
    all.spec.containment = CONTAINED_BY_NAMESPACE;
    all.spec.lifeline = all.lifeline;
    all.spec.report = all.page.object;
    all.spec.report_offset = REPORT_OFFSET;
    all.spec.standard[0] = all.to;
    all.spec.standard[1] = all.from_end;
    *state = &all;
    return 0;
}

/* Where namespaces are not allowed, only what does without is tested. */
static int set_up_namespace(void **state)
{
    umh_why why = UMH_WHY_INIT;

    set_up(state);
    if (umh_process_containment(&why) == CONTAINED_BY_NAMESPACE)
        return 0;
    print_message("skipped, because a namespace cannot be made here: %s\n", why.text);
    *state = NULL;
    return 0;
}

static fixture *get_fixture(void **state)
{
    if (!*state)
        skip();
    return *state;
}

static int tear_down(void **state)
{
    fixture *all = *state;
    umh_process_end end;

    if (!all)
        return 0;
    if (all->process.handle >= 0) {
        umh_process_kill(&all->process);
        umh_ignore(umh_process_wait(&all->process, soon(), &end));
        umh_process_deinit(&all->process);
    }
    umh_page_deinit(&all->page);
    umh_pipe_close(&all->lifeline);
    umh_pipe_close(&all->lifeline_end);
    umh_pipe_close(&all->to);
    umh_pipe_close(&all->to_end);
    umh_pipe_close(&all->from);
    umh_pipe_close(&all->from_end);
    return 0;
}

/* Its output can end from then on. */
static void start(fixture *all, const char *what, const char *argument)
{
    all->arguments[0] = "program";
    all->arguments[1] = what;
    all->arguments[2] = argument;
    all->arguments[3] = NULL;
    assert_int_equal(umh_process_start(&all->spec, &all->process), 0);
    umh_pipe_close(&all->from_end);
}

/* All that is said until the last holder of descriptor 1 has ended. */
static void expect_text(fixture *all, const char *expected)
{
    char text[512] = "";
    size_t total = 0;
    size_t size;
    int r;

    do {
        r = umh_pipe_read(all->from, text + total, sizeof text - 1 - total, soon(), &size);
        total += r == 0 ? size : 0;
    } while (r == 0);
    text[total] = '\0';
    assert_int_equal(r, UMH_PIPE_EOF);
    assert_string_equal(text, expected);
}

static void await_text(fixture *all, const char *expected)
{
    char text[64] = "";
    size_t size;

    for (size_t total = 0; total < strlen(expected); total += size)
        assert_int_equal(umh_pipe_read(all->from, text + total, 1, soon(), &size), 0);
    assert_string_equal(text, expected);
}

/* As it was reaped, and as the report has it. */
static umh_process_end finish(fixture *all, umh_process_end *ret_reaped)
{
    umh_process_end end;

    assert_int_equal(umh_process_wait(&all->process, soon(), &end), 0);
    umh_process_deinit(&all->process);
    if (ret_reaped)
        *ret_reaped = end;
    umh_process_end_correct(&end, (const char *)all->page.memory + REPORT_OFFSET);
    return end;
}

/* ------------------------- the tests */

static void test_ends_as_the_program_does(void **state)
{
    static const char *const codes[] = {"0", "3", "125", "137", "255"};
    fixture *all = get_fixture(state);
    umh_process_end reaped;

    for (size_t i = 0; i < UMH_COUNT_OF(codes); i++) {
        umh_process_end end;

        start(all, "exit", codes[i]);
        end = finish(all, &reaped);
        assert_int_equal(reaped.exit_code, atoi(codes[i]));
        assert_int_equal(end.exit_code, atoi(codes[i]));
        assert_int_equal(end.signal, 0);
        assert_int_equal(end.not_started, 0);
    }
}

static void test_a_signal_is_told_from_an_exit_code(void **state)
{
    static const int numbers[] = {SIGKILL, SIGSEGV, SIGTERM, SIGABRT, SIGHUP};
    fixture *all = get_fixture(state);
    const struct rlimit no_core = {0, 0};
    umh_process_end reaped;

    setrlimit(RLIMIT_CORE, &no_core);
    for (size_t i = 0; i < UMH_COUNT_OF(numbers); i++) {
        umh_process_end end;
        char number[8];

        snprintf(number, sizeof number, "%d", numbers[i]);
        start(all, "signal", number);
        end = finish(all, &reaped);
        assert_int_equal(reaped.signal, 0);
        assert_int_equal(reaped.exit_code, 128 + numbers[i]);
        assert_int_equal(end.signal, numbers[i]);
    }
}

/* Whether a crash here writes a core is the system's choice; that it is known is ours. */
static void test_a_core_dump_is_told(void **state)
{
    fixture *all = get_fixture(state);
    const struct rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
    const struct rlimit none = {0, RLIM_INFINITY};
    char folder[UMH_PATH_BYTES];
    umh_process_end direct;
    umh_process_end end;

    assert_int_equal(umh_file_make_temporary("umh-core-", folder), 0);
    all->spec.folder = folder;
    setrlimit(RLIMIT_CORE, &large);
    all->spec.containment = CONTAINED_BY_GROUP;
    start(all, "signal", "3");
    direct = finish(all, NULL);
    all->spec.containment = CONTAINED_BY_NAMESPACE;
    start(all, "signal", "3");
    end = finish(all, NULL);
    setrlimit(RLIMIT_CORE, &none);
    assert_int_equal(umh_file_remove_tree(folder), 0);
    assert_int_equal(end.signal, SIGQUIT);
    assert_int_equal(end.dumped_core, direct.dumped_core);
}

static void test_it_is_the_first_of_its_namespace(void **state)
{
    fixture *all = get_fixture(state);

    start(all, "describe", NULL);
    expect_text(all, "pid=2 parent=1 self=2 group=own death=0 uid=0 gid=0 groups=0 blocked=0 "
                     "files=many");
    assert_int_equal(finish(all, NULL).exit_code, 0);
}

static void test_the_program_has_the_user_and_the_limit(void **state)
{
    fixture *all = get_fixture(state);
    uint32_t groups[] = {100, 200, 300};
    umh_user user = {.uid = 65534, .gid = 65533, .groups = groups, .group_count = 3};

    all->spec.user = &user;
    all->spec.open_files_max = 77;
    start(all, "describe", NULL);
    expect_text(all, "pid=2 parent=1 self=2 group=own death=0 uid=65534 gid=65533 groups=3 "
                     "blocked=0 files=77");
    assert_int_equal(finish(all, NULL).exit_code, 0);
}

static void expect_groups(fixture *all, size_t count)
{
    static uint32_t groups[65536];
    umh_user user = {.uid = 65534, .gid = 65533, .groups = groups, .group_count = count};
    char expected[160];

    for (uint32_t i = 0; i < count; i++)
        groups[i] = 2147000000 + i;
    all->spec.user = &user;
    snprintf(expected, sizeof expected,
             "pid=2 parent=1 self=2 group=own death=0 uid=65534 gid=65533 groups=%zu blocked=0 "
             "files=many",
             count);
    start(all, "describe", NULL);
    expect_text(all, expected);
    assert_int_equal(finish(all, NULL).exit_code, 0);
    all->spec.user = NULL;
}

/* As one argument of a program has room for, and one more. */
static void test_the_program_has_many_groups(void **state)
{
    expect_groups(get_fixture(state), 8192);
}

static void test_the_program_has_more_groups(void **state)
{
    expect_groups(get_fixture(state), 8193);
}

static void test_the_program_has_all_groups(void **state)
{
    expect_groups(get_fixture(state), 65536);
}

static void expect_folder(fixture *all, const char *folder, const char *expected)
{
    umh_user user = {.uid = 65534, .gid = 65534};

    all->spec.user = &user;
    all->spec.folder = folder;
    start(all, "folder", NULL);
    expect_text(all, expected);
    assert_int_equal(finish(all, NULL).exit_code, 0);
}

static void test_the_user_enters_the_folder(void **state)
{
    char folder[UMH_PATH_BYTES];

    assert_int_equal(umh_file_make_temporary("umh-home-", folder), 0);
    assert_int_equal(chown(folder, 65534, 65534), 0);
    expect_folder(get_fixture(state), folder, folder);
    assert_int_equal(umh_file_remove_tree(folder), 0);
}

static void test_a_folder_that_the_user_may_not_enter(void **state)
{
    char folder[UMH_PATH_BYTES];

    assert_int_equal(umh_file_make_temporary("umh-home-", folder), 0);
    expect_folder(get_fixture(state), folder, "/");
    assert_int_equal(umh_file_remove_tree(folder), 0);
}

/* The group of root's is left, too. */
static void test_a_user_without_groups_has_none(void **state)
{
    fixture *all = get_fixture(state);
    umh_user user = {.uid = 65534, .gid = 65534};

    all->spec.user = &user;
    start(all, "describe", NULL);
    expect_text(all, "pid=2 parent=1 self=2 group=own death=0 uid=65534 gid=65534 groups=0 "
                     "blocked=0 files=many");
    finish(all, NULL);
}

static void test_without_a_namespace_the_program_takes_its_place(void **state)
{
    fixture *all = get_fixture(state);
    umh_user user = {.uid = 65534, .gid = 65534};
    char expected[160];

    all->spec.containment = CONTAINED_BY_GROUP;
    all->spec.user = &user;
    start(all, "describe", NULL);
    assert_int_equal(umh_process_find_pid(&all->process), all->process.pid);
    snprintf(expected, sizeof expected,
             "pid=%lld parent=0 self=%lld group=own death=9 uid=65534 gid=65534 groups=0 "
             "blocked=0 files=many",
             (long long)all->process.pid, (long long)all->process.pid);
    expect_text(all, expected);
    assert_int_equal(finish(all, NULL).exit_code, 0);
}

/* No control group, so that its entry is written to; `entry` is what that leads to. */
static umh_pipe make_group(const char *entry, char *ret_folder)
{
    umh_pipe group = UMH_PIPE_NONE;
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_make_temporary("umh-group-", ret_folder), 0);
    assert_int_equal(umh_file_join(ret_folder, "cgroup.procs", path), 0);
    assert_int_equal(symlink(entry, path), 0);
    group.handle = open(ret_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(umh_pipe_is_open(group));
    return group;
}

static void test_nothing_of_its_own_reaches_the_program(void **state)
{
    fixture *all = get_fixture(state);
    umh_user user = {.uid = 0, .gid = 0};
    char entry[64];
    char folder[UMH_PATH_BYTES];
    umh_pipe in;
    umh_pipe out;
    char byte = 0;
    size_t size;

    assert_int_equal(umh_pipe_new(&in, &out), 0);
    snprintf(entry, sizeof entry, "/proc/self/fd/%d", (int)out.handle);
    all->spec.cgroup = make_group(entry, folder);
    all->spec.inherit[0] = all->page.object;
    start(all, "descriptors", NULL);
    expect_text(all, "0 1 2 3 ");
    finish(all, NULL);
    /* What stands for the control group's file was told "myself". */
    assert_int_equal(umh_pipe_read(in, &byte, 1, soon(), &size), 0);
    assert_int_equal(byte, '0');

    all->spec.containment = CONTAINED_BY_GROUP;
    all->spec.user = &user;
    umh_pipe_close(&all->from);
    assert_int_equal(umh_pipe_new(&all->from, &all->from_end), 0);
    all->spec.standard[1] = all->from_end;
    start(all, "descriptors", NULL);
    expect_text(all, "0 1 2 3 ");
    finish(all, NULL);
    umh_pipe_close(&in);
    umh_pipe_close(&out);
    umh_pipe_close(&all->spec.cgroup);
    assert_int_equal(umh_file_remove_tree(folder), 0);
}

static void test_reaps_orphans(void **state)
{
    fixture *all = get_fixture(state);

    umh_process_end end;

    start(all, "orphans", NULL);
    end = finish(all, NULL);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 0);
}

static void test_passes_on_the_wish_to_end(void **state)
{
    fixture *all = get_fixture(state);
    umh_process_end end;

    start(all, "asked", NULL);
    await_text(all, "ready");
    umh_process_terminate(&all->process);
    end = finish(all, NULL);
    assert_int_equal(end.signal, 0);
    assert_int_equal(end.exit_code, 42);
}

/* As pid 1 it is asked for nothing else. */
static void test_takes_no_other_signal(void **state)
{
    fixture *all = get_fixture(state);
    int64_t program;

    start(all, "asked", NULL);
    await_text(all, "ready");
    program = umh_process_find_pid(&all->process);
    assert_true(program > 1 && program != all->process.pid);
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP && number != SIGTERM)
            kill((pid_t)all->process.pid, number);
    }
    kill((pid_t)program, SIGTERM);
    assert_int_equal(finish(all, NULL).exit_code, 42);
}

static void test_all_ends_with_the_program(void **state)
{
    fixture *all = get_fixture(state);

    start(all, "family", NULL);
    await_text(all, "family");
    kill((pid_t)umh_process_find_pid(&all->process), SIGKILL);
    expect_text(all, "");
    assert_int_equal(finish(all, NULL).signal, SIGKILL);
}

static void test_all_ends_with_the_init(void **state)
{
    fixture *all = get_fixture(state);
    umh_process_end reaped;
    umh_process_end end;

    start(all, "family", NULL);
    await_text(all, "family");
    umh_process_kill(&all->process);
    expect_text(all, "");
    end = finish(all, &reaped);
    assert_int_equal(reaped.signal, SIGKILL);
    assert_int_equal(end.signal, SIGKILL);
}

static void test_the_end_of_a_pipe_is_the_programs(void **state)
{
    fixture *all = get_fixture(state);

    all->spec.standard[2] = all->from_end;
    start(all, "pipe", NULL);
    expect_text(all, ""); /* while it lives */
    umh_pipe_close(&all->to);
    umh_pipe_close(&all->to_end);
    assert_int_equal(finish(all, NULL).exit_code, 6);
}

static void test_starts_nothing_for_a_broker_that_is_gone(void **state)
{
    fixture *all = get_fixture(state);
    umh_user user = {.uid = 65534, .gid = 65534};

    umh_pipe_close(&all->lifeline_end);
    start(all, "describe", NULL);
    expect_text(all, "");
    assert_int_equal(finish(all, NULL).exit_code, UMH_INIT_FAILED);

    umh_pipe_close(&all->from);
    assert_int_equal(umh_pipe_new(&all->from, &all->from_end), 0);
    all->spec.standard[1] = all->from_end;
    all->spec.containment = CONTAINED_BY_GROUP;
    all->spec.user = &user;
    start(all, "describe", NULL);
    expect_text(all, "");
    assert_int_equal(finish(all, NULL).exit_code, UMH_INIT_FAILED);
}

/* Root may "execute" a folder until it tries. */
static void test_says_why_the_program_does_not_run(void **state)
{
    fixture *all = get_fixture(state);
    umh_process_end end;
    char text[64];

    all->spec.program = "/usr";
    all->spec.standard[2] = all->from_end;
    start(all, "", NULL);
    expect_text(all, "level=error msg=\"umh-init: /usr: Permission denied\"\n");
    end = finish(all, NULL);
    assert_int_equal(end.exit_code, UMH_INIT_FAILED);
    assert_int_equal(end.not_started, EACCES);
    umh_process_end_describe(&end, text, sizeof text);
    assert_string_equal(text, "could not be started: Permission denied");
}

static void test_says_which_step_failed(void **state)
{
    fixture *all = get_fixture(state);
    char folder[UMH_PATH_BYTES];
    umh_process_end end;

    all->spec.cgroup = make_group("/dev/full", folder);
    all->spec.standard[2] = all->from_end;
    start(all, "exit", "0");
    expect_text(all,
                "level=error msg=\"umh-init: enter the control group: No space left on device\"\n");
    end = finish(all, NULL);
    assert_int_equal(end.not_started, ENOSPC);
    umh_pipe_close(&all->spec.cgroup);
    assert_int_equal(umh_file_remove_tree(folder), 0);

    umh_pipe_close(&all->from);
    assert_int_equal(umh_pipe_new(&all->from, &all->from_end), 0);
    all->spec.cgroup = UMH_PIPE_NONE;
    all->spec.standard[1] = all->spec.standard[2] = all->from_end;
    all->spec.open_files_max = INT32_MAX; /* more than the system has */
    start(all, "exit", "0");
    expect_text(all,
                "level=error msg=\"umh-init: limit the open files: Operation not permitted\"\n");
    assert_int_equal(finish(all, NULL).not_started, EPERM);
}

static void test_is_nothing_for_people(void **state)
{
    fixture *all = get_fixture(state);

    all->spec.containment = CONTAINED_BY_GROUP;
    all->spec.program = all->init;
    start(all, "--help", NULL);
    assert_int_equal(finish(all, NULL).exit_code, UMH_INIT_FAILED);
}

#define IN_NAMESPACE(test) cmocka_unit_test_setup_teardown(test, set_up_namespace, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_NAMESPACE(test_ends_as_the_program_does),
        IN_NAMESPACE(test_a_signal_is_told_from_an_exit_code),
        IN_NAMESPACE(test_a_core_dump_is_told),
        IN_NAMESPACE(test_it_is_the_first_of_its_namespace),
        IN_NAMESPACE(test_the_program_has_the_user_and_the_limit),
        IN_NAMESPACE(test_the_program_has_many_groups),
        IN_NAMESPACE(test_the_program_has_more_groups),
        IN_NAMESPACE(test_the_program_has_all_groups),
        IN_NAMESPACE(test_the_user_enters_the_folder),
        IN_NAMESPACE(test_a_folder_that_the_user_may_not_enter),
        IN_NAMESPACE(test_a_user_without_groups_has_none),
        IN_NAMESPACE(test_without_a_namespace_the_program_takes_its_place),
        IN_NAMESPACE(test_nothing_of_its_own_reaches_the_program),
        IN_NAMESPACE(test_reaps_orphans),
        IN_NAMESPACE(test_passes_on_the_wish_to_end),
        IN_NAMESPACE(test_takes_no_other_signal),
        IN_NAMESPACE(test_all_ends_with_the_program),
        IN_NAMESPACE(test_all_ends_with_the_init),
        IN_NAMESPACE(test_the_end_of_a_pipe_is_the_programs),
        IN_NAMESPACE(test_starts_nothing_for_a_broker_that_is_gone),
        IN_NAMESPACE(test_says_why_the_program_does_not_run),
        IN_NAMESPACE(test_says_which_step_failed),
        cmocka_unit_test_setup_teardown(test_is_nothing_for_people, set_up, tear_down),
    };

    if (argc > 1)
        return be_program(argc, argv);
    if (umh_process_prepare())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
