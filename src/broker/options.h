/* SPDX-License-Identifier: MIT */
/*
 * The broker's command line: umh-broker --config FILE [--instance NAME] [--control PATH]
 * [--service] [--for SECONDS] [--colour always|never|auto].
 */
#pragma once

#include "broker/broker.h"

enum { UMH_OPTIONS_DONE = 1 };

/* Wrong usage is a failure UMH_E_USAGE. Outcomes: UMH_OPTIONS_DONE (--help, --version: printed). */
UMH_MUST_USE int umh_options_read(int argc, char **argv, umh_broker_options *ret_options);
/*
 * Problems with single entries are printed to stderr as warnings; an unusable file is the failure
 * UMH_E_CONFIG.
 */
UMH_MUST_USE int umh_options_load_config(const umh_broker_options *options, umh_config *ret_config);
/*
 * That no user but root and this one can change the installation or the configuration. A service
 * refuses to run otherwise (UMH_E_REFUSED); in the foreground it is a warning on stderr.
 */
UMH_MUST_USE int umh_options_check_trust(const umh_broker_options *options);
/* Prints the failure's record, if any: 0 for success, 2 for UMH_E_USAGE, else 1. */
int umh_options_exit_code(int result);
