/* SPDX-License-Identifier: MIT */
/*
 * Anonymous one-way pipes and the descriptors a host is born with. An end is born non-inheritable.
 * Any thread; one end is used by one thread at a time for reading, by one for writing.
 */
#pragma once

#include "base/bytes.h"
#include "platform/clock.h"

/*
 * An end, or a file: a descriptor or HANDLE. UMH_PIPE_NONE when there is none. A plain value with
 * one owner.
 */
typedef struct umh_pipe {
    intptr_t handle;
} umh_pipe;

#define UMH_PIPE_NONE ((umh_pipe){-1})

static inline bool umh_pipe_is_open(umh_pipe pipe)
{
    return pipe.handle != -1;
}

/* Both ends non-inheritable and blocking. */
UMH_MUST_USE int umh_pipe_new(umh_pipe *ret_read_end, umh_pipe *ret_write_end);
void umh_pipe_close(umh_pipe *pipe); /* leaves UMH_PIPE_NONE */

/* Descriptor 0, 1 or 2 of this process, borrowed. */
umh_pipe umh_pipe_standard(int number);

/*
 * In a host before anything else runs: *ret_in and *ret_out become private, non-inheritable copies
 * of descriptors 0 and 1, and *ret_out non-blocking (*ret_in stays as it is: a blocking end waits
 * in one call); 0 becomes the null device, 1 the same as 2 (the log). On Windows also in every C
 * runtime that is loaded.
 */
UMH_MUST_USE int umh_pipe_take_standard(umh_pipe *ret_in, umh_pipe *ret_out);

/*
 * What descriptor 0 is: a pipe or socket a broker gave, a terminal, something else. For "only a
 * broker starts me".
 */
bool umh_pipe_is_pipe(umh_pipe pipe);
bool umh_pipe_is_terminal(umh_pipe pipe);

/*
 * Read what is there, waiting for the first byte until the deadline. Works on blocking and
 * non-blocking ends.
 * Outcomes: UMH_PIPE_EOF, UMH_PIPE_TIMEOUT. A vanished other end is EOF, whatever the system calls
 * it.
 */
enum { UMH_PIPE_EOF = 1, UMH_PIPE_TIMEOUT = 2, UMH_PIPE_WOULD_BLOCK = 3 };
UMH_MUST_USE int umh_pipe_read(umh_pipe pipe, void *buffer, size_t capacity, uint64_t deadline_ns,
                               size_t *ret_size);

/*
 * Write one to `UMH_PIPE_PARTS_MAX` parts, as much as goes without waiting; *ret_size may be less
 * than the sum. The end must be non-blocking (a blocking pipe is not made safe by waiting until it
 * is writable). Outcomes: UMH_PIPE_EOF (nobody reads any more), UMH_PIPE_WOULD_BLOCK (nothing
 * written).
 */
#define UMH_PIPE_PARTS_MAX 64
UMH_MUST_USE int umh_pipe_write_parts(umh_pipe pipe, const umh_bytes *parts, size_t count,
                                      size_t *ret_size);

/* Write it all, waiting as long as it takes. Outcomes: UMH_PIPE_EOF. */
UMH_MUST_USE int umh_pipe_write_all(umh_pipe pipe, umh_bytes bytes);

/* Wait until something can be written. Outcomes: UMH_PIPE_EOF, UMH_PIPE_TIMEOUT. */
UMH_MUST_USE int umh_pipe_wait_writable(umh_pipe pipe, uint64_t deadline_ns);

UMH_MUST_USE int umh_pipe_set_non_blocking(umh_pipe pipe);

/*
 * Ask for more room in the pipe. False: refused (an unprivileged user has 64 MiB in all); nothing
 * lost. No effect on Windows: true.
 */
bool umh_pipe_grow(umh_pipe pipe, size_t bytes);
