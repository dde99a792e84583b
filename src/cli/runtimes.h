/* SPDX-License-Identifier: MIT */
/* Whether the managed modules of each host can share one .NET runtime, before any of them runs. */
#pragma once

#include "config/config.h"

/*
 * One problem for each host of which they cannot, or whose frameworks are not installed. Modules
 * that are unusable by themselves, and hosts without any .NET, are for others to report.
 */
UMH_MUST_USE int umh_cli_check_runtimes(const umh_config *config, const char *installation,
                                        umh_why_list *problems);
