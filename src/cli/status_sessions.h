/* SPDX-License-Identifier: MIT */
/* The part of `umh status` that is about users' sessions. */
#pragma once

#include "formats/jsonc.h"

/* Nothing where the broker serves nobody but who started it. */
UMH_MUST_USE int umh_cli_print_sessions(const umh_json *status);
