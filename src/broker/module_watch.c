/* SPDX-License-Identifier: MIT */
/*
 * The watch of a module's original.
 *
 * Everything is compared, nothing is concluded from events: they come twice, too late, for half a
 * file, or not at all where a folder went and came back. So whatever happens sets the same wait,
 * and after it the watches are made anew, where the folders are now, before the original is looked
 * at: what changes after the look is an event of the new watches.
 */
#include "broker/module_watch.h"

#include "broker/store_work.h"

#include <stdlib.h>
#include <string.h>

typedef struct watched_place {
    uv_fs_event_t event; /* the first member: its address is what is freed */
    umh_list entry;
    umh_module_watch *watch;
    char path[UMH_PATH_BYTES];
    char only[UMH_PATH_BYTES]; /* a name in it; empty: all of it */
} watched_place;

struct umh_module_watch {
    umh_host_module *module;
    umh_broker *broker;
    umh_list places;
    umh_deadline quiet;
    umh_deadline renewal;                /* set while something cannot be watched */
    umh_store_request *request;          /* while it is looked at */
    umh_module_file file;                /* as last seen; path empty: never */
    char *folders[UMH_STORE_LISTED_MAX]; /* below it, owned */
    size_t folder_count;
    umh_store_key tried; /* of the last reload, until the next change */
    unsigned look_count; /* at what is not whole */
    bool has_tried;
    bool has_changed; /* an event came since it was last found whole */
    bool has_said;    /* what cannot be watched */
    bool is_missing;  /* the same, at the renewal under way */
};

static void say(const umh_module_watch *watch, umh_log_level level, const char *what,
                const umh_why *why)
{
    const umh_log_about about = {.host = watch->module->host->id, .module = watch->module->name};

    umh_logs_about(watch->broker->logs, level, &about, what, why);
}

/* --- places ------------------------------------------------------------------------------- */

static void free_place(uv_handle_t *handle)
{
    free(umh_container_of((uv_fs_event_t *)handle, watched_place, event));
}

static void close_place(watched_place *place)
{
    place->watch = NULL;
    umh_list_remove(&place->entry);
    uv_close((uv_handle_t *)&place->event, free_place);
}

static void close_places(umh_module_watch *watch)
{
    umh_list_each (item, &watch->places)
        close_place(umh_container_of(item, watched_place, entry));
}

static void await_quiet(umh_module_watch *watch, unsigned wait_ms)
{
    if (!watch->broker->is_stopping)
        umh_deadline_wait(watch->broker->deadlines, &watch->quiet, wait_ms);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    watched_place *place = umh_container_of(event, watched_place, event);

    UMH_UNUSED(events);
    UMH_UNUSED(status); /* what is lost is found when it is looked at */
    if (!place->watch)
        return;
    /* The folder's own end bears its name. */
    if (name && place->only[0] && strcmp(name, place->only) != 0 &&
        strcmp(name, umh_file_name(place->path)) != 0)
        return;
    place->watch->has_changed = true;
    place->watch->has_tried = false;
    place->watch->look_count = 0;
    await_quiet(place->watch, UMH_MODULE_WATCH_QUIET_MS);
}

static void miss_place(umh_module_watch *watch, const char *path, const char *text)
{
    umh_why why = UMH_WHY_INIT;

    watch->is_missing = true;
    if (watch->has_said)
        return;
    watch->has_said = true;
    umh_why_set(&why, "'%s': %s", path, text);
    say(watch, UMH_LOG_WARNING, "its changes are not noticed, until it can be watched", &why);
}

/* `only` NULL: all of it. False: it is not there, which is said unless it may be so. */
static bool add_place(umh_module_watch *watch, const char *path, const char *only, bool may_miss)
{
    watched_place *place = calloc(1, sizeof(*place));
    int status = place ? uv_fs_event_init(&watch->broker->loop, &place->event) : UV_ENOMEM;

    if (status != 0) {
        free(place);
        miss_place(watch, path, uv_strerror(status));
        return false;
    }
    place->watch = watch;
    umh_list_init(&place->entry);
    umh_list_push_back(&watch->places, &place->entry);
    umh_text_put(place->path, sizeof(place->path), path);
    umh_text_put(place->only, sizeof(place->only), only ? only : "");
    status = uv_fs_event_start(&place->event, on_event, path, 0);
    /* The broker ends when its hosts have ended, watched or not. */
    uv_unref((uv_handle_t *)&place->event);
    if (status == 0)
        return true;
    close_place(place);
    if (!may_miss || status != UV_ENOENT)
        miss_place(watch, path, uv_strerror(status));
    return false;
}

static void add_file(umh_module_watch *watch)
{
    char path[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];

    if (umh_file_join(watch->broker->config.folder, watch->module->config.path, path) != 0) {
        miss_place(watch, watch->module->config.path, "its path is too long");
        umh_failure_take();
        return;
    }
    umh_file_parent(path, folder);
    /* The file itself, too: where it is a link, what it leads to is elsewhere. */
    if (add_place(watch, folder, umh_file_name(path), false))
        add_place(watch, path, NULL, true);
}

/* Wherever a search by name would find it, one day. */
static void add_search(umh_module_watch *watch)
{
    const umh_config *config = &watch->broker->config;
    const char *name = watch->module->name;
    char path[UMH_PATH_BYTES];
    bool is_any = false;

    for (size_t i = 0; i < config->module_folder_count; i++) {
        is_any |= add_place(watch, config->module_folders[i], name, true);
        if (umh_file_join(config->module_folders[i], name, path) == 0)
            add_place(watch, path, NULL, true);
    }
    if (!is_any)
        miss_place(watch, config->folder, "there is no module folder");
    umh_failure_take(); /* of too long a path, where no module is found either */
}

/* The folder that is copied, as it was last seen. */
static void add_tree(umh_module_watch *watch)
{
    char parent[UMH_PATH_BYTES];

    umh_file_parent(watch->file.folder, parent);
    add_place(watch, parent, umh_file_name(watch->file.folder), false);
    add_place(watch, watch->file.folder, NULL, false);
    for (size_t i = 0; i < watch->folder_count; i++)
        add_place(watch, watch->folders[i], NULL, true);
}

/* The new ones first: closing the last watch of a folder would lose what happens meanwhile. */
static void renew_places(umh_module_watch *watch)
{
    umh_list before;

    umh_list_init(&before);
    umh_list_each (item, &watch->places) {
        umh_list_remove(item);
        umh_list_push_back(&before, item);
    }
    watch->is_missing = false;
    if (watch->module->config.path)
        add_file(watch);
    else
        add_search(watch);
    if (watch->file.copy_folder)
        add_tree(watch);
    umh_list_each (item, &before)
        close_place(umh_container_of(item, watched_place, entry));
    if (watch->is_missing) {
        umh_deadline_wait(watch->broker->deadlines, &watch->renewal, UMH_MODULE_WATCH_RENEW_MS);
    } else {
        if (watch->has_said)
            say(watch, UMH_LOG_INFO, "is watched again", &(umh_why)UMH_WHY_INIT);
        watch->has_said = false;
        umh_deadline_clear(&watch->renewal);
    }
}

/* --- looking ------------------------------------------------------------------------------ */

static void look(umh_module_watch *watch);

static void forget_tree(umh_module_watch *watch)
{
    while (watch->folder_count > 0)
        umh_text_free(watch->folders[--watch->folder_count]);
    watch->file = (umh_module_file){.copy_folder = false};
}

static bool is_tree_known(const umh_module_watch *watch, const umh_store_look *seen)
{
    if (watch->file.copy_folder != seen->file.copy_folder ||
        strcmp(watch->file.folder, seen->file.folder) != 0 ||
        watch->folder_count != seen->folder_count)
        return false;
    for (size_t i = 0; i < seen->folder_count; i++) {
        if (strcmp(watch->folders[i], seen->folders[i]) != 0)
            return false;
    }
    return true;
}

static void take_tree(umh_module_watch *watch, umh_store_look *seen)
{
    forget_tree(watch);
    watch->file = seen->file;
    while (watch->folder_count < seen->folder_count) {
        watch->folders[watch->folder_count] = UMH_MOVE(seen->folders[watch->folder_count]);
        watch->folder_count++;
    }
    seen->folder_count = 0;
}

/* It is not whole yet, or never will be. */
static void try_later(umh_module_watch *watch, const umh_why *why)
{
    if (!watch->has_changed)
        return;
    if (watch->look_count++ < UMH_MODULE_WATCH_RETRIES) {
        await_quiet(watch, UMH_MODULE_WATCH_RETRY_MS);
        return;
    }
    watch->has_changed = false;
    say(watch, UMH_LOG_WARNING, "is not reloaded, though its file has changed", why);
}

/* On its way out; or fetched, or about to be: it is looked at again when the copy is there. */
static bool is_on_its_way(const umh_host_module *module)
{
    return module->host->broker->is_stopping || !module->is_wanted || module->is_reloading ||
           module->state == SLOT_FETCHING || module->state == SLOT_ABSENT;
}

/* The last act: the module may be fetched, and looked at, before this returns. */
static void judge(umh_module_watch *watch, const umh_store_look *seen)
{
    umh_host_module *module = watch->module;
    umh_why why = UMH_WHY_INIT;

    if (is_on_its_way(module))
        return;
    if (!seen->file.has_sections) {
        umh_why_set(&why, "its end is missing: %s", seen->file.path);
        try_later(watch, &why);
        return;
    }
    watch->has_changed = false;
    watch->look_count = 0;
    if ((module->copy && umh_store_key_is_equal(umh_store_key_of(module->copy), &seen->key)) ||
        (watch->has_tried && umh_store_key_is_equal(&watch->tried, &seen->key)))
        return;
    watch->tried = seen->key;
    watch->has_tried = true;
    umh_why_set(&why, "%s", seen->file.path);
    say(watch, UMH_LOG_INFO, "is reloaded, as its file has changed", &why);
    umh_module_reload(module, NULL);
}

static void on_seen(void *context, umh_store_look *seen)
{
    umh_module_watch *watch = context;

    watch->request = NULL;
    if (is_tree_known(watch, seen)) {
        judge(watch, seen);
        return;
    }
    /* What changed in a folder before it was watched is seen by another look. */
    take_tree(watch, seen);
    look(watch);
}

static void on_unusable(void *context, const umh_why *why)
{
    umh_module_watch *watch = context;

    watch->request = NULL;
    if (!is_on_its_way(watch->module))
        try_later(watch, why);
}

static void look(umh_module_watch *watch)
{
    const umh_store_events events = {
        .context = watch, .on_failed = on_unusable, .on_seen = on_seen};
    umh_host_module *module = watch->module;

    umh_store_cancel(UMH_MOVE(watch->request));
    renew_places(watch);
    if (umh_store_fetch(watch->broker->store, &module->host->config, &module->config, &events,
                        &watch->request) == 0)
        return;
    umh_logs_failure(watch->broker->logs, module->host->id, "a changed module is not looked at");
    await_quiet(watch, UMH_MODULE_WATCH_RENEW_MS);
}

static void on_quiet(void *context)
{
    umh_module_watch *watch = context;

    if (!watch->broker->is_stopping)
        look(watch);
}

void umh_module_watch_look(umh_module_watch *watch)
{
    if (watch)
        await_quiet(watch, UMH_MODULE_WATCH_QUIET_MS);
}

/* --- life --------------------------------------------------------------------------------- */

static umh_module_watch *make_watch(umh_host_module *module)
{
    umh_module_watch *watch = calloc(1, sizeof(*watch));

    if (!watch) {
        UMH_FAIL(UMH_E_MEMORY, "watch module '%s'", module->name);
        umh_logs_failure(module->host->broker->logs, module->host->id, "a module is not watched");
        return NULL;
    }
    watch->module = module;
    watch->broker = module->host->broker;
    umh_list_init(&watch->places);
    umh_deadline_init(&watch->quiet, on_quiet, watch);
    umh_deadline_init(&watch->renewal, on_quiet, watch);
    return watch;
}

void umh_module_watch_set(umh_host_module *module)
{
    if (module->config.reload != RELOAD_ON_CHANGE) {
        module->watch = umh_module_watch_free(module->watch);
        return;
    }
    if (!module->watch)
        module->watch = make_watch(module);
    if (!module->watch || module->host->broker->is_stopping)
        return;
    /* Another path is another tree. */
    forget_tree(module->watch);
    renew_places(module->watch);
    umh_module_watch_look(module->watch);
}

umh_module_watch *umh_module_watch_free(umh_module_watch *watch)
{
    if (!watch)
        return NULL;
    close_places(watch);
    umh_deadline_clear(&watch->quiet);
    umh_deadline_clear(&watch->renewal);
    umh_store_cancel(watch->request);
    forget_tree(watch);
    free(watch);
    return NULL;
}
