/* SPDX-License-Identifier: MIT */
/* The folder of the watched file, and a timer that waits until writing has ended. */
#include "broker/apply_watch.h"

#include "broker/apply.h"
#include "broker/logs.h"
#include "platform/file.h"

#include <stdlib.h>
#include <string.h>

struct umh_apply_watch {
    umh_broker *broker;
    void (*on_quiet)(void *context);
    void *context;
    char *path;            /* owned; NULL: nothing is watched */
    uv_fs_event_t *folder; /* frees itself when it is closed; NULL: none */
    uv_timer_t quiet;
};

static void on_timer(uv_timer_t *timer)
{
    umh_apply_watch *watch = timer->data;

    if (watch->path)
        watch->on_quiet(watch->context);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    umh_apply_watch *watch = event->data;

    UMH_UNUSED(events);
    if (!watch || !watch->path)
        return;
    if (status != 0) {
        umh_logs_say(watch->broker->logs, UMH_LOG_WARNING, NULL, "%s is not watched any more: %s",
                     watch->path, uv_strerror(status));
        return;
    }
    /* Without a name it may have been this one. */
    if (!name || strcmp(name, umh_file_name(watch->path)) == 0)
        umh_ignore(uv_timer_start(&watch->quiet, on_timer, UMH_APPLY_WATCH_MS, 0));
}

static void on_folder_closed(uv_handle_t *handle)
{
    free(handle);
}

static void stop(umh_apply_watch *watch)
{
    umh_ignore(uv_timer_stop(&watch->quiet));
    if (watch->folder) {
        watch->folder->data = NULL;
        uv_close((uv_handle_t *)watch->folder, on_folder_closed);
        watch->folder = NULL;
    }
    umh_text_free(watch->path);
    watch->path = NULL;
}

static int start(umh_apply_watch *watch, const char *path)
{
    char folder[UMH_PATH_BYTES];
    int status;

    watch->path = umh_text_copy(path);
    watch->folder = calloc(1, sizeof(*watch->folder));
    if (!watch->path || !watch->folder) {
        free(UMH_MOVE(watch->folder));
        return UMH_FAIL(UMH_E_MEMORY, "watch a file");
    }
    umh_file_parent(path, folder);
    status = uv_fs_event_init(&watch->broker->loop, watch->folder);
    if (status != 0) {
        free(UMH_MOVE(watch->folder));
        return UMH_FAIL_UV(status, "watch a folder");
    }
    watch->folder->data = watch;
    status = uv_fs_event_start(watch->folder, on_event, folder, 0);
    /* The broker ends when its hosts have ended, watched or not. */
    uv_unref((uv_handle_t *)watch->folder);
    return status == 0 ? 0 : UMH_FAIL_UV(status, "watch folder '%s'", folder);
}

void umh_apply_watch_set(umh_apply_watch *watch, const char *path)
{
    if (path && watch->path && strcmp(path, watch->path) == 0)
        return;
    stop(watch);
    if (path && start(watch, path) != 0) {
        umh_logs_failure(watch->broker->logs, NULL, "the configuration's file is not watched");
        stop(watch);
    }
}

int umh_apply_watch_new(umh_broker *broker, void (*on_quiet)(void *context), void *context,
                        umh_apply_watch **ret_watch)
{
    umh_apply_watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return UMH_FAIL(UMH_E_MEMORY, "watch a file");
    watch->broker = broker;
    watch->on_quiet = on_quiet;
    watch->context = context;
    umh_ignore(uv_timer_init(&broker->loop, &watch->quiet));
    uv_unref((uv_handle_t *)&watch->quiet);
    watch->quiet.data = watch;
    *ret_watch = watch;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void umh_apply_watch_close(umh_apply_watch *watch)
{
    if (!watch)
        return;
    stop(watch);
    uv_close((uv_handle_t *)&watch->quiet, on_closed);
}
