/* SPDX-License-Identifier: MIT */
/*
 * The system's log, which keeps a record with its fields. A record is encoded into bytes, which can
 * wait, and these are sent. One thread at a time.
 */
#pragma once

#include "base/bytes.h"
#include "base/log.h"
#include "platform/pipe.h"

typedef struct umh_journal_field {
    const char *name; /* "UMH_HOST"; what no name may hold is written as '_' */
    umh_bytes value;  /* any bytes */
} umh_journal_field;

#define UMH_JOURNAL_NAME_BYTES_MAX 64u /* a longer name is cut */

enum { UMH_JOURNAL_NONE = 1, UMH_JOURNAL_FULL = 2 };

/*
 * Where standard error is the system's log, a way to it for records with fields.
 * Outcomes: UMH_JOURNAL_NONE (it is not, or there is none).
 */
UMH_MUST_USE int umh_journal_open(umh_pipe *ret_journal);

/* Append one encoded record. Outcomes: UMH_BUFFER_FULL (nothing appended). */
UMH_MUST_USE int umh_journal_encode(umh_log_level level, umh_bytes message,
                                    const umh_journal_field *fields, size_t field_count,
                                    umh_buffer *record);
/*
 * Send one encoded record, waiting until the deadline; 0: not at all.
 * Outcomes: UMH_JOURNAL_FULL (the log takes nothing at the moment; nothing sent).
 */
UMH_MUST_USE int umh_journal_send(umh_pipe journal, umh_bytes record, uint64_t deadline_ns);
