/* SPDX-License-Identifier: MIT */
/* How a process of a host ended. */
#include "broker/death.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[DEATH_KIND_COUNT] = {
    [DEATH_BY_EXIT] = "exit",           [DEATH_BY_SIGNAL] = "signal",
    [DEATH_AS_ASKED] = "asked",         [DEATH_BY_DEADLINE] = "deadline",
    [DEATH_BY_VIOLATION] = "violation", [DEATH_BY_LIMIT] = "limit",
    [DEATH_AT_START] = "start",
};

const char *umh_death_kind_name(umh_death_kind kind)
{
    umh_assert(kind < DEATH_KIND_COUNT);
    return kind_names[kind];
}

umh_death_kind umh_death_kind_of(const umh_process_end *end, bool was_asked)
{
    if (end->not_started != 0)
        return DEATH_AT_START;
    if (end->signal != 0)
        return DEATH_BY_SIGNAL;
    return was_asked && end->exit_code == 0 ? DEATH_AS_ASKED : DEATH_BY_EXIT;
}

void umh_death_begin(umh_death *death, umh_death_kind kind)
{
    *death = (umh_death){.kind = kind, .activity = ACTIVITY_NONE};
    umh_clock_wall_text(death->at);
}

void umh_death_add_culprit(umh_death *death, const char *module)
{
    size_t used = strlen(death->text);

    umh_text_put(death->module, sizeof(death->module), module);
    snprintf(death->text + used, sizeof(death->text) - used, "; unhandled exception of module %s",
             module);
}

void umh_death_add_program(umh_death *death, const char *module)
{
    size_t used = strlen(death->text);

    umh_text_put(death->module, sizeof(death->module), module);
    snprintf(death->text + used, sizeof(death->text) - used, "; ran the program %s", module);
}

void umh_death_add_activity(umh_death *death, const char *module, umh_activity activity,
                            uint64_t for_ms)
{
    size_t used = strlen(death->text);

    umh_text_put(death->module, sizeof(death->module), module);
    death->activity = activity;
    death->for_ms = for_ms;
    snprintf(death->text + used, sizeof(death->text) - used, "; was in %s.%s for %llu ms", module,
             umh_activity_name(activity), (unsigned long long)for_ms);
}

void umh_deaths_keep(umh_deaths *deaths, const umh_death *death)
{
    umh_death **item = &deaths->items[deaths->next];

    deaths->counts[death->kind]++;
    if (!*item)
        *item = malloc(sizeof(**item));
    if (!*item)
        return;
    **item = *death;
    deaths->next = (deaths->next + 1) % UMH_DEATHS_KEPT;
}

const umh_death *umh_deaths_peek(const umh_deaths *deaths, size_t ago)
{
    if (ago >= UMH_DEATHS_KEPT)
        return NULL;
    return deaths->items[(deaths->next + UMH_DEATHS_KEPT - 1 - ago) % UMH_DEATHS_KEPT];
}

void umh_deaths_deinit(umh_deaths *deaths)
{
    for (size_t i = 0; i < UMH_DEATHS_KEPT; i++)
        free(deaths->items[i]);
    *deaths = (umh_deaths)UMH_DEATHS_INIT;
}
