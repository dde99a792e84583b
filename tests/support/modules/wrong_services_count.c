/* SPDX-License-Identifier: MIT */
/* More services than are allowed. */
#include "wrong.h"

WRONG_MODULE_BUT(module.service_count = UMH_MODULE_SERVICES_MAX + 1)
