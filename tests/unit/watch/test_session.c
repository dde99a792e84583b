/* SPDX-License-Identifier: MIT */
/*
 * Users' sessions, against a logind made of files in a mount namespace of the test's own, and a
 * user's service manager made of libsystemd's server side. Needs root; is skipped otherwise.
 */
#include "watch/session.h"

#include "platform/clock.h"
#include "platform/environment.h"
#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <systemd/sd-bus.h>

#define PATIENCE_MS 30000u
#define SEEN_MAX 64
#define MANY 40

typedef struct seen {
    uv_loop_t loop;
    umh_watch_sessions *sessions;
    bool has_known, is_known;
    unsigned known_count, change_count, trouble_count;
    char why[256], trouble[512];
    umh_session_info infos[SEEN_MAX];
    size_t count;
} seen;

/* --- the fake --------------------------------------------------------------------------------- */

typedef struct fake_session {
    const char *id;
    unsigned uid;
    const char *state, *type, *class, *extra;
} fake_session;

static void make_folder(const char *path)
{
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void make_logind(void)
{
    make_folder("/run/systemd");
    make_folder("/run/systemd/sessions");
    make_folder("/run/systemd/users");
    make_folder("/run/systemd/seats");
    make_folder("/run/systemd/machines");
}

static void put_file(const char *folder, const char *name, const char *text)
{
    char hidden[512];
    char path[512];
    FILE *file;

    snprintf(hidden, sizeof hidden, "%s/.new-%s", folder, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(hidden, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(hidden, path), 0);
}

static void put_session(const fake_session *session)
{
    char text[1024];

    snprintf(text, sizeof text,
             "UID=%u\nUSER=root\nACTIVE=1\nIS_DISPLAY=1\nSTATE=%s\nREMOTE=0\nTYPE=%s\nCLASS=%s\n"
             "SCOPE=session-%s.scope\n%s",
             session->uid, session->state ? session->state : "active",
             session->type ? session->type : "tty", session->class ? session->class : "user",
             session->id, session->extra ? session->extra : "");
    put_file("/run/systemd/sessions", session->id, text);
}

static void end_session(const char *id)
{
    char path[256];

    snprintf(path, sizeof path, "/run/systemd/sessions/%s", id);
    assert_int_equal(unlink(path), 0);
}

/* --- what comes ------------------------------------------------------------------------------- */

static void forget(seen *s)
{
    for (size_t i = 0; i < s->count; i++)
        umh_session_info_deinit(&s->infos[i]);
    s->count = 0;
}

static void on_change(void *context, const umh_session_info *sessions, size_t count)
{
    seen *s = context;

    forget(s);
    assert_true(count <= SEEN_MAX);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(umh_session_info_copy(&sessions[i], &s->infos[i]), 0);
    s->count = count;
    s->change_count++;
}

static void on_known(void *context, bool is_known, const char *why)
{
    seen *s = context;

    assert_true(!s->has_known || s->is_known != is_known);
    s->has_known = true;
    s->is_known = is_known;
    s->known_count++;
    umh_text_put(s->why, sizeof s->why, why ? why : "");
}

static void on_trouble(void *context, const umh_why *why)
{
    seen *s = context;

    umh_why_format(why, s->trouble, sizeof s->trouble);
    s->trouble_count++;
}

static const umh_session_info *find(const seen *s, const char *id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->infos[i].id, id) == 0)
            return &s->infos[i];
    }
    return NULL;
}

static void on_tick(uv_timer_t *timer)
{
    UMH_UNUSED(timer);
}

/* Until the condition holds; the tick makes the loop return to look at the deadline. */
#define AWAIT(s, condition)                                                                        \
    do {                                                                                           \
        uint64_t deadline_ns = umh_clock_deadline_ns(PATIENCE_MS);                                 \
        uv_timer_t tick;                                                                           \
                                                                                                   \
        uv_timer_init(&(s)->loop, &tick);                                                          \
        uv_timer_start(&tick, on_tick, 50, 50);                                                    \
        while (!(condition) && umh_clock_now_ns() < deadline_ns)                                   \
            uv_run(&(s)->loop, UV_RUN_ONCE);                                                       \
        uv_close((uv_handle_t *)&tick, NULL);                                                      \
        uv_run(&(s)->loop, UV_RUN_NOWAIT);                                                         \
        assert_true(condition);                                                                    \
    } while (0)

static void begin(seen *s)
{
    const umh_watch_sessions_events events = {
        .context = s, .on_change = on_change, .on_known = on_known, .on_trouble = on_trouble};

    memset(s, 0, sizeof *s);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(umh_watch_sessions_open(&s->loop, &events, &s->sessions), 0);
    assert_false(s->has_known);
}

static void end(seen *s)
{
    unsigned before = s->change_count + s->known_count + s->trouble_count;

    umh_watch_sessions_close(s->sessions);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->change_count + s->known_count + s->trouble_count, before);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    forget(s);
}

static bool has_fake;

static int set_up(void **state)
{
    UMH_UNUSED(state);
    has_fake = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return 0;
}

/* A fresh /run for each test. */
static int set_up_run(void **state)
{
    UMH_UNUSED(state);
    if (!has_fake)
        return 0;
    return mount("tmpfs", "/run", "tmpfs", 0, "mode=755");
}

static int tear_down_run(void **state)
{
    UMH_UNUSED(state);
    return has_fake ? umount2("/run", MNT_DETACH) : 0;
}

#define NEEDS_FAKE()                                                                               \
    do {                                                                                           \
        UMH_UNUSED(state);                                                                         \
        if (!has_fake) {                                                                           \
            print_message("skipped, because a mount namespace needs root\n");                      \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* --- tests ------------------------------------------------------------------------------------ */

static void test_sees_those_that_are_open(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1", .type = "x11", .extra = "SEAT=seat0\nDISPLAY=:7\n"});
    put_session(&(fake_session){.id = "c2", .class = "greeter", .type = "x11"});
    put_session(&(fake_session){.id = "c3", .class = "manager"});
    put_session(&(fake_session){.id = "c4", .state = "closing"});
    put_session(&(fake_session){.id = "5", .state = "online"});
    begin(&s);
    AWAIT(&s, s.count == 2);
    assert_true(s.is_known);
    assert_int_equal(s.known_count, 1);
    assert_non_null(find(&s, "c1"));
    assert_true(find(&s, "c1")->is_graphical);
    assert_string_equal(find(&s, "c1")->seat, "seat0");
    assert_string_equal(find(&s, "c1")->type, "x11");
    assert_string_equal(find(&s, "c1")->user.name, "root");
    assert_false(find(&s, "5")->is_graphical);
    assert_string_equal(find(&s, "5")->seat, "");
    end(&s);
}

static void test_logon_and_logoff(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    begin(&s);
    AWAIT(&s, s.has_known);
    assert_int_equal(s.change_count, 0);
    put_session(&(fake_session){.id = "c1"});
    AWAIT(&s, s.count == 1);
    put_session(&(fake_session){.id = "c2"});
    AWAIT(&s, s.count == 2);
    put_session(&(fake_session){.id = "c1", .state = "closing"});
    AWAIT(&s, s.count == 1);
    assert_non_null(find(&s, "c2"));
    end_session("c1");
    end_session("c2");
    AWAIT(&s, s.count == 0);
    end(&s);
}

static void test_switching_is_no_change(void **state)
{
    unsigned before;
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    before = s.change_count;
    put_session(&(fake_session){.id = "c1", .state = "online"});
    put_session(&(fake_session){.id = "c1", .state = "active"});
    put_session(&(fake_session){.id = "c2"});
    AWAIT(&s, s.count == 2);
    assert_int_equal(s.change_count, before + 1);
    end(&s);
}

static void test_waits_while_a_session_opens(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1", .state = "opening"});
    begin(&s);
    put_session(&(fake_session){.id = "c2"});
    AWAIT(&s, s.count == 1);
    assert_non_null(find(&s, "c2"));
    put_session(&(fake_session){.id = "c1", .state = "active"});
    AWAIT(&s, s.count == 2);
    /* Not for ever. */
    put_session(&(fake_session){.id = "c3", .state = "opening"});
    AWAIT(&s, s.count == 3);
    end(&s);
}

static void test_tells_of_a_new_type(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1", .state = "online"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    put_session(&(fake_session){.id = "c1", .type = "wayland"});
    AWAIT(&s, s.infos[0].is_graphical);
    assert_int_equal(s.count, 1);
    end(&s);
}

static void test_one_id_twice_is_two_sessions(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1", .extra = "LEADER=2\n"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    put_session(&(fake_session){.id = "c1", .extra = "LEADER=3\n"});
    /* gone, and then there */
    AWAIT(&s, s.change_count >= 3);
    assert_int_equal(s.count, 1);
    end(&s);
}

static void test_flapping_ends_in_the_set_as_it_is(void **state)
{
    char id[16];
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "stays"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "f%d", i);
        put_session(&(fake_session){.id = id});
        uv_run(&s.loop, UV_RUN_NOWAIT);
        if (i % 2)
            end_session(id);
    }
    AWAIT(&s, s.count == 1 + MANY / 2);
    assert_non_null(find(&s, "stays"));
    assert_non_null(find(&s, "f0"));
    assert_null(find(&s, "f1"));
    end(&s);
}

static void test_logind_comes_and_goes(void **state)
{
    unsigned before;
    seen s;

    NEEDS_FAKE();
    begin(&s);
    AWAIT(&s, s.has_known);
    assert_false(s.is_known);
    assert_non_null(strstr(s.why, "systemd-logind does not run"));
    make_logind();
    put_session(&(fake_session){.id = "c1"});
    AWAIT(&s, s.count == 1);
    assert_true(s.is_known);

    before = s.change_count;
    assert_int_equal(umh_file_remove_tree("/run/systemd"), 0);
    AWAIT(&s, !s.is_known);
    /* What was announced stands. */
    assert_int_equal(s.change_count, before);

    make_logind();
    put_session(&(fake_session){.id = "c1"});
    put_session(&(fake_session){.id = "c2"});
    AWAIT(&s, s.count == 2);
    assert_true(s.is_known);
    end(&s);
}

static void test_notices_another_logind(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    assert_int_equal(rename("/run/systemd", "/run/old"), 0);
    make_logind();
    put_session(&(fake_session){.id = "c2"});
    AWAIT(&s, s.count == 1 && find(&s, "c2"));
    end(&s);
}

static void test_tells_of_a_user_that_nobody_knows(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1", .uid = 3999999999u});
    put_session(&(fake_session){.id = "c2"});
    begin(&s);
    AWAIT(&s, s.count == 1 && s.trouble_count > 0);
    assert_non_null(strstr(s.trouble, "session c1 is of user 3999999999"));
    assert_non_null(find(&s, "c2"));
    end(&s);
    assert_int_equal(s.trouble_count, 1);
}

/* --- environments ----------------------------------------------------------------------------- */

static bool is_expected_name(const char *entry)
{
    static const char *const names[] = {"PATH=",
                                        "HOME=",
                                        "USER=",
                                        "LOGNAME=",
                                        "SHELL=",
                                        "LANG=",
                                        "LC_",
                                        "TZ=",
                                        "TMPDIR=",
                                        "DISPLAY=",
                                        "XDG_SEAT=",
                                        "XAUTHORITY=",
                                        "WAYLAND_DISPLAY=",
                                        "XDG_RUNTIME_DIR=",
                                        "XDG_SESSION_ID=",
                                        "XDG_SESSION_TYPE=",
                                        "DBUS_SESSION_BUS_ADDRESS="};

    for (size_t i = 0; i < UMH_COUNT_OF(names); i++) {
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static void check_names(const umh_environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        assert_true(is_expected_name(environment->entries[i]));
}

static const char *value_of(const seen *s, const char *id, const char *name)
{
    const char *value = umh_environment_find(&find(s, id)->environment, name);

    return value ? value : "";
}

/* A process that waits with an environment of its own until its pipe ends. */
static pid_t start_leader(int *ret_pipe)
{
    static const char *const arguments[] = {"cat", NULL};
    static const char *const environment[] = {"LD_PRELOAD=/tmp/evil.so",
                                              "DOTNET_STARTUP_HOOKS=/tmp/evil.dll",
                                              "LANG=xx_YY",
                                              "HOME=/elsewhere",
                                              "XDG_RUNTIME_DIR=/elsewhere",
                                              "DISPLAY=:99",
                                              "PATH=/own/bin",
                                              NULL};
    int ends[2];
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends[0], 0);
        close(ends[1]);
        close(ready[0]);
        /* the exec closes it: then the environment is the new one */
        fcntl(ready[1], F_SETFD, FD_CLOEXEC);
        execve("/bin/cat", (char **)(uintptr_t)arguments, (char **)(uintptr_t)environment);
        _exit(1);
    }
    close(ends[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 0);
    close(ready[0]);
    *ret_pipe = ends[1];
    return pid;
}

static void test_takes_the_leaders_environment_through_the_filter(void **state)
{
    char extra[128];
    int pipe_end;
    pid_t leader;
    seen s;

    NEEDS_FAKE();
    make_logind();
    leader = start_leader(&pipe_end);
    snprintf(extra, sizeof extra, "SEAT=seat0\nDISPLAY=:7\nLEADER=%d\n", (int)leader);
    put_session(&(fake_session){.id = "c1", .type = "x11", .extra = extra});
    snprintf(extra, sizeof extra, "LEADER=%d\n", (int)leader);
    put_session(&(fake_session){.id = "c2", .extra = extra});
    begin(&s);
    AWAIT(&s, s.count == 2);
    check_names(&find(&s, "c1")->environment);
    check_names(&find(&s, "c2")->environment);
    assert_string_equal(value_of(&s, "c1", "LANG"), "xx_YY");
    assert_string_equal(value_of(&s, "c1", "PATH"), "/own/bin");
    assert_string_equal(value_of(&s, "c1", "HOME"), "/root");
    assert_string_equal(value_of(&s, "c1", "DISPLAY"), ":7");
    assert_string_equal(value_of(&s, "c1", "XDG_SEAT"), "seat0");
    assert_string_equal(value_of(&s, "c1", "XDG_SESSION_ID"), "c1");
    assert_string_equal(value_of(&s, "c1", "XDG_SESSION_TYPE"), "x11");
    /* There is no folder of that name for this user. */
    assert_string_equal(value_of(&s, "c1", "XDG_RUNTIME_DIR"), "");
    assert_string_equal(value_of(&s, "c2", "DISPLAY"), "");
    assert_string_equal(value_of(&s, "c2", "XDG_SESSION_TYPE"), "tty");
    end(&s);
    close(pipe_end);
    assert_int_equal(waitpid(leader, NULL, 0), leader);
}

static void test_manages_without_a_word_from_anyone(void **state)
{
    seen s;

    NEEDS_FAKE();
    make_logind();
    put_session(&(fake_session){.id = "c1", .extra = "LEADER=999999999\n"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    assert_string_equal(value_of(&s, "c1", "HOME"), "/root");
    assert_string_equal(value_of(&s, "c1", "USER"), "root");
    assert_string_equal(value_of(&s, "c1", "LOGNAME"), "root");
    assert_string_equal(value_of(&s, "c1", "PATH"), "/usr/local/bin:/usr/bin:/bin");
    end(&s);
}

/* --- a user's service manager ----------------------------------------------------------------- */

typedef struct fake_manager {
    pthread_t thread;
    int listener;
    size_t further_count; /* variables, to make it long */
    bool is_mute;
} fake_manager;

static int tell_environment(sd_bus *bus, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *context,
                            sd_bus_error *error)
{
    const fake_manager *manager = context;
    char text[96];
    int r = sd_bus_message_open_container(reply, 'a', "s");

    UMH_UNUSED(bus);
    UMH_UNUSED(path);
    UMH_UNUSED(interface);
    UMH_UNUSED(property);
    UMH_UNUSED(error);
    if (r >= 0)
        r = sd_bus_message_append(reply, "s", "LANG=of_MANAGER");
    if (r >= 0)
        r = sd_bus_message_append(reply, "s", "LD_LIBRARY_PATH=/tmp");
    if (r >= 0)
        r = sd_bus_message_append(reply, "s", "WAYLAND_DISPLAY=wayland-7");
    for (size_t i = 0; r >= 0 && i < manager->further_count; i++) {
        snprintf(text, sizeof text, "LC_%zu=0123456789012345678901234567890123456789", i);
        r = sd_bus_message_append(reply, "s", text);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Environment", "as", tell_environment, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};

static void serve(fake_manager *manager, int connection)
{
    sd_id128_t id = SD_ID128_NULL;
    sd_bus *bus = NULL;
    char byte;
    int r = 0;

    if (manager->is_mute) {
        while (read(connection, &byte, 1) > 0)
            continue;
        close(connection);
        return;
    }
    id.bytes[0] = 1;
    assert_true(sd_bus_new(&bus) >= 0);
    assert_true(sd_bus_set_fd(bus, connection, connection) >= 0);
    assert_true(sd_bus_set_server(bus, 1, id) >= 0);
    assert_true(sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
                                         "org.freedesktop.systemd1.Manager", manager_vtable,
                                         manager) >= 0);
    assert_true(sd_bus_start(bus) >= 0);
    while (r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    sd_bus_unref(bus);
}

static void *run_manager(void *context)
{
    fake_manager *manager = context;
    int connection;

    while ((connection = accept(manager->listener, NULL, NULL)) >= 0)
        serve(manager, connection);
    return NULL;
}

static void start_manager(fake_manager *manager)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/user/0/systemd/private"};

    make_folder("/run/user");
    make_folder("/run/user/0");
    make_folder("/run/user/0/systemd");
    manager->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(manager->listener >= 0);
    assert_int_equal(bind(manager->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(manager->listener, 8), 0);
    assert_int_equal(pthread_create(&manager->thread, NULL, run_manager, manager), 0);
}

static void stop_manager(fake_manager *manager)
{
    shutdown(manager->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(manager->thread, NULL), 0);
    close(manager->listener);
}

static void test_asks_the_users_manager(void **state)
{
    fake_manager manager = {.is_mute = false};
    seen s;

    NEEDS_FAKE();
    make_logind();
    start_manager(&manager);
    put_session(&(fake_session){.id = "c1", .type = "wayland", .extra = "LEADER=1\n"});
    put_session(&(fake_session){.id = "c2"});
    begin(&s);
    AWAIT(&s, s.count == 2);
    check_names(&find(&s, "c1")->environment);
    assert_string_equal(value_of(&s, "c1", "LANG"), "of_MANAGER");
    assert_string_equal(value_of(&s, "c1", "WAYLAND_DISPLAY"), "wayland-7");
    assert_string_equal(value_of(&s, "c1", "XDG_RUNTIME_DIR"), "/run/user/0");
    assert_string_equal(value_of(&s, "c2", "WAYLAND_DISPLAY"), "");
    end(&s);
    stop_manager(&manager);
}

static void test_does_not_believe_too_much(void **state)
{
    fake_manager manager = {.further_count = 3000};
    seen s;

    NEEDS_FAKE();
    make_logind();
    start_manager(&manager);
    put_session(&(fake_session){.id = "c1"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    assert_string_equal(value_of(&s, "c1", "LANG"), "");
    assert_true(find(&s, "c1")->environment.count < 16);
    assert_string_equal(value_of(&s, "c1", "HOME"), "/root");
    end(&s);
    stop_manager(&manager);
}

static void test_does_not_wait_for_a_mute_manager(void **state)
{
    fake_manager manager = {.is_mute = true};
    uint64_t begun_ns;
    seen s;

    NEEDS_FAKE();
    make_logind();
    start_manager(&manager);
    put_session(&(fake_session){.id = "c1"});
    begun_ns = umh_clock_now_ns();
    begin(&s);
    AWAIT(&s, s.count == 1);
    assert_true(umh_clock_now_ns() - begun_ns >= UMH_SESSION_ASK_MS * UMH_NS_PER_MS);
    assert_string_equal(value_of(&s, "c1", "HOME"), "/root");

    /* An end does not wait for it either. */
    put_session(&(fake_session){.id = "c2"});
    begun_ns = umh_clock_now_ns();
    for (int i = 0; i < 20; i++)
        uv_run(&s.loop, UV_RUN_NOWAIT);
    end(&s);
    assert_true(umh_clock_now_ns() - begun_ns < UMH_SESSION_ASK_MS * UMH_NS_PER_MS);
    stop_manager(&manager);
}

static void test_follows_no_link_to_a_manager(void **state)
{
    fake_manager manager = {.is_mute = false};
    seen s;

    NEEDS_FAKE();
    make_logind();
    start_manager(&manager);
    assert_int_equal(rename("/run/user/0/systemd", "/run/user/0/other"), 0);
    assert_int_equal(symlink("other", "/run/user/0/systemd"), 0);
    put_session(&(fake_session){.id = "c1"});
    begin(&s);
    AWAIT(&s, s.count == 1);
    assert_string_equal(value_of(&s, "c1", "LANG"), "");
    end(&s);
    stop_manager(&manager);
}

#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_run, tear_down_run)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SESSION_TEST(test_sees_those_that_are_open),
        SESSION_TEST(test_logon_and_logoff),
        SESSION_TEST(test_switching_is_no_change),
        SESSION_TEST(test_waits_while_a_session_opens),
        SESSION_TEST(test_tells_of_a_new_type),
        SESSION_TEST(test_one_id_twice_is_two_sessions),
        SESSION_TEST(test_flapping_ends_in_the_set_as_it_is),
        SESSION_TEST(test_logind_comes_and_goes),
        SESSION_TEST(test_notices_another_logind),
        SESSION_TEST(test_tells_of_a_user_that_nobody_knows),
        SESSION_TEST(test_takes_the_leaders_environment_through_the_filter),
        SESSION_TEST(test_manages_without_a_word_from_anyone),
        SESSION_TEST(test_asks_the_users_manager),
        SESSION_TEST(test_does_not_believe_too_much),
        SESSION_TEST(test_does_not_wait_for_a_mute_manager),
        SESSION_TEST(test_follows_no_link_to_a_manager),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
