/* SPDX-License-Identifier: MIT */
/*
 * The module store.
 *
 * A request looks at the original on libuv's pool (find, check, fingerprint), then meets the others
 * on the loop: an entry of the same content is shared, one that is being copied is waited for, else
 * a copy begins. The copy goes into a temporary name and is compared with what was looked at: an
 * original that changed meanwhile is looked at again. A hundred hosts that start with one module
 * make one copy.
 */
#include "broker/store.h"

#include "base/list.h"
#include "broker/logs.h"
#include "broker/store_work.h"
#include "config/copy.h"
#include "platform/process.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOKS_MAX 3u /* an original that changes under every copy is reported */

/*
 * Where modules are looked for, as the configuration had it when a request began: the work on the
 * pool outlives a change of it.
 */
typedef struct store_search {
    unsigned use_count; /* the store, and requests that look */
    umh_config config;  /* its path, its folders and its Ui hosts alone, owned */
} store_search;

struct umh_store {
    umh_broker *broker;
    store_search *search;
    umh_list entries;
    umh_list runtime_files;
    uint64_t next_serial; /* a name is never used again: an old copy may still be being removed */
    char folder[UMH_PATH_BYTES]; /* "modules" in the instance's */
    char users[UMH_PATH_BYTES];  /* "users", for hosts that run as somebody else */
};

struct umh_store_entry {
    umh_list entry;
    umh_store *store;
    unsigned use_count; /* requests that wait and hosts that have it */
    umh_list waiting;   /* requests, while it is being copied */
    bool is_ready;
    umh_store_key key;
    umh_module_file original;
    umh_store_copy copy; /* the work, then where it is */
};

struct umh_store_request {
    umh_list waiting; /* in an entry's list */
    umh_store *store;
    umh_store_events events;
    store_search *search; /* while it looks */
    umh_store_look look;
    unsigned look_count;
    bool is_cancelled;
};

static void look(umh_store_request *request);

/* --- where ---------------------------------------------------------------------------------- */

static void unref_search(store_search *search)
{
    if (!search || --search->use_count > 0)
        return;
    for (size_t i = 0; i < search->config.module_folder_count; i++)
        umh_text_free(search->config.module_folders[i]);
    free(search->config.module_folders);
    for (size_t i = 0; i < search->config.host_count; i++)
        umh_host_config_release(&search->config.hosts[i]);
    free(search->config.hosts);
    umh_text_free(search->config.folder);
    umh_text_free(search->config.path);
    free(search);
}

/* What may be in one of them depends on all that is in it. */
static int copy_ui_hosts(const umh_config *from, umh_config *to)
{
    int r = 0;

    to->hosts = calloc(from->host_count + 1, sizeof(*to->hosts));
    if (!to->hosts)
        return UMH_FAIL(UMH_E_MEMORY, "copy the hosts");
    for (size_t i = 0; r == 0 && i < from->host_count; i++) {
        if (!from->hosts[i].ui)
            continue;
        r = umh_host_config_copy_whole(&from->hosts[i], &to->hosts[to->host_count]);
        to->host_count += r == 0;
    }
    return umh_fold(r);
}

static int copy_search(const umh_config *from, umh_config *to)
{
    to->path = umh_text_copy(from->path);
    to->folder = umh_text_copy(from->folder);
    to->module_folders = calloc(from->module_folder_count + 1, sizeof(*to->module_folders));
    if (!to->path || !to->folder || !to->module_folders)
        return UMH_FAIL(UMH_E_MEMORY, "copy the module folders");
    for (size_t i = 0; i < from->module_folder_count; i++) {
        to->module_folders[i] = umh_text_copy(from->module_folders[i]);
        if (!to->module_folders[i])
            return UMH_E_MEMORY;
        to->module_folder_count++;
    }
    return copy_ui_hosts(from, to);
}

int umh_store_take_config(umh_store *store)
{
    store_search *search = calloc(1, sizeof(*search));
    int r;

    if (!search)
        return UMH_FAIL(UMH_E_MEMORY, "copy the module folders");
    search->use_count = 1;
    r = copy_search(&store->broker->config, &search->config);
    if (r) {
        unref_search(search);
        return r;
    }
    unref_search(store->search);
    store->search = search;
    return 0;
}

/* --- requests ----------------------------------------------------------------------------- */

static void free_request(umh_store_request *request)
{
    unref_search(UMH_MOVE(request->search));
    umh_list_remove(&request->waiting);
    umh_store_look_deinit(&request->look);
    free(request);
}

static void fail_request(umh_store_request *request, const umh_why *why)
{
    if (!request->is_cancelled)
        request->events.on_failed(request->events.context, why);
    free_request(request);
}

/* The entry has a use for it; the host takes that over. */
static void serve_request(umh_store_request *request, umh_store_entry *entry)
{
    if (request->is_cancelled)
        umh_store_unref(entry);
    else
        request->events.on_ready(request->events.context, entry);
    free_request(request);
}

static umh_store_request *pop_waiting(umh_store_entry *entry)
{
    umh_store_request *request;

    if (umh_list_is_empty(&entry->waiting))
        return NULL;
    request = umh_container_of(entry->waiting.next, umh_store_request, waiting);
    umh_list_remove(&request->waiting);
    return request;
}

/* --- copying ------------------------------------------------------------------------------ */

static void on_copied(uv_work_t *work, int status)
{
    umh_store_entry *entry = work->data;
    umh_store_copy *copy = &entry->copy;
    umh_store_request *request;

    UMH_UNUSED(status); /* nothing is cancelled */
    entry->is_ready = copy->outcome == STORE_WORK_DONE;
    entry->use_count++; /* while those that waited are told */
    if (!entry->is_ready)
        umh_list_remove(&entry->entry); /* not to be found by who looks again */
    while ((request = pop_waiting(entry)) != NULL) {
        if (entry->is_ready) {
            serve_request(request, entry);
            continue;
        }
        entry->use_count--;
        if (copy->outcome == STORE_WORK_CHANGED && request->look_count < LOOKS_MAX)
            look(request);
        else
            fail_request(request, &copy->why);
    }
    umh_store_unref(entry);
}

static void do_copy(uv_work_t *work)
{
    umh_store_entry *entry = work->data;

    umh_store_copy_do(&entry->copy, &entry->original, &entry->key);
}

static umh_store_entry *find_entry(umh_store *store, const umh_store_key *key)
{
    umh_list_each (item, &store->entries) {
        umh_store_entry *entry = umh_container_of(item, umh_store_entry, entry);

        if (umh_store_key_is_equal(&entry->key, key))
            return entry;
    }
    return NULL;
}

static int put_copy_names(umh_store *store, umh_store_entry *entry)
{
    umh_store_copy *copy = &entry->copy;
    const char *folder = entry->key.is_for_users ? store->users : store->folder;
    uint64_t serial = store->next_serial++;
    int length =
        snprintf(copy->folder, sizeof(copy->folder), "%s/%s-%016llx-%llu", folder, entry->key.name,
                 (unsigned long long)entry->key.fingerprint, (unsigned long long)serial);
    int temporary_length = snprintf(copy->temporary, sizeof(copy->temporary), "%s/.copy-%llu",
                                    folder, (unsigned long long)serial);

    if (length < 0 || (size_t)length >= sizeof(copy->folder) || temporary_length < 0 ||
        (size_t)temporary_length >= sizeof(copy->temporary))
        return UMH_FAIL(UMH_E_LIMIT, "the path of the module store is too long");
    return umh_file_join(copy->folder, umh_file_name(entry->original.path), copy->path);
}

/* Once for each copy, however many hosts load it. */
static void say_doubt(umh_store *store, const umh_store_look *look)
{
    const umh_log_about about = {.host = NULL, .module = look->key.name};

    if (look->doubt.text[0])
        umh_logs_about(store->broker->logs, UMH_LOG_WARNING, &about,
                       "what is changed there runs as this user", &look->doubt);
}

static int begin_copy(umh_store *store, const umh_store_look *look, umh_store_entry **ret_entry)
{
    umh_store_entry *entry = calloc(1, sizeof(*entry));
    int status;
    int r;

    if (!entry)
        return UMH_FAIL(UMH_E_MEMORY, "copy module '%s'", look->key.name);
    entry->store = store;
    entry->key = look->key;
    entry->original = look->file;
    entry->copy.work.data = entry;
    entry->copy.is_for_users = entry->key.is_for_users;
    umh_list_init(&entry->entry);
    umh_list_init(&entry->waiting);
    r = put_copy_names(store, entry);
    if (r) {
        free(entry);
        return r;
    }
    status = uv_queue_work(&store->broker->loop, &entry->copy.work, do_copy, on_copied);
    if (status != 0) {
        free(entry);
        return UMH_FAIL_UV(status, "copy module '%s'", look->key.name);
    }
    say_doubt(store, look);
    umh_list_push_back(&store->entries, &entry->entry);
    *ret_entry = entry;
    return 0;
}

/* --- looking ------------------------------------------------------------------------------ */

/* What was looked at is there, is being copied, or is to be. */
static void join_entry(umh_store_request *request)
{
    umh_store_entry *entry = find_entry(request->store, &request->look.key);
    umh_why why = UMH_WHY_INIT;

    if (!entry && begin_copy(request->store, &request->look, &entry) != 0) {
        umh_why_set_failure(&why);
        fail_request(request, &why);
        return;
    }
    entry->use_count++;
    if (entry->is_ready)
        serve_request(request, entry);
    else
        umh_list_push_back(&entry->waiting, &request->waiting);
}

static void show_request(umh_store_request *request)
{
    request->events.on_seen(request->events.context, &request->look);
    free_request(request);
}

static void on_looked(uv_work_t *work, int status)
{
    umh_store_request *request = work->data;

    UMH_UNUSED(status); /* nothing is cancelled */
    if (request->is_cancelled)
        free_request(request);
    else if (request->look.outcome != STORE_WORK_DONE)
        fail_request(request, &request->look.why);
    else if (request->events.on_seen)
        show_request(request);
    else
        join_entry(request);
}

static void do_look(uv_work_t *work)
{
    umh_store_request *request = work->data;

    umh_store_look_do(&request->look, &request->search->config);
}

static int queue_look(umh_store_request *request)
{
    int status;

    request->look_count++;
    request->look.work.data = request;
    unref_search(request->search);
    request->search = request->store->search;
    request->search->use_count++;
    status = uv_queue_work(&request->store->broker->loop, &request->look.work, do_look, on_looked);
    return status == 0 ? 0 : UMH_FAIL_UV(status, "look for module '%s'", request->look.module.name);
}

static void look(umh_store_request *request)
{
    umh_why why = UMH_WHY_INIT;

    if (request->is_cancelled) {
        free_request(request);
        return;
    }
    if (queue_look(request) != 0) {
        umh_why_set_failure(&why);
        fail_request(request, &why);
    }
}

int umh_store_fetch(umh_store *store, const umh_host_config *host, const umh_module_config *module,
                    const umh_store_events *events, umh_store_request **ret_request)
{
    umh_store_request *request = calloc(1, sizeof(*request));
    int r;

    if (!request)
        return UMH_FAIL(UMH_E_MEMORY, "fetch module '%s'", module->name);
    request->store = store;
    request->events = *events;
    umh_list_init(&request->waiting);
    r = umh_store_look_init(&request->look, host, module);
    request->look.is_for_users =
        store->broker->options.is_service && host->session == UMH_CONFIG_SESSION_ALL_USERS;
    request->look.is_strict = store->broker->options.is_service;
    request->look.lists_folders = events->on_seen != NULL;
    if (r == 0)
        r = queue_look(request);
    if (r) {
        free_request(request);
        return r;
    }
    *ret_request = request;
    return 0;
}

void umh_store_cancel(umh_store_request *request)
{
    if (request)
        request->is_cancelled = true;
}

/* --- entries ------------------------------------------------------------------------------ */

umh_store_entry *umh_store_ref(umh_store_entry *entry)
{
    if (entry)
        entry->use_count++;
    return entry;
}

void umh_store_retire(umh_store_entry *entry)
{
    if (entry)
        umh_list_remove(&entry->entry);
}

umh_store_entry *umh_store_unref(umh_store_entry *entry)
{
    if (!entry)
        return NULL;
    umh_assert(entry->use_count > 0);
    if (--entry->use_count > 0)
        return NULL;
    umh_list_remove(&entry->entry);
    if (entry->is_ready)
        umh_store_remove_soon(&entry->store->broker->loop, entry->copy.folder, NULL);
    free(entry);
    return NULL;
}

const char *umh_store_path(const umh_store_entry *entry)
{
    return entry->copy.path;
}

const char *umh_store_folder(const umh_store_entry *entry)
{
    return entry->copy.folder;
}

const umh_module_file *umh_store_original(const umh_store_entry *entry)
{
    return &entry->original;
}

const umh_store_key *umh_store_key_of(const umh_store_entry *entry)
{
    return &entry->key;
}

umh_list *umh_store_runtime_files(umh_store *store)
{
    return &store->runtime_files;
}

const char *umh_store_place(const umh_store *store, bool is_for_users)
{
    return is_for_users ? store->users : store->folder;
}

uint64_t umh_store_next_serial(umh_store *store)
{
    return store->next_serial++;
}

uv_loop_t *umh_store_loop(umh_store *store)
{
    return &store->broker->loop;
}

/* --- life --------------------------------------------------------------------------------- */

/*
 * What an earlier broker left is moved out of the way at once and removed in the background. We
 * have the lock of the instance, so nobody uses it.
 */
static int make_room(const char *instance_folder, const char *name, char *ret_folder)
{
    char stale[UMH_PATH_BYTES];
    int length = snprintf(stale, sizeof(stale), "%s/" UMH_STORE_STALE "%s-%lld", instance_folder,
                          name, (long long)umh_process_own_pid());
    int r = 0;

    if (length < 0 || (size_t)length >= sizeof(stale))
        return UMH_FAIL(UMH_E_LIMIT, "the path of the module store is too long");
    r = umh_file_join(instance_folder, name, ret_folder);
    if (r == 0 && umh_file_inspect(ret_folder).kind != FILE_KIND_NONE) {
        r = umh_file_remove_tree(stale); /* of a pid that came again */
        if (r == 0)
            r = umh_file_move(ret_folder, stale);
    }
    return r;
}

/* The way there: "users", the instance's folder, and the one of all instances. */
static int open_way(const umh_store *store, const char *instance_folder)
{
    char all[UMH_PATH_BYTES];
    int r = umh_file_make_folder(store->users);

    umh_file_parent(instance_folder, all);
    if (r == 0)
        r = umh_file_let_pass(all);
    if (r == 0)
        r = umh_file_let_pass(instance_folder);
    if (r == 0)
        r = umh_file_let_pass(store->users);
    return r;
}

int umh_store_new(umh_broker *broker, umh_store **ret_store)
{
    umh_store *store = calloc(1, sizeof(*store));
    char folder[UMH_PATH_BYTES];
    int r;

    if (!store)
        return UMH_FAIL(UMH_E_MEMORY, "make the module store");
    store->broker = broker;
    umh_list_init(&store->entries);
    umh_list_init(&store->runtime_files);
    r = umh_store_take_config(store);
    if (r == 0)
        r = umh_file_store_folder(broker->options.instance, folder);
    if (r == 0)
        r = umh_file_make_folder(folder);
    if (r == 0)
        r = make_room(folder, UMH_STORE_MODULES, store->folder);
    if (r == 0)
        r = make_room(folder, UMH_STORE_USERS, store->users);
    if (r == 0)
        r = umh_file_make_folder(store->folder);
    if (r == 0 && broker->options.is_service)
        r = open_way(store, folder);
    if (r) {
        unref_search(store->search);
        free(store);
        return r;
    }
    if (!umh_file_allows_execution(store->folder))
        umh_logs_say(broker->logs, UMH_LOG_ERROR, NULL,
                     "'%s' is on a file system that is mounted noexec: no native module can be "
                     "loaded from there",
                     store->folder);
    umh_store_remove_soon(&broker->loop, folder, UMH_STORE_STALE);
    *ret_store = store;
    return 0;
}

umh_store *umh_store_free(umh_store *store)
{
    if (!store)
        return NULL;
    umh_assert(umh_list_is_empty(&store->entries));
    /* What cannot be removed the next broker of this instance tries again. */
    if (umh_file_remove_tree(store->folder) != 0 || umh_file_remove_tree(store->users) != 0)
        umh_failure_take();
    unref_search(store->search);
    free(store);
    return NULL;
}
