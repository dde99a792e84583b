/* SPDX-License-Identifier: MIT */
/*
 * A module that leaves relatives behind, as early as it can and by every way out of a process
 * group: a child; a grandchild in a session of its own that nobody waits for; with "Storm": so
 * many lines of processes of which each starts the next and ends, faster than anybody could look.
 * The first two ignore what can be ignored. "Leave": 1 ends the host right then; "Stay": 1 keeps it
 * from stopping.
 */
#include "configured.h"

#include <signal.h>
#include <unistd.h>

static void ignore_all(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
}

_Noreturn static void stay(void)
{
    for (;;)
        pause();
}

/* The one that goes on is always the youngest. */
_Noreturn static void storm(void)
{
    for (;;) {
        pid_t next = fork();

        if (next > 0)
            _exit(0);
        if (next == 0)
            setsid();
    }
}

static void start_family(long long storm_count)
{
    if (fork() == 0) {
        ignore_all();
        if (fork() == 0) {
            setsid();
            if (fork() == 0)
                stay();
            _exit(0);
        }
        for (long long i = 0; i < storm_count; i++) {
            if (fork() == 0)
                storm();
        }
        stay();
    }
}

static int init(const umh_host_v1 *host, void **ret_state)
{
    static char stays;

    start_family(config_number(host, "Storm", 0));
    if (config_number(host, "Leave", 0))
        _exit(1);
    *ret_state = config_number(host, "Stay", 0) ? &stays : NULL;
    return 0;
}

static void stop(void *state)
{
    if (state)
        stay();
}

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = sizeof(module),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "family",
        .version = "1.0",
        .init = init,
        .stop = stop,
    };

    return &module;
}
