/* SPDX-License-Identifier: MIT */
/*
 * Limits of a start on a machine without control groups: what cannot be applied refuses it for good
 * or is gone without, and what needs no group is applied.
 */
#include "broker/host_spawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAP "DOTNET_GCHeapHardLimit"
#define MORE_FILES_THAN_ANY_SYSTEM_HAS (INT64_C(1) << 40)

typedef struct start {
    umh_broker broker;
    umh_host host;
    umh_spawn spawn;
    umh_why why;
    int result;
} start;

static start *start_with(const umh_limits_config *limits, char *variable)
{
    start *made = calloc(1, sizeof *made);

    assert_non_null(made);
    made->spawn = (umh_spawn)UMH_SPAWN_INIT;
    made->host.broker = &made->broker;
    made->host.config.limits = *limits;
    made->host.has_said_limits = true; /* there is no log here */
    made->host.config.environment = variable ? calloc(1, sizeof(char *)) : NULL;
    if (variable)
        made->host.config.environment[made->host.config.environment_count++] = variable;
    umh_why_set(&made->broker.cgroups_why, "nobody gave us any");
    made->result = umh_spawn_set_limits(&made->host, &made->spawn, &made->why);
    return made;
}

static void end(start *made)
{
    umh_spawn_deinit(&made->spawn);
    free(made->host.config.environment);
    free(made);
}

/* NULL: it is not there. */
static const char *find_heap(const start *made)
{
    for (size_t i = 0; i < made->spawn.environment.count; i++) {
        if (strncmp(made->spawn.environment.entries[i], HEAP "=", sizeof HEAP) == 0)
            return made->spawn.environment.entries[i] + sizeof HEAP;
    }
    return NULL;
}

static void test_refuses_what_needs_a_group(void **state)
{
    static const struct {
        umh_limits_config limits;
        const char *why;
    } rows[] = {
        {{.memory_mib = 1, .required = true}, "MemoryMiB cannot be applied: nobody gave us any"},
        {{.cpu_percent = 1, .required = true}, "CpuPercent cannot be applied: nobody gave us any"},
        {{.processes = 1, .required = true}, "Processes cannot be applied: nobody gave us any"},
        {{.memory_mib = 1, .cpu_percent = 1, .processes = 1, .open_files = 64, .required = true},
         "MemoryMiB cannot be applied: nobody gave us any"},
    };

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        start *made = start_with(&rows[i].limits, NULL);

        assert_int_equal(made->result, UMH_SPAWN_REFUSED_FOR_GOOD);
        assert_string_equal(made->why.text, rows[i].why);
        assert_null(made->host.cgroup);
        end(made);
    }
}

static void test_goes_without_what_is_not_required(void **state)
{
    const umh_limits_config limits = {.memory_mib = 400,
                                      .cpu_percent = 50,
                                      .processes = 10,
                                      .open_files = MORE_FILES_THAN_ANY_SYSTEM_HAS};
    start *made = start_with(&limits, NULL);

    (void)state;
    assert_int_equal(made->result, 0);
    assert_string_equal(made->why.text, "");
    assert_int_equal(made->spawn.spec.open_files_max, 0);
    assert_false(umh_pipe_is_open(made->spawn.spec.cgroup));
    assert_string_equal(find_heap(made), "12C00000");
    end(made);
}

static void test_limits_open_files_everywhere(void **state)
{
    const umh_limits_config few = {.open_files = 64, .required = true};
    const umh_limits_config many = {.open_files = MORE_FILES_THAN_ANY_SYSTEM_HAS, .required = true};
    start *made = start_with(&few, NULL);

    (void)state;
    assert_int_equal(made->result, 0);
    assert_int_equal(made->spawn.spec.open_files_max, 64);
    assert_null(find_heap(made));
    end(made);

    made = start_with(&many, NULL);
    assert_int_equal(made->result, UMH_SPAWN_REFUSED_FOR_GOOD);
    assert_non_null(strstr(made->why.text, "OpenFiles cannot be applied"));
    end(made);
}

static void test_gives_the_heap_three_quarters(void **state)
{
    static const struct {
        int64_t memory_mib;
        const char *digits;
    } rows[] = {{1, "C0000"}, {2, "180000"}, {100, "4B00000"}, {65536, "C00000000"}};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        const umh_limits_config limits = {.memory_mib = rows[i].memory_mib};
        start *made = start_with(&limits, NULL);

        assert_string_equal(find_heap(made), rows[i].digits);
        end(made);
    }
}

static void test_leaves_a_heap_that_is_named(void **state)
{
    const umh_limits_config limits = {.memory_mib = 100};
    char named[] = HEAP "=1";
    char similar[] = HEAP "Percent=1";
    start *made = start_with(&limits, named);

    (void)state;
    assert_null(find_heap(made)); /* it comes with the rest of the entry's environment */
    end(made);
    made = start_with(&limits, similar);
    assert_string_equal(find_heap(made), "4B00000");
    end(made);
}

static void test_blames_no_limit_without_a_group(void **state)
{
    const umh_limits_config limits = {.memory_mib = 100};
    start *made = start_with(&limits, NULL);
    umh_why why = UMH_WHY_INIT;

    (void)state;
    assert_false(umh_spawn_explain_limit(&made->host, &why));
    assert_string_equal(why.text, "");
    end(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_what_needs_a_group),
        cmocka_unit_test(test_goes_without_what_is_not_required),
        cmocka_unit_test(test_limits_open_files_everywhere),
        cmocka_unit_test(test_gives_the_heap_three_quarters),
        cmocka_unit_test(test_leaves_a_heap_that_is_named),
        cmocka_unit_test(test_blames_no_limit_without_a_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
