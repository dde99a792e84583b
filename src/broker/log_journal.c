/* SPDX-License-Identifier: MIT */
/* Log records for the system's journal. In the buffer, each has its size in 32 bits in front. */
#include "broker/log_journal.h"

#include "ipc/limits.h"

#include <stdio.h>
#include <string.h>

#define IDENTIFIER "umh"
#define SIZE_BYTES 4u
#define SESSION_MARK '@' /* "NAME@2" is in session 2; no name holds one */
#define FIELDS_MAX (UMH_LOGFMT_FIELDS_MAX + 5)

typedef struct journal_record {
    umh_journal_field fields[FIELDS_MAX];
    char names[UMH_LOGFMT_FIELDS_MAX][UMH_JOURNAL_NAME_BYTES_MAX + 1];
    size_t count;
} journal_record;

static void add(journal_record *record, const char *name, umh_bytes value)
{
    record->fields[record->count++] = (umh_journal_field){.name = name, .value = value};
}

static void add_host(journal_record *record, const char *host)
{
    const char *mark = strrchr(host, SESSION_MARK);

    add(record, "UMH_HOST", umh_bytes_of_text(host));
    add(record, "UMH_SESSION", umh_bytes_of_text(mark ? mark + 1 : "0"));
}

static void add_fields(journal_record *record, const umh_logfmt_record *from)
{
    for (size_t i = 0; i < from->field_count && i < UMH_LOGFMT_FIELDS_MAX; i++) {
        snprintf(record->names[i], sizeof record->names[i], UMH_LOG_JOURNAL_PREFIX "%.50s",
                 from->fields[i].key);
        add(record, record->names[i], from->fields[i].value);
    }
}

/* People see nothing but the message. Outcomes: UMH_BUFFER_FULL. */
static int append_message(const umh_log_line *line, umh_buffer *message)
{
    umh_bytes module = line->record->module;
    int r = 0;

    if (module.size > UMH_NAME_BYTES_MAX)
        module.size = UMH_NAME_BYTES_MAX;
    if (line->host)
        r = umh_buffer_append_text(message, line->host);
    if (r == 0 && line->host && module.size > 0)
        r = umh_buffer_append_text(message, "/");
    if (r == 0)
        r = umh_buffer_append(message, module.data, module.size);
    if (r == 0 && message->size > 0)
        r = umh_buffer_append_text(message, ": ");
    if (r == 0)
        r = umh_buffer_append(message, line->record->message.data, line->record->message.size);
    return r;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append_record(const umh_log_line *line, const journal_record *record,
                         umh_buffer *pending)
{
    UMH_AUTO(umh_buffer) message = UMH_BUFFER_INIT;
    int r = append_message(line, &message);

    if (r == 0)
        r = umh_journal_encode(line->record->level, umh_bytes_of(message.data, message.size),
                               record->fields, record->count, pending);
    return r;
}

int umh_log_journal_append(const umh_log_line *line, umh_buffer *pending)
{
    const uint8_t no_size[SIZE_BYTES] = {0};
    size_t before = pending->size;
    journal_record record = {.count = 0};
    uint32_t size;
    int r = umh_buffer_append(pending, no_size, sizeof no_size);

    add(&record, "SYSLOG_IDENTIFIER", umh_bytes_of_text(IDENTIFIER));
    if (line->host)
        add_host(&record, line->host);
    if (line->record->module.size > 0)
        add(&record, "UMH_MODULE", line->record->module);
    add_fields(&record, line->record);
    if (line->is_library)
        add(&record, UMH_LOG_JOURNAL_PREFIX "STREAM", umh_bytes_of_text("text"));
    if (r == 0)
        r = append_record(line, &record, pending);
    if (r) {
        if (pending->size > before)
            umh_buffer_cut(pending, before);
        return r;
    }
    size = (uint32_t)(pending->size - before - SIZE_BYTES);
    memcpy(pending->data + before, &size, sizeof size);
    return 0;
}

bool umh_log_journal_send(umh_pipe journal, umh_bytes pending, uint64_t deadline_ns,
                          size_t *ret_size)
{
    uint32_t size;
    int r;

    memcpy(&size, pending.data, sizeof size);
    r = umh_journal_send(journal, umh_bytes_of(pending.data + SIZE_BYTES, size), deadline_ns);
    if (r == UMH_JOURNAL_FULL)
        return false;
    if (r)
        umh_failure_take(); /* refused for good: passed over, there is nobody to tell */
    *ret_size = SIZE_BYTES + size;
    return true;
}
