/* SPDX-License-Identifier: MIT */
/*
 * The steps from what runs to what is wanted. A host that is stopping or waits for its back-off
 * gets none: its end, or the end of the wait, asks again. Ids and module names are compared
 * exactly: one that changed in the case of its letters may be another file.
 */
#include "config/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One side's ids in order, so that thousands of hosts are compared in no time after every death. */
typedef struct id_row {
    const char *id;
    size_t index;
} id_row;

typedef struct id_index {
    id_row *rows; /* owned */
    size_t count;
} id_index;

static int compare_ids(const void *left, const void *right)
{
    const id_row *one = left;
    const id_row *other = right;

    return strcmp(one->id, other->id);
}

static void index_deinit(id_index *index)
{
    free(index->rows);
}

static int index_init(size_t count, id_index *ret_index)
{
    ret_index->count = count;
    ret_index->rows = calloc(count ? count : 1, sizeof *ret_index->rows);
    return ret_index->rows ? 0 : UMH_FAIL(UMH_E_MEMORY, "%llu hosts", (unsigned long long)count);
}

static void index_sort(id_index *index)
{
    if (index->count > 1)
        qsort(index->rows, index->count, sizeof *index->rows, compare_ids);
}

static const id_row *index_find(const id_index *index, const char *id)
{
    id_row wanted = {.id = id};

    if (index->count == 0)
        return NULL;
    return bsearch(&wanted, index->rows, index->count, sizeof *index->rows, compare_ids);
}

/* Steps are counted by a first pass without room and written by a second. */
static void add_step(umh_steps *steps, umh_step_kind kind, const char *host,
                     const umh_wanted_host *wanted, const char *module)
{
    if (steps->items) {
        umh_step *step = &steps->items[steps->count];

        *step = (umh_step){.kind = kind, .wanted = wanted};
        umh_text_put(step->host, sizeof step->host, host);
        umh_text_put(step->module, sizeof step->module, module);
    }
    steps->count++;
}

static bool is_wanted_module(const umh_wanted_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool is_running_module(const umh_running_host *host, const char *name)
{
    for (size_t i = 0; i < host->module_count; i++) {
        if (strcmp(host->modules[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Unloading first: it makes room for what takes its place. */
static void add_module_steps(const umh_wanted_host *wanted, const umh_running_host *running,
                             umh_steps *steps)
{
    for (size_t i = 0; i < running->module_count; i++) {
        if (!is_wanted_module(wanted, running->modules[i].name))
            add_step(steps, STEP_UNLOAD_MODULE, wanted->id, wanted, running->modules[i].name);
    }
    for (size_t i = 0; i < wanted->module_count; i++) {
        if (!is_running_module(running, wanted->modules[i].name))
            add_step(steps, STEP_LOAD_MODULE, wanted->id, wanted, wanted->modules[i].name);
    }
}

static void add_host_steps(const umh_wanted_host *wanted, const umh_running_host *running,
                           umh_steps *steps)
{
    if (!running)
        add_step(steps, STEP_START_HOST, wanted->id, wanted, "");
    else if (running->is_stopping)
        return;
    else if (running->has_process)
        add_module_steps(wanted, running, steps);
    else if (running->is_due)
        add_step(steps, STEP_START_HOST, wanted->id, wanted, "");
}

typedef struct comparison {
    const umh_plan *plan;
    const umh_running_host *running;
    size_t running_count;
    id_index wanted_ids;
    id_index running_ids;
} comparison;

static void add_steps(const comparison *sides, umh_steps *steps)
{
    for (size_t i = 0; i < sides->running_count; i++) {
        const umh_running_host *running = &sides->running[i];

        if (running->has_process && !running->is_stopping &&
            !index_find(&sides->wanted_ids, running->id))
            add_step(steps, STEP_STOP_HOST, running->id, NULL, "");
    }
    for (size_t i = 0; i < sides->plan->count; i++) {
        const umh_wanted_host *wanted = &sides->plan->hosts[i];
        const id_row *found = index_find(&sides->running_ids, wanted->id);

        add_host_steps(wanted, found ? &sides->running[found->index] : NULL, steps);
    }
}

static int index_sides(comparison *sides)
{
    int r = index_init(sides->plan->count, &sides->wanted_ids);

    if (r == 0)
        r = index_init(sides->running_count, &sides->running_ids);
    if (r)
        return r;
    for (size_t i = 0; i < sides->plan->count; i++)
        sides->wanted_ids.rows[i] = (id_row){sides->plan->hosts[i].id, i};
    for (size_t i = 0; i < sides->running_count; i++)
        sides->running_ids.rows[i] = (id_row){sides->running[i].id, i};
    index_sort(&sides->wanted_ids);
    index_sort(&sides->running_ids);
    return 0;
}

int umh_diff_make(const umh_plan *plan, const umh_running_host *running, size_t running_count,
                  umh_steps *ret_steps)
{
    comparison sides = {.plan = plan, .running = running, .running_count = running_count};
    umh_steps steps = UMH_STEPS_INIT;
    int r = index_sides(&sides);

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
    index_deinit(&sides.running_ids);
    index_deinit(&sides.wanted_ids);
    return r;
}

void umh_steps_deinit(umh_steps *steps)
{
    if (!steps)
        return;
    free(steps->items);
    *steps = (umh_steps)UMH_STEPS_INIT;
}

void umh_step_describe(const umh_step *step, char *buffer, size_t capacity)
{
    size_t count = step->wanted ? step->wanted->module_count : 0;

    switch (step->kind) {
    case STEP_START_HOST:
        snprintf(buffer, capacity, "start host '%s' (%u module%s)", step->host, (unsigned)count,
                 count == 1 ? "" : "s");
        break;
    case STEP_STOP_HOST:
        snprintf(buffer, capacity, "stop host '%s'", step->host);
        break;
    case STEP_LOAD_MODULE:
        snprintf(buffer, capacity, "load module '%s' into host '%s'", step->module, step->host);
        break;
    case STEP_UNLOAD_MODULE:
        snprintf(buffer, capacity, "unload module '%s' from host '%s'", step->module, step->host);
        break;
    case STEP_REPLACE_HOST:
        snprintf(buffer, capacity, "replace host '%s'", step->host);
        break;
    case STEP_CONFIGURE_HOST:
        snprintf(buffer, capacity, "configure host '%s'", step->host);
        break;
    case STEP_RELOAD_MODULE:
        snprintf(buffer, capacity, "reload module '%s' of host '%s'", step->module, step->host);
        break;
    case STEP_CONFIGURE_MODULE:
        snprintf(buffer, capacity, "configure module '%s' of host '%s'", step->module, step->host);
        break;
    }
}
