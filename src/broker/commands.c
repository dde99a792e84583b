/* SPDX-License-Identifier: MIT */
/* What a control client may ask: one row per command. */
#include "broker/commands.h"

#include "broker/commands_apply.h"
#include "broker/status.h"
#include "broker/supervisor.h"
#include "config/nearest.h"
#include "ipc/control.h"
#include "ipc/services.h"
#include "platform/process.h"

#include <stdlib.h>
#include <string.h>

/* Answers the command, now or later, exactly once. */
typedef void (*command_run)(umh_client *client, const umh_command *command);

typedef struct command_row {
    const char *name;
    command_run run;
} command_row;

static void refuse_failure(umh_client *client, int64_t id, int r)
{
    umh_why why = UMH_WHY_INIT;

    umh_why_set_failure(&why);
    umh_client_refuse(client, id, r, &why);
}

static void answer_or_fail(umh_client *client, int64_t id, umh_json *body)
{
    if (body)
        umh_client_answer(client, id, body);
    else
        umh_client_refuse(client, id, UMH_E_MEMORY, NULL);
}

/* --- the broker --------------------------------------------------------------------------- */

static void hello(umh_client *client, const umh_command *command)
{
    const umh_broker *broker = client->broker;

    answer_or_fail(client, command->id,
                   json_pack("{s:s, s:s, s:I, s:i, s:i, s:I}", "version", UMH_VERSION, "instance",
                             broker->options.instance, "pid", (json_int_t)umh_process_own_pid(),
                             "lowest", UMH_PROTOCOL_LOWEST, "highest", UMH_PROTOCOL_HIGHEST,
                             "max_message_bytes", (json_int_t)broker->max_message_bytes));
}

static void status(umh_client *client, const umh_command *command)
{
    umh_json *body = umh_status_describe(client->broker);

    if (body)
        umh_client_answer(client, command->id, body);
    else
        refuse_failure(client, command->id, UMH_E_MEMORY);
}

static void stop(umh_client *client, const umh_command *command)
{
    umh_broker *broker = client->broker;

    answer_or_fail(client, command->id, json_object());
    umh_broker_stop(broker, false);
}

/* --- modules ------------------------------------------------------------------------------ */

/* A client that waits for the outcome of load, unload or reload. */
typedef struct pending_command {
    umh_waiter waiter;
    umh_client *client;
    int64_t id;
} pending_command;

typedef int (*module_change)(umh_supervisor *supervisor, const char *host_id, const char *module,
                             umh_waiter *waiter, umh_why *ret_why);

/* Without what is not known. */
static umh_json *describe_end(const umh_module_end *end)
{
    umh_json *body = json_pack("{s:s}", "outcome", end->outcome);

    if (body && end->unloading_ms >= 0)
        umh_ignore(json_object_set_new(body, "unloading_ms", json_integer(end->unloading_ms)));
    if (body && end->why)
        umh_ignore(json_object_set_new(body, "held_by", umh_jsonc_text(end->why->text)));
    if (body && end->is_left_over)
        umh_ignore(json_object_set_new(body, "left_over", json_true()));
    if (body && end->explanation)
        umh_ignore(json_object_set_new(body, "explanation", json_deep_copy(end->explanation)));
    return body;
}

static void on_done(void *context, const umh_module_end *end)
{
    pending_command *pending = context;
    umh_client *client = pending->client;
    int64_t id = pending->id;

    free(pending);
    if (end->is_ok)
        answer_or_fail(client, id, describe_end(end));
    else
        umh_client_refuse(client, id, end->is_left_over ? UMH_E_REFUSED : UMH_E_MODULE, end->why);
}

/* {"replace":false}: for once, whatever the host's configuration says; and so with true. */
static umh_held_wish read_wish(const json_t *body)
{
    const json_t *replace = json_object_get(body, "replace");

    if (!json_is_boolean(replace))
        return HELD_AS_CONFIGURED;
    return json_is_true(replace) ? HELD_REPLACE : HELD_REFUSE;
}

static void change_module(umh_client *client, const umh_command *command, module_change change)
{
    const char *host = umh_jsonc_get_text(command->body, "host", NULL);
    const char *module = umh_jsonc_get_text(command->body, "module", NULL);
    pending_command *pending = NULL;
    umh_why why = UMH_WHY_INIT;
    int r;

    if (!host || !module) {
        umh_why_set(&why, "'%s' needs \"host\" and \"module\"", command->name);
        umh_client_refuse(client, command->id, UMH_E_USAGE, &why);
        return;
    }
    pending = calloc(1, sizeof(*pending));
    if (!pending) {
        umh_client_refuse(client, command->id, UMH_E_MEMORY, NULL);
        return;
    }
    umh_list_init(&pending->waiter.entry);
    pending->waiter.on_done = on_done;
    pending->waiter.context = pending;
    pending->waiter.held_wish = read_wish(command->body);
    pending->waiter.wants_explanation = umh_jsonc_get_bool(command->body, "explain", false);
    pending->client = client;
    pending->id = command->id;
    /* It may be done before the call returns, and both are gone then. */
    r = change(client->broker->supervisor, host, module, &pending->waiter, &why);
    if (r == 0)
        return;
    free(pending);
    if (r == UMH_SUPERVISOR_REFUSED)
        umh_client_refuse(client, command->id, UMH_E_REFUSED, &why);
    else
        refuse_failure(client, command->id, umh_fold(r));
}

static void load(umh_client *client, const umh_command *command)
{
    change_module(client, command, umh_supervisor_load);
}

static void unload(umh_client *client, const umh_command *command)
{
    change_module(client, command, umh_supervisor_unload);
}

static void reload(umh_client *client, const umh_command *command)
{
    change_module(client, command, umh_supervisor_reload);
}

static void reset(umh_client *client, const umh_command *command)
{
    const char *host = umh_jsonc_get_text(command->body, "host", NULL);
    umh_why why = UMH_WHY_INIT;
    bool starts = false;
    int r;

    if (!host) {
        umh_why_set(&why, "'reset' needs \"host\"");
        umh_client_refuse(client, command->id, UMH_E_USAGE, &why);
        return;
    }
    r = umh_supervisor_reset(client->broker->supervisor, host, &starts, &why);
    if (r == UMH_SUPERVISOR_REFUSED)
        umh_client_refuse(client, command->id, UMH_E_REFUSED, &why);
    else if (r)
        refuse_failure(client, command->id, umh_fold(r));
    else
        answer_or_fail(client, command->id,
                       json_pack("{s:s}", "outcome", starts ? "starts now" : "runs already"));
}

/* --- services and messages ---------------------------------------------------------------- */

static void explain_unknown(const umh_config *config, const char *text, umh_why *ret_why)
{
    umh_nearest nearest = UMH_NEAREST_OF(text);

    for (size_t i = 0; i < config->service_count; i++)
        umh_nearest_offer(&nearest, config->services[i].name);
    for (int id = 0; id < SERVICE_ID_COUNT; id++)
        umh_nearest_offer(&nearest, umh_service_name((umh_service_id)id));
    if (nearest.best)
        umh_why_set(ret_why, "there is no service '%.100s' (did you mean '%s'?)", text,
                    nearest.best);
    else
        umh_why_set(ret_why,
                    "'%.100s' is neither a GUID nor the name of a service; names are given under "
                    "\"Services\" in the configuration",
                    text);
}

/* Outcomes: UMH_GUID_BAD_TEXT (why). */
static int find_service(const umh_client *client, const char *text, umh_guid *ret_guid,
                        umh_why *ret_why)
{
    int r = umh_config_find_service(&client->broker->config, text, ret_guid);

    if (r == UMH_GUID_BAD_TEXT) {
        explain_unknown(&client->broker->config, text, ret_why);
        return UMH_GUID_BAD_TEXT;
    }
    return umh_fold(r);
}

/* All of them, or none and *ret_why. `guids` has room for UMH_SUBSCRIPTIONS_PER_MODULE_MAX. */
static bool find_services(const umh_client *client, const json_t *names, umh_guid *guids,
                          size_t *ret_count, umh_why *ret_why)
{
    size_t count = json_array_size(names);

    if (count == 0) {
        guids[0] = *umh_service_guid(SERVICE_ALL);
        *ret_count = 1;
        return true;
    }
    if (count > UMH_SUBSCRIPTIONS_PER_MODULE_MAX) {
        umh_why_set(ret_why, "more than %u services", UMH_SUBSCRIPTIONS_PER_MODULE_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *name = json_array_get(names, i);

        if (!json_is_string(name)) {
            umh_why_set(ret_why, "\"services\" is a list of names and GUIDs");
            return false;
        }
        if (find_service(client, json_string_value(name), &guids[i], ret_why) != 0)
            return false;
    }
    *ret_count = count;
    return true;
}

static umh_json *describe_guids(const umh_guid *guids, size_t count)
{
    umh_json *list = json_array();

    for (size_t i = 0; i < count; i++) {
        char text[UMH_GUID_TEXT_BYTES];

        umh_guid_encode(&guids[i], text);
        umh_ignore(json_array_append_new(list, json_string(text)));
    }
    return json_pack("{s:o}", "services", list);
}

static void subscribe(umh_client *client, const umh_command *command)
{
    umh_subscriptions *subscriptions = umh_router_subscriptions(client->broker->router);
    umh_guid guids[UMH_SUBSCRIPTIONS_PER_MODULE_MAX];
    umh_why why = UMH_WHY_INIT;
    size_t count = 0;
    int r = 0;

    if (!find_services(client, umh_jsonc_get_array(command->body, "services"), guids, &count,
                       &why)) {
        umh_client_refuse(client, command->id, UMH_E_USAGE, &why);
        return;
    }
    for (size_t i = 0; i < count && r == 0; i++)
        r = umh_subscriptions_add(subscriptions, &guids[i], &client->slot);
    if (r == UMH_SUBSCRIPTIONS_FULL) {
        umh_why_set(&why, "more than %u services", UMH_SUBSCRIPTIONS_PER_MODULE_MAX);
        umh_client_refuse(client, command->id, UMH_E_LIMIT, &why);
    } else if (r) {
        refuse_failure(client, command->id, umh_fold(r));
    } else {
        answer_or_fail(client, command->id, describe_guids(guids, count));
    }
}

static void resolve(umh_client *client, const umh_command *command)
{
    const char *name = umh_jsonc_get_text(command->body, "service", NULL);
    char text[UMH_GUID_TEXT_BYTES];
    umh_why why = UMH_WHY_INIT;
    umh_guid guid;

    if (!name)
        umh_why_set(&why, "'resolve' needs \"service\"");
    if (!name || find_service(client, name, &guid, &why) != 0) {
        umh_client_refuse(client, command->id, UMH_E_USAGE, &why);
        return;
    }
    umh_guid_encode(&guid, text);
    answer_or_fail(client, command->id, json_pack("{s:s}", "guid", text));
}

static void sync_messages(umh_client *client, const umh_command *command)
{
    umh_why refusal = client->refusal;
    uint64_t refused_count = client->refused_count;
    umh_json *body = json_pack("{s:I, s:i, s:I}", "taken", (json_int_t)client->taken_count,
                               "refused", 0, "reached", (json_int_t)client->reached_count);

    client->taken_count = 0;
    client->reached_count = 0;
    client->refused_count = 0;
    client->refusal = (umh_why)UMH_WHY_INIT;
    if (refused_count == 0) {
        answer_or_fail(client, command->id, body);
        return;
    }
    umh_json_free(body);
    umh_client_refuse(client, command->id, UMH_E_REFUSED, &refusal);
}

static void lost(umh_client *client, const umh_command *command)
{
    answer_or_fail(client, command->id,
                   json_pack("{s:I}", "count", (json_int_t)client->slot.counters.dropped_count));
}

/* --- the table ---------------------------------------------------------------------------- */

static const command_row rows[] = {
    {"hello", hello},
    {"status", status},
    {"plan", umh_command_plan},
    {"load", load},
    {"unload", unload},
    {"reload", reload},
    {"reset", reset},
    {"subscribe", subscribe},
    {"sync", sync_messages},
    {"resolve", resolve},
    {"lost", lost},
    {"stop", stop},
    {"apply", umh_command_apply},
};

static void refuse_unknown(umh_client *client, const umh_command *command)
{
    umh_nearest nearest = UMH_NEAREST_OF(command->name);
    umh_why why = UMH_WHY_INIT;

    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++)
        umh_nearest_offer(&nearest, rows[i].name);
    if (nearest.best)
        umh_why_set(&why, "there is no command '%s' (did you mean '%s'?)", command->name,
                    nearest.best);
    else
        umh_why_set(&why, "there is no command '%s'", command->name);
    umh_client_refuse(client, command->id, UMH_E_USAGE, &why);
}

int umh_commands_receive(umh_client *client, umh_bytes payload, umh_why *ret_why)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    int r = umh_command_decode(payload, &command, ret_why);

    if (r == UMH_CONTROL_BAD)
        return UMH_COMMANDS_VIOLATION;
    if (r)
        return umh_fold(r);
    client->pending_count++;
    for (size_t i = 0; i < UMH_COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, command.name) == 0) {
            rows[i].run(client, &command);
            return 0;
        }
    }
    refuse_unknown(client, &command);
    return 0;
}
