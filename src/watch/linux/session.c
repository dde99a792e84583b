/* SPDX-License-Identifier: MIT */
/*
 * Sessions on a loop. logind's files and libsystemd's inotify are asked, never the bus: what is
 * acted on is the set of open sessions as it is now, whatever events led to it.
 *
 *   event, or a look found something meanwhile -> look (pool: the whole list) -> compare
 *   new or changed -> ask (pool: user, environment), a few at a time -> announced
 *   opening -> asked once it is open, or when that takes too long
 *   gone -> off the list at once, also while it is asked about
 *
 * Every UMH_SESSIONS_RETRY_MS it is seen to that the watched folder is the one that is there. While
 * there is none, nothing is compared: what was announced stands.
 *
 * The object lives until its handles are closed and its work is back from the pool.
 */
#include "watch/session.h"

#include "base/list.h"
#include "platform/file.h"
#include "watch/linux/session_facts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-login.h>

static const char no_logind[] =
    "there is no " UMH_LOGIND_FOLDER ": systemd-logind does not run here";

/* One that logind has. */
typedef struct session_entry {
    umh_list entry;
    uint64_t serial;
    umh_session_facts facts;
    umh_session_info info;        /* once announced */
    bool is_announced, is_asked;  /* an ask is under way */
    bool must_ask, is_in_trouble; /* told once */
    bool is_seen;                 /* by the look that is being compared */
    uint64_t patience_ms;         /* of the loop; until then it may be opening */
} session_entry;

typedef struct session_monitor {
    uv_poll_t poll;
    sd_login_monitor *monitor;
} session_monitor;

struct umh_watch_sessions {
    uv_loop_t *loop;
    umh_watch_sessions_events events;
    uv_timer_t retry;
    session_monitor *monitor; /* NULL: nothing to watch */
    uint64_t folder_identity; /* of what is watched */
    umh_list entries;
    size_t entry_count;
    uint64_t next_serial;
    unsigned asks;    /* under way */
    unsigned holders; /* handles and work that point here */
    bool has_told, is_known;
    bool is_looking, must_look, must_tell;
    bool is_full; /* told once */
    atomic_bool is_closed;
};

typedef struct look_work {
    uv_work_t work;
    umh_watch_sessions *sessions;
    uint64_t folder_identity;
    umh_session_facts *facts;
    size_t count;
    int r;
    bool is_valid;
    umh_failure failure;
} look_work;

typedef struct ask_work {
    uv_work_t work;
    umh_watch_sessions *sessions;
    uint64_t serial;
    umh_session_facts facts;
    umh_session_info info;
    int r;
    umh_failure failure;
} ask_work;

static void look(umh_watch_sessions *sessions);

/* --- the end -------------------------------------------------------------------------------- */

static void release(umh_watch_sessions *sessions)
{
    if (--sessions->holders == 0)
        free(sessions);
}

static void remove_entry(umh_watch_sessions *sessions, session_entry *entry)
{
    umh_list_remove(&entry->entry);
    sessions->entry_count--;
    sessions->must_tell |= entry->is_announced;
    umh_session_info_deinit(&entry->info);
    free(entry);
}

static void on_monitor_closed(uv_handle_t *handle)
{
    session_monitor *monitor = umh_container_of(handle, session_monitor, poll);
    umh_watch_sessions *sessions = handle->data;

    sd_login_monitor_unref(monitor->monitor);
    free(monitor);
    release(sessions);
}

static void stop_monitor(umh_watch_sessions *sessions)
{
    if (sessions->monitor)
        uv_close((uv_handle_t *)&sessions->monitor->poll, on_monitor_closed);
    sessions->monitor = NULL;
}

static void on_retry_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void umh_watch_sessions_close(umh_watch_sessions *sessions)
{
    if (!sessions || atomic_load(&sessions->is_closed))
        return;
    atomic_store(&sessions->is_closed, true);
    stop_monitor(sessions);
    umh_list_each (item, &sessions->entries)
        remove_entry(sessions, umh_container_of(item, session_entry, entry));
    uv_close((uv_handle_t *)&sessions->retry, on_retry_closed);
}

/* --- telling -------------------------------------------------------------------------------- */

static void tell_known(umh_watch_sessions *sessions, bool is_known, const char *why)
{
    if (sessions->has_told && sessions->is_known == is_known)
        return;
    sessions->has_told = true;
    sessions->is_known = is_known;
    sessions->events.on_known(sessions->events.context, is_known, is_known ? NULL : why);
}

static void tell_trouble(const umh_watch_sessions *sessions, const char *what,
                         const umh_failure *failure)
{
    umh_why why = UMH_WHY_INIT;
    char text[sizeof(why.text)];

    umh_failure_format(failure, text, sizeof text);
    umh_why_set(&why, "%s: %s", what, text);
    sessions->events.on_trouble(sessions->events.context, &why);
}

static void tell_set(umh_watch_sessions *sessions)
{
    umh_session_info *infos;
    size_t count = 0;

    if (!sessions->must_tell)
        return;
    infos = calloc(sessions->entry_count + 1, sizeof *infos);
    if (!infos)
        return; /* with the next change */
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (entry->is_announced)
            infos[count++] = entry->info;
    }
    sessions->must_tell = false;
    sessions->events.on_change(sessions->events.context, infos, count);
    free(infos);
}

/* --- asking --------------------------------------------------------------------------------- */

static bool is_cancelled(void *context)
{
    umh_watch_sessions *sessions = context;

    return atomic_load(&sessions->is_closed);
}

static void do_ask(uv_work_t *work)
{
    ask_work *ask = work->data;

    ask->r = umh_session_ask(&ask->facts, is_cancelled, ask->sessions, &ask->info);
    if (ask->r < 0)
        ask->failure = umh_failure_take();
}

static session_entry *find_serial(umh_watch_sessions *sessions, uint64_t serial)
{
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (entry->serial == serial)
            return entry;
    }
    return NULL;
}

/* It is asked about again with the next look that the timer makes. */
static void note_trouble(umh_watch_sessions *sessions, session_entry *entry, const ask_work *ask)
{
    umh_why why = UMH_WHY_INIT;
    char what[UMH_SESSION_ID_BYTES + 64];

    if (entry->is_in_trouble)
        return;
    entry->is_in_trouble = true;
    umh_why_set(&why, "session %s is of user %u, whom this system does not know", entry->facts.id,
                entry->facts.uid);
    if (ask->r < 0) {
        umh_text_put(what, sizeof what, "a session cannot be used");
        tell_trouble(sessions, what, &ask->failure);
        return;
    }
    sessions->events.on_trouble(sessions->events.context, &why);
}

static void start_asks(umh_watch_sessions *sessions);

static void take_answer(umh_watch_sessions *sessions, ask_work *ask)
{
    session_entry *entry = find_serial(sessions, ask->serial);

    if (!entry)
        return; /* it has gone meanwhile */
    entry->is_asked = false;
    if (ask->r != 0) {
        note_trouble(sessions, entry, ask);
        return;
    }
    entry->is_in_trouble = false;
    umh_session_info_deinit(&entry->info);
    entry->info = ask->info;
    ask->info = (umh_session_info)UMH_SESSION_INFO_INIT;
    entry->is_announced = true;
    sessions->must_tell = true;
}

static void on_asked(uv_work_t *work, int status)
{
    ask_work *ask = work->data;
    umh_watch_sessions *sessions = ask->sessions;

    UMH_UNUSED(status); /* nothing is cancelled */
    sessions->asks--;
    if (!atomic_load(&sessions->is_closed)) {
        take_answer(sessions, ask);
        start_asks(sessions);
        tell_set(sessions);
    }
    umh_session_info_deinit(&ask->info);
    free(ask);
    release(sessions);
}

static bool start_ask(umh_watch_sessions *sessions, session_entry *entry)
{
    ask_work *ask = calloc(1, sizeof *ask);

    if (!ask)
        return false;
    ask->work.data = ask;
    ask->sessions = sessions;
    ask->serial = entry->serial;
    ask->facts = entry->facts;
    if (uv_queue_work(sessions->loop, &ask->work, do_ask, on_asked) != 0) {
        free(ask);
        return false;
    }
    sessions->asks++;
    sessions->holders++;
    return true;
}

/* A user whose manager does not answer keeps others waiting with one question, not with many. */
static bool is_user_asked(umh_watch_sessions *sessions, uint32_t uid)
{
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (entry->is_asked && entry->facts.uid == uid)
            return true;
    }
    return false;
}

/* Its user's runtime folder and service manager are on their way. */
static bool is_awaited(const umh_watch_sessions *sessions, const session_entry *entry)
{
    return entry->facts.is_opening && uv_now(sessions->loop) < entry->patience_ms;
}

static void start_asks(umh_watch_sessions *sessions)
{
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (sessions->asks >= UMH_SESSION_ASKS_MAX)
            return;
        if (!entry->must_ask || is_awaited(sessions, entry) ||
            is_user_asked(sessions, entry->facts.uid))
            continue;
        entry->is_asked = start_ask(sessions, entry);
        entry->must_ask = !entry->is_asked;
    }
}

/* --- looking -------------------------------------------------------------------------------- */

static session_entry *find_same(umh_watch_sessions *sessions, const umh_session_facts *facts)
{
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (umh_session_facts_are_same(&entry->facts, facts))
            return entry;
    }
    return NULL;
}

static void tell_full(umh_watch_sessions *sessions)
{
    umh_why why = UMH_WHY_INIT;

    if (sessions->is_full)
        return;
    sessions->is_full = true;
    umh_why_set(&why, "more than %u sessions are open: further ones get no hosts",
                UMH_SESSIONS_MAX);
    sessions->events.on_trouble(sessions->events.context, &why);
}

static void add_entry(umh_watch_sessions *sessions, const umh_session_facts *facts)
{
    session_entry *entry;

    if (sessions->entry_count >= UMH_SESSIONS_MAX) {
        tell_full(sessions);
        return;
    }
    entry = calloc(1, sizeof *entry);
    if (!entry)
        return; /* the next look finds it again */
    entry->serial = sessions->next_serial++;
    entry->facts = *facts;
    entry->must_ask = true;
    entry->is_seen = true;
    entry->patience_ms = uv_now(sessions->loop) + UMH_SESSION_ASK_MS;
    umh_list_init(&entry->entry);
    umh_list_push_back(&sessions->entries, &entry->entry);
    sessions->entry_count++;
}

static void see(umh_watch_sessions *sessions, const umh_session_facts *facts)
{
    session_entry *entry = find_same(sessions, facts);

    if (!entry)
        return;
    entry->is_seen = true;
    if (!umh_session_facts_are_equal(&entry->facts, facts) ||
        (entry->is_in_trouble && !entry->is_asked))
        entry->must_ask = true;
    entry->facts = *facts;
}

/* Those that have gone make room before new ones come. */
static void compare(umh_watch_sessions *sessions, const umh_session_facts *facts, size_t count)
{
    umh_list_each (item, &sessions->entries)
        umh_container_of(item, session_entry, entry)->is_seen = false;
    for (size_t i = 0; i < count; i++)
        see(sessions, &facts[i]);
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (!entry->is_seen)
            remove_entry(sessions, entry);
    }
    if (sessions->entry_count < UMH_SESSIONS_MAX)
        sessions->is_full = false;
    for (size_t i = 0; i < count; i++) {
        if (!find_same(sessions, &facts[i]))
            add_entry(sessions, &facts[i]);
    }
}

static bool find_folder(uint64_t *ret_identity)
{
    umh_file_info about = umh_file_inspect(UMH_LOGIND_FOLDER);

    *ret_identity = about.identity;
    return about.kind == FILE_KIND_FOLDER;
}

/* A folder that went while it was read was empty for a moment: nothing may follow from that. */
static void do_look(uv_work_t *work)
{
    look_work *looking = work->data;
    uint64_t identity = 0;

    looking->r = umh_session_facts_list(&looking->facts, &looking->count);
    if (looking->r < 0)
        looking->failure = umh_failure_take();
    looking->is_valid =
        looking->r == 0 && find_folder(&identity) && identity == looking->folder_identity;
}

static void on_looked(uv_work_t *work, int status)
{
    look_work *looking = work->data;
    umh_watch_sessions *sessions = looking->sessions;

    UMH_UNUSED(status); /* nothing is cancelled */
    sessions->is_looking = false;
    if (!atomic_load(&sessions->is_closed)) {
        if (looking->r < 0)
            tell_trouble(sessions, "the users' sessions cannot be told", &looking->failure);
        if (looking->is_valid && sessions->monitor &&
            looking->folder_identity == sessions->folder_identity)
            compare(sessions, looking->facts, looking->count);
        start_asks(sessions);
        tell_set(sessions);
        if (sessions->must_look)
            look(sessions);
        else
            sessions->must_look = !looking->is_valid; /* the timer looks again */
    }
    free(looking->facts);
    free(looking);
    release(sessions);
}

static void look(umh_watch_sessions *sessions)
{
    look_work *looking;

    sessions->must_look = true;
    if (sessions->is_looking || !sessions->monitor)
        return;
    looking = calloc(1, sizeof *looking);
    if (!looking)
        return; /* the timer tries again */
    looking->work.data = looking;
    looking->sessions = sessions;
    looking->folder_identity = sessions->folder_identity;
    if (uv_queue_work(sessions->loop, &looking->work, do_look, on_looked) != 0) {
        free(looking);
        return;
    }
    sessions->holders++;
    sessions->must_look = false;
    sessions->is_looking = true;
}

/* --- watching ------------------------------------------------------------------------------- */

static void on_readable(uv_poll_t *poll, int status, int events)
{
    session_monitor *monitor = umh_container_of(poll, session_monitor, poll);

    UMH_UNUSED(status);
    UMH_UNUSED(events);
    umh_ignore(sd_login_monitor_flush(monitor->monitor));
    look(poll->data);
}

/* False: not now; *why says what libsystemd or libuv had against it. */
static bool start_monitor(umh_watch_sessions *sessions, const char **why)
{
    session_monitor *monitor = calloc(1, sizeof *monitor);
    int status = monitor ? sd_login_monitor_new("session", &monitor->monitor) : -ENOMEM;

    if (status >= 0)
        status =
            uv_poll_init(sessions->loop, &monitor->poll, sd_login_monitor_get_fd(monitor->monitor));
    if (status < 0) {
        *why = strerror(-status);
        if (monitor)
            sd_login_monitor_unref(monitor->monitor);
        free(monitor);
        return false;
    }
    monitor->poll.data = sessions;
    sessions->monitor = monitor;
    sessions->holders++;
    /* Nothing else has this descriptor; what may fail of it has been done by the init. */
    umh_ignore(uv_poll_start(&monitor->poll, UV_READABLE, on_readable));
    return true;
}

static bool needs_look(umh_watch_sessions *sessions)
{
    umh_list_each (item, &sessions->entries) {
        session_entry *entry = umh_container_of(item, session_entry, entry);

        if (entry->must_ask || entry->is_in_trouble)
            return true;
    }
    return sessions->must_look || sessions->must_tell || sessions->is_full;
}

static void on_retry(uv_timer_t *timer)
{
    umh_watch_sessions *sessions = timer->data;
    const char *why = no_logind;
    uint64_t identity = 0;
    bool is_there = find_folder(&identity);

    if (sessions->monitor && is_there && identity == sessions->folder_identity) {
        if (needs_look(sessions))
            look(sessions);
        return;
    }
    /* Watched first and looked at then: nothing happens unseen in between. */
    stop_monitor(sessions);
    sessions->folder_identity = identity;
    if (is_there && start_monitor(sessions, &why)) {
        tell_known(sessions, true, NULL);
        look(sessions);
        return;
    }
    tell_known(sessions, false, why);
}

int umh_watch_sessions_open(uv_loop_t *loop, const umh_watch_sessions_events *events,
                            umh_watch_sessions **ret_sessions)
{
    umh_watch_sessions *sessions = calloc(1, sizeof *sessions);
    int status;

    if (!sessions)
        return UMH_FAIL(UMH_E_MEMORY, "watch the users' sessions");
    sessions->loop = loop;
    sessions->events = *events;
    umh_list_init(&sessions->entries);
    atomic_init(&sessions->is_closed, false);
    status = uv_timer_init(loop, &sessions->retry);
    if (status < 0) {
        free(sessions);
        return UMH_FAIL_UV(status, "watch the users' sessions");
    }
    sessions->holders = 1;
    sessions->retry.data = sessions;
    /* At once, and then as often as the contract says. */
    umh_ignore(uv_timer_start(&sessions->retry, on_retry, 0, UMH_SESSIONS_RETRY_MS));
    *ret_sessions = sessions;
    return 0;
}
