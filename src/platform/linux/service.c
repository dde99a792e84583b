/* SPDX-License-Identifier: MIT */
/*
 * What a service says to systemd.
 *
 * sd_notify() of libsystemd waits while systemd's socket is full, and the caller is the broker's
 * loop. The protocol is a line of text in a datagram, documented as stable for who has no library,
 * so it is spoken here, without waiting.
 */
#include "platform/service.h"

#include "platform/clock.h"
#include "platform/environment.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "NOTIFY_SOCKET"
#define US_PER_MS 1000u

/* False: systemd did not start this process. */
static bool find_address(struct sockaddr_un *ret_address, socklen_t *ret_size)
{
    const char *path = umh_environment_get(SOCKET_NAME);
    size_t size = path ? strlen(path) : 0;

    if (size < 2 || size >= sizeof ret_address->sun_path || (path[0] != '/' && path[0] != '@'))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, size);
    if (path[0] == '@')
        ret_address->sun_path[0] = '\0'; /* a name that is in no file system */
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return true;
}

bool umh_service_is_managed(void)
{
    struct sockaddr_un address;
    socklen_t size;

    return find_address(&address, &size);
}

bool umh_service_say(const char *lines)
{
    struct sockaddr_un address;
    socklen_t size;
    ssize_t sent;
    int manager;

    if (!find_address(&address, &size))
        return true;
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (manager < 0)
        return false;
    sent = sendto(manager, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL,
                  (struct sockaddr *)&address, size);
    close(manager);
    return sent >= 0;
}

bool umh_service_say_reloading(void)
{
    char lines[64];

    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)(umh_clock_now_ns() / 1000));
    return umh_service_say(lines);
}

/* Decimal digits and nothing else; 0: it is none. */
static uint64_t read_number(const char *name)
{
    const char *text = umh_environment_get(name);
    char *end = NULL;
    unsigned long long number;

    if (!text || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

uint64_t umh_service_watchdog_ms(void)
{
    uint64_t limit_us = read_number("WATCHDOG_USEC");
    uint64_t ms = limit_us / 2 / US_PER_MS;

    /* Inherited from a service that started us: meant for that one. */
    if (umh_environment_get("WATCHDOG_PID") && read_number("WATCHDOG_PID") != (uint64_t)getpid())
        return 0;
    return limit_us > 0 && ms == 0 ? 1 : ms;
}
