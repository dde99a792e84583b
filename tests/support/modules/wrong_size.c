/* SPDX-License-Identifier: MIT */
/* A struct that ends before the callbacks. */
#include "wrong.h"

WRONG_MODULE_BUT(module.size = offsetof(umh_module_v1, init))
