/* SPDX-License-Identifier: MIT */
/*
 * The steps to what is wanted: single cases, and random worlds in which taking the steps always
 * ends where nothing is left to do.
 */
#include "config/diff.h"
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLDS 1500
#define EVENTS 12
#define WORLD_HOSTS_MAX 64
#define OVERRIDES_MAX 12
#define ROUNDS_TO_END 4 /* stop, end, start, nothing */
#define SESSIONS_MAX 3

typedef struct world_host {
    char id[UMH_NAME_BYTES_MAX + 16];
    char module_names[UMH_MODULES_PER_HOST_MAX][UMH_NAME_BYTES_MAX + 1];
    const char *modules[UMH_MODULES_PER_HOST_MAX];
    size_t module_count;
    bool is_stopping;
    bool is_due;
    bool has_process;
} world_host;

typedef struct simulation {
    umh_config config;
    umh_override overrides[OVERRIDES_MAX];
    size_t override_count;
    umh_plan_session sessions[SESSIONS_MAX];
    size_t session_count;
    world_host *hosts;
    size_t host_count;
} simulation;

static void load(simulation *world, random_source *random)
{
    json_t *json = generate_config(random);
    char *text = generate_text(random, json);
    umh_why_list problems = UMH_WHY_LIST_INIT;

    umh_config_deinit(&world->config);
    assert_int_equal(
        umh_config_parse(umh_bytes_of_text(text), "/broker.json", NULL, &world->config, &problems),
        0);
    assert_int_equal(problems.count, 0);
    free(text);
    json_decref(json);
}

static umh_plan make_plan(const simulation *world)
{
    umh_plan_input input = {&world->config, world->overrides, world->override_count,
                            world->sessions, world->session_count};
    umh_plan plan = UMH_PLAN_INIT;

    assert_int_equal(umh_plan_make(&input, &plan), 0);
    return plan;
}

static umh_steps make_steps(const simulation *world, const umh_plan *plan)
{
    umh_running_module *modules =
        calloc(WORLD_HOSTS_MAX * UMH_MODULES_PER_HOST_MAX, sizeof *modules);
    umh_running_host running[WORLD_HOSTS_MAX];
    umh_steps steps = UMH_STEPS_INIT;

    for (size_t i = 0; i < world->host_count; i++) {
        const world_host *host = &world->hosts[i];

        running[i] = (umh_running_host){.id = host->id,
                                        .modules = &modules[i * UMH_MODULES_PER_HOST_MAX],
                                        .module_count = host->module_count,
                                        .is_stopping = host->is_stopping,
                                        .is_due = host->is_due,
                                        .has_process = host->has_process};
        for (size_t j = 0; j < host->module_count; j++)
            modules[i * UMH_MODULES_PER_HOST_MAX + j].name = host->modules[j];
    }
    assert_int_equal(umh_diff_make(plan, running, world->host_count, &steps), 0);
    free(modules);
    return steps;
}

static world_host *find_host(const simulation *world, const char *id)
{
    for (size_t i = 0; i < world->host_count; i++) {
        if (strcmp(world->hosts[i].id, id) == 0)
            return &world->hosts[i];
    }
    return NULL;
}

static const umh_wanted_host *find_wanted(const umh_plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (strcmp(plan->hosts[i].id, id) == 0)
            return &plan->hosts[i];
    }
    return NULL;
}

static bool has_module(const world_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i], name) == 0)
            return true;
    }
    return false;
}

static bool wants_module(const umh_wanted_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].name, name) == 0)
            return true;
    }
    return false;
}

static void put_module(world_host *host, const char *name)
{
    assert_true(host->module_count < UMH_MODULES_PER_HOST_MAX);
    umh_text_put(host->module_names[host->module_count], UMH_NAME_BYTES_MAX + 1, name);
    host->modules[host->module_count] = host->module_names[host->module_count];
    host->module_count++;
}

static void remove_module(world_host *host, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i], name) == 0)
            continue;
        memmove(host->module_names[kept], host->module_names[i], UMH_NAME_BYTES_MAX + 1);
        host->modules[kept] = host->module_names[kept];
        kept++;
    }
    host->module_count = kept;
}

static void start_host(simulation *world, const umh_step *step)
{
    world_host *host = find_host(world, step->host);

    assert_non_null(step->wanted);
    assert_string_equal(step->wanted->id, step->host);
    if (!host) {
        assert_true(world->host_count < WORLD_HOSTS_MAX);
        host = &world->hosts[world->host_count++];
        memset(host, 0, sizeof *host);
        umh_text_put(host->id, sizeof host->id, step->host);
    }
    assert_false(host->has_process);
    host->module_count = 0;
    for (size_t i = 0; i < step->wanted->module_count; i++)
        put_module(host, step->wanted->modules[i].name);
    host->has_process = true;
    host->is_due = false;
}

/* Each step is due to a difference; then it is taken. */
static void take_step(simulation *world, const umh_plan *plan, const umh_step *step)
{
    world_host *host = find_host(world, step->host);
    const umh_wanted_host *wanted = find_wanted(plan, step->host);

    assert_ptr_equal(step->wanted, step->kind == STEP_STOP_HOST ? NULL : wanted);
    if (host)
        assert_false(host->is_stopping);
    switch (step->kind) {
    case STEP_START_HOST:
        if (host)
            assert_true(host->is_due);
        start_host(world, step);
        break;
    case STEP_STOP_HOST:
        assert_null(wanted);
        assert_non_null(host);
        assert_true(host->has_process);
        host->is_stopping = true;
        break;
    case STEP_LOAD_MODULE:
        assert_true(host && host->has_process && wants_module(wanted, step->module));
        assert_false(has_module(host, step->module));
        put_module(host, step->module);
        break;
    case STEP_UNLOAD_MODULE:
        assert_true(host && host->has_process && has_module(host, step->module));
        assert_false(wants_module(wanted, step->module));
        remove_module(host, step->module);
        break;
    case STEP_REPLACE_HOST:
    case STEP_CONFIGURE_HOST:
    case STEP_RELOAD_MODULE:
    case STEP_CONFIGURE_MODULE:
        fail();
    }
}

static void check_unlike(const umh_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(steps->items[i].kind != steps->items[j].kind ||
                        strcmp(steps->items[i].host, steps->items[j].host) != 0 ||
                        strcmp(steps->items[i].module, steps->items[j].module) != 0);
    }
}

/* Returns how many steps there were. */
static size_t reconcile(simulation *world)
{
    UMH_AUTO(umh_plan) plan = make_plan(world);
    UMH_AUTO(umh_steps) steps = make_steps(world, &plan);
    UMH_AUTO(umh_steps) rest = UMH_STEPS_INIT;
    size_t count = steps.count;

    check_unlike(&steps);
    for (size_t i = 0; i < steps.count; i++)
        take_step(world, &plan, &steps.items[i]);
    /* Nothing is asked for twice. */
    rest = make_steps(world, &plan);
    assert_int_equal(rest.count, 0);
    return count;
}

static void bury(simulation *world, world_host *host)
{
    world_host *last = &world->hosts[--world->host_count];

    if (host == last)
        return;
    *host = *last;
    for (size_t i = 0; i < host->module_count; i++)
        host->modules[i] = host->module_names[i];
}

/* Stops end, waits end, and what ended and is not wanted is forgotten. */
static void let_time_pass(simulation *world)
{
    UMH_AUTO(umh_plan) plan = make_plan(world);

    for (size_t i = world->host_count; i > 0; i--) {
        world_host *host = &world->hosts[i - 1];

        if (host->is_stopping || (!host->has_process && !find_wanted(&plan, host->id)))
            bury(world, host);
        else if (!host->has_process)
            host->is_due = true;
    }
}

static void put_override(simulation *world, random_source *random)
{
    umh_override *row = &world->overrides[world->override_count];
    const umh_host_config *host;
    size_t module;

    if (world->config.host_count == 0 || world->override_count == OVERRIDES_MAX)
        return;
    host = &world->config.hosts[random_below(random, world->config.host_count)];
    module = random_below(random, host->module_count + 2);
    *row = (umh_override){.is_wanted = random_chance(random, 50)};
    umh_text_put(row->host, sizeof row->host, host->name);
    if (module < host->module_count)
        umh_text_put(row->module, sizeof row->module, host->modules[module].name);
    else if (module == host->module_count)
        snprintf(row->module, sizeof row->module, "new%u", (unsigned)random_below(random, 3));
    world->override_count++;
}

static void happen(simulation *world, random_source *random)
{
    world_host *host =
        world->host_count ? &world->hosts[random_below(random, world->host_count)] : NULL;

    switch (random_below(random, 7)) {
    case 0:
        load(world, random);
        world->override_count = 0;
        break;
    case 1:
        put_override(world, random);
        break;
    case 2:
        world->session_count = random_below(random, SESSIONS_MAX + 1);
        break;
    case 3:
        let_time_pass(world);
        break;
    case 4:
        if (host && host->is_stopping)
            bury(world, host);
        else if (host && !host->has_process)
            host->is_due = true;
        break;
    default:
        /* A death: it may start at once, later, or not again. */
        if (host && host->has_process && !host->is_stopping) {
            host->has_process = false;
            host->is_due = random_chance(random, 50);
        }
    }
}

static void assert_as_wanted(const simulation *world)
{
    UMH_AUTO(umh_plan) plan = make_plan(world);

    assert_int_equal(world->host_count, plan.count);
    for (size_t i = 0; i < plan.count; i++) {
        const world_host *host = find_host(world, plan.hosts[i].id);

        assert_non_null(host);
        assert_true(host->has_process && !host->is_stopping);
        assert_int_equal(host->module_count, plan.hosts[i].module_count);
        for (size_t j = 0; j < host->module_count; j++)
            assert_true(wants_module(&plan.hosts[i], host->modules[j]));
    }
}

static void test_steps_lead_to_what_is_wanted(void **state)
{
    random_source random = {.state = 31337};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        simulation world = {.config = UMH_CONFIG_INIT,
                            .sessions = {{0, true}, {1, true}, {7, true}},
                            .session_count = 1};
        size_t rounds = 0;

        world.hosts = calloc(WORLD_HOSTS_MAX, sizeof *world.hosts);
        assert_non_null(world.hosts);
        load(&world, &random);
        for (size_t events = random_below(&random, EVENTS); events > 0; events--) {
            happen(&world, &random);
            if (random_chance(&random, 60))
                reconcile(&world);
            if (world.host_count > WORLD_HOSTS_MAX / 2)
                let_time_pass(&world);
        }
        do {
            let_time_pass(&world);
            assert_true(rounds++ < ROUNDS_TO_END);
        } while (reconcile(&world) > 0);
        assert_as_wanted(&world);
        umh_config_deinit(&world.config);
        free(world.hosts);
    }
}

/* Against one wanted host "A" with modules m and n. */
static void assert_steps(const umh_running_host *running, size_t count, const char *lines)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    UMH_AUTO(umh_buffer) all = UMH_BUFFER_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    umh_plan_input input = {.config = &config};
    umh_bytes text = umh_bytes_of_text(
        "{\"ChildProcesses\": [{\"GroupName\": \"A\", \"Modules\": [\"m\", \"n\"]}]}");
    char line[256];

    assert_int_equal(umh_config_parse(text, "/broker.json", NULL, &config, &problems), 0);
    assert_int_equal(umh_plan_make(&input, &plan), 0);
    assert_int_equal(umh_diff_make(&plan, running, count, &steps), 0);
    for (size_t i = 0; i < steps.count; i++) {
        umh_step_describe(&steps.items[i], line, sizeof line);
        assert_int_equal(umh_buffer_append_format(&all, "%s\n", line), 0);
    }
    assert_string_equal(all.data ? (const char *)all.data : "", lines);
}

static void test_single_differences(void **state)
{
    static const umh_running_module same[] = {{.name = "n"}, {.name = "m"}};
    static const umh_running_module other[] = {{.name = "m"}, {.name = "x"}, {.name = "M"}};
    umh_running_host host = {.id = "A", .modules = same, .module_count = 2, .has_process = true};

    (void)state;
    assert_steps(&host, 0, "start host 'A' (2 modules)\n");
    assert_steps(&host, 1, "");
    host.modules = other;
    host.module_count = 3;
    assert_steps(&host, 1,
                 "unload module 'x' from host 'A'\nunload module 'M' from host 'A'\n"
                 "load module 'n' into host 'A'\n");
    host.is_stopping = true;
    assert_steps(&host, 1, "");
    host.is_stopping = host.has_process = false;
    assert_steps(&host, 1, "");
    host.is_due = true;
    assert_steps(&host, 1, "start host 'A' (2 modules)\n");
    host = (umh_running_host){.id = "B", .has_process = true};
    assert_steps(&host, 1, "stop host 'B'\nstart host 'A' (2 modules)\n");
    host.is_stopping = true;
    assert_steps(&host, 1, "start host 'A' (2 modules)\n");
    host = (umh_running_host){.id = "B", .is_due = true};
    assert_steps(&host, 1, "start host 'A' (2 modules)\n");
}

static void test_nothing_needs_no_step(void **state)
{
    umh_plan plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;

    (void)state;
    assert_int_equal(umh_diff_make(&plan, NULL, 0, &steps), 0);
    assert_int_equal(steps.count, 0);
    umh_steps_deinit(NULL);
}

static void test_describes_one_module(void **state)
{
    umh_wanted_host *wanted = calloc(1, sizeof *wanted);
    umh_step step = {.kind = STEP_START_HOST, .host = "A@2", .wanted = wanted};
    char line[64];
    char cut[9];

    (void)state;
    assert_non_null(wanted);
    wanted->module_count = 1;
    umh_step_describe(&step, line, sizeof line);
    assert_string_equal(line, "start host 'A@2' (1 module)");
    umh_step_describe(&step, cut, sizeof cut);
    assert_string_equal(cut, "start ho");
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_differences),
        cmocka_unit_test(test_nothing_needs_no_step),
        cmocka_unit_test(test_describes_one_module),
        cmocka_unit_test(test_steps_lead_to_what_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
