/* SPDX-License-Identifier: MIT */
/* From init to the program: what is applied, and how it is started. */
#include "init/init.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

static bool limit_open_files(unsigned long count)
{
    struct rlimit limit = {.rlim_cur = count, .rlim_max = count};

    return count == 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Groups first: afterwards there is no right to change them any more. */
static bool become_user(const umh_init_options *options)
{
    if (!options->has_user)
        return true;
    return setgroups(options->group_count, options->groups) == 0 &&
           setresgid(options->gid, options->gid, options->gid) == 0 &&
           setresuid(options->uid, options->uid, options->uid) == 0;
}

/* Not before the user has changed: a home may be one that only its user can enter. */
static void enter_folder(const umh_init_options *options)
{
    int ignored = options->folder ? chdir(options->folder) : 0;

    (void)ignored;
}

/*
 * A change of the user clears the death signal, so it is asked for afterwards; in a namespace it is
 * the first process's.
 */
void umh_init_become_program(const umh_init_options *options, umh_init_failure *ret_failure)
{
    extern char **environ;
    sigset_t none;

    sigemptyset(&none);
    if (!limit_open_files(options->open_files)) {
        *ret_failure = (umh_init_failure){.step = "limit the open files", .error = errno};
    } else if (!become_user(options)) {
        *ret_failure = (umh_init_failure){.step = "become the user", .error = errno};
    } else if (options->is_namespace || umh_init_follow_parent(options, ret_failure)) {
        enter_folder(options);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(options->program[0], options->program + 1, environ);
        *ret_failure = (umh_init_failure){.step = options->program[0], .error = errno};
    }
}

/*
 * The child borrows this process's memory until it executes, so that its failure stands in
 * *ret_failure when this one goes on, and no page is copied.
 */
pid_t umh_init_start_program(const umh_init_options *options, umh_init_failure *ret_failure)
{
    pid_t child = vfork();

    if (child == 0) {
        /* A signal to the program's group is none to init. */
        setpgid(0, 0);
        umh_init_become_program(options, ret_failure);
        _exit(UMH_INIT_FAILED);
    }
    if (child < 0)
        *ret_failure = (umh_init_failure){.step = "start a process", .error = errno};
    return ret_failure->step ? -1 : child;
}
