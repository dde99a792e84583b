/* SPDX-License-Identifier: MIT */
/* A struct that ends before its version. */
#include "wrong.h"

WRONG_MODULE_BUT(module.size = sizeof(size_t))
