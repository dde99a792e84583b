/* SPDX-License-Identifier: MIT */
/*
 * Takes what it is told to and says how much it got.
 *
 *   Config     Asked, Answered: numbers of its services
 *   "eat N"       N MiB of memory, written to and kept; "eaten N"
 *   "fork N"      N children that wait; "forked COUNT errno OF THE FIRST REFUSAL"
 *   "open N"      the null device N times; "opened COUNT errno OF THE FIRST REFUSAL"
 *   "spin"        a thread that never rests; "spins"
 *   "leave"       a grandchild in a session of its own, deaf to everything; "left PID"
 *   "variable X"  the environment's X; "X=..." or "X is not set"
 */
#include "configured.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024u * 1024)
#define LAST_SIGNAL 64

static const umh_host_v1 *used_host;
static umh_guid_v1 asked;
static umh_guid_v1 answered;

static void eat(long count)
{
    for (long i = 0; i < count; i++) {
        char *block = malloc(MIB);

        if (!block) {
            answer(used_host, &answered, "eaten %ld errno %d", i, errno);
            return;
        }
        for (size_t at = 0; at < MIB; at += 4096)
            ((volatile char *)block)[at] = (char)(at + (size_t)i + 1);
    }
    answer(used_host, &answered, "eaten %ld", count);
}

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        pause();
}

static void fork_children(long count)
{
    int error = 0;
    long started = 0;

    for (long i = 0; i < count; i++) {
        pid_t child = fork();

        if (child == 0)
            wait_for_ever();
        started += child > 0;
        if (child < 0 && error == 0)
            error = errno;
    }
    answer(used_host, &answered, "forked %ld errno %d", started, error);
}

static void open_files(long count)
{
    int error = 0;
    long opened = 0;

    for (long i = 0; i < count; i++) {
        int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

        opened += file >= 0;
        if (file < 0 && error == 0)
            error = errno;
    }
    answer(used_host, &answered, "opened %ld errno %d", opened, error);
}

static void *turn(void *unused)
{
    static volatile unsigned turns;

    (void)unused;
    for (;;)
        turns++;
    return NULL;
}

static void spin(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, turn, NULL) == 0)
        answer(used_host, &answered, "spins");
}

static _Noreturn void be_deaf(int told)
{
    pid_t own = getpid();

    for (int i = 1; i <= LAST_SIGNAL; i++)
        signal(i, SIG_IGN);
    if (write(told, &own, sizeof(own)) < 0)
        _exit(1);
    close(told);
    wait_for_ever();
}

static void leave(void)
{
    int ends[2];
    pid_t child;
    pid_t grandchild = 0;

    if (pipe(ends) != 0)
        return;
    child = fork();
    if (child == 0) {
        setsid();
        if (fork() == 0)
            be_deaf(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (child > 0)
        waitpid(child, NULL, 0);
    if (read(ends[0], &grandchild, sizeof(grandchild)) == (ssize_t)sizeof(grandchild))
        answer(used_host, &answered, "left %ld", (long)grandchild);
    close(ends[0]);
}

static void show(const char *name)
{
    const char *value = getenv(name);

    if (value)
        answer(used_host, &answered, "%s=%s", name, value);
    else
        answer(used_host, &answered, "%s is not set", name);
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    (void)ret_state;
    used_host = host;
    asked = config_service(host, "Asked");
    answered = config_service(host, "Answered");
    return host->subscribe(host, &asked);
}

static void on_message(void *state, const umh_message_v1 *message)
{
    const char *text = message->text;
    const char *space = strchr(text, ' ');
    const char *number = space ? space + 1 : "";

    (void)state;
    if (strncmp(text, "eat ", 4) == 0)
        eat(strtol(number, NULL, 10));
    else if (strncmp(text, "fork ", 5) == 0)
        fork_children(strtol(number, NULL, 10));
    else if (strncmp(text, "open ", 5) == 0)
        open_files(strtol(number, NULL, 10));
    else if (strcmp(text, "spin") == 0)
        spin();
    else if (strcmp(text, "leave") == 0)
        leave();
    else if (strncmp(text, "variable ", 9) == 0)
        show(number);
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "greedy",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
