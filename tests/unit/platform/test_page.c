/* SPDX-License-Identifier: MIT */
/*
 * The shared page: seen by both sides, writable in one, of a fixed size, readable after the
 * writer's death.
 */
#include "platform/page.h"
#include "platform/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE_BYTES 4096
#define PATIENCE_MS 20000

static umh_pipe copy_of(umh_pipe object)
{
    umh_pipe copy = {.handle = fcntl((int)object.handle, F_DUPFD_CLOEXEC, 3)};

    assert_true(umh_pipe_is_open(copy));
    return copy;
}

static void test_both_see_what_the_host_writes(void **state)
{
    umh_page broker = UMH_PAGE_INIT;
    umh_page host = UMH_PAGE_INIT;

    (void)state;
    assert_int_equal(umh_page_create(100, &broker), 0);
    assert_int_equal(broker.size % PAGE_BYTES, 0);
    assert_true(broker.size >= 100);
    assert_int_equal(umh_page_adopt(copy_of(broker.object), PAGE_BYTES, &host), 0);
    assert_false(umh_pipe_is_open(host.object));
    assert_int_equal(((uint8_t *)broker.memory)[broker.size - 1], 0);
    memset(host.memory, 0x5A, PAGE_BYTES);
    assert_int_equal(((uint8_t *)broker.memory)[0], 0x5A);
    assert_int_equal(((uint8_t *)broker.memory)[PAGE_BYTES - 1], 0x5A);

    umh_pipe_close(&broker.object);
    umh_page_deinit(&host);
    umh_page_deinit(&host);
    assert_int_equal(((uint8_t *)broker.memory)[7], 0x5A);
    umh_page_deinit(&broker);
    umh_page_deinit(&broker);
    assert_null(broker.memory);
}

static void test_nobody_resizes_it(void **state)
{
    umh_page page = UMH_PAGE_INIT;

    (void)state;
    assert_int_equal(umh_page_create(PAGE_BYTES, &page), 0);
    assert_int_equal(ftruncate((int)page.object.handle, 0), -1);
    assert_int_equal(ftruncate((int)page.object.handle, 2 * PAGE_BYTES), -1);
    assert_int_equal(fcntl((int)page.object.handle, F_ADD_SEALS, F_SEAL_WRITE), -1);
    umh_page_deinit(&page);
}

static void test_broker_cannot_write(void **state)
{
    umh_page page = UMH_PAGE_INIT;
    umh_pipe in;
    umh_pipe out;

    (void)state;
    assert_int_equal(umh_page_create(PAGE_BYTES, &page), 0);
    assert_int_equal(umh_pipe_new(&in, &out), 0);
    assert_int_equal(umh_pipe_write_all(out, umh_bytes_of_text("x")), 0);
    /* The kernel reports what would have been a fault. */
    assert_int_equal(read((int)in.handle, page.memory, 1), -1);
    umh_pipe_close(&in);
    umh_pipe_close(&out);
    umh_page_deinit(&page);
}

static void test_adopts_only_what_is_large_enough(void **state)
{
    umh_page broker = UMH_PAGE_INIT;
    umh_page host = UMH_PAGE_INIT;

    (void)state;
    assert_int_equal(umh_page_create(PAGE_BYTES, &broker), 0);
    assert_int_equal(umh_page_adopt(copy_of(broker.object), broker.size + 1, &host),
                     UMH_E_PROTOCOL);
    assert_int_equal(umh_page_adopt(UMH_PIPE_NONE, PAGE_BYTES, &host), UMH_E_OS);
    assert_null(host.memory);
    assert_int_equal(umh_page_create(0, &host), UMH_E_USAGE);
    assert_int_equal(umh_page_create(SIZE_MAX, &host), UMH_E_USAGE);
    umh_page_deinit(&broker);
}

/* As a host: the page is descriptor 3. Dies without unmapping it. */
static int be_host(void)
{
    umh_page page = UMH_PAGE_INIT;

    if (umh_page_adopt((umh_pipe){.handle = 3}, PAGE_BYTES, &page))
        return 1;
    memcpy(page.memory, "last words", sizeof "last words");
    umh_process_exit_now(7);
}

static void test_is_readable_after_death(void **state)
{
    const char *arguments[] = {"test_page", "host", NULL};
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    umh_process host = UMH_PROCESS_INIT;
    umh_process_end end;
    umh_page page = UMH_PAGE_INIT;

    (void)state;
    assert_int_equal(umh_page_create(PAGE_BYTES, &page), 0);
    spec.program = "/proc/self/exe";
    spec.arguments = arguments;
    spec.standard[2] = umh_pipe_standard(2);
    spec.inherit[0] = page.object;
    assert_int_equal(umh_process_start(&spec, &host), 0);
    umh_pipe_close(&page.object);
    assert_int_equal(umh_process_wait(&host, umh_clock_deadline_ns(PATIENCE_MS), &end), 0);
    assert_int_equal(end.exit_code, 7);
    assert_string_equal(page.memory, "last words");
    umh_process_deinit(&host);
    umh_page_deinit(&page);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_see_what_the_host_writes),
        cmocka_unit_test(test_nobody_resizes_it),
        cmocka_unit_test(test_broker_cannot_write),
        cmocka_unit_test(test_adopts_only_what_is_large_enough),
        cmocka_unit_test(test_is_readable_after_death),
    };

    if (argc > 1 && strcmp(argv[1], "host") == 0)
        return be_host();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
