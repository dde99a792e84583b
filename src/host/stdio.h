/* SPDX-License-Identifier: MIT */
/*
 * What the process was born with, put where module code cannot reach it. Main thread, before
 * anything else.
 */
#pragma once

#include "ipc/blackbox.h"
#include "platform/page.h"
#include "platform/pipe.h"

typedef struct umh_stdio {
    umh_pipe in;   /* frames from the broker: private copy of descriptor 0 */
    umh_pipe out;  /* frames to the broker: private copy of descriptor 1, non-blocking */
    umh_page page; /* the black box (descriptor 3); memory NULL when the broker gave none */
    umh_blackbox *blackbox; /* in the page, or NULL: a warning was logged, all else goes on */
} umh_stdio;

#define UMH_STDIO_INIT                                                                             \
    {                                                                                              \
        .in = UMH_PIPE_NONE, .out = UMH_PIPE_NONE, .page = UMH_PAGE_INIT, .blackbox = NULL         \
    }

/*
 * Afterwards descriptor 0 is the null device, 1 and 2 the log pipe, 3 closed. Outcomes:
 * UMH_STDIO_NO_BROKER (0 or 1 is no pipe, or the argument is missing: started by hand).
 */
enum { UMH_STDIO_NO_BROKER = 1 };
#define UMH_STDIO_ARGUMENT "--attached" /* argv[1] that a broker passes */
UMH_MUST_USE int umh_stdio_take(int argc, char **argv, umh_stdio *ret_stdio);
void umh_stdio_deinit(umh_stdio *stdio);
UMH_DEFINE_AUTO(umh_stdio);
