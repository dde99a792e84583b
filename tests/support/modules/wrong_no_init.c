/* SPDX-License-Identifier: MIT */
/* No init function. */
#include "wrong.h"

WRONG_MODULE_BUT(module.init = NULL)
