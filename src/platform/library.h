/* SPDX-License-Identifier: MIT */
/* Dynamic libraries: load, find a symbol, unload with proof. Any thread. */
#pragma once

#include "base/why.h"

typedef struct umh_library umh_library;

enum {
    UMH_LIBRARY_UNLOADABLE = 1, /* the loader refused; why has its words */
    UMH_LIBRARY_NO_SYMBOL = 2,
    UMH_LIBRARY_STILL_MAPPED = 3,
};

/* `path` is absolute. Symbols are local to it and bound now. Outcomes: UMH_LIBRARY_UNLOADABLE. */
UMH_MUST_USE int umh_library_load(const char *path, umh_library **ret_library, umh_why *ret_why);

/* Outcomes: UMH_LIBRARY_NO_SYMBOL. */
UMH_MUST_USE int umh_library_find(umh_library *library, const char *symbol, void **ret_address);

/*
 * Close it and look whether its image is still mapped (/proc/self/maps by device and inode; on
 * Windows the module list); if so open and close once more, which helps with thread-locals that a
 * thread has touched, and look again. The handle is gone in every case. The threads that called
 * into it must have ended. Outcomes: UMH_LIBRARY_STILL_MAPPED.
 */
UMH_MUST_USE int umh_library_unload_take(umh_library *library);

/*
 * The same, but what is known of it stays, for its path and to be asked again: whatever kept the
 * image may have gone meanwhile. Outcomes: UMH_LIBRARY_STILL_MAPPED.
 */
UMH_MUST_USE int umh_library_unload(umh_library *library);
const char *umh_library_path(const umh_library *library);
umh_library *umh_library_free(umh_library *library); /* an image that is mapped stays so */
