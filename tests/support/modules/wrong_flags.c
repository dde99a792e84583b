/* SPDX-License-Identifier: MIT */
/* Flags that no version knows. */
#include "wrong.h"

WRONG_MODULE_BUT(module.flags = 0x80000000u)
