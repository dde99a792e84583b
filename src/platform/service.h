/* SPDX-License-Identifier: MIT */
/*
 * What a service says to the system's service manager, and its records in the system's journal.
 * Without a manager every call does nothing. Main thread, but for umh_journal_send: any thread.
 */
#pragma once

#include "base/err.h"
#include "base/log.h"

/* "READY=1", "STATUS=...", "STOPPING=1", "RELOADING=1" with its time: one line each. */
void umh_service_say(const char *line);
void umh_service_say_reloading(void);
/* Every how long the manager wants to hear from the main loop, half of its limit; 0: it does not. */
uint64_t umh_service_watchdog_ms(void);
void umh_service_feed_watchdog(void);

/* Whether standard error is the journal's: then records go there with their fields. */
bool umh_journal_is_open(void);

typedef struct umh_journal_field {
    const char *name; /* "UMH_HOST": capitals, digits, '_' */
    const char *value;
    size_t value_bytes;
} umh_journal_field;

#define UMH_JOURNAL_FIELDS_MAX 40u

/* May block while the journal is stuck: not on the loop. */
UMH_MUST_USE int umh_journal_send(umh_log_level level, const char *message, size_t message_bytes,
                                  const umh_journal_field *fields, size_t field_count);
