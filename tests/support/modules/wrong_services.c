/* SPDX-License-Identifier: MIT */
/* Counts services and lists none. */
#include "wrong.h"

WRONG_MODULE_BUT(module.service_count = 1)
