/* SPDX-License-Identifier: MIT */
/*
 * Log records of the host and of its modules: one logfmt line each, one write to the log pipe. Any
 * thread; blocks while the pipe is full.
 */
#pragma once

#include "formats/logfmt.h"

/*
 * `module` NULL: the host itself. Never fails: a log that cannot be written is nobody's business
 * any more.
 */
void umh_logger_write(umh_log_level level, const char *module, const char *message,
                      const umh_logfmt_field *fields, size_t field_count);
void umh_logger_say(umh_log_level level, const char *module, const char *format, ...)
    UMH_PRINTF(3, 4);
