/* SPDX-License-Identifier: MIT */
/*
 * A module that its process could not let go of: its host is replaced, or what is left of it stays
 * beside the other modules, as the configuration or the one who asked wants it.
 */
#include "broker/host_actions.h"

#include <stdio.h>
#include <string.h>

#define EXPLANATION_LINES_MAX 24u
#define EXPLANATION_LINE_BYTES 500u

/* For a terminal: what could move its cursor is a space. */
static void blank_controls(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
    }
}

/* A host is not believed how much it has to say, nor what. */
static void take_explanation(umh_host_module *module, const umh_json *lines)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};

    module->explanation = umh_json_free(module->explanation);
    if (json_array_size(lines) == 0)
        return;
    module->explanation = json_array();
    for (size_t i = 0; i < json_array_size(lines) && i < EXPLANATION_LINES_MAX; i++) {
        const char *text = json_string_value(json_array_get(lines, i));
        umh_why line = UMH_WHY_INIT;

        if (!text)
            continue;
        umh_why_set(&line, "%.*s", (int)EXPLANATION_LINE_BYTES, text);
        blank_controls(line.text);
        umh_ignore(json_array_append_new(module->explanation, umh_jsonc_text(line.text)));
        umh_logs_about(module->host->broker->logs, UMH_LOG_INFO, &about, "explained", &line);
    }
}

/* A program that is to come back needs another process: it has .NET in this one for good. */
static bool must_replace(const umh_host_module *module)
{
    return module->host->is_orderly ||
           (module->is_wanted && strcmp(module->loader, "program") == 0);
}

static bool may_replace(const umh_host_module *module)
{
    if (module->held_wish == HELD_AS_CONFIGURED)
        return module->host->config.on_held == ON_HELD_REPLACE;
    return module->held_wish == HELD_REPLACE;
}

/* A host that is on its way out anyway takes everything with it. */
static umh_module_event judge(umh_host_module *module, int64_t left)
{
    umh_host *host = module->host;
    char text[sizeof(module->why.text)];
    int r;

    if (must_replace(module) || may_replace(module))
        return ON_REPLACE;
    if (left <= 0)
        return ON_STUCK;
    r = umh_leftovers_add(&host->leftovers, left, module->name, module->why.text, module->copy);
    if (r == 0)
        return ON_LEFT;
    if (r < 0)
        umh_failure_take();
    umh_text_put(text, sizeof(text), module->why.text);
    umh_why_set(&module->why, "%s; with %llu modules left over already, no more may be left", text,
                (unsigned long long)host->leftovers.count);
    return ON_REPLACE;
}

void umh_module_take_held(umh_host_module *module, int64_t left, const umh_json *explanation)
{
    take_explanation(module, explanation);
    umh_module_happen(module, judge(module, left));
}

void umh_module_leave(umh_host_module *module)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};

    module->left_behind = module->why;
    umh_logs_about(module->host->broker->logs, UMH_LOG_WARNING, &about,
                   "could not be unloaded and is left over in memory", &module->why);
    /* Of the file that an image is of no second one can be had: another copy, another image. */
    if (strcmp(module->loader, "native") == 0) {
        umh_store_retire(module->copy);
        umh_store_unref(UMH_MOVE(module->copy));
    }
    umh_module_go_on(module);
}

/* Its process still has the module in the slot: an unload may be tried again, nothing else. */
void umh_module_stay(umh_host_module *module)
{
    umh_host *host = module->host;
    const umh_log_about about = {.host = host->id, .module = module->name};

    umh_deadline_clear(&module->deadline);
    umh_slot_set_gate(&module->slot, SLOT_SHUT);
    umh_subscriptions_remove_slot(umh_router_subscriptions(host->broker->router), &module->slot);
    module->left_behind = module->why;
    umh_why_set(&module->why, "stopped, but not unloaded: %s", module->left_behind.text);
    umh_logs_about(host->broker->logs, UMH_LOG_WARNING, &about, "failed", &module->why);
    umh_module_tell_waiters(module, true, "refused", NULL);
    umh_host_on_module_change(host);
}

void umh_module_tell_waiters(umh_host_module *module, bool is_ok, const char *outcome,
                             const umh_why *why)
{
    umh_json *explanation = UMH_MOVE(module->explanation);
    umh_module_end end = {.is_ok = is_ok,
                          .outcome = outcome,
                          .why = why,
                          .unloading_ms = module->unloading_ms,
                          .is_left_over = module->left_behind.text[0] != '\0',
                          .explanation = explanation};
    const umh_why nothing = UMH_WHY_INIT;
    umh_why left_behind = module->left_behind;
    umh_list waiters;

    /* Who is told may ask for the next thing at once. */
    umh_list_init(&waiters);
    umh_list_each (item, &module->waiters) {
        umh_list_remove(item);
        umh_list_push_back(&waiters, item);
    }
    if (is_ok && module->is_replaced) {
        end.outcome = "replaced";
        end.why = module->held_by.text[0] ? &module->held_by : NULL;
    } else if (is_ok && end.is_left_over) {
        end.outcome = module->is_wanted ? outcome : "refused";
        end.why = &left_behind;
    }
    module->left_behind = nothing;
    module->held_wish = HELD_AS_CONFIGURED;
    module->wants_explanation = false;
    module->is_replaced = false;
    module->unloading_ms = -1;
    umh_list_each (item, &waiters) {
        umh_waiter *waiter = umh_container_of(item, umh_waiter, entry);

        umh_list_remove(item);
        waiter->on_done(waiter->context, &end);
    }
    umh_json_free(explanation);
}
