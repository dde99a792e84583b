/* SPDX-License-Identifier: MIT */
/*
 * A change of the configuration: read on the pool, then taken over in one go on the loop, so that
 * nobody sees half of it.
 *
 * The steps are said before they are performed and not when they are done: a module that never
 * stops is its host's affair, which the log and the status tell.
 */
#include "broker/apply.h"

#include "broker/apply_watch.h"
#include "broker/logs.h"
#include "broker/service.h"
#include "broker/store.h"
#include "broker/supervisor.h"
#include "config/names.h"
#include "config/nearest.h"
#include "platform/file.h"

#include <stdlib.h>
#include <string.h>

#define STEP_BYTES 256

/* Texts that are told at the end. */
typedef struct texts {
    char **items; /* owned, and each */
    size_t count;
    bool is_cut; /* no memory for one */
} texts;

typedef struct apply_change {
    umh_list entry; /* in the list of those that wait */
    umh_apply *apply;
    uv_work_t work;
    char *path; /* owned; NULL: the one that is followed when it begins */
    char *host; /* owned; NULL: none */
    bool is_plan, is_of_watch;
    void (*on_done)(void *context, const umh_apply_result *result);
    void *context;
    /* of the work */
    char *file; /* owned; what is read */
    umh_config config;
    umh_why_list problems;
    int outcome; /* 0, or UMH_CONFIG_UNUSABLE */
    texts steps;
    const char *pending[64]; /* keys: static texts */
    size_t pending_count;
} apply_change;

struct umh_apply {
    umh_broker *broker;
    char *path; /* owned; the file that is followed */
    umh_list waiting;
    size_t waiting_count;
    apply_change *current; /* is being read; NULL: none */
    umh_apply_watch *watch;
    bool is_closing;
};

static void begin_next(umh_apply *apply);

/* --- texts ---------------------------------------------------------------------------------- */

static void add_text(texts *list, const char *text)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
    char *copy = items ? umh_text_copy(text) : NULL;

    if (items)
        list->items = items;
    if (copy)
        list->items[list->count++] = copy;
    else
        list->is_cut = true;
}

static void release_texts(texts *list)
{
    for (size_t i = 0; i < list->count; i++)
        umh_text_free(list->items[i]);
    free(list->items);
    *list = (texts){.items = NULL};
}

/* --- a change and its end ------------------------------------------------------------------- */

static void free_change(apply_change *change)
{
    umh_list_remove(&change->entry);
    release_texts(&change->steps);
    umh_why_list_deinit(&change->problems);
    umh_config_deinit(&change->config);
    umh_text_free(change->file);
    umh_text_free(change->host);
    umh_text_free(change->path);
    free(change);
}

static void answer(apply_change *change, bool is_applied)
{
    const umh_apply_result result = {.is_applied = is_applied,
                                     .problems = &change->problems,
                                     .steps = (const char *const *)change->steps.items,
                                     .step_count = change->steps.count,
                                     .pending = change->pending,
                                     .pending_count = change->pending_count};

    if (change->on_done)
        change->on_done(change->context, &result);
    change->on_done = NULL;
}

static void refuse(apply_change *change, const char *text)
{
    umh_why why = UMH_WHY_INIT;

    umh_why_set(&why, "%s", text);
    umh_why_list_add(&change->problems, &why);
    answer(change, false);
}

static void log_problems(const apply_change *change, umh_log_level level, const char *what)
{
    const umh_log_about about = {.host = NULL, .module = ""};

    for (size_t i = 0; i < change->problems.count; i++)
        umh_logs_about(change->apply->broker->logs, level, &about, what,
                       &change->problems.items[i]);
    if (change->problems.dropped_count > 0)
        umh_logs_say(change->apply->broker->logs, level, NULL, "%llu further problems",
                     (unsigned long long)change->problems.dropped_count);
}

/* --- taking over ---------------------------------------------------------------------------- */

/* What takes a new broker keeps its value, so that it is said again until there is one. */
static void keep_pending(apply_change *change)
{
    const umh_config *now = &change->apply->broker->config;
    umh_changes changes = umh_changes_that(
        OBJECT_ROOT, umh_changes_find(OBJECT_ROOT, now, &change->config), CHANGE_NEEDS_BROKER);
    const umh_schema_row *row;

    while ((row = umh_changes_next(OBJECT_ROOT, &changes)) != NULL) {
        size_t bytes = row->type == SCHEMA_BOOL ? sizeof(bool) : sizeof(int64_t);

        umh_assert(row->type == SCHEMA_BOOL || row->type == SCHEMA_INTEGER);
        memcpy((char *)&change->config + row->offset, (const char *)now + row->offset, bytes);
        if (change->pending_count < UMH_COUNT_OF(change->pending))
            change->pending[change->pending_count++] = row->key;
    }
}

static void add_step(void *context, const umh_step *step)
{
    apply_change *change = context;
    char text[STEP_BYTES];

    umh_step_describe(step, text, sizeof(text));
    add_text(&change->steps, text);
    if (!change->is_plan)
        umh_logs_say(change->apply->broker->logs, UMH_LOG_INFO, NULL, "%s", text);
}

/* "Sensors", or one process of it: "Sensors@2". */
static bool is_of_host(const char *host_id, const char *name)
{
    char entry[UMH_NAME_BYTES_MAX + 16];
    size_t size = strcspn(host_id, "@");

    if (umh_names_are_equal(host_id, name))
        return true;
    if (size >= sizeof(entry))
        return false;
    memcpy(entry, host_id, size);
    entry[size] = '\0';
    return umh_names_are_equal(entry, name);
}

/* Every process of the host that was named. */
static void forget_host(apply_change *change)
{
    umh_supervisor *supervisor = change->apply->broker->supervisor;

    umh_supervisor_forget_overrides(supervisor, change->host);
    umh_list_each (item, umh_supervisor_hosts(supervisor)) {
        const umh_host *host = umh_container_of(item, umh_host, entry);

        if (!is_of_host(host->id, change->host))
            continue;
        umh_supervisor_forget_overrides(supervisor, host->id);
        umh_ignore(umh_supervisor_revive(supervisor, host->id));
    }
}

/* A host that was named is one that runs or will; else *ret_why. */
static bool is_host_known(const apply_change *change, umh_why *ret_why)
{
    umh_nearest nearest = UMH_NEAREST_OF(change->host);

    umh_list_each (item, umh_supervisor_hosts(change->apply->broker->supervisor)) {
        const umh_host *host = umh_container_of(item, umh_host, entry);

        if (is_of_host(host->id, change->host))
            return true;
    }
    for (size_t i = 0; i < change->config.host_count; i++) {
        const char *name = change->config.hosts[i].name;

        if (is_of_host(change->host, name))
            return true;
        umh_nearest_offer(&nearest, name);
    }
    if (nearest.best)
        umh_why_set(ret_why, "there is no host '%s' (did you mean '%s'?)", change->host,
                    nearest.best);
    else
        umh_why_set(ret_why, "there is no host '%s'", change->host);
    return false;
}

static int take_over(apply_change *change)
{
    umh_broker *broker = change->apply->broker;
    umh_config before = broker->config;
    int r;

    broker->config = change->config;
    change->config = (umh_config)UMH_CONFIG_INIT;
    umh_logs_set_lowest(broker->logs, (umh_log_level)broker->config.log_level);
    umh_supervisor_on_config(broker->supervisor, &before);
    umh_config_deinit(&before);
    r = umh_store_take_config(broker->store);
    if (r == 0 && change->host)
        forget_host(change);
    if (r == 0)
        r = umh_supervisor_perform(broker->supervisor, add_step, change);
    return umh_fold(r);
}

static void log_change(const apply_change *change)
{
    umh_logs *logs = change->apply->broker->logs;
    umh_log_level level = change->is_of_watch ? UMH_LOG_DEBUG : UMH_LOG_INFO;

    for (size_t i = 0; i < change->pending_count; i++)
        umh_logs_say(logs, UMH_LOG_WARNING, NULL,
                     "another %s takes a new broker; this one keeps what it has",
                     change->pending[i]);
    if (change->steps.count == 0)
        umh_logs_say(logs, level, NULL, "the configuration asks for nothing else");
}

static int follow(umh_apply *apply, const char *path)
{
    char *copy = umh_text_copy(path);

    if (!copy)
        return UMH_E_MEMORY;
    umh_text_free(apply->path);
    apply->path = copy;
    umh_apply_watch_set(apply->watch, apply->broker->config.watch ? apply->path : NULL);
    return 0;
}

static int perform(apply_change *change)
{
    umh_apply *apply = change->apply;
    int r;

    umh_logs_say(apply->broker->logs, UMH_LOG_INFO, NULL, "the configuration of %s is applied",
                 change->file);
    log_problems(change, UMH_LOG_ERROR, "an entry stays as it was");
    r = take_over(change);
    if (r)
        return r;
    log_change(change);
    return follow(apply, change->file);
}

static void say_refusal(const apply_change *change)
{
    log_problems(change, UMH_LOG_ERROR, "the configuration stays as it was");
}

static int go_through(apply_change *change)
{
    umh_broker *broker = change->apply->broker;
    umh_why why = UMH_WHY_INIT;
    int r = umh_config_keep_wrong(&change->config, &broker->config);

    if (r)
        return r;
    if (change->host && !is_host_known(change, &why)) {
        refuse(change, why.text);
        return 0;
    }
    keep_pending(change);
    if (change->is_plan)
        r = umh_supervisor_each_step(broker->supervisor, &change->config, add_step, change);
    else
        r = perform(change);
    if (r == 0)
        answer(change, true);
    return umh_fold(r);
}

static void finish(apply_change *change)
{
    umh_apply *apply = change->apply;
    umh_broker *broker = apply->broker;

    if (apply->is_closing || broker->is_stopping) {
        refuse(change, "the broker is stopping");
    } else if (change->outcome != 0) {
        if (!change->is_plan)
            say_refusal(change);
        answer(change, false);
    } else if (go_through(change) != 0) {
        umh_broker_fail(broker);
        refuse(change, "the broker has failed");
    }
    if (!change->is_plan)
        umh_service_end_reload(broker->service);
    free_change(change);
}

/* --- reading -------------------------------------------------------------------------------- */

/* As when it started, a service runs only what root alone may change. Outcomes: UMH_FILE_UNSAFE. */
static int check_trust(const apply_change *change, umh_why *ret_why)
{
    int r = 0;

    if (change->apply->broker->options.is_service && !change->is_plan)
        r = umh_file_check_trusted(change->file, ret_why);
    /* One that is not there is reported by who reads it. */
    if (r == UMH_FILE_NONE)
        return 0;
    if (r == UMH_FILE_UNSAFE)
        return UMH_FILE_UNSAFE;
    return umh_fold(r);
}

static void read_file(uv_work_t *work)
{
    apply_change *change = work->data;
    umh_why why = UMH_WHY_INIT;
    int r = check_trust(change, &why);

    if (r == 0)
        r = umh_config_load(change->file, change->apply->broker->installation, &change->config,
                            &change->problems);
    if (r < 0)
        umh_why_set_failure(&why);
    if (why.text[0])
        umh_why_list_add(&change->problems, &why);
    change->outcome = r ? UMH_CONFIG_UNUSABLE : 0;
}

static void end_close(umh_apply *apply)
{
    umh_text_free(apply->path);
    free(apply);
}

static void on_read(uv_work_t *work, int status)
{
    apply_change *change = work->data;
    umh_apply *apply = change->apply;

    UMH_UNUSED(status); /* nothing is cancelled */
    apply->current = NULL;
    finish(change);
    if (apply->is_closing)
        end_close(apply);
    else
        begin_next(apply);
}

static int begin(apply_change *change)
{
    umh_apply *apply = change->apply;
    int status;

    change->file = umh_text_copy(change->path ? change->path : apply->path);
    if (!change->file)
        return UMH_E_MEMORY;
    change->work.data = change;
    status = uv_queue_work(&apply->broker->loop, &change->work, read_file, on_read);
    return status == 0 ? 0 : UMH_FAIL_UV(status, "read the configuration");
}

static void begin_next(umh_apply *apply)
{
    apply_change *change;
    umh_why why = UMH_WHY_INIT;

    while (!apply->current && !umh_list_is_empty(&apply->waiting)) {
        change = umh_container_of(apply->waiting.next, apply_change, entry);
        umh_list_remove(&change->entry);
        apply->waiting_count--;
        if (begin(change) == 0) {
            apply->current = change;
            if (!change->is_plan)
                umh_service_begin_reload(apply->broker->service);
            return;
        }
        umh_why_set_failure(&why);
        refuse(change, why.text);
        free_change(change);
    }
}

static bool copy_request(const umh_apply_request *request, apply_change *change)
{
    change->path = request->path ? umh_text_copy(request->path) : NULL;
    change->host = request->host ? umh_text_copy(request->host) : NULL;
    change->is_plan = request->is_plan;
    change->on_done = request->on_done;
    change->context = request->context;
    return (change->path || !request->path) && (change->host || !request->host);
}

static int add_change(umh_apply *apply, const umh_apply_request *request, apply_change **ret_change)
{
    apply_change *change = calloc(1, sizeof(*change));

    if (!change)
        return UMH_FAIL(UMH_E_MEMORY, "change the configuration");
    change->apply = apply;
    umh_list_init(&change->entry);
    if (!copy_request(request, change)) {
        free_change(change);
        return UMH_E_MEMORY;
    }
    umh_list_push_back(&apply->waiting, &change->entry);
    apply->waiting_count++;
    *ret_change = change;
    return 0;
}

int umh_apply_ask(umh_apply *apply, const umh_apply_request *request)
{
    apply_change *change;
    int r;

    if (apply->is_closing || apply->broker->is_stopping ||
        apply->waiting_count >= UMH_APPLY_WAITING_MAX)
        return UMH_APPLY_REFUSED;
    r = add_change(apply, request, &change);
    if (r)
        return r;
    begin_next(apply);
    return 0;
}

/* --- the watched file ----------------------------------------------------------------------- */

/* One that waits reads what is there when it begins: a second would read the same. */
static bool is_awaited(const umh_apply *apply)
{
    umh_list *first = apply->waiting.next;

    for (umh_list *item = first; item != &apply->waiting; item = item->next) {
        const apply_change *change = umh_container_of(item, apply_change, entry);

        if (!change->is_plan && !change->path)
            return true;
    }
    return false;
}

static void ask_for_nobody(umh_apply *apply, bool is_of_watch)
{
    const umh_apply_request request = {.path = NULL};
    apply_change *change;

    if (apply->is_closing || apply->broker->is_stopping || is_awaited(apply))
        return;
    if (add_change(apply, &request, &change) != 0) {
        umh_logs_failure(apply->broker->logs, NULL, "the changed configuration is not read");
        return;
    }
    change->is_of_watch = is_of_watch;
    begin_next(apply);
}

static void on_quiet(void *context)
{
    ask_for_nobody(context, true);
}

void umh_apply_again(umh_apply *apply)
{
    ask_for_nobody(apply, false);
}

/* --- life ----------------------------------------------------------------------------------- */

int umh_apply_new(umh_broker *broker, umh_apply **ret_apply)
{
    umh_apply *apply = calloc(1, sizeof(*apply));
    int r;

    if (!apply)
        return UMH_FAIL(UMH_E_MEMORY, "make what changes the configuration");
    apply->broker = broker;
    umh_list_init(&apply->waiting);
    apply->path = umh_text_copy(broker->config.path);
    r = apply->path ? umh_apply_watch_new(broker, on_quiet, apply, &apply->watch) : UMH_E_MEMORY;
    if (r) {
        end_close(apply);
        return umh_fold(r);
    }
    *ret_apply = apply;
    return 0;
}

void umh_apply_start(umh_apply *apply)
{
    umh_apply_watch_set(apply->watch, apply->broker->config.watch ? apply->path : NULL);
}

void umh_apply_close(umh_apply *apply)
{
    if (!apply || apply->is_closing)
        return;
    apply->is_closing = true;
    umh_apply_watch_close(UMH_MOVE(apply->watch));
    umh_list_each (item, &apply->waiting) {
        apply_change *change = umh_container_of(item, apply_change, entry);

        refuse(change, "the broker is stopping");
        free_change(change);
    }
    if (apply->current)
        refuse(apply->current, "the broker is stopping");
    else
        end_close(apply);
}
