/* SPDX-License-Identifier: MIT */
/*
 * The folders in which the watched file, or a link on the way to it, can change, and a timer that
 * waits until writing has ended. A change may lead elsewhere, so the way is followed anew before it
 * is looked at: whatever comes after that is seen there.
 */
#include "broker/apply_watch.h"

#include "base/list.h"
#include "broker/apply.h"
#include "broker/logs.h"
#include "platform/file.h"

#include <stdlib.h>
#include <string.h>

/* A way that changes under every look is watched as it last was. */
#define LOOKS_MAX 3u

typedef struct watched_folder {
    umh_list entry;
    umh_apply_watch *watch; /* NULL: it is being closed */
    char *path;             /* owned */
    uv_fs_event_t event;
} watched_folder;

struct umh_apply_watch {
    umh_broker *broker;
    void (*on_quiet)(void *context);
    void *context;
    char *path;            /* owned; NULL: nothing is watched */
    umh_file_names places; /* the links to it, and the file itself */
    umh_list folders;      /* of the places */
    uv_timer_t quiet;
};

/* --- folders -------------------------------------------------------------------------------- */

static void on_folder_closed(uv_handle_t *handle)
{
    watched_folder *folder = handle->data;

    umh_text_free(folder->path);
    free(folder);
}

static void close_folder(watched_folder *folder)
{
    umh_list_remove(&folder->entry);
    folder->watch = NULL;
    uv_close((uv_handle_t *)&folder->event, on_folder_closed);
}

static bool has_place(const umh_apply_watch *watch, const char *path)
{
    for (size_t i = 0; i < watch->places.count; i++) {
        if (strcmp(watch->places.names[i], path) == 0)
            return true;
    }
    return false;
}

static bool is_in_folder(const char *place, const char *folder)
{
    char parent[UMH_PATH_BYTES];

    umh_file_parent(place, parent);
    return strcmp(parent, folder) == 0;
}

static bool is_needed(const umh_apply_watch *watch, const watched_folder *folder)
{
    for (size_t i = 0; i < watch->places.count; i++) {
        if (is_in_folder(watch->places.names[i], folder->path))
            return true;
    }
    return false;
}

static bool is_watched(const umh_apply_watch *watch, const char *place)
{
    umh_list_each (item, &watch->folders) {
        if (is_in_folder(place, umh_container_of(item, watched_folder, entry)->path))
            return true;
    }
    return false;
}

/* --- events --------------------------------------------------------------------------------- */

static void follow(umh_apply_watch *watch);

static void on_timer(uv_timer_t *timer)
{
    umh_apply_watch *watch = timer->data;

    if (!watch->path)
        return;
    follow(watch);
    watch->on_quiet(watch->context);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    const watched_folder *folder = event->data;
    umh_apply_watch *watch = folder->watch;
    char path[UMH_PATH_BYTES];

    UMH_UNUSED(events);
    if (!watch)
        return;
    if (status != 0) {
        umh_logs_say(watch->broker->logs, UMH_LOG_WARNING, NULL, "%s is not watched any more: %s",
                     folder->path, uv_strerror(status));
        return;
    }
    /* Without a name it may have been one of ours. */
    if (name && umh_file_join(folder->path, name, path) != 0)
        umh_failure_take();
    else if (!name || has_place(watch, path))
        umh_ignore(uv_timer_start(&watch->quiet, on_timer, UMH_APPLY_WATCH_MS, 0));
}

static int open_folder(umh_apply_watch *watch, const char *place)
{
    watched_folder *folder = calloc(1, sizeof(*folder));
    char path[UMH_PATH_BYTES];
    int status;

    umh_file_parent(place, path);
    if (folder)
        folder->path = umh_text_copy(path);
    if (!folder || !folder->path) {
        free(folder);
        return UMH_FAIL(UMH_E_MEMORY, "watch a folder");
    }
    status = uv_fs_event_init(&watch->broker->loop, &folder->event);
    if (status != 0) {
        umh_text_free(folder->path);
        free(folder);
        return UMH_FAIL_UV(status, "watch a folder");
    }
    folder->watch = watch;
    folder->event.data = folder;
    umh_list_push_back(&watch->folders, &folder->entry);
    status = uv_fs_event_start(&folder->event, on_event, path, 0);
    /* The broker ends when its hosts have ended, watched or not. */
    uv_unref((uv_handle_t *)&folder->event);
    if (status == 0)
        return 0;
    close_folder(folder);
    return UMH_FAIL_UV(status, "watch folder '%s'", path);
}

/* --- the way to the file -------------------------------------------------------------------- */

static bool is_same_way(const umh_file_names *one, const umh_file_names *other)
{
    bool is_same = one->count == other->count;

    for (size_t i = 0; i < one->count && is_same; i++)
        is_same = strcmp(one->names[i], other->names[i]) == 0;
    return is_same;
}

static int watch_places(umh_apply_watch *watch)
{
    int r = 0;

    umh_list_each (item, &watch->folders) {
        watched_folder *folder = umh_container_of(item, watched_folder, entry);

        if (!is_needed(watch, folder))
            close_folder(folder);
    }
    for (size_t i = 0; i < watch->places.count && r == 0; i++) {
        if (!is_watched(watch, watch->places.names[i]))
            r = open_folder(watch, watch->places.names[i]);
    }
    return r;
}

/* Until it is as it was before its folders were watched. */
static int watch_way(umh_apply_watch *watch)
{
    int r = 0;

    for (unsigned i = 0; i < LOOKS_MAX && r == 0; i++) {
        UMH_AUTO(umh_file_names) places = UMH_FILE_NAMES_INIT;
        umh_file_names before = watch->places;

        r = umh_file_trace(watch->path, &places);
        if (r || is_same_way(&places, &before))
            break;
        watch->places = places;
        places = before;
        r = watch_places(watch);
    }
    return r;
}

static void follow(umh_apply_watch *watch)
{
    if (watch_way(watch) != 0)
        umh_logs_failure(watch->broker->logs, NULL,
                         "the configuration's file is not watched wherever it can change");
}

static void stop(umh_apply_watch *watch)
{
    umh_ignore(uv_timer_stop(&watch->quiet));
    umh_list_each (item, &watch->folders)
        close_folder(umh_container_of(item, watched_folder, entry));
    umh_file_names_deinit(&watch->places);
    watch->path = umh_text_free(watch->path);
}

void umh_apply_watch_set(umh_apply_watch *watch, const char *path)
{
    if (path && watch->path && strcmp(path, watch->path) == 0)
        return;
    stop(watch);
    if (!path)
        return;
    watch->path = umh_text_copy(path);
    if (watch->path)
        follow(watch);
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
    umh_list_init(&watch->folders);
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
