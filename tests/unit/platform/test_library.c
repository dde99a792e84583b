/* SPDX-License-Identifier: MIT */
/*
 * Dynamic libraries: loading, and unloading with proof. The libraries are those of
 * tests/support/modules.
 */
#include "platform/library.h"

#include "platform/file.h"
#include "platform/thread.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MANY 200

static char folder[UMH_PATH_BYTES];
static char copy[UMH_PATH_BYTES];

static const umh_copy_limits ample = {.max_bytes = 64 << 20, .max_files = 1, .max_depth = 1};

static int set_up(void **state)
{
    (void)state;
    if (umh_file_make_temporary("umh-test-", folder))
        return -1;
    return umh_file_join(folder, "library.so", copy);
}

static int tear_down(void **state)
{
    (void)state;
    return umh_file_remove_tree(folder);
}

/* The library `name` of the build tree, as folder/library.so. */
static void place(const char *name)
{
    char program[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];

    assert_int_equal(umh_file_program_folder(program), 0);
    assert_true(snprintf(path, sizeof path, "%s/../../modules/%s/%s.so", program, name, name) > 0);
    assert_int_equal(umh_file_remove_tree(copy), 0);
    assert_int_equal(umh_file_copy(path, copy, &ample, NULL), 0);
}

static bool is_mapped(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[UMH_PATH_BYTES + 256];
    bool is_found = false;

    assert_non_null(maps);
    while (!is_found && fgets(line, sizeof line, maps))
        is_found = strstr(line, folder) != NULL;
    fclose(maps);
    return is_found;
}

static umh_library *load(void)
{
    umh_library *library = NULL;
    umh_why why = UMH_WHY_INIT;

    assert_int_equal(umh_library_load(copy, &library, &why), 0);
    assert_true(is_mapped());
    return library;
}

static void test_loads_calls_and_unloads(void **state)
{
    umh_library *library;
    union {
        void *address;
        int (*function)(void);
    } answer;

    (void)state;
    place("unit_plain");
    library = load();
    assert_int_equal(umh_library_find(library, "umh_test_answer", &answer.address), 0);
    assert_int_equal(answer.function(), 42);
    assert_int_equal(umh_library_unload_take(library), 0);
    assert_false(is_mapped());
}

static void test_finds_only_its_own_symbols(void **state)
{
    umh_library *library;
    void *address = NULL;

    (void)state;
    place("unit_plain");
    library = load();
    assert_int_equal(umh_library_find(library, "nothing", &address), UMH_LIBRARY_NO_SYMBOL);
    assert_int_equal(umh_library_find(library, "printf", &address), UMH_LIBRARY_NO_SYMBOL);
    assert_null(address);
    assert_int_equal(umh_library_unload_take(library), 0);
}

static void test_says_why_it_cannot_load(void **state)
{
    umh_library *library = NULL;
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_int_equal(umh_library_load(copy, &library, &why), UMH_LIBRARY_UNLOADABLE);
    assert_non_null(strstr(why.text, "library.so"));
    assert_int_equal(umh_file_write(copy, umh_bytes_of_text("no library")), 0);
    assert_int_equal(umh_library_load(copy, &library, NULL), UMH_LIBRARY_UNLOADABLE);
    place("unit_unresolved");
    assert_int_equal(umh_library_load(copy, &library, &why), UMH_LIBRARY_UNLOADABLE);
    assert_non_null(strstr(why.text, "umh_test_exists_nowhere"));
    assert_int_equal(umh_library_load("library.so", &library, &why), UMH_E_USAGE);
    assert_null(library);
    assert_false(is_mapped());
}

static void test_file_may_go_while_it_is_loaded(void **state)
{
    umh_library *library;

    (void)state;
    place("unit_plain");
    library = load();
    assert_int_equal(umh_file_remove_tree(copy), 0);
    assert_int_equal(umh_library_unload_take(library), 0);
    assert_false(is_mapped());

    /* Another file of this name is neither loaded nor taken for it. */
    place("unit_plain");
    library = load();
    place("unit_unresolved");
    assert_int_equal(umh_library_unload_take(library), 0);
    assert_false(is_mapped());
}

static void test_says_when_it_stays(void **state)
{
    umh_library *library;
    void *holder;

    (void)state;
    place("unit_plain");
    library = load();
    holder = dlopen(copy, RTLD_NOW);
    assert_non_null(holder);
    assert_int_equal(umh_library_unload_take(library), UMH_LIBRARY_STILL_MAPPED);
    assert_true(is_mapped());
    dlclose(holder);
    assert_false(is_mapped());
}

static void test_unloads_again_and_again(void **state)
{
    (void)state;
    place("unit_plain");
    for (int i = 0; i < MANY; i++)
        assert_int_equal(umh_library_unload_take(load()), 0);
    assert_false(is_mapped());
}

/* ------------------------- a thread that touched a thread-local */

typedef struct toucher {
    unsigned long (*touch)(void);
    umh_lock *lock;
    umh_condition *changed;
    bool has_touched;
    bool may_end;
} toucher;

static void touch_and_stay(void *context)
{
    toucher *all = context;

    umh_lock_take(all->lock);
    all->has_touched = all->touch() > 0;
    umh_condition_wake_all(all->changed);
    while (!all->may_end)
        umh_condition_wait(all->changed, all->lock, UMH_FOREVER);
    umh_lock_release(all->lock);
}

static umh_thread *start_toucher(toucher *all, umh_library *library)
{
    umh_thread *thread;
    union {
        void *address;
        unsigned long (*function)(void);
    } touch;

    *all = (toucher){.has_touched = false};
    assert_int_equal(umh_lock_new(&all->lock), 0);
    assert_int_equal(umh_condition_new(&all->changed), 0);
    assert_int_equal(umh_library_find(library, "umh_test_touch", &touch.address), 0);
    all->touch = touch.function;
    assert_int_equal(umh_thread_start(touch_and_stay, all, "toucher", &thread), 0);
    umh_lock_take(all->lock);
    while (!all->has_touched)
        umh_condition_wait(all->changed, all->lock, UMH_FOREVER);
    umh_lock_release(all->lock);
    return thread;
}

static void end_toucher(toucher *all, umh_thread *thread)
{
    umh_lock_take(all->lock);
    all->may_end = true;
    umh_condition_wake_all(all->changed);
    umh_lock_release(all->lock);
    umh_thread_join(thread);
    umh_condition_free(all->changed);
    umh_lock_free(all->lock);
}

static void test_unloads_what_a_thread_touched(void **state)
{
    umh_library *library;
    toucher all;

    (void)state;
    place("unit_thread_local");
    for (int i = 0; i < 3; i++) {
        library = load();
        end_toucher(&all, start_toucher(&all, library));
        assert_int_equal(umh_library_unload_take(library), 0);
        assert_false(is_mapped());
    }
}

static void test_closing_once_more_is_what_unloads(void **state)
{
    umh_library *library;
    umh_thread *thread;
    void *early;
    toucher all;

    (void)state;
    place("unit_thread_local");
    library = load();
    early = dlopen(copy, RTLD_NOW);
    thread = start_toucher(&all, library);
    assert_int_equal(umh_library_unload_take(library), UMH_LIBRARY_STILL_MAPPED);

    /*
     * Closed for the last time while the thread lives, it stays after the thread's end until
     * somebody closes it again.
     */
    dlclose(early);
    assert_true(is_mapped());
    end_toucher(&all, thread);
    assert_true(is_mapped());
    assert_int_equal(umh_library_unload_take(load()), 0);
    assert_false(is_mapped());
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_loads_calls_and_unloads),
        IN_FOLDER(test_finds_only_its_own_symbols),
        IN_FOLDER(test_says_why_it_cannot_load),
        IN_FOLDER(test_file_may_go_while_it_is_loaded),
        IN_FOLDER(test_says_when_it_stays),
        IN_FOLDER(test_unloads_again_and_again),
        IN_FOLDER(test_unloads_what_a_thread_touched),
        IN_FOLDER(test_closing_once_more_is_what_unloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
