/* SPDX-License-Identifier: MIT */
/* Its init fails. */
#include "wrong.h"

static int fail(const umh_host_v1 *host, void **ret_state)
{
    (void)host;
    (void)ret_state;
    return 7;
}

WRONG_MODULE_BUT(module.init = fail)
