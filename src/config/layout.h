/* SPDX-License-Identifier: MIT */
/*
 * What may stand in one host: a program (an assembly marked EXE) has the CLR of its process to
 * itself, and is the only module with Arguments. Reads the headers of the host's files. Any thread.
 */
#pragma once

#include "config/modules.h"

/*
 * Of two that exclude each other the program stays that comes first in the file. The modules beside
 * it are those of the host of that name in `config`; `file` is the module's. Outcomes:
 * UMH_MODULES_UNUSABLE (why: with both names, or the key).
 */
UMH_MUST_USE int umh_layout_check(const umh_config *config, const umh_host_config *host,
                                  const umh_module_config *module, const umh_module_file *file,
                                  umh_why *ret_why);
