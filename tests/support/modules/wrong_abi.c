/* SPDX-License-Identifier: MIT */
/* Built for a version of the interface that does not exist. */
#include "wrong.h"

WRONG_MODULE_BUT(module.abi_version = UMH_MODULE_ABI_VERSION + 1)
