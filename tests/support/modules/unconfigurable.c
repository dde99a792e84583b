/* SPDX-License-Identifier: MIT */
/* A module of before there was `configure`: its struct ends in front of that. */
#include "configurable.h"

const umh_module_v1 *umh_module_entry(void)
{
    static const umh_module_v1 module = {
        .size = offsetof(umh_module_v1, configure),
        .abi_version = UMH_MODULE_ABI_VERSION,
        .name = "unconfigurable",
        .version = "1.0",
        .init = init,
        .on_message = on_message,
    };

    return &module;
}
