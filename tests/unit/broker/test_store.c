/* SPDX-License-Identifier: MIT */
/* The module store in real folders: copies, who shares them, and when they go. */
#include "broker/leftovers.h"

#include "platform/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define REQUESTS_MAX 128
#define ELF_BYTES 4096

typedef struct request_stub {
    umh_store_request *request;
    umh_store_entry *entry;
    umh_why why;
    int done_count;
} request_stub;

typedef struct fixture {
    umh_broker broker;
    uv_timer_t patience;
    umh_host_config host;
    char folder[UMH_PATH_BYTES]; /* with the modules */
    char store_folder[UMH_PATH_BYTES];
    char instance[64];
    request_stub requests[REQUESTS_MAX];
} fixture;

static void on_patience(uv_timer_t *timer)
{
    (void)timer;
    umh_assert(!"the loop's time is over");
}

static void open_store(fixture *f)
{
    assert_int_equal(umh_store_new(&f->broker, &f->broker.store), 0);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    *state = f;
    uv_loop_init(&f->broker.loop);
    uv_timer_init(&f->broker.loop, &f->patience);
    uv_timer_start(&f->patience, on_patience, PATIENCE_MS, 0);
    uv_unref((uv_handle_t *)&f->patience);
    assert_int_equal(umh_file_make_temporary("umh-store-", f->folder), 0);
    snprintf(f->instance, sizeof f->instance, "unit-store-%lld", (long long)umh_process_own_pid());
    f->broker.options.instance = f->instance;
    assert_int_equal(umh_file_store_folder(f->instance, f->store_folder), 0);
    f->broker.config.path = umh_text_format("%s/broker.json", f->folder);
    f->broker.config.folder = umh_text_copy(f->folder);
    f->broker.config.module_folders = calloc(1, sizeof(char *));
    assert_non_null(f->broker.config.module_folders);
    f->broker.config.module_folders[0] = umh_text_copy(f->folder);
    f->broker.config.module_folder_count = 1;
    f->host.name = umh_text_copy("host");
    open_store(f);
    return 0;
}

static void run(fixture *f)
{
    uv_run(&f->broker.loop, UV_RUN_DEFAULT);
}

static int tear_down(void **state)
{
    fixture *f = *state;

    for (size_t i = 0; i < REQUESTS_MAX; i++)
        umh_store_unref(f->requests[i].entry);
    run(f);
    umh_store_free(f->broker.store);
    uv_close((uv_handle_t *)&f->patience, NULL);
    run(f);
    assert_int_equal(uv_loop_close(&f->broker.loop), 0);
    assert_int_equal(umh_file_remove_tree(f->store_folder), 0);
    assert_int_equal(umh_file_remove_tree(f->folder), 0);
    umh_config_deinit(&f->broker.config);
    umh_text_free(f->host.name);
    free(f);
    return 0;
}

static void put_file(const char *folder, const char *name, const void *content, size_t size)
{
    char path[UMH_PATH_BYTES];
    char parent[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(folder, name, path), 0);
    umh_file_parent(path, parent);
    assert_int_equal(umh_file_make_folder(parent), 0);
    assert_int_equal(umh_file_write(path, umh_bytes_of(content, size)), 0);
}

/* Just enough of an ELF file, with a mark to tell one from another. */
static void put_native(const fixture *f, const char *name, uint8_t mark)
{
    uint8_t elf[ELF_BYTES] = "\177ELF\2\1\1";

    elf[16] = 3;
#if defined(__aarch64__)
    elf[18] = 183;
#else
    elf[18] = 62;
#endif
    elf[ELF_BYTES - 1] = mark;
    put_file(f->folder, name, elf, sizeof elf);
}

static uint8_t mark_of(const char *path)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;

    assert_int_equal(umh_file_read(path, 1 << 20, &content), 0);
    assert_int_equal(content.size, ELF_BYTES);
    return content.data[ELF_BYTES - 1];
}

static void on_ready(void *context, umh_store_entry *entry)
{
    request_stub *stub = context;

    stub->done_count++;
    stub->entry = entry;
}

static void on_failed(void *context, const umh_why *why)
{
    request_stub *stub = context;

    stub->done_count++;
    stub->why = *why;
}

static request_stub *begin(fixture *f, size_t index, const char *name, const char *path)
{
    request_stub *stub = &f->requests[index];
    const umh_store_events events = {.context = stub, .on_ready = on_ready, .on_failed = on_failed};
    char name_copy[64];
    char path_copy[UMH_PATH_BYTES];
    umh_module_config module = {.name = name_copy, .path = path ? path_copy : NULL};
    int r;

    umh_text_put(name_copy, sizeof name_copy, name);
    umh_text_put(path_copy, sizeof path_copy, path ? path : "");
    umh_store_unref(stub->entry);
    *stub = (request_stub){.entry = NULL};
    r = umh_store_fetch(f->broker.store, &f->host, &module, &events, &stub->request);
    assert_int_equal(r, 0);
    assert_int_equal(stub->done_count, 0);
    /* What it was told by is the caller's again. */
    memset(name_copy, 'x', sizeof name_copy);
    memset(path_copy, 'x', sizeof path_copy);
    return stub;
}

static umh_store_entry *fetch(fixture *f, size_t index, const char *name, const char *path)
{
    request_stub *stub = begin(f, index, name, path);

    run(f);
    assert_int_equal(stub->done_count, 1);
    if (!stub->entry)
        print_error("%s\n", stub->why.text);
    assert_non_null(stub->entry);
    return stub->entry;
}

static size_t count_copies(const fixture *f)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(f->store_folder, "modules", path), 0);
    assert_int_equal(umh_file_list(path, 1000, &names), 0);
    return names.count;
}

static bool is_in_copy(const umh_store_entry *entry, const char *name)
{
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_join(umh_store_folder(entry), name, path), 0);
    return umh_file_inspect(path).kind != FILE_KIND_NONE;
}

/* ------------------------------------------------------------------ the tests */

static void test_copies_the_folder_of_a_named_module(void **state)
{
    fixture *f = *state;
    umh_store_entry *entry;
    char original[UMH_PATH_BYTES];

    put_native(f, "sysload/sysload.so", 1);
    put_file(f->folder, "sysload/data/table.txt", "x", 1);
    entry = fetch(f, 0, "sysload", NULL);
    assert_int_equal(strncmp(umh_store_folder(entry), f->store_folder, strlen(f->store_folder)), 0);
    assert_non_null(strstr(umh_store_folder(entry), "/modules/sysload-"));
    assert_string_equal(umh_file_name(umh_store_path(entry)), "sysload.so");
    assert_int_equal(mark_of(umh_store_path(entry)), 1);
    assert_true(is_in_copy(entry, "data/table.txt"));
    assert_int_equal(umh_file_join(f->folder, "sysload", original), 0);
    assert_string_equal(umh_store_original(entry)->folder, original);
    assert_int_equal(umh_store_original(entry)->image.kind, IMAGE_ELF_SHARED);
    assert_int_equal(count_copies(f), 1);
}

static void test_copies_a_file_given_by_path_alone(void **state)
{
    fixture *f = *state;
    umh_store_entry *entry;

    put_native(f, "elsewhere/libthing.so", 2);
    put_file(f->folder, "elsewhere/secret.txt", "x", 1);
    entry = fetch(f, 0, "thing", "elsewhere/libthing.so");
    assert_string_equal(umh_file_name(umh_store_path(entry)), "libthing.so");
    assert_int_equal(mark_of(umh_store_path(entry)), 2);
    assert_false(is_in_copy(entry, "secret.txt"));
}

static void test_the_original_may_go(void **state)
{
    fixture *f = *state;
    umh_store_entry *entry;

    put_native(f, "a/a.so", 3);
    entry = fetch(f, 0, "a", NULL);
    put_native(f, "a/a.so", 4);
    assert_int_equal(mark_of(umh_store_path(entry)), 3);
    assert_int_equal(umh_file_remove_tree(f->folder), 0);
    assert_int_equal(mark_of(umh_store_path(entry)), 3);
}

static void test_shares_what_is_the_same(void **state)
{
    fixture *f = *state;
    umh_store_entry *first;
    umh_store_entry *changed;

    put_native(f, "a/a.so", 5);
    put_native(f, "b/b.so", 5);
    first = fetch(f, 0, "a", NULL);
    assert_ptr_equal(fetch(f, 1, "a", NULL), first);
    assert_int_equal(count_copies(f), 1);
    /* The same content elsewhere has another original. */
    assert_ptr_not_equal(fetch(f, 2, "b", NULL), first);
    assert_int_equal(count_copies(f), 2);

    put_native(f, "a/a.so", 6);
    changed = fetch(f, 3, "a", NULL);
    assert_ptr_not_equal(changed, first);
    assert_int_equal(mark_of(umh_store_path(first)), 5);
    assert_int_equal(mark_of(umh_store_path(changed)), 6);
    /* A file that is new in the folder is a change, too. */
    put_file(f->folder, "a/more.txt", "x", 1);
    assert_ptr_not_equal(fetch(f, 4, "a", NULL), changed);
}

static void test_many_at_once_make_one_copy(void **state)
{
    fixture *f = *state;

    put_native(f, "a/a.so", 7);
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        begin(f, i, "a", NULL);
    run(f);
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        assert_int_equal(f->requests[i].done_count, 1);
        assert_ptr_equal(f->requests[i].entry, f->requests[0].entry);
    }
    assert_int_equal(count_copies(f), 1);
}

static void test_removes_what_nobody_uses(void **state)
{
    fixture *f = *state;
    umh_store_entry *entry;

    put_native(f, "a/a.so", 8);
    entry = fetch(f, 0, "a", NULL);
    run(f);
    assert_int_equal(count_copies(f), 1);
    f->requests[0].entry = umh_store_unref(entry);
    assert_null(f->requests[0].entry);
    /* A copy that is being removed is in nobody's way. */
    entry = fetch(f, 1, "a", NULL);
    assert_int_equal(mark_of(umh_store_path(entry)), 8);
    run(f);
    assert_int_equal(count_copies(f), 1);
    assert_null(umh_store_unref(NULL));
}

static void test_a_retired_copy_lasts_and_is_not_given_again(void **state)
{
    fixture *f = *state;
    umh_leftovers leftovers = UMH_LEFTOVERS_INIT;
    umh_store_entry *first;
    umh_store_entry *second;

    put_native(f, "a/a.so", 8);
    first = fetch(f, 0, "a", NULL);
    assert_int_equal(umh_leftovers_add(&leftovers, 1, "a", "", first), 0);
    assert_int_equal(umh_leftovers_add(&leftovers, 2, "a", "", first), 0);
    umh_store_retire(first);
    umh_store_retire(NULL);
    f->requests[0].entry = umh_store_unref(first);
    second = fetch(f, 1, "a", NULL);
    assert_ptr_not_equal(second, first);
    assert_string_not_equal(umh_store_path(second), umh_store_path(first));
    assert_int_equal(mark_of(umh_store_path(first)), 8);
    assert_true(umh_leftovers_remove(&leftovers, 1));
    run(f);
    assert_int_equal(count_copies(f), 2);
    umh_leftovers_deinit(&leftovers);
    run(f);
    assert_int_equal(count_copies(f), 1);
    assert_ptr_equal(fetch(f, 2, "a", NULL), second);
}

static void test_says_why_not(void **state)
{
    fixture *f = *state;
    request_stub *stub;

    stub = begin(f, 0, "nothing", NULL);
    run(f);
    assert_int_equal(stub->done_count, 1);
    assert_null(stub->entry);
    assert_non_null(strstr(stub->why.text, "there is no module 'nothing'"));

    put_file(f->folder, "text/text.so", "hello", 5);
    stub = begin(f, 0, "text", NULL);
    run(f);
    assert_non_null(strstr(stub->why.text, "neither a shared library"));
    assert_int_equal(count_copies(f), 0);
}

static void test_a_service_refuses_what_others_may_write(void **state)
{
    fixture *f = *state;
    request_stub *stub;
    char path[UMH_PATH_BYTES];

    f->broker.options.is_service = true;
    put_native(f, "a/a.so", 5);
    assert_int_equal(umh_file_join(f->folder, "a/a.so", path), 0);
    fetch(f, 0, "a", NULL);
    assert_int_equal(chmod(path, 0666), 0);
    stub = begin(f, 1, "a", NULL);
    run(f);
    assert_null(stub->entry);
    assert_non_null(strstr(stub->why.text, "/a/a.so' (mode 0666); a service runs only"));
    assert_non_null(strstr(stub->why.text, "chmod go-w"));
}

static void test_refuses_a_folder_that_is_too_much(void **state)
{
    fixture *f = *state;
    char deep[UMH_STORE_DEPTH_MAX * 2 + 16] = "a/";
    request_stub *stub;

    put_native(f, "a/a.so", 9);
    for (unsigned i = 0; i <= UMH_STORE_DEPTH_MAX; i++)
        strncat(deep, "d/", sizeof deep - strlen(deep) - 1);
    strncat(deep, "f", sizeof deep - strlen(deep) - 1);
    put_file(f->folder, deep, "x", 1);
    stub = begin(f, 0, "a", NULL);
    run(f);
    assert_int_equal(stub->done_count, 1);
    assert_non_null(strstr(stub->why.text, "deep"));
    assert_int_equal(count_copies(f), 0);
}

static void test_what_is_cancelled_is_not_told(void **state)
{
    fixture *f = *state;

    put_native(f, "a/a.so", 10);
    for (size_t i = 0; i < 4; i++)
        begin(f, i, "a", NULL);
    begin(f, 4, "nothing", NULL);
    umh_store_cancel(f->requests[0].request);
    umh_store_cancel(f->requests[2].request);
    umh_store_cancel(f->requests[4].request);
    umh_store_cancel(NULL);
    run(f);
    assert_int_equal(f->requests[0].done_count, 0);
    assert_int_equal(f->requests[1].done_count, 1);
    assert_int_equal(f->requests[2].done_count, 0);
    assert_int_equal(f->requests[3].done_count, 1);
    assert_int_equal(f->requests[4].done_count, 0);
    assert_int_equal(count_copies(f), 1);

    /* Nobody waits for it any more: the copy goes at once. */
    put_native(f, "b/b.so", 11);
    begin(f, 5, "b", NULL);
    while (count_copies(f) < 2 && f->requests[5].done_count == 0) {
        umh_store_cancel(f->requests[5].request);
        if (!uv_run(&f->broker.loop, UV_RUN_ONCE))
            break;
    }
    run(f);
    assert_int_equal(f->requests[5].done_count, 0);
    assert_int_equal(count_copies(f), 1);
}

static void test_clears_what_an_earlier_broker_left(void **state)
{
    fixture *f = *state;
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;

    umh_store_free(f->broker.store);
    put_file(f->store_folder, "modules/old-123/old.so", "x", 1);
    put_file(f->store_folder, "modules/.copy-1/half.so", "x", 1);
    put_file(f->store_folder, "stale-99/older-1/old.so", "x", 1);
    put_file(f->store_folder, "lock", "", 0);
    open_store(f);
    assert_int_equal(count_copies(f), 0);
    run(f);
    assert_int_equal(umh_file_list(f->store_folder, 100, &names), 0);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[0], "lock");
    assert_string_equal(names.names[1], "modules");
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FRESH(test_copies_the_folder_of_a_named_module),
        FRESH(test_copies_a_file_given_by_path_alone),
        FRESH(test_the_original_may_go),
        FRESH(test_shares_what_is_the_same),
        FRESH(test_many_at_once_make_one_copy),
        FRESH(test_removes_what_nobody_uses),
        FRESH(test_a_retired_copy_lasts_and_is_not_given_again),
        FRESH(test_says_why_not),
        FRESH(test_a_service_refuses_what_others_may_write),
        FRESH(test_refuses_a_folder_that_is_too_much),
        FRESH(test_what_is_cancelled_is_not_told),
        FRESH(test_clears_what_an_earlier_broker_left),
    };

    if (umh_process_prepare())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
