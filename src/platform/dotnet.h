/* SPDX-License-Identifier: MIT */
/* Where .NET is usually installed on this system, and what its parts are called. Any thread. */
#pragma once

#include "platform/file.h"

/*
 * The usual places of a .NET root, in the order in which they are looked at: what an administrator
 * or an installer wrote down, those of the system, the user's own. `ret_root` has UMH_PATH_BYTES,
 * and is empty where this place is not known here. False: there are no more.
 */
bool umh_dotnet_get_place(size_t index, char *ret_root);

/* The file of the library that finds a runtime (hostfxr), below <root>/host/fxr/<version>. */
const char *umh_dotnet_resolver(void);
