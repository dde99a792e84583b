/* SPDX-License-Identifier: MIT */
/*
 * Processes by pidfd. A start is glibc's clone with the parent's memory (no page tables are copied,
 * however large the broker is) and a stack of its own; the calling thread sleeps until the child
 * has executed its program or failed. Until then the child shares every byte with the other threads
 * of the parent, so it makes system calls and nothing else, and those that a sanitizer would
 * intercept it makes directly. What takes more than that is done by umh-init, which the child
 * executes instead of the program, and which executes that.
 */
#include "platform/process.h"

#include "platform/linux/clone.h"
#include "platform/linux/init_command.h"
#include "platform/linux/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STACK_BYTES (32u * 1024)
#define TARGETS_MAX (3 + UMH_PROCESS_INHERIT_MAX + 3) /* and those of umh_init_descriptors */

/* P_PIDFD, which glibc names only since 2.36. */
#define WAIT_FOR_PIDFD ((idtype_t)3)

/* The kernel's own signal set: 64 signals, without those that glibc keeps to itself. */
#define KERNEL_SIGNALS 64
typedef uint64_t kernel_signal_set;

typedef enum launch_stage {
    LAUNCH_DESCRIPTORS,
    LAUNCH_FOLDER,
    LAUNCH_PROGRAM,
} launch_stage;

/* An outcome: not in that group. Whether it can be otherwise is for the next attempt to say. */
enum { NOT_BORN = UMH_PROCESS_RUNNING + 1 };

/* What parent and child say to each other through their shared memory. */
typedef struct launch {
    const umh_process_spec *spec;
    const char *program; /* what is executed: the spec's, or its init */
    const char *const *arguments;
    char *const *environment;
    const char *folder;
    pid_t parent;
    int group;                /* folder of a control group to be born in; -1: ours */
    int sources[TARGETS_MAX]; /* become descriptors 0, 1, 2, ... */
    int source_count;
    launch_stage stage; /* where it failed */
    int error;          /* errno of that; 0: the program runs */
} process_launch;

/* ------------------------- in the child */

/*
 * A sanitizer keeps books per thread and would book what happens here to the parent's, which never
 * returns from here.
 */
#define IN_CHILD __attribute__((no_sanitize("address"), no_sanitize("thread"), noinline))

/*
 * A handler of the parent must not run in its memory once signals are open, and what it ignores is
 * none of the program's business.
 */
IN_CHILD static void reset_signals(void)
{
    /*
     * Zero in all its fields means SIG_DFL on every processor; no processor's structure is larger.
     */
    const uint64_t action[8] = {0};
    const kernel_signal_set none = 0;

    for (int signal = 1; signal <= KERNEL_SIGNALS; signal++)
        syscall(SYS_rt_sigaction, signal, action, NULL, sizeof none);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

/*
 * All sources move above the targets first: a source may have the number of another's target, or
 * its own and be close-on-exec.
 */
IN_CHILD static bool place_descriptors(process_launch *launch)
{
    int count = launch->source_count;

    for (int i = 0; i < count; i++) {
        long moved = launch->sources[i];

        if (moved < count)
            moved = syscall(SYS_fcntl, moved, F_DUPFD_CLOEXEC, count);
        if (moved < 0)
            return false;
        launch->sources[i] = (int)moved;
    }
    for (int i = 0; i < count; i++) {
        if (syscall(SYS_dup3, launch->sources[i], i, 0) < 0)
            return false;
    }
    return syscall(SYS_close_range, (unsigned)count, ~0u, 0) == 0;
}

/* What it cannot be given it does without: it may raise the number itself. */
IN_CHILD static void set_open_files(int64_t usual)
{
    struct rlimit64 limit;

    if (usual <= 0 || syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) != 0)
        return;
    if ((uint64_t)usual < limit.rlim_max)
        limit.rlim_cur = (uint64_t)usual;
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL);
}

IN_CHILD static int run_child(void *argument)
{
    process_launch *launch = argument;
    const umh_process_spec *spec = launch->spec;

    if (spec->containment != CONTAINED_BY_NOTHING) {
        syscall(SYS_setpgid, 0, 0);
        syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        /*
         * A parent that died before that line sends no signal any more. From a namespace it cannot
         * be seen: init looks at the lifeline.
         */
        if (spec->containment == CONTAINED_BY_GROUP && syscall(SYS_getppid) != launch->parent)
            return 1;
    }
    launch->stage = LAUNCH_DESCRIPTORS;
    if (place_descriptors(launch)) {
        launch->stage = LAUNCH_FOLDER;
        if (syscall(SYS_chdir, launch->folder) == 0) {
            launch->stage = LAUNCH_PROGRAM;
            set_open_files(spec->open_files_usual);
            reset_signals();
            syscall(SYS_execve, launch->program, launch->arguments, launch->environment);
        }
    }
    launch->error = errno;
    return 1;
}

/* ------------------------- in the parent */

int umh_process_prepare(void)
{
    int descriptor = -1;

    /*
     * The CLR asks for this when it starts. In a process that has threads by then, the kernel lets
     * it wait for all processors: 8 ms, a third of its start. Asked for again, it costs nothing.
     */
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGCHLD, SIG_DFL) == SIG_ERR)
        return UMH_FAIL_OS(errno, "set signal dispositions");
    while (descriptor < STDERR_FILENO) {
        int opened = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (opened < 0)
            return UMH_FAIL_OS(errno, "open /dev/null");
        if (opened > STDERR_FILENO) {
            close(opened);
            return 0;
        }
        /* A standard descriptor is inheritable, like one that was there. */
        descriptor = opened;
        fcntl(descriptor, F_SETFD, 0);
    }
    return 0;
}

static void collect_sources(process_launch *launch, int null_device)
{
    const umh_process_spec *spec = launch->spec;

    for (int i = 0; i < 3; i++) {
        bool is_given = umh_pipe_is_open(spec->standard[i]);

        launch->sources[i] = is_given ? (int)spec->standard[i].handle : null_device;
    }
    launch->source_count = 3;
    for (int i = 0; i < UMH_PROCESS_INHERIT_MAX && umh_pipe_is_open(spec->inherit[i]); i++)
        launch->sources[launch->source_count++] = (int)spec->inherit[i].handle;
}

/* The number that init has it by; -1: it is not given. */
static int add_source(process_launch *launch, umh_pipe pipe)
{
    if (!umh_pipe_is_open(pipe))
        return -1;
    launch->sources[launch->source_count] = (int)pipe.handle;
    return launch->source_count++;
}

static bool says_no_program(const process_launch *launch)
{
    if (launch->stage != LAUNCH_PROGRAM)
        return false;
    switch (launch->error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case ENOEXEC:
    case ELIBBAD:
        return true;
    default:
        return false;
    }
}

/* Outcomes: UMH_PROCESS_NO_PROGRAM. */
static int explain(const process_launch *launch)
{
    const umh_process_spec *spec = launch->spec;
    int r = 0;

    switch (launch->stage) {
    case LAUNCH_DESCRIPTORS:
        return UMH_FAIL_OS(launch->error, "place the descriptors of '%s'", spec->program);
    case LAUNCH_FOLDER:
        return UMH_FAIL_OS(launch->error, "enter the folder of '%s'", spec->program);
    case LAUNCH_PROGRAM:
        r = UMH_FAIL_OS(launch->error, "execute '%s'", launch->program);
        break;
    }
    return says_no_program(launch) ? UMH_PROCESS_NO_PROGRAM : r;
}

/*
 * Signals stay blocked over the clone, glibc's own included: a handler in the child would run in
 * the parent's memory.
 */
static pid_t clone_child(process_launch *launch, char *stack, int *ret_pidfd)
{
    const kernel_signal_set all = ~UINT64_C(0);
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
    umh_clone_spec into = {.run = run_child,
                           .argument = launch,
                           .stack = stack,
                           .stack_bytes = CHILD_STACK_BYTES,
                           .exit_signal = SIGCHLD,
                           .ret_pidfd = ret_pidfd,
                           .group = launch->group};
    kernel_signal_set before;
    pid_t pid;
    int error;

    if (launch->spec->containment == CONTAINED_BY_NAMESPACE)
        flags |= CLONE_NEWPID | CLONE_NEWNS;
    into.flags = flags;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    pid = launch->group >= 0
              ? umh_clone_into(&into)
              : UMH_CLONE(run_child, stack + CHILD_STACK_BYTES, flags | SIGCHLD, launch, ret_pidfd);
    error = errno;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    errno = error;
    return pid;
}

/* Outcomes: UMH_PROCESS_NO_PROGRAM, NOT_BORN. */
static int run(process_launch *launch, umh_process *ret_process)
{
    umh_process process = UMH_PROCESS_INIT;
    umh_process_end end;
    int pidfd = -1;
    int error;
    pid_t pid;
    char *stack = mmap(NULL, CHILD_STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

    if (stack == MAP_FAILED)
        return UMH_FAIL_OS(errno, "reserve a stack for '%s'", launch->spec->program);
    pid = clone_child(launch, stack, &pidfd);
    error = errno;
    munmap(stack, CHILD_STACK_BYTES);
    if (pid < 0 && launch->group >= 0)
        return NOT_BORN;
    if (pid < 0)
        return UMH_FAIL_OS(error, "start '%s'", launch->spec->program);

    process.handle = pidfd;
    process.pid = pid;
    if (launch->error) {
        umh_ignore(umh_process_wait(&process, UMH_FOREVER, &end));
        umh_process_deinit(&process);
        return explain(launch);
    }
    *ret_process = process;
    return 0;
}

/* `entry`: what init writes to; -1: it is not to. Outcomes: UMH_PROCESS_NO_PROGRAM, NOT_BORN. */
static int run_init(process_launch *launch, umh_pipe entry, umh_process *ret_process)
{
    UMH_AUTO(umh_init_command) command = UMH_INIT_COMMAND_INIT;
    const umh_process_spec *spec = launch->spec;
    const int source_count = launch->source_count;
    umh_init_descriptors descriptors;
    int r;

    descriptors.lifeline = add_source(launch, spec->lifeline);
    descriptors.report = add_source(launch, spec->report);
    descriptors.cgroup = add_source(launch, entry);
    r = umh_init_command_make(spec, &descriptors, &command);
    if (r)
        return r;
    launch->program = spec->init;
    launch->arguments = command.arguments;
    r = run(launch, ret_process);
    launch->source_count = source_count;
    if (r == 0)
        ret_process->is_init = spec->containment == CONTAINED_BY_NAMESPACE;
    return r;
}

/*
 * Born in its group where the system can do that, otherwise moved there by init. Outcomes:
 * UMH_PROCESS_NO_PROGRAM.
 */
static int run_in_group(process_launch *launch, umh_process *ret_process)
{
    umh_pipe entry = UMH_PIPE_NONE;
    int r;

    launch->group = (int)launch->spec->cgroup.handle;
    r = run_init(launch, UMH_PIPE_NONE, ret_process);
    if (r != NOT_BORN)
        return r;
    entry.handle = openat(launch->group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (entry.handle < 0)
        return UMH_FAIL_OS(errno, "open the control group of '%s'", launch->spec->program);
    launch->group = -1;
    r = run_init(launch, entry, ret_process);
    umh_pipe_close(&entry);
    return r;
}

/* Outcomes: UMH_PROCESS_NO_PROGRAM. */
static int run_with_init(process_launch *launch, umh_process *ret_process)
{
    const umh_process_spec *spec = launch->spec;
    int r;

    if (!spec->init)
        return UMH_FAIL(UMH_E_BUG, "start '%s' without the init that it needs", spec->program);
    /* Init would say so too, but later. */
    if (faccessat(AT_FDCWD, spec->program, X_OK, AT_EACCESS) != 0) {
        launch->stage = LAUNCH_PROGRAM;
        launch->error = errno;
        r = explain(launch);
    } else if (umh_pipe_is_open(spec->cgroup)) {
        r = run_in_group(launch, ret_process);
    } else {
        r = run_init(launch, UMH_PIPE_NONE, ret_process);
    }
    return r == UMH_PROCESS_NO_PROGRAM ? UMH_PROCESS_NO_PROGRAM : umh_fold(r);
}

int umh_process_start(const umh_process_spec *spec, umh_process *ret_process)
{
    char *const none[] = {NULL};
    process_launch launch = {.spec = spec,
                             .program = spec->program,
                             .arguments = spec->arguments,
                             .environment = none,
                             .group = -1,
                             .parent = getpid()};
    int null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
    int r;

    if (null_device < 0)
        return UMH_FAIL_OS(errno, "open /dev/null");
    if (spec->environment && spec->environment->entries)
        launch.environment = spec->environment->entries;
    /* A user's folder may not answer, and the calling thread waits here: init enters it. */
    launch.folder = spec->folder && !spec->user ? spec->folder : "/";
    collect_sources(&launch, null_device);
    r = umh_init_is_needed(spec) ? run_with_init(&launch, ret_process) : run(&launch, ret_process);
    close(null_device);
    if (r == UMH_PROCESS_NO_PROGRAM)
        return UMH_PROCESS_NO_PROGRAM;
    return umh_fold(r);
}

/*
 * False: it has been reaped (or there is none). A process that has ended and waits to be reaped
 * takes signals without effect.
 */
static bool send_signal(const umh_process *process, int signal)
{
    return process->handle >= 0 &&
           syscall(SYS_pidfd_send_signal, (int)process->handle, signal, NULL, 0) == 0;
}

void umh_process_kill(const umh_process *process)
{
    /*
     * Until it is reaped its pid belongs to it, and so the group of that number, if there is one,
     * is its own.
     */
    if (send_signal(process, SIGKILL) && process->pid > 1)
        kill(-(pid_t)process->pid, SIGKILL);
}

void umh_process_terminate(const umh_process *process)
{
    send_signal(process, SIGTERM);
}

int umh_process_reap(umh_process *process, umh_process_end *ret_end)
{
    siginfo_t info = {.si_pid = 0};
    int status;

    do
        status = waitid(WAIT_FOR_PIDFD, (id_t)process->handle, &info, WEXITED | WNOHANG);
    while (status < 0 && errno == EINTR);

    if (status < 0)
        return UMH_FAIL_OS(errno, "reap process %lld", (long long)process->pid);
    if (info.si_pid == 0)
        return UMH_PROCESS_RUNNING;
    *ret_end = (umh_process_end){
        .exit_code = info.si_code == CLD_EXITED ? info.si_status : 0,
        .signal = info.si_code == CLD_EXITED ? 0 : info.si_status,
        .dumped_core = info.si_code == CLD_DUMPED,
    };
    return 0;
}

int umh_process_wait(umh_process *process, uint64_t deadline_ns, umh_process_end *ret_end)
{
    short events;
    int r = umh_poll((int)process->handle, POLLIN, deadline_ns, &events);

    if (r == UMH_POLL_TIMEOUT)
        return UMH_PROCESS_RUNNING;
    if (r)
        return umh_fold(r);
    r = umh_process_reap(process, ret_end);
    if (r == UMH_PROCESS_RUNNING)
        return UMH_PROCESS_RUNNING;
    return umh_fold(r);
}

void umh_process_deinit(umh_process *process)
{
    if (process->handle >= 0)
        close((int)process->handle);
    *process = (umh_process)UMH_PROCESS_INIT;
}

void umh_process_end_describe(const umh_process_end *end, char *buffer, size_t capacity)
{
    const char *name = sigdescr_np(end->signal);
    const char *reason = strerrordesc_np(end->not_started);

    if (end->not_started)
        snprintf(buffer, capacity, "could not be started: %s", reason ? reason : "?");
    else if (end->signal == 0)
        snprintf(buffer, capacity, "exit code %d", end->exit_code);
    else
        snprintf(buffer, capacity, "signal %d%s%s%s%s", end->signal, name ? " (" : "",
                 name ? name : "", name ? ")" : "", end->dumped_core ? ", core dumped" : "");
}

int64_t umh_process_own_pid(void)
{
    return getpid();
}

int umh_process_own_bits(void)
{
    return (int)sizeof(void *) * 8;
}

int umh_process_become(const char *program, const char *const *arguments)
{
    sigset_t none;
    sigset_t before;
    int error;

    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &none, &before);
    execv(program, (char *const *)(uintptr_t)arguments);
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_IGN);
    return UMH_FAIL_OS(error, "execute '%s'", program);
}

void umh_process_exit_now(int code)
{
    _exit(code);
}
