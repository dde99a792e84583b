/* SPDX-License-Identifier: MIT */
/* apply and plan, for a control client. */
#include "broker/commands_apply.h"

#include "broker/apply.h"
#include "broker/supervisor.h"
#include "platform/file.h"

#include <stdlib.h>
#include <string.h>

#define STEP_TEXT_BYTES 256

/* A client that waits for the outcome. */
typedef struct pending_apply {
    umh_client *client;
    int64_t id;
} pending_apply;

static void put(umh_json *object, const char *key, umh_json *value_take)
{
    /* What could not be made is missing at the other end. */
    umh_ignore(json_object_set_new(object, key, value_take));
}

static umh_json *list_texts(const char *const *texts, size_t count)
{
    umh_json *list = json_array();

    for (size_t i = 0; i < count; i++)
        umh_ignore(json_array_append_new(list, json_string(texts[i])));
    return list;
}

static umh_json *describe_problem(const umh_why *why)
{
    umh_json *problem = json_object();

    put(problem, "text", json_string(why->text));
    if (why->file[0])
        put(problem, "file", json_string(why->file));
    if (why->line > 0)
        put(problem, "line", json_integer(why->line));
    if (why->column > 0)
        put(problem, "column", json_integer(why->column));
    if (why->key[0])
        put(problem, "key", json_string(why->key));
    return problem;
}

static void on_done(void *context, const umh_apply_result *result)
{
    pending_apply *pending = context;
    umh_json *body = json_object();
    umh_json *problems = json_array();

    for (size_t i = 0; i < result->problems->count; i++)
        umh_ignore(json_array_append_new(problems, describe_problem(&result->problems->items[i])));
    put(body, "applied", json_boolean(result->is_applied));
    put(body, "steps", list_texts(result->steps, result->step_count));
    put(body, "pending", list_texts(result->pending, result->pending_count));
    put(body, "problems", problems);
    umh_client_answer(pending->client, pending->id, body);
    free(pending);
}

/* A client's folder is not the broker's. */
static bool is_absolute(const char *path)
{
    char absolute[UMH_PATH_BYTES];

    if (umh_file_absolute(path, absolute) == 0)
        return strcmp(path, absolute) == 0;
    umh_failure_take();
    return false;
}

static void ask(umh_client *client, const umh_command *command, bool is_plan)
{
    umh_apply_request request = {.path = umh_jsonc_get_text(command->body, "path", NULL),
                                 .host = umh_jsonc_get_text(command->body, "host", NULL),
                                 .is_plan = is_plan,
                                 .on_done = on_done};
    pending_apply *pending;
    umh_why why = UMH_WHY_INIT;
    int r;

    if (request.path && !is_absolute(request.path)) {
        umh_why_set(&why, "'%s' is no absolute path", request.path);
        umh_client_refuse(client, command->id, UMH_E_USAGE, &why);
        return;
    }
    pending = calloc(1, sizeof(*pending));
    if (!pending) {
        umh_client_refuse(client, command->id, UMH_E_MEMORY, NULL);
        return;
    }
    *pending = (pending_apply){client, command->id};
    request.context = pending;
    r = umh_apply_ask(client->broker->apply, &request);
    if (r == 0)
        return;
    free(pending);
    if (r == UMH_APPLY_REFUSED)
        umh_why_set(&why, "%u changes wait already, or the broker is stopping",
                    UMH_APPLY_WAITING_MAX);
    else
        umh_why_set_failure(&why);
    umh_client_refuse(client, command->id, r < 0 ? r : UMH_E_REFUSED, &why);
}

void umh_command_apply(umh_client *client, const umh_command *command)
{
    ask(client, command, false);
}

static void add_step(void *context, const umh_step *step)
{
    char text[STEP_TEXT_BYTES];

    umh_step_describe(step, text, sizeof(text));
    umh_ignore(json_array_append_new(context, json_string(text)));
}

static void plan_what_is_there(umh_client *client, const umh_command *command)
{
    umh_json *steps = json_array();
    umh_json *body = json_object();
    umh_why why = UMH_WHY_INIT;
    int r = umh_supervisor_each_step(client->broker->supervisor, NULL, add_step, steps);

    put(body, "applied", json_true());
    put(body, "steps", steps);
    put(body, "pending", json_array());
    put(body, "problems", json_array());
    if (r == 0) {
        umh_client_answer(client, command->id, body);
        return;
    }
    umh_json_free(body);
    umh_why_set_failure(&why);
    umh_client_refuse(client, command->id, r, &why);
}

void umh_command_plan(umh_client *client, const umh_command *command)
{
    if (umh_jsonc_get_text(command->body, "path", NULL))
        ask(client, command, true);
    else
        plan_what_is_there(client, command);
}
