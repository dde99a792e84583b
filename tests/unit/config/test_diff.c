/* SPDX-License-Identifier: MIT */
/*
 * The steps to what is wanted: single cases, and random worlds in which taking the steps always
 * ends where nothing is left to do.
 */
#include "config/copy.h"
#include "config/diff.h"
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLDS 3000
#define EVENTS 24
#define WORLD_HOSTS_MAX 64
#define OVERRIDES_MAX 12
#define ROUNDS_TO_END 4 /* stop, end, start, nothing */
#define SESSIONS_MAX 3

typedef struct world_module {
    umh_module_config config; /* owned copy */
    const umh_module_config *origin;
} world_module;

typedef struct world_host {
    char id[UMH_NAME_BYTES_MAX + 16];
    umh_host_config config; /* owned copy */
    const umh_host_config *origin;
    world_module modules[UMH_MODULES_PER_HOST_MAX];
    size_t module_count;
    unsigned process; /* number of the last one; never used again */
    bool is_stopping;
    bool is_due;
    bool has_process;
} world_host;

typedef struct simulation {
    json_t *file;
    umh_config config;
    umh_override overrides[OVERRIDES_MAX];
    size_t override_count;
    umh_plan_session sessions[SESSIONS_MAX];
    size_t session_count;
    world_host *hosts;
    size_t host_count;
    unsigned process_count;
} simulation;

static void forget_origins(simulation *world)
{
    for (size_t i = 0; i < world->host_count; i++) {
        world->hosts[i].origin = NULL;
        for (size_t j = 0; j < world->hosts[i].module_count; j++)
            world->hosts[i].modules[j].origin = NULL;
    }
}

/* A file that cannot be used changes nothing, and a wrong entry stays as it was. */
static void take_file(simulation *world, random_source *random)
{
    char *text = generate_text(random, world->file);
    umh_why_list problems = UMH_WHY_LIST_INIT;
    umh_config config = UMH_CONFIG_INIT;
    int r = umh_config_parse(umh_bytes_of_text(text), "/broker.json", NULL, &config, &problems);

    free(text);
    umh_why_list_deinit(&problems);
    if (r == UMH_CONFIG_UNUSABLE)
        return;
    assert_int_equal(r, 0);
    assert_int_equal(umh_config_keep_wrong(&config, &world->config), 0);
    umh_config_deinit(&world->config);
    world->config = config;
    forget_origins(world);
}

static void load(simulation *world, random_source *random)
{
    json_decref(world->file);
    world->file = generate_config(random);
    take_file(world, random);
}

/* --- changes of a file ---------------------------------------------------------------------- */

static json_t *random_item(random_source *random, const json_t *list)
{
    return json_array_get(list, random_below(random, json_array_size(list)));
}

static json_t *module_as_object(json_t *modules, size_t index)
{
    json_t *module = json_array_get(modules, index);

    if (json_is_string(module)) {
        json_array_set_new(modules, index, json_pack("{s:O}", "Name", module));
        module = json_array_get(modules, index);
    }
    return module;
}

static void change_module_entry(random_source *random, json_t *entry)
{
    json_t *modules = json_object_get(entry, "Modules");
    json_t *module;

    if (json_array_size(modules) == 0) {
        json_object_set_new(entry, "Modules", json_pack("[s]", "fresh"));
        return;
    }
    module = module_as_object(modules, random_below(random, json_array_size(modules)));
    switch (random_below(random, 4)) {
    case 0:
        json_object_set_new(module, "Config",
                            json_pack("{s:i}", "K", (int)random_below(random, 5)));
        break;
    case 1:
        if (json_object_get(module, "Name"))
            json_object_set_new(module, "Path",
                                json_sprintf("p%u.so", (unsigned)random_below(random, 3)));
        break;
    case 2:
        json_object_set_new(module, "Overflow",
                            json_string(random_chance(random, 50) ? "Block" : "DropOldest"));
        break;
    default:
        json_array_remove(modules, random_below(random, json_array_size(modules)));
    }
}

/* One key becomes what another file has there; what does not fit makes the entry wrong. */
static void change_key(random_source *random, json_t *entry)
{
    json_t *other = generate_config(random);
    const json_t *from = random_item(random, generated_entries(other));
    size_t skip = random_below(random, json_object_size(from));
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        if (skip-- == 0 && strcmp(key, "GroupName") != 0 && strcmp(key, "Modules") != 0)
            json_object_set(entry, key, value);
    }
    json_decref(other);
}

static void change_file(simulation *world, random_source *random)
{
    json_t *entries = generated_entries(world->file);
    json_t *entry = random_item(random, entries);

    if (!entry)
        return;
    switch (random_below(random, 6)) {
    case 0:
        json_array_remove(entries, random_below(random, json_array_size(entries)));
        break;
    case 1:
        json_array_append_new(entries,
                              json_pack("{s:s, s:[s]}", "GroupName", "Added", "Modules", "m"));
        break;
    case 2:
        json_object_set_new(entry, "Stage", json_integer((json_int_t)random_below(random, 3)));
        break;
    case 3:
        /* Wrong, until it is right again. */
        if (json_object_del(entry, "Nonsense") != 0)
            json_object_set_new(entry, "Nonsense", json_true());
        break;
    case 4:
        change_key(random, entry);
        break;
    default:
        change_module_entry(random, entry);
    }
    take_file(world, random);
}

/* --- the world ------------------------------------------------------------------------------ */

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
        calloc((size_t)WORLD_HOSTS_MAX * UMH_MODULES_PER_HOST_MAX, sizeof *modules);
    umh_running_host running[WORLD_HOSTS_MAX];
    umh_steps steps = UMH_STEPS_INIT;

    for (size_t i = 0; i < world->host_count; i++) {
        const world_host *host = &world->hosts[i];
        umh_running_module *rows = &modules[i * UMH_MODULES_PER_HOST_MAX];

        for (size_t j = 0; j < host->module_count; j++)
            rows[j] = (umh_running_module){host->modules[j].config.name, &host->modules[j].config,
                                           host->modules[j].origin};
        running[i] = (umh_running_host){.id = host->id,
                                        .config = &host->config,
                                        .origin = host->origin,
                                        .modules = rows,
                                        .module_count = host->module_count,
                                        .is_stopping = host->is_stopping,
                                        .is_due = host->is_due,
                                        .has_process = host->has_process};
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

static world_module *find_module(world_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].config.name, name) == 0)
            return &host->modules[i];
    }
    return NULL;
}

static const umh_wanted_module *find_wanted_module(const umh_wanted_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].name, name) == 0)
            return &host->modules[i];
    }
    return NULL;
}

static void take_module_config(world_module *module, const umh_wanted_module *wanted)
{
    umh_module_config config = umh_module_config_of(wanted);

    umh_module_config_release(&module->config);
    assert_int_equal(umh_module_config_copy(&config, &module->config), 0);
    module->origin = wanted->config;
}

static void put_module(world_host *host, const umh_wanted_module *wanted)
{
    assert_true(host->module_count < UMH_MODULES_PER_HOST_MAX);
    host->modules[host->module_count] = (world_module){.origin = NULL};
    take_module_config(&host->modules[host->module_count++], wanted);
}

static void remove_module(world_host *host, world_module *module)
{
    umh_module_config_release(&module->config);
    *module = host->modules[--host->module_count];
}

static void take_host_config(world_host *host, const umh_host_config *wanted)
{
    umh_host_config_release(&host->config);
    assert_int_equal(umh_host_config_copy(wanted, &host->config), 0);
    host->origin = wanted;
}

static void be_born(simulation *world, world_host *host, const umh_wanted_host *wanted)
{
    while (host->module_count > 0)
        remove_module(host, &host->modules[0]);
    take_host_config(host, wanted->config);
    for (size_t i = 0; i < wanted->module_count; i++)
        put_module(host, &wanted->modules[i]);
    host->process = ++world->process_count;
    host->has_process = true;
    host->is_due = false;
}

static void bury(simulation *world, world_host *host)
{
    while (host->module_count > 0)
        remove_module(host, &host->modules[0]);
    umh_host_config_release(&host->config);
    *host = world->hosts[--world->host_count];
}

static world_host *add_host(simulation *world, const char *id)
{
    world_host *host = &world->hosts[world->host_count++];

    assert_true(world->host_count <= WORLD_HOSTS_MAX);
    memset(host, 0, sizeof *host);
    umh_text_put(host->id, sizeof host->id, id);
    return host;
}

/* --- steps ---------------------------------------------------------------------------------- */

static void take_host_step(simulation *world, world_host *host, const umh_step *step)
{
    switch (step->kind) {
    case STEP_START_HOST:
        assert_true(!host || (host->is_due && !host->has_process));
        be_born(world, host ? host : add_host(world, step->host), step->wanted);
        break;
    case STEP_STOP_HOST:
        assert_true(host->has_process);
        host->is_stopping = true;
        break;
    case STEP_REPLACE_HOST:
        assert_int_equal(umh_host_compare(&host->config, step->wanted->config),
                         HOSTS_DIFFER_IN_PROCESS);
        be_born(world, host, step->wanted);
        break;
    default:
        assert_int_equal(step->kind, STEP_CONFIGURE_HOST);
        assert_int_equal(umh_host_compare(&host->config, step->wanted->config),
                         HOSTS_DIFFER_IN_POLICY);
        take_host_config(host, step->wanted->config);
    }
}

static void take_module_step(world_host *host, const umh_step *step)
{
    const umh_wanted_module *wanted = find_wanted_module(step->wanted, step->module);
    world_module *module = find_module(host, step->module);
    umh_module_config config;
    bool has_other_path;

    if (step->kind == STEP_UNLOAD_MODULE) {
        assert_true(module && !wanted);
        remove_module(host, module);
        return;
    }
    assert_ptr_equal(wanted, &step->wanted->modules[step->wanted_module]);
    if (step->kind == STEP_LOAD_MODULE) {
        assert_null(module);
        put_module(host, wanted);
        return;
    }
    assert_non_null(module);
    config = umh_module_config_of(wanted);
    assert_true(umh_changes_find(OBJECT_MODULE, &module->config, &config) == step->changes);
    has_other_path =
        strcmp(module->config.path ? module->config.path : "", config.path ? config.path : "") != 0;
    assert_int_equal(step->kind, has_other_path ? STEP_RELOAD_MODULE : STEP_CONFIGURE_MODULE);
    take_module_config(module, wanted);
}

/* Each step is due to a difference; then it is taken. */
static void take_step(simulation *world, const umh_plan *plan, const umh_step *step)
{
    world_host *host = find_host(world, step->host);
    const umh_wanted_host *wanted = find_wanted(plan, step->host);

    assert_ptr_equal(step->wanted, step->kind == STEP_STOP_HOST ? NULL : wanted);
    assert_true(step->kind != STEP_STOP_HOST || !wanted);
    assert_true(step->kind == STEP_START_HOST || host);
    if (host)
        assert_false(host->is_stopping);
    if (step->module[0])
        take_module_step(host, step);
    else
        take_host_step(world, host, step);
}

static void check_order(const umh_steps *steps)
{
    int64_t stage = INT64_MIN;

    for (size_t i = 0; i < steps->count; i++) {
        const umh_step *step = &steps->items[i];

        if (step->kind == STEP_START_HOST) {
            assert_true(step->wanted->config->stage >= stage);
            stage = step->wanted->config->stage;
        }
        for (size_t j = 0; j < i; j++)
            assert_true(steps->items[j].kind != step->kind ||
                        strcmp(steps->items[j].host, step->host) != 0 ||
                        strcmp(steps->items[j].module, step->module) != 0);
    }
}

/* Which hosts would keep their process: those that say what is wanted of a process. */
static unsigned kept_process(const world_host *host, const umh_plan *plan)
{
    const umh_wanted_host *wanted = find_wanted(plan, host->id);

    if (!wanted || !host->has_process ||
        umh_host_compare(&host->config, wanted->config) == HOSTS_DIFFER_IN_PROCESS)
        return 0;
    return host->process;
}

/* Returns how many steps there were. */
static size_t reconcile(simulation *world)
{
    UMH_AUTO(umh_plan) plan = make_plan(world);
    UMH_AUTO(umh_steps) steps = make_steps(world, &plan);
    UMH_AUTO(umh_steps) rest = UMH_STEPS_INIT;
    unsigned kept[WORLD_HOSTS_MAX];
    size_t host_count = world->host_count;

    check_order(&steps);
    for (size_t i = 0; i < host_count; i++)
        kept[i] = kept_process(&world->hosts[i], &plan);
    for (size_t i = 0; i < steps.count; i++)
        take_step(world, &plan, &steps.items[i]);
    for (size_t i = 0; i < host_count; i++)
        assert_true(kept[i] == 0 || world->hosts[i].process == kept[i]);
    /* Nothing is asked for twice. */
    rest = make_steps(world, &plan);
    assert_int_equal(rest.count, 0);
    return steps.count;
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
    if (module == host->module_count && random_chance(random, 50))
        umh_text_put(row->path, sizeof row->path, "/x/new.so");
    world->override_count++;
}

/* It may start at once, later, or not again. */
static void die(world_host *host, random_source *random)
{
    if (!host || !host->has_process || host->is_stopping)
        return;
    host->has_process = false;
    host->is_due = random_chance(random, 50);
}

static void happen(simulation *world, random_source *random)
{
    world_host *host =
        world->host_count ? &world->hosts[random_below(random, world->host_count)] : NULL;

    switch (random_below(random, 10)) {
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
    case 5:
    case 6:
    case 7:
        change_file(world, random);
        break;
    default:
        die(host, random);
    }
}

static void assert_module_as_wanted(const world_host *host, const umh_wanted_module *wanted)
{
    umh_module_config config = umh_module_config_of(wanted);
    const world_module *module = find_module((world_host *)(uintptr_t)host, wanted->name);

    assert_non_null(module);
    assert_true(umh_changes_find(OBJECT_MODULE, &module->config, &config) == 0);
}

static void assert_as_wanted(const simulation *world)
{
    UMH_AUTO(umh_plan) plan = make_plan(world);

    assert_int_equal(world->host_count, plan.count);
    for (size_t i = 0; i < plan.count; i++) {
        const world_host *host = find_host(world, plan.hosts[i].id);

        assert_non_null(host);
        assert_true(host->has_process && !host->is_stopping);
        assert_int_equal(umh_host_compare(&host->config, plan.hosts[i].config), HOSTS_ARE_EQUAL);
        assert_int_equal(host->module_count, plan.hosts[i].module_count);
        for (size_t j = 0; j < host->module_count; j++)
            assert_module_as_wanted(host, &plan.hosts[i].modules[j]);
    }
}

static void end_world(simulation *world)
{
    while (world->host_count > 0)
        bury(world, &world->hosts[world->host_count - 1]);
    umh_config_deinit(&world->config);
    json_decref(world->file);
    free(world->hosts);
}

static void test_steps_lead_to_what_is_wanted(void **state)
{
    random_source random = {.state = 31337};

    (void)state;
    for (int i = 0; i < WORLDS; i++) {
        simulation world = {.config = UMH_CONFIG_INIT,
                            .sessions = {{0, true}, {1, false}, {7, true}},
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
        end_world(&world);
    }
}

static const char wanted_file[] =
    "{\"ChildProcesses\": [{\"GroupName\": \"A\", \"Modules\": [\"m\", \"n\"]}]}";

/* Against one wanted host "A" with modules m and n. */
static void assert_steps(const umh_running_host *running, size_t count, const char *lines)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    UMH_AUTO(umh_plan) plan = UMH_PLAN_INIT;
    UMH_AUTO(umh_steps) steps = UMH_STEPS_INIT;
    UMH_AUTO(umh_buffer) all = UMH_BUFFER_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    umh_plan_input input = {.config = &config};
    umh_bytes text = umh_bytes_of_text(wanted_file);
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
    static char name_m[] = "m", name_n[] = "n", nothing[] = "{}", other_config[] = "{\"a\":1}",
                path[] = "/x/m.so";
    umh_module_config m = {.name = name_m, .config = nothing};
    umh_module_config n = {.name = name_n, .config = nothing};
    const umh_running_module same[] = {{"n", &n, NULL}, {"m", &m, NULL}};
    const umh_running_module other[] = {{"m", &m, NULL}, {"x", &m, NULL}, {"M", &m, NULL}};
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_running_host host = {.id = "A", .modules = same, .module_count = 2, .has_process = true};
    umh_why_list problems = UMH_WHY_LIST_INIT;

    (void)state;
    assert_int_equal(
        umh_config_parse(umh_bytes_of_text(wanted_file), "/broker.json", NULL, &config, &problems),
        0);
    host.config = &config.hosts[0];
    assert_steps(&host, 0, "start host 'A' (2 modules)\n");
    assert_steps(&host, 1, "");
    host.modules = other;
    host.module_count = 3;
    assert_steps(&host, 1,
                 "unload module 'x' from host 'A'\nunload module 'M' from host 'A'\n"
                 "load module 'n' into host 'A'\n");
    host.modules = same;
    host.module_count = 2;
    m.config = other_config;
    m.overflow = OVERFLOW_DROP_OLDEST;
    assert_steps(&host, 1, "configure module 'm' of host 'A' (Config, Overflow)\n");
    m.path = path;
    assert_steps(&host, 1, "reload module 'm' of host 'A' (Path)\n");
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

static void test_differences_of_a_host(void **state)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_running_host host = {.id = "A", .has_process = true};
    umh_host_config running;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    static const char unload[] = "load module 'm' into host 'A'\nload module 'n' into host 'A'\n";
    char lines[256];

    (void)state;
    assert_int_equal(
        umh_config_parse(umh_bytes_of_text(wanted_file), "/broker.json", NULL, &config, &problems),
        0);
    running = config.hosts[0];
    host.config = &running;
    running.line = 77; /* where an entry stands is nothing of it */
    assert_int_equal(umh_host_compare(&running, &config.hosts[0]), HOSTS_ARE_EQUAL);
    running.timeouts.stop_ms++;
    running.restart.jitter = 0.5;
    running.stage = 9;
    assert_int_equal(umh_host_compare(&running, &config.hosts[0]), HOSTS_DIFFER_IN_POLICY);
    snprintf(lines, sizeof lines, "configure host 'A' (Stage, Restart, Timeouts)\n%s", unload);
    assert_steps(&host, 1, lines);
    running.limits.memory_mib = 5;
    running.wow64 = true;
    assert_int_equal(umh_host_compare(&running, &config.hosts[0]), HOSTS_DIFFER_IN_PROCESS);
    assert_steps(&host, 1, "replace host 'A' (Wow64, Limits)\n");
}

static void test_order_of_variables_is_no_difference(void **state)
{
    static char a[] = "A=1", b[] = "B=2", c[] = "B=3";
    char *one_list[] = {a, b}, *other_list[] = {b, a}, *third_list[] = {c, a};
    umh_host_config one = {.environment = one_list, .environment_count = 2};
    umh_host_config other = {.environment = other_list, .environment_count = 2};

    (void)state;
    assert_int_equal(umh_host_compare(&one, &other), HOSTS_ARE_EQUAL);
    other.environment = third_list;
    assert_int_equal(umh_host_compare(&one, &other), HOSTS_DIFFER_IN_PROCESS);
    other.environment_count = 1;
    assert_int_equal(umh_host_compare(&one, &other), HOSTS_DIFFER_IN_PROCESS);
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
        cmocka_unit_test(test_differences_of_a_host),
        cmocka_unit_test(test_order_of_variables_is_no_difference),
        cmocka_unit_test(test_nothing_needs_no_step),
        cmocka_unit_test(test_describes_one_module),
        cmocka_unit_test(test_steps_lead_to_what_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
