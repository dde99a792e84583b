/* SPDX-License-Identifier: MIT */
/*
 * Log records for the system's journal, one behind the other in a buffer until it takes them. Loop
 * thread only.
 *
 *   MESSAGE            "sensors/sysload: text", "sensors: text", or the text alone
 *   SYSLOG_IDENTIFIER  umh
 *   UMH_HOST           the host's id, as in the status; absent: the broker itself
 *   UMH_SESSION        that the host is in; 0: the broker's own
 *   UMH_MODULE         absent: the host itself
 *   UMH_F_KEY          each field `key` of the record
 */
#pragma once

#include "broker/log_format.h"
#include "platform/journal.h"

#define UMH_LOG_JOURNAL_PREFIX "UMH_F_"

/* Outcomes: UMH_BUFFER_FULL (nothing appended). */
UMH_MUST_USE int umh_log_journal_append(const umh_log_line *line, umh_buffer *pending);
/*
 * Send the first record of `pending`, waiting until the deadline; `ret_size` is what it takes
 * there. False: the journal takes nothing at the moment. One that it refuses is passed over.
 */
bool umh_log_journal_send(umh_pipe journal, umh_bytes pending, uint64_t deadline_ns,
                          size_t *ret_size);
