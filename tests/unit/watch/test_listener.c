/* SPDX-License-Identifier: MIT */
/* The control endpoint: who may come, where it may be, and what it replaces. */
#include "watch/listener.h"

#include "platform/file.h"
#include "platform/pipe.h"
#include "platform/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define STRANGER 65534

typedef struct fixture {
    uv_loop_t loop;
    uv_timer_t patience;
    umh_listener *listener;
    uv_pipe_t *client;
    int client_count;
    int refused_count;
    char who[128];
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
} fixture;

static void on_client_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_client(fixture *all)
{
    if (all->client)
        uv_close((uv_handle_t *)all->client, on_client_closed);
    all->client = NULL;
}

static void on_client(void *context, uv_pipe_t *stream)
{
    fixture *all = context;

    close_client(all); /* of an earlier visitor */
    all->client = stream;
    all->client_count++;
}

static void on_refused(void *context, const char *who)
{
    fixture *all = context;

    all->refused_count++;
    umh_text_put(all->who, sizeof all->who, who);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    umh_assert(!"the loop's time is over");
}

static int set_up(void **state)
{
    static fixture all;

    all = (fixture){.listener = NULL};
    uv_loop_init(&all.loop);
    uv_timer_init(&all.loop, &all.patience);
    uv_timer_start(&all.patience, on_patience, PATIENCE_MS, 0);
    *state = &all;
    if (umh_file_make_temporary("umh-test-", all.folder))
        return -1;
    return umh_file_join(all.folder, "run/control", all.path);
}

static int tear_down(void **state)
{
    fixture *all = *state;

    umh_listener_close(all->listener);
    close_client(all);
    uv_close((uv_handle_t *)&all->patience, NULL);
    uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&all->loop), 0);
    return umh_file_remove_tree(all->folder);
}

static int try_open(fixture *all, const char *path, umh_listener **ret_listener, umh_why *ret_why)
{
    const umh_listener_events events = {
        .context = all, .on_client = on_client, .on_refused = on_refused};

    return umh_listener_open(&all->loop, path, &events, ret_listener, ret_why);
}

static void open_listener(fixture *all)
{
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(try_open(all, all->path, &all->listener, &why), 0);
}

/* Connects and runs the loop until the listener has said something about it. */
static uv_file connect_to(fixture *all)
{
    uv_file socket = -1;
    int before = all->client_count;

    assert_int_equal(umh_listener_connect(all->path, &socket, NULL), 0);
    while (all->client_count == before)
        uv_run(&all->loop, UV_RUN_ONCE);
    return socket;
}

static void make_stale_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(umh_text_put(address.sun_path, sizeof address.sun_path, path));
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    close(descriptor);
}

/* ------------------------- the tests */

static void test_hands_over_a_stream(void **state)
{
    fixture *all = *state;
    uv_buf_t text = uv_buf_init((char[]){"hello"}, 5);
    struct stat about;
    char buffer[8];
    size_t size;
    umh_pipe socket;

    open_listener(all);
    umh_file_parent(all->path, all->path);
    assert_int_equal(stat(all->path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
    assert_int_equal(umh_file_join(all->path, "control", all->path), 0);

    socket.handle = connect_to(all);
    assert_null(all->client->data);
    assert_int_equal(uv_try_write((uv_stream_t *)all->client, &text, 1), 5);
    assert_int_equal(umh_pipe_read(socket, buffer, sizeof buffer, UMH_FOREVER, &size), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(buffer, "hello", 5);
    close_client(all);
    uv_run(&all->loop, UV_RUN_NOWAIT);
    assert_int_equal(umh_pipe_read(socket, buffer, sizeof buffer, UMH_FOREVER, &size),
                     UMH_PIPE_EOF);
    umh_pipe_close(&socket);
}

static void test_serves_one_after_another(void **state)
{
    fixture *all = *state;

    open_listener(all);
    for (int i = 1; i <= 100; i++) {
        uv_file socket = connect_to(all);

        assert_int_equal(all->client_count, i);
        close_client(all);
        close(socket);
    }
    assert_int_equal(all->refused_count, 0);
}

static void test_path_may_be_long(void **state)
{
    fixture *all = *state;
    char part[61];

    memset(part, 'x', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    for (int i = 0; i < 5; i++)
        assert_int_equal(umh_file_join(all->folder, part, all->folder), 0);
    assert_int_equal(umh_file_join(all->folder, "control", all->path), 0);
    open_listener(all);
    close(connect_to(all));
    for (int i = 0; i < 5; i++)
        umh_file_parent(all->folder, all->folder);
}

static void test_rejects_a_name_that_is_too_long(void **state)
{
    fixture *all = *state;
    umh_listener *listener = NULL;
    char name[108];
    uv_file socket;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(umh_file_join(all->folder, name, all->path), 0);
    assert_int_equal(try_open(all, all->path, &listener, NULL), UMH_E_LIMIT);
    assert_int_equal(umh_listener_connect(all->path, &socket, NULL), UMH_E_LIMIT);
    assert_int_equal(try_open(all, "/", &listener, NULL), UMH_LISTENER_UNSAFE);
    assert_null(listener);
}

static void test_says_who_is_there_already(void **state)
{
    fixture *all = *state;
    umh_listener *second = NULL;

    open_listener(all);
    assert_int_equal(try_open(all, all->path, &second, NULL), UMH_LISTENER_IN_USE);
    assert_null(second);
    /* The first one is untouched, but for a visitor who left at once. */
    close(connect_to(all));
    close_client(all);
    /* Another name in the same folder is another endpoint. */
    umh_file_parent(all->path, all->path);
    assert_int_equal(umh_file_join(all->path, "other", all->path), 0);
    assert_int_equal(try_open(all, all->path, &second, NULL), 0);
    umh_listener_close(second);
}

static void test_replaces_a_stale_socket(void **state)
{
    fixture *all = *state;
    char parent[UMH_PATH_BYTES];
    uv_file socket;

    umh_file_parent(all->path, parent);
    assert_int_equal(umh_file_make_folder(parent), 0);
    make_stale_socket(all->path);
    assert_int_equal(umh_listener_connect(all->path, &socket, NULL), UMH_LISTENER_NONE);
    open_listener(all);
    close(connect_to(all));
}

static void test_replaces_nothing_else(void **state)
{
    fixture *all = *state;
    char parent[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;

    umh_file_parent(all->path, parent);
    assert_int_equal(umh_file_make_folder(parent), 0);
    assert_int_equal(umh_file_write(all->path, umh_bytes_of_text("precious")), 0);
    assert_int_equal(try_open(all, all->path, &all->listener, &why), UMH_LISTENER_UNSAFE);
    assert_non_null(strstr(why.text, all->path));
    assert_int_equal(umh_file_inspect(all->path).bytes, 8);
}

static void test_refuses_an_open_folder(void **state)
{
    fixture *all = *state;
    char parent[UMH_PATH_BYTES];
    char link[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;
    uv_file socket;

    umh_file_parent(all->path, parent);
    assert_int_equal(umh_file_make_folder(parent), 0);
    assert_int_equal(chmod(parent, 0711), 0);
    assert_int_equal(try_open(all, all->path, &all->listener, &why), UMH_LISTENER_UNSAFE);
    assert_non_null(strstr(why.text, "0711"));
    assert_int_equal(umh_listener_connect(all->path, &socket, &why), UMH_LISTENER_UNSAFE);
    assert_int_equal(chmod(parent, 0700), 0);

    assert_int_equal(umh_file_join(all->folder, "link", link), 0);
    assert_int_equal(symlink(parent, link), 0);
    assert_int_equal(umh_file_join(link, "control", link), 0);
    assert_int_equal(try_open(all, link, &all->listener, &why), UMH_LISTENER_UNSAFE);
    assert_int_equal(umh_listener_connect(link, &socket, &why), UMH_LISTENER_UNSAFE);
}

static void test_knows_when_nobody_listens(void **state)
{
    fixture *all = *state;
    uv_file socket = -1;

    assert_int_equal(umh_listener_connect(all->path, &socket, NULL), UMH_LISTENER_NONE);
    open_listener(all);
    umh_listener_close(all->listener);
    all->listener = NULL;
    assert_int_equal(umh_file_inspect(all->path).kind, FILE_KIND_NONE);
    assert_int_equal(umh_listener_connect(all->path, &socket, NULL), UMH_LISTENER_NONE);
    assert_int_equal(socket, -1);
    umh_listener_close(NULL);
}

static void test_removes_only_its_own_socket(void **state)
{
    fixture *all = *state;

    open_listener(all);
    assert_int_equal(unlink(all->path), 0);
    make_stale_socket(all->path);
    umh_listener_close(all->listener);
    all->listener = NULL;
    assert_int_equal(umh_file_inspect(all->path).kind, FILE_KIND_OTHER);
}

/* As somebody else, through a folder that was opened by mistake. */
static int be_stranger(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    umh_pipe end = {.handle = socket(AF_UNIX, SOCK_STREAM, 0)};
    char byte;
    size_t size;

    if (setgid(STRANGER) || setuid(STRANGER) ||
        !umh_text_put(address.sun_path, sizeof address.sun_path, path) ||
        connect((int)end.handle, (struct sockaddr *)&address, sizeof address))
        return 1;
    return umh_pipe_read(end, &byte, 1, umh_clock_deadline_ns(PATIENCE_MS), &size) == UMH_PIPE_EOF
               ? 0
               : 2;
}

static void test_refuses_a_stranger(void **state)
{
    fixture *all = *state;
    const char *arguments[] = {"test_listener", all->path, NULL};
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    umh_process stranger = UMH_PROCESS_INIT;
    umh_process_end end;
    char parent[UMH_PATH_BYTES];

    if (geteuid() != 0)
        skip();
    open_listener(all);
    umh_file_parent(all->path, parent);
    assert_int_equal(chmod(all->folder, 0755), 0);
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(chmod(all->path, 0777), 0);
    spec.program = "/proc/self/exe";
    spec.arguments = arguments;
    spec.standard[2] = umh_pipe_standard(2);
    assert_int_equal(umh_process_start(&spec, &stranger), 0);
    while (all->refused_count == 0)
        uv_run(&all->loop, UV_RUN_ONCE);
    uv_run(&all->loop, UV_RUN_NOWAIT);
    assert_int_equal(umh_process_wait(&stranger, umh_clock_deadline_ns(PATIENCE_MS), &end), 0);
    assert_int_equal(end.exit_code, 0);
    umh_process_deinit(&stranger);
    assert_int_equal(all->client_count, 0);
    assert_non_null(strstr(all->who, "65534"));
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void test_both_sides_look_in_one_place(void **state)
{
    char path[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];
    char expected[UMH_PATH_BYTES];

    (void)state;
    assert_int_equal(umh_listener_find_path("other", "/somewhere/else", path), 0);
    assert_string_equal(path, "/somewhere/else");
    assert_int_equal(umh_listener_find_path("other", NULL, path), 0);
    assert_int_equal(umh_file_runtime_folder("other", folder), 0);
    assert_int_equal(umh_file_join(folder, "control", expected), 0);
    assert_string_equal(path, expected);
    assert_true(umh_listener_find_path("../other", NULL, path) < 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(test_hands_over_a_stream),
        ON_LOOP(test_serves_one_after_another),
        ON_LOOP(test_path_may_be_long),
        ON_LOOP(test_rejects_a_name_that_is_too_long),
        ON_LOOP(test_says_who_is_there_already),
        ON_LOOP(test_replaces_a_stale_socket),
        ON_LOOP(test_replaces_nothing_else),
        ON_LOOP(test_refuses_an_open_folder),
        ON_LOOP(test_knows_when_nobody_listens),
        ON_LOOP(test_removes_only_its_own_socket),
        ON_LOOP(test_refuses_a_stranger),
        cmocka_unit_test(test_both_sides_look_in_one_place),
    };

    if (umh_process_prepare())
        return 1;
    if (argc > 1)
        return be_stranger(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
