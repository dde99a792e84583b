/* SPDX-License-Identifier: MIT */
/*
 * Memory by pages, beside the heap: what was touched of it goes back to the system at once. For
 * large blocks of which little is used and many come and go together; in the heap each would leave
 * its touched pages behind between what lives longer. Any thread.
 */
#pragma once

#include <stddef.h>

/* Zeroed when it is touched first. NULL: there is none. */
void *umh_memory_map(size_t bytes);
/* NULL is allowed; `bytes` as it was asked for. */
void umh_memory_unmap(void *memory, size_t bytes);
