/* SPDX-License-Identifier: MIT */
/* What logs.c and log_source.c share. Loop thread only. */
#pragma once

#include "base/list.h"
#include "broker/log_output.h"
#include "broker/logs.h"

/* one read of a host's stderr */
#define UMH_LOG_READ_BYTES (64u * 1024)

struct umh_logs {
    umh_broker *broker;
    umh_log_output output;
    umh_log_format format;
    umh_log_level lowest; /* below it nothing is said */
    umh_list sources;     /* umh_log_source */
    uint8_t *read_buffer; /* owned; UMH_LOG_READ_BYTES, one for all sources */
    uint64_t local_at_ms; /* when the offset of local time was looked up */
    uv_timer_t retry;     /* runs while something waits */
    uv_timer_t second;    /* runs while a source is over its rate */
    unsigned open_handles;
};

/* One record; it leaves with the next flush. */
void umh_logs_put(umh_logs *logs, const char *host, const umh_logfmt_record *record,
                  bool is_library);
void umh_logs_flush(umh_logs *logs);
/* A source dropped lines: have it said within a second. */
void umh_logs_note_excess(umh_logs *logs);
/* Say what was dropped since the last time. False: nothing was. */
bool umh_log_source_report(umh_log_source *source);
umh_log_source *umh_log_source_of(umh_list *entry);
