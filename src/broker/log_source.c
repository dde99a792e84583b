/* SPDX-License-Identifier: MIT */
/*
 * The stderr of one process of a host. One buffer per source and loop turn, like peers: a host that
 * floods its log starves nobody. It is always read, whatever becomes of its lines, because a host
 * that waits for its log does not answer.
 */
#include "broker/log_lines.h"
#include "broker/logs_state.h"

#include <stdlib.h>

/* What a pipe holds at most; a process that outlives its host may go on writing to it. */
#define DRAIN_READS_MAX (UMH_PIPE_BYTES / UMH_LOG_READ_BYTES)

struct umh_log_source {
    umh_list entry;
    umh_logs *logs;
    uv_pipe_t pipe;
    umh_log_lines lines;
    umh_buffer storage; /* of a decoded record */
    uint64_t read_turn;
    bool is_ended; /* EOF, or it cannot be read */
    bool is_closed;
    char host_id[UMH_NAME_BYTES_MAX + 16];
};

umh_log_source *umh_log_source_of(umh_list *entry)
{
    return umh_container_of(entry, umh_log_source, entry);
}

static void on_line(void *context, umh_bytes line)
{
    umh_log_source *source = context;
    umh_logfmt_record record;
    int r = umh_logfmt_decode(line, &source->storage, &record);

    if (r) {
        if (r < 0)
            umh_failure_take(); /* as it came is better than not at all */
        record = (umh_logfmt_record){.level = UMH_LOG_INFO, .message = line};
    }
    umh_logs_put(source->logs, source->host_id, &record, r != 0);
}

static void take_bytes(umh_log_source *source, size_t size)
{
    umh_logs *logs = source->logs;

    umh_log_lines_add(&source->lines, umh_bytes_of(logs->read_buffer, size),
                      uv_now(&logs->broker->loop), on_line, source);
    if (source->lines.dropped_count > 0)
        umh_logs_note_excess(logs);
    umh_logs_flush(logs);
}

bool umh_log_source_report(umh_log_source *source)
{
    uint64_t dropped_count = source->lines.dropped_count;

    if (dropped_count == 0)
        return false;
    source->lines.dropped_count = 0;
    umh_logs_say(source->logs, UMH_LOG_WARNING, source->host_id,
                 "%llu log lines were dropped: more than %u in a second",
                 (unsigned long long)dropped_count, UMH_LOG_LINES_PER_SECOND);
    return true;
}

/* --- reading ------------------------------------------------------------------------------ */

static void on_place_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    umh_log_source *source = handle->data;
    umh_broker *broker = source->logs->broker;

    UMH_UNUSED(suggested);
    if (source->read_turn == broker->turn_number) {
        *buffer = uv_buf_init(NULL, 0); /* the next turn */
        return;
    }
    source->read_turn = broker->turn_number;
    *buffer = uv_buf_init((char *)source->logs->read_buffer, UMH_LOG_READ_BYTES);
}

static void on_readable(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    umh_log_source *source = stream->data;

    UMH_UNUSED(buffer);
    if (count == UV_ENOBUFS || count == 0)
        return;
    if (count > 0) {
        take_bytes(source, (size_t)count);
        return;
    }
    umh_ignore(uv_read_stop(stream));
    source->is_ended = true;
}

static void drain(umh_log_source *source)
{
    uv_os_fd_t handle;
    unsigned i;

    if (source->is_ended || uv_fileno((const uv_handle_t *)&source->pipe, &handle) != 0)
        return;
    umh_ignore(uv_read_stop((uv_stream_t *)&source->pipe));
    for (i = 0; i < DRAIN_READS_MAX; i++) {
        size_t size = 0;
        int r = umh_pipe_read((umh_pipe){(intptr_t)handle}, source->logs->read_buffer,
                              UMH_LOG_READ_BYTES, 0, &size);

        if (r < 0)
            umh_failure_take(); /* its end is told by who closes it */
        if (r)
            return;
        take_bytes(source, size);
    }
}

/* --- life --------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    umh_log_source *source = handle->data;

    umh_log_lines_deinit(&source->lines);
    umh_buffer_deinit(&source->storage);
    free(source);
}

/* Takes `pipe`. */
static int start(umh_log_source *source, umh_pipe pipe)
{
    int status = uv_pipe_open(&source->pipe, (uv_file)pipe.handle);

    if (status != 0) {
        umh_pipe_close(&pipe);
        return UMH_FAIL_UV(status, "open the log of host '%s'", source->host_id);
    }
    status = uv_read_start((uv_stream_t *)&source->pipe, on_place_wanted, on_readable);
    return status == 0 ? 0 : UMH_FAIL_UV(status, "read the log of host '%s'", source->host_id);
}

int umh_log_source_open(umh_logs *logs, const char *host_id, umh_pipe pipe_take,
                        umh_log_source **ret_source)
{
    umh_log_source *source = calloc(1, sizeof(*source));
    int r;

    if (!source) {
        umh_pipe_close(&pipe_take);
        return UMH_FAIL(UMH_E_MEMORY, "open the log of host '%s'", host_id);
    }
    source->logs = logs;
    source->read_turn = UINT64_MAX;
    umh_text_put(source->host_id, sizeof(source->host_id), host_id);
    umh_log_lines_init(&source->lines, uv_now(&logs->broker->loop));
    umh_list_init(&source->entry);
    umh_list_push_back(&logs->sources, &source->entry);
    umh_ignore(uv_pipe_init(&logs->broker->loop, &source->pipe, 0));
    source->pipe.data = source;
    r = start(source, pipe_take);
    if (r) {
        source->is_ended = true;
        umh_log_source_close(source);
        return r;
    }
    *ret_source = source;
    return 0;
}

void umh_log_source_close(umh_log_source *source)
{
    if (!source || source->is_closed)
        return;
    source->is_closed = true;
    drain(source);
    umh_log_lines_end(&source->lines, on_line, source);
    umh_ignore(umh_log_source_report(source));
    umh_logs_flush(source->logs);
    umh_list_remove(&source->entry);
    uv_close((uv_handle_t *)&source->pipe, on_closed);
}
