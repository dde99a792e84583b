/* SPDX-License-Identifier: MIT */
/* Where in its file a module's entry is. */
#pragma once

#include "base/why.h"
#include "config/config.h"

/*
 * Give `why` the place of the entry of `host`'s module, or that of the host where the file has
 * changed meanwhile or is laid out in another way. It costs passes over the file.
 */
void umh_check_place_module(const umh_config *config, const umh_host_config *host,
                            const umh_module_config *module, umh_why *why);
