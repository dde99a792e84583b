/* SPDX-License-Identifier: MIT */
/*
 * The steps from what runs to what is wanted. A host that is stopping gets none: its end asks
 * again. Ids and module names are compared exactly: one that changed in the case of its letters may
 * be another file.
 *
 * It runs after every death, so it costs little where nothing changed: both sides mostly have the
 * same order, in which they are walked, and what is known to be of the wanted configuration is not
 * compared again.
 */
#include "config/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One side's ids in order, made when the two sides are not in the same one. */
typedef struct id_row {
    const char *id;
    size_t index;
} id_row;

typedef struct comparison {
    const umh_plan *plan;
    const umh_running_host *running;
    size_t running_count;
    size_t *partners;  /* of each wanted host, in `running`; owned */
    bool *has_partner; /* of each running host; owned */
    id_row *rows;      /* of the running hosts; owned; NULL: not needed so far */
} comparison;

static int compare_ids(const void *left, const void *right)
{
    const id_row *one = left;
    const id_row *other = right;

    return strcmp(one->id, other->id);
}

static int sort_ids(comparison *sides)
{
    sides->rows = calloc(sides->running_count, sizeof(*sides->rows));
    if (!sides->rows)
        return UMH_FAIL(UMH_E_MEMORY, "%llu hosts", (unsigned long long)sides->running_count);
    for (size_t i = 0; i < sides->running_count; i++)
        sides->rows[i] = (id_row){sides->running[i].id, i};
    qsort(sides->rows, sides->running_count, sizeof(*sides->rows), compare_ids);
    return 0;
}

/* `next` is where it is when both sides have the same order. */
static int find_partner(comparison *sides, const char *id, size_t next, size_t *ret_partner)
{
    id_row wanted = {.id = id};
    const id_row *found;
    int r;

    *ret_partner = UMH_STEP_NO_INDEX;
    if (next < sides->running_count && strcmp(sides->running[next].id, id) == 0) {
        *ret_partner = next;
        return 0;
    }
    if (sides->running_count == 0)
        return 0;
    if (!sides->rows) {
        r = sort_ids(sides);
        if (r)
            return r;
    }
    found = bsearch(&wanted, sides->rows, sides->running_count, sizeof(*sides->rows), compare_ids);
    if (found)
        *ret_partner = found->index;
    return 0;
}

static int find_partners(comparison *sides)
{
    size_t next = 0;
    int r = 0;

    sides->partners = calloc(sides->plan->count + 1, sizeof(*sides->partners));
    sides->has_partner = calloc(sides->running_count + 1, sizeof(*sides->has_partner));
    if (!sides->partners || !sides->has_partner)
        return UMH_FAIL(UMH_E_MEMORY, "%llu hosts", (unsigned long long)sides->plan->count);
    for (size_t i = 0; r == 0 && i < sides->plan->count; i++) {
        size_t *partner = &sides->partners[i];

        r = find_partner(sides, sides->plan->hosts[i].id, next, partner);
        if (r == 0 && *partner != UMH_STEP_NO_INDEX) {
            sides->has_partner[*partner] = true;
            next = *partner + 1;
        }
    }
    return r;
}

static void release_sides(comparison *sides)
{
    free(sides->rows);
    free(sides->has_partner);
    free(sides->partners);
}

/* --- steps -------------------------------------------------------------------------------- */

/* Steps are counted by a first pass without room and written by a second. */
static void add_step(umh_steps *steps, const umh_step *step, const char *host, const char *module)
{
    if (steps->items) {
        umh_step *added = &steps->items[steps->count];

        *added = *step;
        umh_text_put(added->host, sizeof added->host, host);
        umh_text_put(added->module, sizeof added->module, module);
    }
    steps->count++;
}

static size_t find_wanted_module(const umh_wanted_host *host, const char *name, size_t expected)
{
    if (expected < host->module_count && strcmp(host->modules[expected].name, name) == 0)
        return expected;
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].name, name) == 0)
            return i;
    }
    return UMH_STEP_NO_INDEX;
}

static const umh_running_module *find_running_module(const umh_running_host *host, const char *name,
                                                     size_t expected)
{
    if (expected < host->module_count && strcmp(host->modules[expected].name, name) == 0)
        return &host->modules[expected];
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].name, name) == 0)
            return &host->modules[i];
    }
    return NULL;
}

static void add_module_change(const umh_step *of_host, const umh_running_module *running,
                              umh_steps *steps)
{
    const umh_wanted_module *wanted = &of_host->wanted->modules[of_host->wanted_module];
    umh_module_config config;
    umh_step step = *of_host;

    if (running->origin && running->origin == wanted->config)
        return;
    config = umh_module_config_of(wanted);
    step.changes = umh_changes_find(OBJECT_MODULE, running->config, &config);
    if (!step.changes)
        return;
    step.kind = umh_changes_that(OBJECT_MODULE, step.changes, CHANGE_NEEDS_RELOAD)
                    ? STEP_RELOAD_MODULE
                    : STEP_CONFIGURE_MODULE;
    add_step(steps, &step, step.wanted->id, wanted->name);
}

/* Unloading first: it makes room for what takes its place. */
static void add_module_steps(const umh_step *of_host, const umh_running_host *running,
                             umh_steps *steps)
{
    const umh_wanted_host *wanted = of_host->wanted;
    umh_step step = *of_host;

    for (size_t i = 0; i < running->module_count; i++) {
        step.kind = STEP_UNLOAD_MODULE;
        if (find_wanted_module(wanted, running->modules[i].name, i) == UMH_STEP_NO_INDEX)
            add_step(steps, &step, wanted->id, running->modules[i].name);
    }
    for (size_t i = 0; i < wanted->module_count; i++) {
        const umh_running_module *module = find_running_module(running, wanted->modules[i].name, i);

        step.kind = STEP_LOAD_MODULE;
        step.wanted_module = i;
        if (module)
            add_module_change(&step, module, steps);
        else
            add_step(steps, &step, wanted->id, wanted->modules[i].name);
    }
}

/* One that is replaced gets its modules with that. */
static void add_process_steps(const umh_step *of_host, const umh_running_host *running,
                              umh_steps *steps)
{
    const umh_host_config *wanted = of_host->wanted->config;
    umh_step step = *of_host;

    if (running->origin != wanted)
        step.changes = umh_changes_find(OBJECT_HOST, running->config, wanted);
    if (umh_changes_that(OBJECT_HOST, step.changes, CHANGE_NEEDS_PROCESS)) {
        step.kind = STEP_REPLACE_HOST;
        add_step(steps, &step, step.wanted->id, "");
        return;
    }
    step.kind = STEP_CONFIGURE_HOST;
    if (step.changes)
        add_step(steps, &step, step.wanted->id, "");
    add_module_steps(of_host, running, steps);
}

static void add_host_steps(const comparison *sides, size_t number, umh_steps *steps)
{
    const umh_step step = {.kind = STEP_START_HOST,
                           .wanted = &sides->plan->hosts[number],
                           .wanted_module = UMH_STEP_NO_INDEX,
                           .running = sides->partners[number]};
    const umh_running_host *running =
        step.running == UMH_STEP_NO_INDEX ? NULL : &sides->running[step.running];

    if (!running || (!running->is_stopping && !running->has_process && running->is_due))
        add_step(steps, &step, step.wanted->id, "");
    else if (!running->is_stopping && running->has_process)
        add_process_steps(&step, running, steps);
}

static void add_steps(const comparison *sides, umh_steps *steps)
{
    for (size_t i = 0; i < sides->running_count; i++) {
        const umh_running_host *running = &sides->running[i];
        const umh_step step = {
            .kind = STEP_STOP_HOST, .wanted_module = UMH_STEP_NO_INDEX, .running = i};

        if (running->has_process && !running->is_stopping && !sides->has_partner[i])
            add_step(steps, &step, running->id, "");
    }
    for (size_t i = 0; i < sides->plan->count; i++)
        add_host_steps(sides, i, steps);
}

int umh_diff_make(const umh_plan *plan, const umh_running_host *running, size_t running_count,
                  umh_steps *ret_steps)
{
    comparison sides = {.plan = plan, .running = running, .running_count = running_count};
    umh_steps steps = UMH_STEPS_INIT;
    int r = find_partners(&sides);

    if (r == 0)
        add_steps(&sides, &steps);
    if (r == 0 && steps.count > 0) {
        steps.items = calloc(steps.count, sizeof *steps.items);
        if (!steps.items)
            r = UMH_FAIL(UMH_E_MEMORY, "%llu steps", (unsigned long long)steps.count);
        steps.count = 0;
    }
    if (r == 0 && steps.items)
        add_steps(&sides, &steps);
    if (r == 0)
        *ret_steps = steps;
    release_sides(&sides);
    return r;
}

umh_host_difference umh_host_compare(const umh_host_config *one, const umh_host_config *other)
{
    umh_changes changes = umh_changes_find(OBJECT_HOST, one, other);

    if (umh_changes_that(OBJECT_HOST, changes, CHANGE_NEEDS_PROCESS))
        return HOSTS_DIFFER_IN_PROCESS;
    return changes ? HOSTS_DIFFER_IN_POLICY : HOSTS_ARE_EQUAL;
}

void umh_steps_deinit(umh_steps *steps)
{
    if (!steps)
        return;
    free(steps->items);
    *steps = (umh_steps)UMH_STEPS_INIT;
}

/* Of a replaced host only what replaces it, of a reloaded module only what reloads it. */
static void describe_changes(const umh_step *step, char *buffer, size_t capacity)
{
    umh_schema_object object = step->kind == STEP_REPLACE_HOST || step->kind == STEP_CONFIGURE_HOST
                                   ? OBJECT_HOST
                                   : OBJECT_MODULE;
    umh_changes changes = step->changes;

    if (step->kind == STEP_REPLACE_HOST)
        changes = umh_changes_that(object, changes, CHANGE_NEEDS_PROCESS);
    if (step->kind == STEP_RELOAD_MODULE)
        changes = umh_changes_that(object, changes, CHANGE_NEEDS_RELOAD);
    umh_changes_describe(object, changes, buffer, capacity);
}

void umh_step_describe(const umh_step *step, char *buffer, size_t capacity)
{
    size_t count = step->wanted ? step->wanted->module_count : 0;
    char changes[128];

    describe_changes(step, changes, sizeof changes);
    switch (step->kind) {
    case STEP_START_HOST:
        snprintf(buffer, capacity, "start host '%s' (%u module%s)", step->host, (unsigned)count,
                 count == 1 ? "" : "s");
        break;
    case STEP_STOP_HOST:
        snprintf(buffer, capacity, "stop host '%s'", step->host);
        break;
    case STEP_REPLACE_HOST:
        snprintf(buffer, capacity, "replace host '%s' (%s)", step->host, changes);
        break;
    case STEP_CONFIGURE_HOST:
        snprintf(buffer, capacity, "configure host '%s' (%s)", step->host, changes);
        break;
    case STEP_LOAD_MODULE:
        snprintf(buffer, capacity, "load module '%s' into host '%s'", step->module, step->host);
        break;
    case STEP_UNLOAD_MODULE:
        snprintf(buffer, capacity, "unload module '%s' from host '%s'", step->module, step->host);
        break;
    case STEP_RELOAD_MODULE:
        snprintf(buffer, capacity, "reload module '%s' of host '%s' (%s)", step->module, step->host,
                 changes);
        break;
    case STEP_CONFIGURE_MODULE:
        snprintf(buffer, capacity, "configure module '%s' of host '%s' (%s)", step->module,
                 step->host, changes);
        break;
    }
}
