/* SPDX-License-Identifier: MIT */
/*
 * Pipes. Whoever writes to one has made SIGPIPE ignored by umh_process_prepare: a reader that has
 * gone is EPIPE here and an outcome for the caller.
 */
#include "platform/pipe.h"

#include "platform/linux/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Above the descriptors that careless libraries expect something at. */
#define PRIVATE_DESCRIPTOR_LOWEST 10

int umh_pipe_new(umh_pipe *ret_read_end, umh_pipe *ret_write_end)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return UMH_FAIL_OS(errno, "create a pipe");
    ret_read_end->handle = ends[0];
    ret_write_end->handle = ends[1];
    return 0;
}

void umh_pipe_close(umh_pipe *pipe)
{
    /*
     * Not repeated after EINTR: Linux has closed it, and the number may be another thread's by
     * then.
     */
    if (umh_pipe_is_open(*pipe))
        close((int)pipe->handle);
    *pipe = UMH_PIPE_NONE;
}

umh_pipe umh_pipe_standard(int number)
{
    return (umh_pipe){.handle = number};
}

static int copy_private(int descriptor, umh_pipe *ret_pipe)
{
    umh_pipe copy = {.handle = fcntl(descriptor, F_DUPFD_CLOEXEC, PRIVATE_DESCRIPTOR_LOWEST)};

    if (copy.handle < 0)
        return UMH_FAIL_OS(errno, "copy descriptor %d", descriptor);
    *ret_pipe = copy;
    return 0;
}

static int put_null_and_log_in_place(void)
{
    int null_device = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int replaced;
    int error;

    if (null_device < 0)
        return UMH_FAIL_OS(errno, "open /dev/null");
    replaced = dup2(null_device, STDIN_FILENO);
    if (replaced >= 0)
        replaced = dup2(STDERR_FILENO, STDOUT_FILENO);
    error = errno;
    close(null_device);
    return replaced < 0 ? UMH_FAIL_OS(error, "replace descriptors 0 and 1") : 0;
}

int umh_pipe_take_standard(umh_pipe *ret_in, umh_pipe *ret_out)
{
    umh_pipe in = UMH_PIPE_NONE;
    umh_pipe out = UMH_PIPE_NONE;
    int r = copy_private(STDIN_FILENO, &in);

    if (r == 0)
        r = copy_private(STDOUT_FILENO, &out);
    if (r == 0)
        r = umh_pipe_set_non_blocking(out);
    if (r == 0)
        r = put_null_and_log_in_place();
    if (r) {
        umh_pipe_close(&in);
        umh_pipe_close(&out);
        return r;
    }
    *ret_in = in;
    *ret_out = out;
    return 0;
}

bool umh_pipe_is_pipe(umh_pipe pipe)
{
    struct stat about;

    return fstat((int)pipe.handle, &about) == 0 &&
           (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
}

bool umh_pipe_is_terminal(umh_pipe pipe)
{
    return isatty((int)pipe.handle) == 1;
}

/* A socket says that the other end vanished by ECONNRESET, the far side of a terminal by EIO. */
static bool means_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == EIO;
}

/* Outcomes: UMH_PIPE_EOF, UMH_PIPE_WOULD_BLOCK. */
static int read_once(umh_pipe pipe, void *buffer, size_t capacity, size_t *ret_size)
{
    ssize_t count;

    do
        count = read((int)pipe.handle, buffer, capacity);
    while (count < 0 && errno == EINTR);

    if (count > 0) {
        *ret_size = (size_t)count;
        return 0;
    }
    if (count == 0 || means_gone(errno))
        return UMH_PIPE_EOF;
    if (errno == EAGAIN)
        return UMH_PIPE_WOULD_BLOCK;
    return UMH_FAIL_OS(errno, "read from descriptor %d", (int)pipe.handle);
}

int umh_pipe_read(umh_pipe pipe, void *buffer, size_t capacity, uint64_t deadline_ns,
                  size_t *ret_size)
{
    /* Without a deadline a blocking end may just as well wait in read. */
    bool may_block = deadline_ns == UMH_FOREVER;
    short events;
    int r = UMH_PIPE_WOULD_BLOCK;

    umh_assert(capacity > 0);
    while (r == UMH_PIPE_WOULD_BLOCK) {
        if (!may_block) {
            r = umh_poll((int)pipe.handle, POLLIN, deadline_ns, &events);
            if (r == UMH_POLL_TIMEOUT)
                return UMH_PIPE_TIMEOUT;
            if (r)
                return umh_fold(r);
        }
        may_block = false;
        r = read_once(pipe, buffer, capacity, ret_size);
    }
    if (r == UMH_PIPE_EOF)
        return UMH_PIPE_EOF;
    return umh_fold(r);
}

int umh_pipe_write_parts(umh_pipe pipe, const umh_bytes *parts, size_t count, size_t *ret_size)
{
    struct iovec vectors[UMH_PIPE_PARTS_MAX];
    ssize_t written;

    umh_assert(count >= 1 && count <= UMH_PIPE_PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        vectors[i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)parts[i].data, .iov_len = parts[i].size};
    do
        written = writev((int)pipe.handle, vectors, (int)count);
    while (written < 0 && errno == EINTR);

    if (written >= 0) {
        *ret_size = (size_t)written;
        return 0;
    }
    if (errno == EAGAIN)
        return UMH_PIPE_WOULD_BLOCK;
    if (means_gone(errno))
        return UMH_PIPE_EOF;
    return UMH_FAIL_OS(errno, "write to descriptor %d", (int)pipe.handle);
}

int umh_pipe_write_all(umh_pipe pipe, umh_bytes bytes)
{
    int r;

    while (bytes.size > 0) {
        size_t written = 0;

        r = umh_pipe_write_parts(pipe, &bytes, 1, &written);
        if (r == UMH_PIPE_WOULD_BLOCK)
            r = umh_pipe_wait_writable(pipe, UMH_FOREVER);
        if (r == UMH_PIPE_EOF)
            return UMH_PIPE_EOF;
        if (r)
            return umh_fold(r);
        bytes.data += written;
        bytes.size -= written;
    }
    return 0;
}

int umh_pipe_wait_writable(umh_pipe pipe, uint64_t deadline_ns)
{
    short events;
    int r = umh_poll((int)pipe.handle, POLLOUT, deadline_ns, &events);

    if (r == UMH_POLL_TIMEOUT)
        return UMH_PIPE_TIMEOUT;
    if (r)
        return umh_fold(r);
    if (events & (POLLERR | POLLHUP))
        return UMH_PIPE_EOF;
    if (events & POLLNVAL)
        return UMH_FAIL_OS(EBADF, "wait for descriptor %d", (int)pipe.handle);
    return 0;
}

int umh_pipe_set_non_blocking(umh_pipe pipe)
{
    int flags = fcntl((int)pipe.handle, F_GETFL);

    if (flags < 0 || fcntl((int)pipe.handle, F_SETFL, flags | O_NONBLOCK) < 0)
        return UMH_FAIL_OS(errno, "make descriptor %d non-blocking", (int)pipe.handle);
    return 0;
}

bool umh_pipe_grow(umh_pipe pipe, size_t bytes)
{
    int now = fcntl((int)pipe.handle, F_GETPIPE_SZ);

    /* A smaller size would be granted, too, by shrinking the pipe. */
    if (now < 0 || (size_t)now >= bytes)
        return now >= 0;
    return bytes <= INT32_MAX && fcntl((int)pipe.handle, F_SETPIPE_SZ, (int)bytes) >= 0;
}
