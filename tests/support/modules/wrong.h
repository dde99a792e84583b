/* SPDX-License-Identifier: MIT */
/* A module that is right but for the one thing that its file sets otherwise. */
#pragma once

#include <umh/module.h>

static int wrong_init(const umh_host_v1 *host, void **ret_state)
{
    (void)host;
    (void)ret_state;
    return 0;
}

#define WRONG_MODULE_BUT(...)                                                                      \
    const umh_module_v1 *umh_module_entry(void)                                                    \
    {                                                                                              \
        static umh_module_v1 module = {.size = sizeof(module),                                     \
                                       .abi_version = UMH_MODULE_ABI_VERSION,                      \
                                       .name = "wrong",                                            \
                                       .version = "1.0"};                                          \
                                                                                                   \
        module.init = wrong_init;                                                                  \
        __VA_ARGS__;                                                                               \
        return &module;                                                                            \
    }
