/* SPDX-License-Identifier: MIT */
/*
 * A debugger, as far as the traced see: `tracer PID [stop]` attaches to every thread of a process,
 * with `stop` halts them all, says "attached", and lets go at the end of its standard input.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 256
#define TURNS_MAX 1000 /* threads may begin while they are attached to */

typedef struct traced {
    pid_t threads[THREADS_MAX];
    int count;
} traced;

static bool has(const traced *all, pid_t thread)
{
    for (int i = 0; i < all->count; i++) {
        if (all->threads[i] == thread)
            return true;
    }
    return false;
}

static bool attach(traced *all, pid_t thread, bool must_stop)
{
    if (all->count == THREADS_MAX || ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
        return false;
    if (must_stop && (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
                      waitpid(thread, NULL, __WALL) != thread))
        return false;
    all->threads[all->count++] = thread;
    return true;
}

/* All threads that are there; false: there was no new one. */
static bool attach_to_all(traced *all, const char *path, bool must_stop)
{
    DIR *folder = opendir(path);
    bool found_one = false;
    struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);

        if (thread > 0 && !has(all, thread))
            found_one |= attach(all, thread, must_stop);
    }
    if (folder)
        closedir(folder);
    return found_one;
}

int main(int argc, char **argv)
{
    traced all = {.count = 0};
    bool must_stop = argc > 2 && strcmp(argv[2], "stop") == 0;
    char path[64];
    char byte;

    snprintf(path, sizeof path, "/proc/%.20s/task", argc > 1 ? argv[1] : "");
    for (int turn = 0; turn < TURNS_MAX && attach_to_all(&all, path, must_stop); turn++)
        continue;
    if (all.count == 0) {
        fprintf(stderr, "tracer: cannot attach: %s\n", strerror(errno));
        return 1;
    }
    puts("attached");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        continue;
    /* Only a thread that stands still can be let go; the others are when this process ends. */
    for (int i = 0; must_stop && i < all.count; i++)
        ptrace(PTRACE_DETACH, all.threads[i], NULL, NULL);
    return 0;
}
