/* SPDX-License-Identifier: MIT */
/*
 * Numbers for users' sessions. A session keeps its number as long as it is on the list, whatever
 * else changes about it; what its hosts would see is renewed with every change and counts from
 * their next start on.
 */
#include "broker/sessions.h"

#include "broker/logs.h"
#include "broker/supervisor.h"
#include "watch/session.h"

#include <stdlib.h>
#include <string.h>

typedef struct session_row {
    uint32_t number;
    umh_session_info info;
} session_row;

struct umh_sessions {
    umh_broker *broker;
    umh_watch_sessions *watch; /* NULL: there is nothing to learn, or not yet */
    session_row rows[UMH_SESSIONS_MAX];
    umh_plan_session plan[UMH_SESSIONS_MAX]; /* of the same rows */
    size_t count;
    uint32_t next_number;
    bool is_known;
    char why[256];
};

static const umh_plan_session own_session[] = {{UMH_SESSION_OWN, true}};

/* --- the list ------------------------------------------------------------------------------- */

static const umh_session_info *find_info(const umh_session_info *infos, size_t count,
                                         const session_row *row)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(infos[i].id, row->info.id) == 0 && infos[i].user.uid == row->info.user.uid)
            return &infos[i];
    }
    return NULL;
}

static session_row *find_row(umh_sessions *sessions, const umh_session_info *info)
{
    for (size_t i = 0; i < sessions->count; i++) {
        if (find_info(info, 1, &sessions->rows[i]))
            return &sessions->rows[i];
    }
    return NULL;
}

static void say(const umh_sessions *sessions, const session_row *row, const char *what)
{
    const umh_session_info *info = &row->info;

    umh_logs_say(sessions->broker->logs, UMH_LOG_INFO, NULL, "session %u %s: %s of %s, %s%s%s",
                 row->number, what, info->id, info->user.name,
                 info->type[0] ? info->type : "of no type", info->seat[0] ? " at " : "",
                 info->seat);
}

static void remove_row(umh_sessions *sessions, size_t index)
{
    say(sessions, &sessions->rows[index], "has ended");
    umh_supervisor_forget_session(sessions->broker->supervisor, sessions->rows[index].number);
    umh_session_info_deinit(&sessions->rows[index].info);
    sessions->count--;
    memmove(&sessions->rows[index], &sessions->rows[index + 1],
            (sessions->count - index) * sizeof(sessions->rows[0]));
}

static void remove_gone(umh_sessions *sessions, const umh_session_info *infos, size_t count)
{
    size_t i = 0;

    while (i < sessions->count) {
        if (find_info(infos, count, &sessions->rows[i]))
            i++;
        else
            remove_row(sessions, i);
    }
}

/* Found new, or renewed. */
static int put_row(umh_sessions *sessions, const umh_session_info *info)
{
    UMH_AUTO(umh_session_info) copy = UMH_SESSION_INFO_INIT;
    session_row *row = find_row(sessions, info);
    bool is_new = !row;
    int r;

    if (is_new && sessions->count == UMH_SESSIONS_MAX)
        return 0; /* the watch tells no more than these */
    r = umh_session_info_copy(info, &copy);
    if (r)
        return r;
    if (is_new) {
        row = &sessions->rows[sessions->count++];
        *row = (session_row){.number = sessions->next_number++};
    }
    umh_session_info_deinit(&row->info);
    row->info = copy;
    copy = (umh_session_info)UMH_SESSION_INFO_INIT;
    if (is_new)
        say(sessions, row, "is open");
    return 0;
}

static void on_change(void *context, const umh_session_info *infos, size_t count)
{
    umh_sessions *sessions = context;
    int r = 0;

    remove_gone(sessions, infos, count);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = put_row(sessions, &infos[i]);
    for (size_t i = 0; i < sessions->count; i++)
        sessions->plan[i] =
            (umh_plan_session){sessions->rows[i].number, sessions->rows[i].info.is_graphical};
    if (r)
        umh_broker_fail(sessions->broker);
    umh_supervisor_reconcile_soon(sessions->broker->supervisor);
}

/* --- what the system says of itself --------------------------------------------------------- */

static void on_known(void *context, bool is_known, const char *why)
{
    umh_sessions *sessions = context;
    umh_logs *logs = sessions->broker->logs;

    sessions->is_known = is_known;
    umh_text_put(sessions->why, sizeof(sessions->why), why ? why : "");
    if (is_known)
        umh_logs_say(logs, UMH_LOG_INFO, NULL, "users' sessions are known");
    else
        umh_logs_say(logs, UMH_LOG_WARNING, NULL,
                     "no sessions known: %s; hosts of sessions that were known go on, and it is "
                     "tried again every %u s",
                     why, UMH_SESSIONS_RETRY_MS / 1000);
}

static void on_trouble(void *context, const umh_why *why)
{
    umh_sessions *sessions = context;

    umh_logs_say(sessions->broker->logs, UMH_LOG_WARNING, NULL, "%s", why->text);
}

/* --- life ----------------------------------------------------------------------------------- */

int umh_sessions_new(umh_broker *broker, umh_sessions **ret_sessions)
{
    umh_sessions *sessions = calloc(1, sizeof(*sessions));

    if (!sessions)
        return UMH_FAIL(UMH_E_MEMORY, "make the list of sessions");
    sessions->broker = broker;
    sessions->next_number = 1;
    umh_text_put(sessions->why, sizeof(sessions->why), "the system has not answered yet");
    *ret_sessions = sessions;
    return 0;
}

int umh_sessions_start(umh_sessions *sessions)
{
    const umh_watch_sessions_events events = {.context = sessions,
                                              .on_change = on_change,
                                              .on_known = on_known,
                                              .on_trouble = on_trouble};

    if (!sessions->broker->options.is_service)
        return 0;
    return umh_watch_sessions_open(&sessions->broker->loop, &events, &sessions->watch);
}

void umh_sessions_close(umh_sessions *sessions)
{
    if (!sessions)
        return;
    umh_watch_sessions_close(UMH_MOVE(sessions->watch));
    for (size_t i = 0; i < sessions->count; i++)
        umh_session_info_deinit(&sessions->rows[i].info);
    free(sessions);
}

/* --- asked by others ------------------------------------------------------------------------ */

const umh_plan_session *umh_sessions_get(const umh_sessions *sessions, size_t *ret_count)
{
    bool is_service = sessions->broker->options.is_service;

    *ret_count = is_service ? sessions->count : UMH_COUNT_OF(own_session);
    return is_service ? sessions->plan : own_session;
}

const umh_session_info *umh_sessions_find(const umh_sessions *sessions, uint32_t number)
{
    for (size_t i = 0; i < sessions->count; i++) {
        if (sessions->rows[i].number == number)
            return &sessions->rows[i].info;
    }
    return NULL;
}

static umh_json *describe_row(const session_row *row)
{
    const umh_session_info *info = &row->info;

    return json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:b, s:b}", "number", (json_int_t)row->number,
                     "id", umh_jsonc_text(info->id), "user", umh_jsonc_text(info->user.name), "uid",
                     (json_int_t)info->user.uid, "seat",
                     info->seat[0] ? umh_jsonc_text(info->seat) : json_null(), "type",
                     info->type[0] ? umh_jsonc_text(info->type) : json_null(), "graphical",
                     info->is_graphical, "remote", info->is_remote);
}

umh_json *umh_sessions_describe(const umh_sessions *sessions)
{
    umh_json *list = json_array();

    for (size_t i = 0; list && i < sessions->count; i++) {
        if (json_array_append_new(list, describe_row(&sessions->rows[i])) != 0)
            list = umh_json_free(list);
    }
    if (!list)
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "describe the sessions"));
    return list;
}

const char *umh_sessions_why_unknown(const umh_sessions *sessions)
{
    return sessions->broker->options.is_service && !sessions->is_known ? sessions->why : NULL;
}
