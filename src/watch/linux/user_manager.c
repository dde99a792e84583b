/* SPDX-License-Identifier: MIT */
/*
 * One question to a user's service manager, over its private socket. Everything below
 * /run/user/UID is the user's to exchange, so each part of the way is opened by itself and its
 * owner looked at, no link is followed, and who listens must be that user. What it answers is
 * limited in time and, by the number of reads, in size.
 */
#include "watch/linux/session_facts.h"

#include "platform/clock.h"
#include "watch/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

/* A read takes what a socket holds, some hundred KiB; the whole question needs about ten. */
#define STEPS_MAX 64
#define LOOK_EVERY_US 100000u /* whether it is cancelled */

typedef struct question {
    umh_environment *environment;
    int r; /* of taking the answer */
    bool is_answered;
} question;

/* --- the way there ---------------------------------------------------------------------------- */

/* -1: it is not there, is a link, or is not the user's. */
static int open_own(int folder, const char *name, int flags, uint32_t uid)
{
    struct stat about;
    int opened = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | flags);

    if (opened >= 0 && fstat(opened, &about) == 0 && about.st_uid == uid)
        return opened;
    if (opened >= 0)
        close(opened);
    return -1;
}

static int open_socket_path(uint32_t uid)
{
    char runtime[64];
    int folder;
    int systemd = -1;
    int path = -1;

    snprintf(runtime, sizeof runtime, "/run/user/%u", uid);
    folder = open_own(AT_FDCWD, runtime, O_DIRECTORY, uid);
    if (folder >= 0)
        systemd = open_own(folder, "systemd", O_DIRECTORY, uid);
    if (systemd >= 0)
        path = open_own(systemd, "private", 0, uid);
    if (systemd >= 0)
        close(systemd);
    if (folder >= 0)
        close(folder);
    return path;
}

static bool is_served_by(int socket, uint32_t uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == uid;
}

/* -1: nobody answers there. Never waits: with a full backlog it is nobody, too. */
static int connect_manager(uint32_t uid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int path = open_socket_path(uid);
    int connection;

    if (path < 0)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", path);
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection >= 0 &&
        (connect(connection, (const struct sockaddr *)&address, sizeof address) < 0 ||
         !is_served_by(connection, uid))) {
        close(connection);
        connection = -1;
    }
    close(path);
    return connection;
}

/* --- the question ----------------------------------------------------------------------------- */

static int on_answer(sd_bus_message *message, void *context, sd_bus_error *ret_error)
{
    question *asked = context;
    char **entries = NULL;

    UMH_UNUSED(ret_error);
    asked->is_answered = true;
    asked->r = UMH_MANAGER_SILENT;
    if (sd_bus_message_is_method_error(message, NULL) ||
        sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, "as") < 0 ||
        sd_bus_message_read_strv(message, &entries) < 0)
        return 0;
    asked->r = umh_environment_filter((const char *const *)entries, asked->environment);
    for (char **entry = entries; entry && *entry; entry++)
        free(*entry);
    free(entries);
    return 0;
}

static bool begin(sd_bus *bus, question *asked)
{
    sd_bus_message *message = NULL;
    bool is_sent = sd_bus_start(bus) >= 0 &&
                   sd_bus_message_new_method_call(bus, &message, "org.freedesktop.systemd1",
                                                  "/org/freedesktop/systemd1",
                                                  "org.freedesktop.DBus.Properties", "Get") >= 0 &&
                   sd_bus_message_append(message, "ss", "org.freedesktop.systemd1.Manager",
                                         "Environment") >= 0 &&
                   sd_bus_call_async(bus, NULL, message, on_answer, asked,
                                     (uint64_t)UMH_SESSION_ASK_MS * 1000) >= 0;

    sd_bus_message_unref(message);
    return is_sent;
}

static void await_answer(sd_bus *bus, const question *asked, bool (*is_cancelled)(void *),
                         void *context)
{
    uint64_t deadline_ns = umh_clock_deadline_ns(UMH_SESSION_ASK_MS);
    int steps = 0;
    int r = 0;

    while (r >= 0 && !asked->is_answered && steps < STEPS_MAX && !is_cancelled(context) &&
           umh_clock_now_ns() < deadline_ns) {
        r = sd_bus_process(bus, NULL);
        steps += r > 0;
        if (r == 0) {
            r = sd_bus_wait(bus, LOOK_EVERY_US);
            steps += r > 0;
            r = r == -EINTR ? 0 : r;
        }
    }
}

int umh_user_manager_environment(uint32_t uid, bool (*is_cancelled)(void *), void *context,
                                 umh_environment *ret_environment)
{
    question asked = {.environment = ret_environment};
    int connection = connect_manager(uid);
    sd_bus *bus = NULL;

    if (connection < 0)
        return UMH_MANAGER_SILENT;
    if (sd_bus_new(&bus) < 0) {
        close(connection);
        return UMH_FAIL(UMH_E_MEMORY, "ask a user's service manager");
    }
    /* It has the descriptor from here on. */
    if (sd_bus_set_fd(bus, connection, connection) < 0)
        close(connection);
    else if (sd_bus_negotiate_fds(bus, 0) >= 0 && begin(bus, &asked))
        await_answer(bus, &asked, is_cancelled, context);
    sd_bus_close(bus);
    sd_bus_unref(bus);
    if (!asked.is_answered || asked.r == UMH_MANAGER_SILENT)
        return UMH_MANAGER_SILENT;
    return umh_fold(asked.r);
}
