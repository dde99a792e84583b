/* SPDX-License-Identifier: MIT */
/* The log: the broker's own records, and what becomes of a record. */
#include "broker/logs.h"

#include "broker/logs_state.h"
#include "platform/environment.h"
#include "platform/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAY_BYTES 2048
#define RETRY_MS 10u
#define SECOND_MS 1000u
#define LOCAL_VALID_MS 60000u /* summer time begins within a minute of its hour */

/* --- a record ----------------------------------------------------------------------------- */

/* Minutes east of Greenwich, now. */
static int find_local_offset(void)
{
    time_t now = time(NULL);
    struct tm local = {.tm_mday = 1};
    struct tm utc = {.tm_mday = 1};
    const struct tm *found = localtime(&now);
    int days;

    if (found)
        local = *found;
    found = gmtime(&now);
    if (found)
        utc = *found;
    days = local.tm_year != utc.tm_year ? local.tm_year - utc.tm_year : local.tm_yday - utc.tm_yday;
    return (days * 24 + local.tm_hour - utc.tm_hour) * 60 + local.tm_min - utc.tm_min;
}

static void update_local(umh_logs *logs)
{
    uint64_t now_ms = uv_now(&logs->broker->loop);

    if (logs->format.style == LOG_STYLE_LOGFMT ||
        (logs->local_at_ms != 0 && now_ms - logs->local_at_ms < LOCAL_VALID_MS))
        return;
    logs->local_at_ms = now_ms ? now_ms : 1;
    logs->format.offset_minutes = find_local_offset();
}

void umh_logs_put(umh_logs *logs, const char *host, const umh_logfmt_record *record,
                  bool is_library)
{
    char time[UMH_CLOCK_TEXT_BYTES];
    const umh_log_line line = {
        .time = time, .host = host, .record = record, .is_library = is_library};

    if (record->level < logs->lowest)
        return;
    umh_clock_wall_text(time);
    update_local(logs);
    umh_log_output_put(&logs->output, &logs->format, &line);
}

static void on_retry(uv_timer_t *timer)
{
    umh_logs *logs = timer->data;
    uint64_t dropped_count = logs->output.dropped_count;

    if (!umh_log_output_flush(&logs->output))
        return;
    umh_ignore(uv_timer_stop(timer));
    if (dropped_count == 0)
        return;
    logs->output.dropped_count = 0;
    umh_logs_say(logs, UMH_LOG_WARNING, NULL,
                 "%llu log lines were dropped: the log was not read for too long",
                 (unsigned long long)dropped_count);
}

void umh_logs_flush(umh_logs *logs)
{
    /* Who is stuck is asked again by the timer, not by every line. */
    if (uv_is_active((uv_handle_t *)&logs->retry) || umh_log_output_flush(&logs->output))
        return;
    umh_ignore(uv_timer_start(&logs->retry, on_retry, RETRY_MS, RETRY_MS));
}

static void on_second(uv_timer_t *timer)
{
    umh_logs *logs = timer->data;
    bool was_over = false;

    umh_list_each (entry, &logs->sources)
        was_over |= umh_log_source_report(umh_log_source_of(entry));
    if (!was_over)
        umh_ignore(uv_timer_stop(timer));
    umh_logs_flush(logs);
}

void umh_logs_note_excess(umh_logs *logs)
{
    if (!uv_is_active((uv_handle_t *)&logs->second))
        umh_ignore(uv_timer_start(&logs->second, on_second, SECOND_MS, SECOND_MS));
}

/* --- the broker's own records ------------------------------------------------------------- */

static void say_text(umh_logs *logs, umh_log_level level, const char *host, const char *text)
{
    const umh_logfmt_record record = {.level = level, .message = umh_bytes_of_text(text)};

    umh_logs_put(logs, host, &record, false);
    umh_logs_flush(logs);
}

void umh_logs_say(umh_logs *logs, umh_log_level level, const char *host, const char *format, ...)
{
    char text[SAY_BYTES];
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(text, sizeof(text), format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    say_text(logs, level, host, text);
}

void umh_logs_failure(umh_logs *logs, const char *host, const char *what)
{
    umh_failure failure = umh_failure_take();
    char text[sizeof(failure.text) + 256];

    umh_failure_format(&failure, text, sizeof(text));
    umh_logs_say(logs, UMH_LOG_ERROR, host, "%s: %s", what, text);
}

static void add_place(umh_logfmt_record *record, const umh_why *why, char line[16], char column[16])
{
    snprintf(line, 16, "%d", why->line);
    snprintf(column, 16, "%d", why->column);
    if (why->file[0])
        record->fields[record->field_count++] =
            (umh_logfmt_field){"file", umh_bytes_of_text(why->file)};
    if (why->line > 0)
        record->fields[record->field_count++] = (umh_logfmt_field){"line", umh_bytes_of_text(line)};
    if (why->column > 0)
        record->fields[record->field_count++] =
            (umh_logfmt_field){"column", umh_bytes_of_text(column)};
    if (why->key[0])
        record->fields[record->field_count++] =
            (umh_logfmt_field){"key", umh_bytes_of_text(why->key)};
}

/* People read a place as compilers write it; programs have it in fields, and a journal has both. */
void umh_logs_about(umh_logs *logs, umh_log_level level, const umh_log_about *about,
                    const char *what, const umh_why *why)
{
    bool is_journal = umh_pipe_is_open(logs->output.journal);
    bool is_for_people = logs->format.style != LOG_STYLE_LOGFMT || is_journal;
    char reason[sizeof(*why) + 64];
    char text[SAY_BYTES];
    char line[16];
    char column[16];
    umh_logfmt_record record = {.level = level, .module = umh_bytes_of_text(about->module)};

    umh_text_put(reason, sizeof(reason), why->text);
    if (is_for_people)
        umh_why_format(why, reason, sizeof(reason));
    if (!is_for_people || is_journal)
        add_place(&record, why, line, column);
    snprintf(text, sizeof(text), "%s%s%s", what, what[0] && reason[0] ? ": " : "", reason);
    record.message = umh_bytes_of_text(text);
    umh_logs_put(logs, about->host, &record, false);
    umh_logs_flush(logs);
}

/* --- life --------------------------------------------------------------------------------- */

/* no-color.org: any value forbids it, but what was asked for on the command line wins. */
static umh_log_style choose_style(const umh_broker_options *options, umh_pipe pipe)
{
    if (options->force_colour)
        return LOG_STYLE_COLOURED;
    if (!umh_pipe_is_terminal(pipe))
        return LOG_STYLE_LOGFMT;
    return options->no_colour || umh_environment_get("NO_COLOR") ? LOG_STYLE_PLAIN
                                                                 : LOG_STYLE_COLOURED;
}

/* The column of names is as wide as what is in the file from the first line on. */
static size_t find_who_columns(const umh_config *config)
{
    size_t widest = 0;

    for (size_t i = 0; i < config->host_count; i++) {
        const umh_host_config *host = &config->hosts[i];

        for (size_t m = 0; m < host->module_count; m++) {
            size_t columns = strlen(host->name) + 1 + strlen(host->modules[m].name);

            widest = columns > widest ? columns : widest;
        }
    }
    return widest < UMH_LOG_WHO_COLUMNS_MAX ? widest : UMH_LOG_WHO_COLUMNS_MAX;
}

/* Without it, lines go to descriptor 2 as ever. */
static void use_journal(umh_logs *logs)
{
    umh_pipe journal;
    int r = umh_journal_open(&journal);

    if (r == 0)
        umh_log_output_use_journal_take(&logs->output, journal);
    if (r < 0)
        umh_failure_take();
}

void umh_logs_set_lowest(umh_logs *logs, umh_log_level lowest)
{
    logs->lowest = lowest;
}

int umh_logs_new(umh_broker *broker, umh_logs **ret_logs)
{
    umh_logs *logs = calloc(1, sizeof(*logs));

    if (!logs)
        return UMH_FAIL(UMH_E_MEMORY, "make the log");
    logs->read_buffer = malloc(UMH_LOG_READ_BYTES);
    if (!logs->read_buffer) {
        free(logs);
        return UMH_FAIL(UMH_E_MEMORY, "make the log");
    }
    logs->broker = broker;
    logs->lowest = (umh_log_level)broker->config.log_level;
    logs->format = (umh_log_format)UMH_LOG_FORMAT_INIT;
    logs->format.style = choose_style(&broker->options, umh_pipe_standard(2));
    logs->format.who_columns = find_who_columns(&broker->config);
    umh_list_init(&logs->sources);
    umh_ignore(uv_timer_init(&broker->loop, &logs->retry));
    umh_ignore(uv_timer_init(&broker->loop, &logs->second));
    /* A log that is stuck does not keep the broker from ending. */
    uv_unref((uv_handle_t *)&logs->retry);
    uv_unref((uv_handle_t *)&logs->second);
    logs->retry.data = logs;
    logs->second.data = logs;
    umh_log_output_init(&logs->output, &broker->loop, umh_pipe_standard(2));
    use_journal(logs);
    *ret_logs = logs;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    umh_logs *logs = handle->data;

    logs->open_handles--;
    if (logs->open_handles > 0)
        return;
    free(logs->read_buffer);
    free(logs);
}

void umh_logs_close(umh_logs *logs)
{
    if (!logs)
        return;
    umh_log_output_close(&logs->output, umh_clock_deadline_ns(UMH_LOG_CLOSE_MS));
    logs->open_handles = 2;
    uv_close((uv_handle_t *)&logs->retry, on_closed);
    uv_close((uv_handle_t *)&logs->second, on_closed);
}
