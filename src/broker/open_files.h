/* SPDX-License-Identifier: MIT */
/*
 * How many files the broker may have open, and whether that is enough for its hosts. Loop thread
 * only.
 */
#pragma once

#include "broker/broker.h"

/* Three pipes, the process, its control group; its black box while it starts. */
#define UMH_OPEN_FILES_PER_HOST 6u
/* Libraries, the loop, control clients, files that are being copied. */
#define UMH_OPEN_FILES_BESIDE 256u

/*
 * As many as the system lets it have; hosts begin with what was usual before. Where it is too few
 * for the hosts of the configuration, an error in the log says so.
 */
void umh_open_files_raise(umh_broker *broker);
