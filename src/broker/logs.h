/* SPDX-License-Identifier: MIT */
/*
 * The log: the broker's own records and what hosts write to stderr, on one terminal or pipe. Each
 * host has a rate limit whose excess is counted; output that is stuck is waited for up to
 * UMH_LOG_PENDING_BYTES, then dropped and counted. Never blocks the loop.
 */
#pragma once

#include "broker/broker.h"
#include "formats/logfmt.h"
#include "platform/pipe.h"

/*
 * To descriptor 2. On a terminal (or forced): "17:36:08.123 info  sensors/sysload  text
 * key=value", coloured; where it is the system's journal, records of that, see log_journal.h; else
 * logfmt lines with time= and host=.
 */
UMH_MUST_USE int umh_logs_new(umh_broker *broker, umh_logs **ret_logs);
/* How long the end of the log may wait for its reader. */
#define UMH_LOG_CLOSE_MS 1000u
/* Writes what waits, within UMH_LOG_CLOSE_MS. Frees itself; NULL is allowed. */
void umh_logs_close(umh_logs *logs);

/* The configuration says it anew. */
void umh_logs_set_lowest(umh_logs *logs, umh_log_level lowest);

/* A record of the broker itself. `host` may be NULL. */
void umh_logs_say(umh_logs *logs, umh_log_level level, const char *host, const char *format, ...)
    UMH_PRINTF(4, 5);
/* The thread's last failure, taken, after `what`. */
void umh_logs_failure(umh_logs *logs, const char *host, const char *what);

/* A record about a host or a module of it: "what: why", with both in their places. */
typedef struct umh_log_about {
    const char *host;
    const char *module;
} umh_log_about;
void umh_logs_about(umh_logs *logs, umh_log_level level, const umh_log_about *about,
                    const char *what, const umh_why *why);

/* The stderr of one process of a host. */
typedef struct umh_log_source umh_log_source;
UMH_MUST_USE int umh_log_source_open(umh_logs *logs, const char *host_id, umh_pipe pipe_take,
                                     umh_log_source **ret_source);
/* Read what is left without waiting, then close; frees itself; NULL is allowed. */
void umh_log_source_close(umh_log_source *source);
