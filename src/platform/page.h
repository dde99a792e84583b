/* SPDX-License-Identifier: MIT */
/*
 * One unnamed shared page per host, the black box: writable in the host, read-only in the broker,
 * readable after any death. Sealed against resizing before the host has it. What is in it is
 * described by ipc/blackbox.h; every value is untrusted evidence.
 */
#pragma once

#include "base/err.h"
#include "platform/pipe.h"

typedef struct umh_page {
    void *memory; /* NULL: none */
    size_t size;
    /* handed to the host; open in the broker only until the host has been started */
    umh_pipe object;
} umh_page;

#define UMH_PAGE_INIT                                                                              \
    {                                                                                              \
        .memory = NULL, .size = 0, .object = UMH_PIPE_NONE                                         \
    }

/* In the broker: create, seal, map read-only. `size` is rounded up to whole pages. */
UMH_MUST_USE int umh_page_create(size_t size, umh_page *ret_page);
/* In the host: map what it was born with for reading and writing, and close the object. */
UMH_MUST_USE int umh_page_adopt(umh_pipe object, size_t size, umh_page *ret_page);
void umh_page_deinit(umh_page *page);
