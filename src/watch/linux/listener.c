/* SPDX-License-Identifier: MIT */
/*
 * The control endpoint as a socket in a private folder. The folder is opened first, checked by that
 * descriptor, and the socket is reached through it (/proc/self/fd/N/NAME): nobody can exchange the
 * folder in between, and a path may be longer than a socket address.
 */
#include "watch/listener.h"

#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64
#define SOCKET_NAME "control"
#define CONNECT_PATIENCE_SECONDS 5
#define WHO_BYTES 64

struct umh_listener {
    umh_listener_events events;
    uv_pipe_t pipe;
    int folder;
    dev_t device; /* of the socket's file: what is unlinked at the end is ours */
    ino_t inode;
    bool is_closed;
    char name[sizeof((struct sockaddr_un *)NULL)->sun_path];
};

int umh_listener_find_path(const char *instance, const char *path, char *ret_path)
{
    char folder[UMH_PATH_BYTES];
    int r;

    if (path)
        return umh_file_absolute(path, ret_path);
    r = umh_file_runtime_folder(instance, folder);
    return r ? umh_fold(r) : umh_file_join(folder, SOCKET_NAME, ret_path);
}

/* ------------------------- the folder and the address in it */

/* Outcomes: UMH_LISTENER_UNSAFE, UMH_LISTENER_NONE. */
static int check_folder(const char *path, umh_why *ret_why)
{
    int r = umh_file_check_private(path, ret_why);

    if (r == UMH_FILE_UNSAFE)
        return UMH_LISTENER_UNSAFE;
    if (r == UMH_FILE_NONE)
        return UMH_LISTENER_NONE;
    return umh_fold(r);
}

/* The folder of `path`. Outcomes: UMH_LISTENER_UNSAFE, UMH_LISTENER_NONE. */
static int open_folder(const char *path, int *ret_folder, umh_why *ret_why)
{
    char parent[UMH_PATH_BYTES];
    char opened[64];
    int folder;
    int r;

    umh_file_parent(path, parent);
    r = check_folder(parent, ret_why);
    if (r)
        return r;
    folder = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return UMH_FAIL_OS(errno, "open the folder '%s'", parent);
    /* Once more what was opened; the dot is for the check, which follows no link. */
    snprintf(opened, sizeof opened, "/proc/self/fd/%d/.", folder);
    r = check_folder(opened, ret_why);
    if (r) {
        close(folder);
        return r;
    }
    *ret_folder = folder;
    return 0;
}

static int put_address(const char *path, int folder, struct sockaddr_un *ret_address)
{
    const char *name = umh_file_name(path);
    int length;

    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    length = snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/%s",
                      folder, name);
    if (!name[0])
        return UMH_FAIL(UMH_E_USAGE, "'%s' names no socket", path);
    if (length < 0 || (size_t)length >= sizeof ret_address->sun_path)
        return UMH_FAIL(UMH_E_LIMIT, "the name '%s' is too long for a socket", name);
    return 0;
}

static bool get_peer(int descriptor, struct ucred *ret_peer)
{
    socklen_t size = sizeof *ret_peer;

    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, ret_peer, &size) == 0;
}

static bool is_trusted(const struct ucred *peer)
{
    return peer->uid == 0 || peer->uid == geteuid();
}

/* ------------------------- open */

/* Outcomes: UMH_LISTENER_IN_USE. */
static int try_connect(const struct sockaddr_un *address)
{
    /* Non-blocking: a broker with a full backlog is busy, not absent. */
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;

    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "create a socket");
    if (connect(descriptor, (const struct sockaddr *)address, sizeof *address) < 0)
        error = errno;
    close(descriptor);
    if (error == 0 || error == EAGAIN)
        return UMH_LISTENER_IN_USE;
    if (error == ECONNREFUSED || error == ENOENT)
        return 0;
    return UMH_FAIL_OS(error, "connect to an earlier socket");
}

/*
 * Nobody answers there: what is left of a broker that died goes, anything else stays. Outcomes: the
 * contract's.
 */
static int make_place(const char *path, int folder, const struct sockaddr_un *address,
                      umh_why *ret_why)
{
    const char *name = umh_file_name(path);
    struct stat about;
    int r;

    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : UMH_FAIL_OS(errno, "look at '%s'", path);
    if (!S_ISSOCK(about.st_mode)) {
        umh_why_set(ret_why, "'%s' is in the way: it is no socket", path);
        return UMH_LISTENER_UNSAFE;
    }
    r = try_connect(address);
    if (r)
        return r;
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
        return UMH_FAIL_OS(errno, "remove '%s'", path);
    return 0;
}

static int bind_socket(const char *path, const struct sockaddr_un *address, int *ret_socket)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;

    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "create a socket");
    if (bind(descriptor, (const struct sockaddr *)address, sizeof *address) < 0 ||
        listen(descriptor, BACKLOG) < 0)
        error = errno;
    if (error) {
        close(descriptor);
        return UMH_FAIL_OS(error, "listen at '%s'", path);
    }
    *ret_socket = descriptor;
    return 0;
}

/*
 * Between bind and listen a socket refuses connections as a stale one does: the lock keeps a second
 * broker from removing it then. Outcomes: the contract's.
 */
static int claim(const char *path, int folder, int *ret_socket, umh_why *ret_why)
{
    struct sockaddr_un address;
    int r = put_address(path, folder, &address);

    if (r)
        return r;
    if (flock(folder, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? UMH_LISTENER_IN_USE
                                    : UMH_FAIL_OS(errno, "lock the folder of '%s'", path);
    r = make_place(path, folder, &address, ret_why);
    if (r == 0)
        r = bind_socket(path, &address, ret_socket);
    flock(folder, LOCK_UN);
    return r;
}

static void on_refused_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_connection(uv_stream_t *server, int status)
{
    umh_listener *listener = server->data;
    uv_pipe_t *client;
    struct ucred peer = {.pid = 0, .uid = (uid_t)-1};
    char who[WHO_BYTES];
    uv_os_fd_t descriptor;

    if (status < 0)
        return; /* of one connection that went away; out of descriptors, libuv closes it itself */
    client = calloc(1, sizeof *client);
    if (!client)
        return; /* it stays unaccepted, and others behind it: no memory to serve them with */
    uv_pipe_init(server->loop, client, 0);
    if (uv_accept(server, (uv_stream_t *)client) < 0) {
        uv_close((uv_handle_t *)client, on_refused_closed);
        return;
    }
    if (uv_fileno((uv_handle_t *)client, &descriptor) == 0 && get_peer(descriptor, &peer) &&
        is_trusted(&peer)) {
        listener->events.on_client(listener->events.context, client);
        return;
    }
    snprintf(who, sizeof who, "process %ld of user %ld", (long)peer.pid, (long)peer.uid);
    uv_close((uv_handle_t *)client, on_refused_closed);
    listener->events.on_refused(listener->events.context, who);
}

static void on_listener_closed(uv_handle_t *handle)
{
    umh_listener *listener = handle->data;

    close(listener->folder);
    free(listener);
}

/* Takes `socket`. */
static int listen_on_loop(umh_listener *listener, uv_loop_t *loop, int socket)
{
    int status = uv_pipe_init(loop, &listener->pipe, 0);

    listener->pipe.data = listener;
    if (status == 0)
        status = uv_pipe_open(&listener->pipe, socket);
    if (status < 0) {
        close(socket);
        return UMH_FAIL_UV(status, "listen at '%s'", listener->name);
    }
    status = uv_listen((uv_stream_t *)&listener->pipe, BACKLOG, on_connection);
    return status < 0 ? UMH_FAIL_UV(status, "listen at '%s'", listener->name) : 0;
}

/* Makes the folder where there is none. Outcomes: UMH_LISTENER_UNSAFE. */
static int open_or_make_folder(const char *path, int *ret_folder, umh_why *ret_why)
{
    char parent[UMH_PATH_BYTES];
    int r = open_folder(path, ret_folder, ret_why);

    if (r == UMH_LISTENER_NONE) {
        umh_file_parent(path, parent);
        r = umh_file_make_folder(parent);
        if (r == 0)
            r = open_folder(path, ret_folder, ret_why);
    }
    if (r == UMH_LISTENER_UNSAFE)
        return UMH_LISTENER_UNSAFE;
    return umh_fold(r);
}

int umh_listener_open(uv_loop_t *loop, const char *path, const umh_listener_events *events,
                      umh_listener **ret_listener, umh_why *ret_why)
{
    umh_listener *listener;
    struct stat about;
    int folder = -1;
    int socket = -1;
    int r = open_or_make_folder(path, &folder, ret_why);

    if (r == UMH_LISTENER_UNSAFE)
        return UMH_LISTENER_UNSAFE;
    if (r)
        return umh_fold(r);
    r = claim(path, folder, &socket, ret_why);
    listener = r ? NULL : calloc(1, sizeof *listener);
    if (!listener) {
        if (socket >= 0)
            close(socket);
        close(folder);
        return r ? r : UMH_FAIL(UMH_E_MEMORY, "listen at '%s'", path);
    }

    listener->events = *events;
    listener->folder = folder;
    /* Whole: the address it is a part of has been made of it. */
    umh_text_put(listener->name, sizeof listener->name, umh_file_name(path));
    if (fstatat(folder, listener->name, &about, AT_SYMLINK_NOFOLLOW) == 0) {
        listener->device = about.st_dev;
        listener->inode = about.st_ino;
    }
    r = listen_on_loop(listener, loop, socket);
    if (r) {
        umh_listener_close(listener);
        return r;
    }
    *ret_listener = listener;
    return 0;
}

void umh_listener_close(umh_listener *listener)
{
    struct stat about;

    if (!listener || listener->is_closed)
        return;
    listener->is_closed = true;
    if (fstatat(listener->folder, listener->name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
        about.st_dev == listener->device && about.st_ino == listener->inode)
        unlinkat(listener->folder, listener->name, 0);
    uv_close((uv_handle_t *)&listener->pipe, on_listener_closed);
}

/* ------------------------- connect */

static int set_patience(int descriptor, time_t seconds)
{
    const struct timeval patience = {.tv_sec = seconds};

    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0)
        return UMH_FAIL_OS(errno, "set a deadline for connecting");
    return 0;
}

/* Outcomes: UMH_LISTENER_NONE, UMH_LISTENER_UNSAFE. */
static int connect_socket(int descriptor, const char *path, const struct sockaddr_un *address,
                          umh_why *ret_why)
{
    struct ucred peer;
    int r = set_patience(descriptor, CONNECT_PATIENCE_SECONDS);

    if (r)
        return r;
    if (connect(descriptor, (const struct sockaddr *)address, sizeof *address) < 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return UMH_LISTENER_NONE;
        if (errno == EAGAIN)
            return UMH_FAIL(UMH_E_TIMEOUT, "the broker at '%s' accepts no connection", path);
        return UMH_FAIL_OS(errno, "connect to '%s'", path);
    }
    if (!get_peer(descriptor, &peer))
        return UMH_FAIL_OS(errno, "find who listens at '%s'", path);
    if (!is_trusted(&peer)) {
        umh_why_set(ret_why, "who listens at '%s' is neither this user nor root (user %ld)", path,
                    (long)peer.uid);
        return UMH_LISTENER_UNSAFE;
    }
    return set_patience(descriptor, 0);
}

int umh_listener_connect(const char *path, uv_file *ret_socket, umh_why *ret_why)
{
    struct sockaddr_un address;
    int folder;
    int descriptor = -1;
    int r = open_folder(path, &folder, ret_why);

    if (r)
        return r;
    r = put_address(path, folder, &address);
    if (r == 0) {
        descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        r = descriptor < 0 ? UMH_FAIL_OS(errno, "create a socket")
                           : connect_socket(descriptor, path, &address, ret_why);
    }
    close(folder);
    if (r) {
        if (descriptor >= 0)
            close(descriptor);
        return r;
    }
    *ret_socket = descriptor;
    return 0;
}
