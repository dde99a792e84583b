/* SPDX-License-Identifier: MIT */
/*
 * Questions to a host and what its answers mean. A question is known by its number, which is this
 * process's own; one is open per module, and one for init.
 */
#include "broker/handshake.h"

#include "broker/host_actions.h"
#include "broker/host_runtime.h"
#include "config/modules.h"
#include "ipc/control.h"
#include "ipc/services.h"

#include <string.h>

typedef enum question_lane { LANE_CONTROL, LANE_IN_ORDER } question_lane;

/* One command on its way to a host. */
typedef struct host_question {
    umh_service_id service;
    const char *name;
    uint16_t slot;
    question_lane lane;
    int64_t id; /* 0: no answer */
} host_question;

/* --- asking ------------------------------------------------------------------------------- */

/* `body` is taken; it may be NULL. Nobody to ask: nothing happens, the death that follows tells. */
static int ask(umh_host *host, const host_question *question, umh_json *body)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_frame frame = {.version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_MESSAGE,
                       .service = *umh_service_guid(question->service),
                       .session = host->session,
                       .source_slot = UMH_SLOT_NONE,
                       .slot = question->slot,
                       .source_session = UMH_SESSION_OWN};
    umh_outbox *outbox = umh_peer_outbox(host->peer);
    int r = umh_command_encode_take(question->id, question->name, body, &payload);

    if (r == UMH_BUFFER_FULL)
        return UMH_FAIL(UMH_E_LIMIT, "'%s' for host '%s' is longer than %u bytes", question->name,
                        host->id, UMH_COMMAND_BYTES_MAX);
    if (r || !outbox)
        return umh_fold(r);
    frame.payload_bytes = (uint32_t)payload.size;
    if (question->lane == LANE_IN_ORDER)
        umh_outbox_in_order(outbox, &frame, umh_bytes_of(payload.data, payload.size));
    else
        umh_outbox_control(outbox, &frame, umh_bytes_of(payload.data, payload.size));
    return 0;
}

/* What cannot be said is a failure of the module, like an error that the host answers. */
static void ask_module(umh_host_module *module, const char *name, question_lane lane,
                       umh_json *body)
{
    host_question question = {.service = SERVICE_MODULE_META,
                              .name = name,
                              .slot = module->slot.number,
                              .lane = lane,
                              .id = module->host->next_command_id++};
    int r = ask(module->host, &question, body);

    if (r) {
        umh_why_set_failure(&module->why);
        umh_module_happen(module, ON_ERROR);
        return;
    }
    module->command_id = question.id;
}

static void put(umh_json *body, const char *key, umh_json *value_take)
{
    /* A value that could not be made is missing at the other end, which says so. */
    umh_ignore(json_object_set_new(body, key, value_take));
}

static umh_json *describe_host(umh_host *host)
{
    const umh_broker *broker = host->broker;
    umh_json *body = json_object();
    char managed[UMH_PATH_BYTES] = "";
    char guid[UMH_GUID_TEXT_BYTES];

    umh_guid_encode(&host->service, guid);
    umh_ignore(umh_file_join(broker->installation, "lib/umh/managed", managed));
    put(body, "name", json_string(host->id));
    put(body, "number", json_integer(host->number));
    put(body, "guid", json_string(guid));
    put(body, "session", json_integer(host->session));
    put(body, "kind", json_string(host->config.ui ? "ui" : "modules"));
    put(body, "max_message_bytes", json_integer(broker->max_message_bytes));
    put(body, "window_bytes", json_integer(UMH_WINDOW_BYTES));
    put(body, "dotnet_root", json_string(umh_host_find_dotnet(host)));
    put(body, "managed_folder", json_string(managed));
    put(body, "diagnostics", json_boolean(host->config.dotnet.diagnostics));
    put(body, "log_level",
        json_string(umh_log_level_name((umh_log_level)broker->config.log_level)));
    return body;
}

void umh_handshake_init(umh_host *host)
{
    host_question question = {.service = SERVICE_HOST_INIT,
                              .name = "init",
                              .slot = UMH_SLOT_NONE,
                              .lane = LANE_CONTROL,
                              .id = host->next_command_id++};
    umh_why why = UMH_WHY_INIT;

    host->hello_id = question.id;
    if (ask(host, &question, describe_host(host)) == 0)
        return;
    umh_why_set_failure(&why);
    umh_host_kill(host, DEATH_AT_START, "could not be told what it is: %s", why.text);
}

static umh_json *list_arguments(const umh_module_config *config)
{
    umh_json *list = json_array();

    for (size_t i = 0; i < config->argument_count; i++)
        umh_ignore(json_array_append_new(list, json_string(config->arguments[i])));
    return list;
}

void umh_handshake_load(umh_host_module *module)
{
    umh_json *body = json_object();

    put(body, "slot", json_integer(module->slot.number));
    put(body, "name", json_string(module->name));
    put(body, "path", json_string(umh_store_path(module->copy)));
    put(body, "folder", json_string(umh_store_folder(module->copy)));
    put(body, "original_folder", json_string(umh_store_original(module->copy)->folder));
    put(body, "config", json_string(module->config.config));
    if (module->left_state)
        put(body, "state", json_string(module->left_state));
    if (module->config.argument_count > 0)
        put(body, "arguments", list_arguments(&module->config));
    if (umh_host_runtime_config(module->host))
        put(body, "runtime_config", json_string(umh_host_runtime_config(module->host)));
    put(body, "tells_failures", json_boolean(module->config.on_exception != ON_EXCEPTION_LOG));
    ask_module(module, "load", LANE_CONTROL, body);
}

void umh_handshake_start(umh_host_module *module)
{
    ask_module(module, "start", LANE_CONTROL, NULL);
}

void umh_handshake_configure(umh_host_module *module)
{
    umh_json *body = json_object();

    put(body, "config", json_string(module->config.config));
    ask_module(module, "configure", LANE_CONTROL, body);
}

void umh_handshake_stop(umh_host_module *module)
{
    umh_json *body = json_object();

    put(body, "reload", json_boolean(module->is_reloading && module->is_wanted));
    ask_module(module, "stop", LANE_IN_ORDER, body);
}

void umh_handshake_unload(umh_host_module *module)
{
    umh_json *body = json_object();

    put(body, "explain", json_boolean(module->wants_explanation));
    ask_module(module, "unload", LANE_CONTROL, body);
}

void umh_handshake_exit(umh_host *host)
{
    host_question question = {.service = SERVICE_MODULE_META,
                              .name = "exit",
                              .slot = UMH_SLOT_NONE,
                              .lane = LANE_CONTROL,
                              .id = 0};

    /* Unsaid, its deadline closes the pipe. */
    umh_ignore(ask(host, &question, NULL));
}

/* --- answers ------------------------------------------------------------------------------ */

/*
 * `r` of decoding: what is wrong with it, as something that the host did. Outcomes:
 * UMH_HANDSHAKE_VIOLATION.
 */
static int judge_decoded(int r, const char *what, umh_why *why)
{
    char text[sizeof(why->text)];

    if (r < 0)
        umh_why_set_failure(why);
    if (r == 0)
        return 0;
    umh_text_put(text, sizeof(text), why->text);
    umh_why_set(why, "sent %s that cannot be read: %s", what, text);
    return UMH_HANDSHAKE_VIOLATION;
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int take_hello(umh_host *host, const umh_answer *answer, umh_why *ret_why)
{
    int64_t lowest = umh_jsonc_get_integer(answer->body, "lowest", 0);
    int64_t highest = umh_jsonc_get_integer(answer->body, "highest", 0);
    int64_t bits = umh_jsonc_get_integer(answer->body, "bits", 0);
    int64_t wanted_bits = host->config.wow64 ? 32 : 64;

    host->hello_id = 0;
    if (!answer->is_ok)
        umh_why_set(ret_why, "could not begin: %s", answer->why.text);
    else if (lowest > UMH_PROTOCOL_HIGHEST || highest < UMH_PROTOCOL_LOWEST || lowest > highest)
        umh_why_set(ret_why, "speaks protocol versions %lld to %lld, the broker %d to %d",
                    (long long)lowest, (long long)highest, UMH_PROTOCOL_LOWEST,
                    UMH_PROTOCOL_HIGHEST);
    else if (bits != wanted_bits && !host->is_outdated)
        umh_why_set(ret_why, "is a %lld-bit host where a %lld-bit one belongs", (long long)bits,
                    (long long)wanted_bits);
    if (ret_why->text[0])
        return UMH_HANDSHAKE_VIOLATION;
    umh_host_happen(host, ON_HELLO);
    return 0;
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int subscribe(umh_host_module *module, const char *text, bool is_wanted, umh_why *ret_why)
{
    umh_subscriptions *subscriptions = umh_router_subscriptions(module->host->broker->router);
    umh_guid service;
    int r;

    if (!text || umh_guid_decode(umh_bytes_of_text(text), &service) != 0) {
        umh_why_set(ret_why, "subscribed module %s to what is no service", module->name);
        return UMH_HANDSHAKE_VIOLATION;
    }
    if (!is_wanted) {
        umh_subscriptions_remove(subscriptions, &service, &module->slot);
        return 0;
    }
    r = umh_subscriptions_add(subscriptions, &service, &module->slot);
    if (r == UMH_SUBSCRIPTIONS_FULL)
        umh_why_set(ret_why, "subscribed module %s to more than %u services", module->name,
                    UMH_SUBSCRIPTIONS_PER_MODULE_MAX);
    else if (r)
        umh_why_set_failure(ret_why);
    return r ? UMH_HANDSHAKE_VIOLATION : 0;
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int take_loaded(umh_host_module *module, const umh_answer *answer, umh_why *ret_why)
{
    const json_t *services = umh_jsonc_get_array(answer->body, "services");

    umh_text_put(module->version, sizeof(module->version),
                 umh_jsonc_get_text(answer->body, "version", ""));
    umh_text_put(module->loader, sizeof(module->loader),
                 umh_jsonc_get_text(answer->body, "loader", ""));
    for (size_t i = 0; i < json_array_size(services); i++) {
        const char *text = json_string_value(json_array_get(services, i));

        if (subscribe(module, text, true, ret_why) != 0)
            return UMH_HANDSHAKE_VIOLATION;
    }
    umh_module_happen(module, ON_LOADED);
    return 0;
}

static void take_configured(umh_host_module *module, const umh_answer *answer)
{
    if (umh_jsonc_get_bool(answer->body, "is_taken", false)) {
        umh_module_happen(module, ON_CONFIGURED);
        return;
    }
    umh_why_set(&module->why, "%s",
                umh_jsonc_get_text(answer->body, "why", "its host does not say why"));
    umh_module_happen(module, ON_NOT_TAKEN);
}

static void note_unloaded(umh_host_module *module, int64_t took_ms)
{
    const umh_log_about about = {.host = module->host->id, .module = module->name};
    const umh_why nothing = UMH_WHY_INIT;
    umh_why took = UMH_WHY_INIT;

    module->held_by = nothing;
    module->unloading_ms = took_ms;
    umh_why_set(&took, "in %lld ms", (long long)took_ms);
    umh_logs_about(module->host->broker->logs, UMH_LOG_INFO, &about, "unloaded", &took);
}

static void take_unloaded(umh_host_module *module, const umh_answer *answer)
{
    const char *outcome = umh_jsonc_get_text(answer->body, "outcome", "replace");

    if (strcmp(outcome, "unloaded") == 0) {
        note_unloaded(module, umh_jsonc_get_integer(answer->body, "took_ms", 0));
        umh_module_happen(module, ON_UNLOADED);
        return;
    }
    umh_why_set(&module->why, "%s",
                umh_jsonc_get_text(answer->body, "why", "its host does not say why"));
    umh_module_take_held(module, umh_jsonc_get_integer(answer->body, "left", 0),
                         umh_jsonc_get_array(answer->body, "explanation"));
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int take_module_answer(umh_host_module *module, const umh_answer *answer, umh_why *ret_why)
{
    module->command_id = 0;
    if (!answer->is_ok) {
        module->why = answer->why;
        umh_module_happen(module, ON_ERROR);
        return 0;
    }
    switch (module->state) {
    case SLOT_LOADING:
        return take_loaded(module, answer, ret_why);
    case SLOT_STARTING:
        umh_module_happen(module, ON_MODULE_STARTED);
        return 0;
    case SLOT_CONFIGURING:
        take_configured(module, answer);
        return 0;
    case SLOT_STOPPING:
        umh_module_keep_left_state(module, umh_jsonc_get_text(answer->body, "state", NULL));
        umh_module_happen(module, ON_STOPPED);
        return 0;
    case SLOT_UNLOADING:
        take_unloaded(module, answer);
        return 0;
    default:
        return 0;
    }
}

static umh_host_module *find_asked(const umh_host *host, int64_t id)
{
    for (uint16_t i = 0; id != 0 && i < host->module_count; i++) {
        if (host->modules[i] && host->modules[i]->command_id == id)
            return host->modules[i];
    }
    return NULL;
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int receive_answer(umh_host *host, umh_bytes payload, umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    umh_host_module *module;
    int r = umh_answer_decode(payload, &answer, ret_why);

    if (judge_decoded(r, "an answer", ret_why) != 0)
        return UMH_HANDSHAKE_VIOLATION;
    if (host->hello_id != 0 && answer.id == host->hello_id)
        return take_hello(host, &answer, ret_why);
    module = find_asked(host, answer.id);
    if (module)
        return take_module_answer(module, &answer, ret_why);
    umh_why_set(ret_why, "answered a question that nobody asked (%lld)", (long long)answer.id);
    return UMH_HANDSHAKE_VIOLATION;
}

/* --- commands ----------------------------------------------------------------------------- */

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int hear_subscribe(umh_host_module *module, const json_t *body, umh_why *ret_why)
{
    return subscribe(module, umh_jsonc_get_text(body, "service", NULL), true, ret_why)
               ? UMH_HANDSHAKE_VIOLATION
               : 0;
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int hear_unsubscribe(umh_host_module *module, const json_t *body, umh_why *ret_why)
{
    return subscribe(module, umh_jsonc_get_text(body, "service", NULL), false, ret_why)
               ? UMH_HANDSHAKE_VIOLATION
               : 0;
}

static int hear_failed(umh_host_module *module, const json_t *body, umh_why *ret_why)
{
    UMH_UNUSED(ret_why);
    umh_module_on_exception(module, umh_jsonc_get_text(body, "why", "it does not say why"));
    return 0;
}

static int hear_reload(umh_host_module *module, const json_t *body, umh_why *ret_why)
{
    UMH_UNUSED(body);
    UMH_UNUSED(ret_why);
    umh_module_on_reload_asked(module);
    return 0;
}

/* The user closed the window: the host ends in order, and its policy says what follows. */
static int hear_closed(umh_host_module *module, const json_t *body, umh_why *ret_why)
{
    umh_host *host = module->host;

    UMH_UNUSED(ret_why);
    /* Said again it is no news, and nothing for the log. */
    if (host->was_closed)
        return 0;
    umh_logs_say(host->broker->logs, UMH_LOG_INFO, host->id,
                 "the user interface of %s has ended with code %lld: the host ends", module->name,
                 (long long)umh_jsonc_get_integer(body, "code", 0));
    host->was_closed = true;
    umh_host_happen(host, ON_STOP);
    return 0;
}

/* One it was replaced for, or that it forgot meanwhile, is no lie. */
static void hear_gone(umh_host *host, const json_t *body)
{
    umh_ignore(umh_leftovers_remove(&host->leftovers, umh_jsonc_get_integer(body, "left", 0)));
}

/* What a host may tell: one row per command. */
typedef struct told_row {
    const char *name;
    int (*hear)(umh_host_module *module, const json_t *body, umh_why *ret_why);
} told_row;

static const told_row told_rows[] = {
    {"subscribe", hear_subscribe}, {"unsubscribe", hear_unsubscribe}, {"failed", hear_failed},
    {"reload", hear_reload},       {"closed", hear_closed},
};

static const told_row *find_row(const char *name)
{
    for (size_t i = 0; i < UMH_COUNT_OF(told_rows); i++) {
        if (strcmp(told_rows[i].name, name) == 0)
            return &told_rows[i];
    }
    return NULL;
}

/* Outcomes: UMH_HANDSHAKE_VIOLATION. */
static int receive_command(umh_host *host, umh_bytes payload, umh_why *ret_why)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    const told_row *row;
    umh_host_module *module;
    int64_t slot;
    int r = umh_command_decode(payload, &command, ret_why);

    if (judge_decoded(r, "a command", ret_why) != 0)
        return UMH_HANDSHAKE_VIOLATION;
    /* About no slot: that may be another module's by now. */
    if (strcmp(command.name, "gone") == 0 && host->hello_id == 0) {
        hear_gone(host, command.body);
        return 0;
    }
    row = find_row(command.name);
    slot = umh_jsonc_get_integer(command.body, "slot", UMH_SLOT_NONE);
    module = slot >= 0 && slot < host->module_count ? host->modules[slot] : NULL;
    if (!row || !module || host->hello_id != 0) {
        umh_why_set(ret_why, "sent the command '%s' for slot %lld", command.name, (long long)slot);
        return UMH_HANDSHAKE_VIOLATION;
    }
    /* A thread of a module may outlive its end by a moment: that is no lie, and of no effect. */
    if (module->state < SLOT_LOADING || module->state > SLOT_STOPPING)
        return 0;
    return row->hear(module, command.body, ret_why) ? UMH_HANDSHAKE_VIOLATION : 0;
}

int umh_handshake_receive(umh_host *host, const umh_frame *frame, umh_bytes payload,
                          umh_why *ret_why)
{
    bool is_answer = frame->kind == FRAME_ANSWER;
    umh_bytes text;
    int r;

    if (umh_frame_text(frame, payload, &text) != 0) {
        umh_why_set(ret_why, "sent %s whose extensions do not add up",
                    is_answer ? "an answer" : "a command");
        return UMH_HANDSHAKE_VIOLATION;
    }
    r = is_answer ? receive_answer(host, text, ret_why) : receive_command(host, text, ret_why);
    return r ? UMH_HANDSHAKE_VIOLATION : 0;
}
