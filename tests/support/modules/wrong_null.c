/* SPDX-License-Identifier: MIT */
/* Returns no struct. */
#include <umh/module.h>

const umh_module_v1 *umh_module_entry(void)
{
    return NULL;
}
