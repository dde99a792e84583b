/* SPDX-License-Identifier: MIT */
/* What a host keeps of its entry in the file: deep copies that outlive the configuration. */
#pragma once

#include "config/plan.h"

/* Without the modules: each slot has a copy of its own. */
UMH_MUST_USE int umh_host_config_copy(const umh_host_config *from, umh_host_config *ret_copy);
void umh_host_config_release(umh_host_config *copy);

UMH_MUST_USE int umh_module_config_copy(const umh_module_config *from, umh_module_config *ret_copy);
void umh_module_config_release(umh_module_config *copy);

/* Of a wanted module, borrowed: as in the file, or defaults for one that only an override knows. */
umh_module_config umh_module_config_of(const umh_wanted_module *wanted);
