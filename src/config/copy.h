/* SPDX-License-Identifier: MIT */
/*
 * Deep copies of what a configuration says, for those who outlive it. A copy is released by the
 * function that is named for it, or as a part of a umh_config. Pure. Any thread.
 */
#pragma once

#include "config/config.h"

/* Without the modules: each slot of a host has a copy of its own. */
UMH_MUST_USE int umh_host_config_copy(const umh_host_config *from, umh_host_config *ret_copy);
UMH_MUST_USE int umh_host_config_copy_whole(const umh_host_config *from, umh_host_config *ret_copy);
void umh_host_config_release(umh_host_config *copy);

/* A part of another struct, and released with that. */
UMH_MUST_USE int umh_dotnet_config_copy(const umh_dotnet_config *from, umh_dotnet_config *ret_copy);

UMH_MUST_USE int umh_module_config_copy(const umh_module_config *from, umh_module_config *ret_copy);
void umh_module_config_release(umh_module_config *copy);
