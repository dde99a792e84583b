/* SPDX-License-Identifier: MIT */
/*
 * What a host in a session runs as and with. The user's own word counts for what it concerns: it
 * becomes the environment of that user's processes, after the allow-list; what identifies the user
 * and the session is written over it.
 */
#include "watch/linux/session_facts.h"

#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEADER_BYTES_MAX (256u * 1024)
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* --- the leader ---------------------------------------------------------------------------- */

/* A list of pointers into `text`, whose entries end with a NUL each; NULL: out of memory. */
static const char **split(const umh_buffer *text)
{
    const char **entries;
    size_t count = 0;
    size_t at = 0;

    for (size_t i = 0; i < text->size; i++)
        count += text->data[i] == '\0';
    entries = calloc(count + 2, sizeof *entries);
    for (size_t i = 0; entries && at < text->size; i++) {
        entries[i] = (const char *)text->data + at;
        at += strlen(entries[i]) + 1;
    }
    return entries;
}

/* A pid may have come again for another user's process, whose environment is none of this one's. */
static bool read_environment(int folder, uint32_t uid, umh_buffer *text)
{
    struct stat about;
    char block[4096];
    ssize_t size = -1;
    int file = openat(folder, "environ", O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return false;
    if (fstat(folder, &about) == 0 && (about.st_uid == uid || about.st_uid == 0)) {
        do {
            size = read(file, block, sizeof block);
        } while (size > 0 && umh_buffer_append(text, block, (size_t)size) == 0);
    }
    close(file);
    return size == 0;
}

/* Nothing when it has none that may be read. */
static int ask_leader(const umh_session_facts *facts, umh_environment *ret_environment)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    const char **entries = NULL;
    char path[64];
    int folder;
    int r = 0;

    text.max_bytes = LEADER_BYTES_MAX;
    snprintf(path, sizeof path, "/proc/%lld", (long long)facts->leader);
    folder = facts->leader > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0)
        return 0;
    if (read_environment(folder, facts->uid, &text)) {
        entries = split(&text);
        r = entries ? umh_environment_filter(entries, ret_environment)
                    : UMH_FAIL(UMH_E_MEMORY, "read an environment");
    }
    close(folder);
    free(entries);
    return r;
}

/* --- what is certain ------------------------------------------------------------------------- */

typedef struct variable {
    const char *name;
    const char *value; /* NULL or empty: it has none */
} variable;

static int put_all(umh_environment *environment, const variable *variables, size_t count)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        const char *value = variables[i].value;

        r = umh_environment_put(environment, variables[i].name, value && value[0] ? value : NULL);
    }
    return r;
}

static bool belongs_to(const char *path, uint32_t uid, mode_t kind)
{
    struct stat about;

    return lstat(path, &about) == 0 && (about.st_mode & S_IFMT) == kind && about.st_uid == uid;
}

static int put_user(const umh_session_info *session, umh_environment *environment)
{
    const umh_user *user = &session->user;
    const variable variables[] = {{"HOME", user->home},
                                  {"USER", user->name},
                                  {"LOGNAME", user->name},
                                  {"SHELL", user->shell}};

    return put_all(environment, variables, UMH_COUNT_OF(variables));
}

static int put_runtime(const umh_session_info *session, umh_environment *environment)
{
    char runtime[64];
    char bus[96];
    const char *address = umh_environment_find(environment, "DBUS_SESSION_BUS_ADDRESS");
    bool has_runtime;

    snprintf(runtime, sizeof runtime, "/run/user/%u", session->user.uid);
    snprintf(bus, sizeof bus, "unix:path=%s/bus", runtime);
    has_runtime = belongs_to(runtime, session->user.uid, S_IFDIR);
    if (!address && has_runtime &&
        belongs_to(bus + strlen("unix:path="), session->user.uid, S_IFSOCK) &&
        umh_environment_put(environment, "DBUS_SESSION_BUS_ADDRESS", bus) != 0)
        return UMH_E_MEMORY;
    return umh_environment_put(environment, "XDG_RUNTIME_DIR", has_runtime ? runtime : NULL);
}

/* A user's manager is one for all of its sessions: a display may be that of another one. */
static int put_display(const umh_session_info *session, const umh_session_facts *facts,
                       umh_environment *environment)
{
    static const variable none[] = {
        {"DISPLAY", NULL}, {"WAYLAND_DISPLAY", NULL}, {"XAUTHORITY", NULL}};
    int r = 0;

    if (!session->is_graphical)
        r = put_all(environment, none, UMH_COUNT_OF(none));
    if (r == 0 && facts->display[0])
        r = umh_environment_put(environment, "DISPLAY", facts->display);
    return r;
}

static int put_session(const umh_session_info *session, umh_environment *environment)
{
    bool has_type = strcmp(session->type, "unspecified") != 0;
    const variable variables[] = {{"XDG_SESSION_ID", session->id},
                                  {"XDG_SESSION_TYPE", has_type ? session->type : NULL},
                                  {"XDG_SEAT", session->seat}};
    int r = put_all(environment, variables, UMH_COUNT_OF(variables));

    if (r == 0 && !umh_environment_find(environment, "PATH"))
        r = umh_environment_put(environment, "PATH", DEFAULT_PATH);
    return r;
}

/* --- all of it ------------------------------------------------------------------------------- */

static bool is_credible(const umh_environment *environment)
{
    size_t size = 0;

    for (size_t i = 0; i < environment->count; i++)
        size += strlen(environment->entries[i]) + 1;
    return size <= UMH_SESSION_ENVIRONMENT_BYTES;
}

static int find_environment(const umh_session_facts *facts, bool (*is_cancelled)(void *),
                            void *context, umh_session_info *session)
{
    umh_environment *environment = &session->environment;
    int r = umh_user_manager_environment(facts->uid, is_cancelled, context, environment);

    if (r == UMH_MANAGER_SILENT)
        r = ask_leader(facts, environment);
    if (r == 0 && !is_credible(environment))
        umh_environment_deinit(environment);
    if (r == 0)
        r = put_user(session, environment);
    if (r == 0)
        r = put_runtime(session, environment);
    if (r == 0)
        r = put_display(session, facts, environment);
    if (r == 0)
        r = put_session(session, environment);
    return umh_fold(r);
}

int umh_session_ask(const umh_session_facts *facts, bool (*is_cancelled)(void *), void *context,
                    umh_session_info *ret_session)
{
    UMH_AUTO(umh_session_info) session = UMH_SESSION_INFO_INIT;
    int r = umh_user_find(facts->uid, &session.user);

    if (r == UMH_USER_NONE)
        return UMH_SESSION_NO_USER;
    if (r)
        return umh_fold(r);
    memcpy(session.id, facts->id, sizeof session.id);
    memcpy(session.seat, facts->seat, sizeof session.seat);
    memcpy(session.type, facts->type, sizeof session.type);
    session.is_remote = facts->is_remote;
    session.is_graphical = strcmp(facts->type, "x11") == 0 || strcmp(facts->type, "wayland") == 0 ||
                           strcmp(facts->type, "mir") == 0;
    r = find_environment(facts, is_cancelled, context, &session);
    if (r)
        return r;
    *ret_session = session;
    session = (umh_session_info)UMH_SESSION_INFO_INIT;
    return 0;
}
