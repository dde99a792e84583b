/* SPDX-License-Identifier: MIT */
/*
 * What a restart costs when nothing is supervised: a process is killed, waited for and started
 * again, until the new one's first byte is here.
 *
 *   respawn [ROUNDS]
 *   respawn child       that process: it says a byte and waits for its end
 */
#include "measure.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

extern char **environ;

static _Noreturn void be_child(void)
{
    write_whole(STDOUT_FILENO, (const uint8_t *)"!", 1);
    for (;;)
        pause();
}

static pid_t start_child(char *program)
{
    char *arguments[] = {program, (char *)(uintptr_t) "child", NULL};
    posix_spawn_file_actions_t actions;
    uint8_t byte;
    int ends[2];
    pid_t child;

    must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    must(posix_spawn_file_actions_init(&actions) == 0 &&
             posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0,
         "posix_spawn_file_actions");
    must(posix_spawn(&child, program, &actions, NULL, arguments, environ) == 0, "posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    must(read_whole(ends[0], &byte, 1), "the child ended");
    close(ends[0]);
    return child;
}

int main(int argc, char **argv)
{
    uint64_t round_count = number_argument(argc, argv, 1, 1);
    uint64_t sum_ns = 0;
    pid_t child;

    if (argc > 1 && strcmp(argv[1], "child") == 0)
        be_child();
    child = start_child(argv[0]);
    for (uint64_t i = 0; i < round_count; i++) {
        uint64_t begin_ns = umh_clock_now_ns();

        must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "kill");
        child = start_child(argv[0]);
        sum_ns += umh_clock_now_ns() - begin_ns;
    }
    must(kill(child, SIGKILL) == 0, "kill");
    wait(NULL);
    printf("{\"ns\": %llu}\n", (unsigned long long)(sum_ns / round_count));
    return 0;
}
