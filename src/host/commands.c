/* SPDX-License-Identifier: MIT */
/* The rows of what a broker may ask, and what each does. */
#include "host/commands.h"

#include "host/host.h"
#include "host/logger.h"
#include "ipc/control.h"
#include "ipc/services.h"
#include "platform/process.h"

#include <string.h>

/* When a command to a slot is legal, a bit each. */
enum {
    WHEN_EMPTY = 1 << 0,
    WHEN_LOADED = 1 << 1,
    WHEN_STARTED = 1 << 2,
    WHEN_STOPPED = 1 << 3,
    WHEN_FAILED = 1 << 4,
};

/* One command on its way to its answer. */
typedef struct slot_call {
    umh_host *host;
    uint16_t slot;
    const umh_command *command;
    umh_module *module; /* NULL: the slot is empty */
} slot_call;

typedef struct slot_row {
    const char *name;
    unsigned when;
    int (*run)(const slot_call *call);
} slot_row;

static int answer_take(umh_host *host, int64_t id, json_t *body)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    int r;

    if (id == 0) {
        json_decref(body);
        return 0;
    }
    r = umh_answer_encode_take(id, body, &payload);
    if (r == 0)
        r = umh_outbox_answer(host->outbox, umh_bytes_of(payload.data, payload.size));
    return umh_fold(r);
}

static int answer_error(umh_host *host, int64_t id, int code, const umh_why *why)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    int r;

    if (id == 0)
        return 0;
    r = umh_answer_encode_error(id, code, why, &payload);
    if (r == 0)
        r = umh_outbox_answer(host->outbox, umh_bytes_of(payload.data, payload.size));
    return umh_fold(r);
}

/* `r` of a module's function; its failures cost no more than the module. */
static int answer_unusable(const slot_call *call, int r, umh_why *why)
{
    if (r < 0)
        umh_why_set_failure(why);
    return answer_error(call->host, call->command->id, r < 0 ? r : UMH_E_MODULE, why);
}

/* It may have published before it failed, and when it was stopped for that: those come first. */
static int answer_unstarted(const slot_call *call, int r, umh_why *why)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    int code = r < 0 ? r : UMH_E_MODULE;

    if (r < 0)
        umh_why_set_failure(why);
    if (call->command->id == 0)
        return 0;
    r = umh_answer_encode_error(call->command->id, code, why, &payload);
    if (r == 0)
        r = umh_outbox_finish_slot(call->host->outbox, call->slot,
                                   umh_bytes_of(payload.data, payload.size));
    return umh_fold(r);
}

/* A value that could not be made (no memory, a module's name that is not text) is left out. */
static void put_take(json_t *body, const char *key, json_t *value)
{
    umh_ignore(json_object_set_new(body, key, value));
}

static void put_milliseconds(json_t *body, uint64_t since_ns)
{
    put_take(body, "took_ms",
             json_integer((json_int_t)((umh_clock_now_ns() - since_ns) / UMH_NS_PER_MS)));
}

static json_t *list_services(const umh_module_facts *facts)
{
    json_t *services = json_array();
    char text[UMH_GUID_TEXT_BYTES];

    for (size_t i = 0; i < facts->service_count; i++) {
        umh_guid_encode(&facts->services[i], text);
        umh_ignore(json_array_append_new(services, json_string(text)));
    }
    return services;
}

/* What is no text is none: the broker checked the file that they are from. */
static size_t read_arguments(const json_t *body, const char **arguments)
{
    const json_t *list = umh_jsonc_get_array(body, "arguments");
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(list) && count < UMH_PROGRAM_ARGUMENTS_MAX; i++) {
        arguments[count] = json_string_value(json_array_get(list, i));
        count += arguments[count] != NULL;
    }
    return count;
}

static int load_module(const slot_call *call)
{
    const json_t *body = call->command->body;
    const char *arguments[UMH_PROGRAM_ARGUMENTS_MAX];
    umh_module_spec spec = {
        .host = call->host,
        .slot = call->slot,
        .name = umh_jsonc_get_text(body, "name", ""),
        .path = umh_jsonc_get_text(body, "path", ""),
        .folder = umh_jsonc_get_text(body, "folder", ""),
        .original_folder = umh_jsonc_get_text(body, "original_folder", ""),
        .config = umh_jsonc_get_text(body, "config", "{}"),
        .state = umh_jsonc_get_text(body, "state", NULL),
        .runtime_config = umh_jsonc_get_text(body, "runtime_config", NULL),
        .tells_failures = umh_jsonc_get_bool(body, "tells_failures", false),
        .arguments = arguments,
        .argument_count = read_arguments(body, arguments),
    };
    uint64_t began_ns = umh_clock_now_ns();
    umh_why why = UMH_WHY_INIT;
    umh_module_facts facts;
    umh_module *module;
    json_t *answer;
    int r;

    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_LOADING);
    r = umh_module_load(&spec, &facts, &module, &why);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_NONE);
    if (r)
        return answer_unusable(call, r, &why);
    umh_dispatch_set_module(call->host->dispatch, call->slot, module);
    answer = json_object();
    put_take(answer, "name", json_string(facts.name));
    put_take(answer, "version", json_string(facts.version));
    put_take(answer, "services", list_services(&facts));
    put_take(answer, "loader", json_string(umh_module_loader_name(module)));
    put_milliseconds(answer, began_ns);
    return answer_take(call->host, call->command->id, answer);
}

static int start_module(const slot_call *call)
{
    umh_why why = UMH_WHY_INIT;
    int r;

    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_START);
    r = umh_module_start(call->module, &why);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_NONE);
    if (r)
        return answer_unstarted(call, r, &why);
    return answer_take(call->host, call->command->id, NULL);
}

static int stop_module(const slot_call *call)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    json_t *answer = NULL;
    int r;

    if (umh_jsonc_get_bool(call->command->body, "reload", false))
        umh_module_expect_successor(call->module);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_STOP);
    umh_module_stop(call->module);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_NONE);
    if (call->command->id == 0)
        return 0;
    if (umh_module_left_state(call->module)) {
        answer = json_object();
        put_take(answer, "state", umh_jsonc_text(umh_module_left_state(call->module)));
    }
    r = umh_answer_encode_take(call->command->id, answer, &payload);
    if (r == 0)
        r = umh_outbox_finish_slot(call->host->outbox, call->slot,
                                   umh_bytes_of(payload.data, payload.size));
    return umh_fold(r);
}

static int configure_module(const slot_call *call)
{
    const char *config = umh_jsonc_get_text(call->command->body, "config", "{}");
    umh_why why = UMH_WHY_INIT;
    json_t *answer = json_object();
    int r;

    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_CONFIGURE);
    r = umh_module_configure(call->module, config, &why);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_NONE);
    if (r < 0)
        umh_why_set_failure(&why);
    put_take(answer, "is_taken", json_boolean(r == 0));
    if (r)
        put_take(answer, "why", json_string(why.text));
    return answer_take(call->host, call->command->id, answer);
}

/* Outcomes: UMH_MODULE_STILL_THERE. The slot is empty unless a thread stood in the way. */
static int unload(const slot_call *call, umh_unloading *unloading)
{
    umh_dispatch *dispatch = call->host->dispatch;
    int r;

    if (umh_module_is_native(call->module) &&
        !umh_dispatch_retire_callers(dispatch, call->slot, umh_clock_deadline_ns(UMH_RETIRE_MS))) {
        umh_why_set(&unloading->why,
                    "a thread that called it has not come back from another module");
        return UMH_MODULE_STILL_THERE;
    }
    umh_dispatch_set_module(dispatch, call->slot, NULL);
    r = umh_module_unload_take(call->module, unloading);
    return r == UMH_MODULE_STILL_THERE ? UMH_MODULE_STILL_THERE : umh_fold(r);
}

static json_t *list_lines(const char *lines)
{
    json_t *list = json_array();

    while (*lines) {
        size_t size = strcspn(lines, "\n");
        char *line = umh_text_copy_bytes(lines, size);

        if (line && *line)
            umh_ignore(json_array_append_new(list, umh_jsonc_text(line)));
        umh_text_free(line);
        lines += size + (lines[size] == '\n');
    }
    return list;
}

static int unload_module(const slot_call *call)
{
    uint64_t began_ns = umh_clock_now_ns();
    umh_unloading unloading = {.left = 0};
    json_t *answer = json_object();
    int r;

    unloading.wants_explanation = umh_jsonc_get_bool(call->command->body, "explain", false);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_UNLOADING);
    r = unload(call, &unloading);
    umh_dispatch_note(call->host->dispatch, call->slot, ACTIVITY_NONE);
    if (r < 0)
        umh_why_set_failure(&unloading.why);
    put_take(answer, "outcome", json_string(r ? "replace" : "unloaded"));
    if (r)
        put_take(answer, "why", json_string(unloading.why.text));
    if (unloading.left > 0)
        put_take(answer, "left", json_integer(unloading.left));
    if (unloading.explanation)
        put_take(answer, "explanation", list_lines(unloading.explanation));
    umh_unloading_deinit(&unloading);
    put_milliseconds(answer, began_ns);
    return answer_take(call->host, call->command->id, answer);
}

static const slot_row slot_rows[] = {
    {"load", WHEN_EMPTY, load_module},
    {"start", WHEN_LOADED, start_module},
    {"configure", WHEN_LOADED | WHEN_STARTED, configure_module},
    {"stop", WHEN_LOADED | WHEN_STARTED, stop_module},
    {"unload", WHEN_STOPPED | WHEN_FAILED, unload_module},
};

static unsigned when_is_now(const umh_module *module)
{
    if (!module)
        return WHEN_EMPTY;
    switch (umh_module_get_state(module)) {
    case MODULE_LOADED:
        return WHEN_LOADED;
    case MODULE_STARTED:
        return WHEN_STARTED;
    case MODULE_STOPPED:
        return WHEN_STOPPED;
    case MODULE_FAILED:
        return WHEN_FAILED;
    }
    return 0;
}

static const slot_row *find_slot_row(const char *name)
{
    for (size_t i = 0; i < UMH_COUNT_OF(slot_rows); i++) {
        if (strcmp(slot_rows[i].name, name) == 0)
            return &slot_rows[i];
    }
    return NULL;
}

/*
 * What is no command cannot be answered, for there is no number to answer to: it is said.
 * Outcomes: UMH_CONTROL_BAD.
 */
static int decode(umh_bytes payload, umh_command *ret_command)
{
    umh_why why = UMH_WHY_INIT;
    int r = umh_command_decode(payload, ret_command, &why);

    if (r != UMH_CONTROL_BAD)
        return umh_fold(r);
    umh_logger_say(UMH_LOG_WARNING, NULL, "the broker sent what is no command: %s", why.text);
    return UMH_CONTROL_BAD;
}

int umh_commands_on_slot(umh_host *host, uint16_t slot, umh_bytes payload)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    slot_call call = {.host = host, .slot = slot, .command = &command};
    umh_why why = UMH_WHY_INIT;
    const slot_row *row;
    int r;

    r = decode(payload, &command);
    if (r == UMH_CONTROL_BAD)
        return 0;
    if (r)
        return umh_fold(r);
    call.module = umh_dispatch_get_module(host->dispatch, slot);
    row = find_slot_row(command.name);
    if (row && host->is_initialised && (row->when & when_is_now(call.module)))
        return row->run(&call);
    umh_why_set(&why, "slot %u of '%s': %s '%s'", slot, host->name,
                row ? "this is not the time to" : "there is no command", command.name);
    return answer_error(host, command.id, UMH_E_PROTOCOL, &why);
}

/* Every module has stopped: what they said last goes out, if the broker still reads. */
static void end_host(umh_host *host)
{
    umh_outbox_drain(host->outbox, umh_clock_deadline_ns(UMH_EXIT_FLUSH_MS));
    umh_host_end(host, atomic_load(&host->exit_code));
}

static int exit_host(umh_host *host, const umh_command *command)
{
    UMH_UNUSED(command);
    return umh_dispatch_command_all(host->dispatch, umh_bytes_of_text("{\"id\":0,\"do\":\"stop\"}"),
                                    end_host);
}

static void take_facts(umh_host *host, const json_t *body)
{
    const char *level = umh_jsonc_get_text(body, "log_level", "");
    const char *guid = umh_jsonc_get_text(body, "guid", "");

    umh_text_put(host->name, sizeof(host->name), umh_jsonc_get_text(body, "name", ""));
    umh_ignore(umh_guid_decode(umh_bytes_of_text(guid), &host->service));
    host->number = (uint32_t)umh_jsonc_get_integer(body, "number", 0);
    host->session = (uint32_t)umh_jsonc_get_integer(body, "session", UMH_SESSION_OWN);
    host->max_message_bytes =
        (uint32_t)umh_jsonc_get_integer(body, "max_message_bytes", UMH_MESSAGE_BYTES_DEFAULT);
    host->window_bytes = (uint64_t)umh_jsonc_get_integer(body, "window_bytes", UMH_WINDOW_BYTES);
    umh_ignore(umh_log_level_find(level, &host->log_level));
    umh_outbox_limit(host->outbox, host->max_message_bytes);
    umh_dispatch_limit(host->dispatch, host->max_message_bytes, host->window_bytes);
}

/* From here on the main thread waits for the first managed module, or for a user interface. */
static int make_managed(umh_host *host, const json_t *body)
{
    umh_main_thread *main_thread = NULL;
    umh_managed *managed;
    int r;

    r = umh_managed_new(umh_jsonc_get_text(body, "dotnet_root", ""),
                        umh_jsonc_get_text(body, "managed_folder", ""),
                        umh_jsonc_get_bool(body, "diagnostics", false), &managed);
    if (r == 0 && strcmp(umh_jsonc_get_text(body, "kind", ""), "ui") == 0)
        r = umh_main_thread_new(&main_thread);
    if (r)
        return umh_fold(r);
    umh_lock_take(host->lock);
    host->main_thread = main_thread;
    host->managed = managed;
    umh_condition_wake_all(host->initialised);
    umh_lock_release(host->lock);
    return 0;
}

static int init_host(umh_host *host, const umh_command *command)
{
    json_t *hello = json_object();
    int r;

    take_facts(host, command->body);
    r = make_managed(host, command->body);
    if (r) {
        json_decref(hello);
        return umh_fold(r);
    }
    host->is_initialised = true;
    put_take(hello, "lowest", json_integer(UMH_PROTOCOL_LOWEST));
    put_take(hello, "highest", json_integer(UMH_PROTOCOL_HIGHEST));
    put_take(hello, "bits", json_integer(umh_process_own_bits()));
    put_take(hello, "pid", json_integer(umh_process_own_pid()));
    return answer_take(host, command->id, hello);
}

typedef struct host_row {
    umh_service_id service;
    const char *name;
    bool is_first; /* before any other, once */
    int (*run)(umh_host *host, const umh_command *command);
} host_row;

static const host_row host_rows[] = {
    {SERVICE_HOST_INIT, "init", true, init_host},
    {SERVICE_MODULE_META, "exit", false, exit_host},
};

static const host_row *find_host_row(umh_service_id service, const char *name)
{
    for (size_t i = 0; i < UMH_COUNT_OF(host_rows); i++) {
        if (host_rows[i].service == service && strcmp(host_rows[i].name, name) == 0)
            return &host_rows[i];
    }
    return NULL;
}

static int run_command(umh_host *host, const umh_frame *frame, umh_bytes payload)
{
    UMH_AUTO(umh_command) command = UMH_COMMAND_INIT;
    umh_why why = UMH_WHY_INIT;
    const host_row *row;
    int r;

    r = decode(payload, &command);
    if (r == UMH_CONTROL_BAD)
        return 0;
    if (r)
        return umh_fold(r);
    row = find_host_row(umh_service_find(&frame->service), command.name);
    if (row && !(row->is_first && host->is_initialised))
        return row->run(host, &command);
    umh_why_set(&why, "%s '%s' for a host", row ? "this is not the time to" : "there is no command",
                command.name);
    return answer_error(host, command.id, UMH_E_PROTOCOL, &why);
}

/* Whatever modules do: the role answers, and shows the broker without asking that it is alive. */
static int answer_ping(umh_host *host, umh_bytes payload)
{
    if (host->stdio.blackbox)
        atomic_store_explicit(&host->stdio.blackbox->heartbeat_ns, umh_clock_now_ns(),
                              memory_order_relaxed);
    return umh_outbox_pong(host->outbox, payload);
}

int umh_commands_on_control(umh_host *host, const umh_frame *frame, umh_bytes payload)
{
    switch (frame->kind) {
    case FRAME_MESSAGE:
        return run_command(host, frame, payload);
    case FRAME_PING:
        return answer_ping(host, payload);
    case FRAME_CREDIT:
        return umh_outbox_on_credit(host->outbox, &frame->service, umh_frame_amount(payload));
    case FRAME_GIVE_BACK:
        return umh_outbox_on_give_back(host->outbox, &frame->service);
    case FRAME_ANSWER:
        return 0; /* what a host asks needs none */
    default:
        umh_logger_say(UMH_LOG_WARNING, NULL, "the broker sent a frame of kind %u", frame->kind);
        return 0;
    }
}

/* The body is taken. */
static int tell(umh_host *host, uint16_t slot, const char *name, json_t *body)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    int r;

    put_take(body, "slot", json_integer(slot));
    r = umh_command_encode_take(0, name, body, &payload);
    if (r == 0)
        r = umh_outbox_command(host->outbox, umh_service_guid(SERVICE_MODULE_META), slot,
                               umh_bytes_of(payload.data, payload.size));
    return umh_fold(r);
}

int umh_commands_subscribe(umh_host *host, uint16_t slot, const umh_guid *service, bool is_wanted)
{
    json_t *body = json_object();
    char text[UMH_GUID_TEXT_BYTES];

    umh_guid_encode(service, text);
    put_take(body, "service", json_string(text));
    return tell(host, slot, is_wanted ? "subscribe" : "unsubscribe", body);
}

int umh_commands_tell_closed(umh_host *host, uint16_t slot, int code)
{
    json_t *body = json_object();

    atomic_store(&host->exit_code, code);
    put_take(body, "code", json_integer(code));
    return tell(host, slot, "closed", body);
}

int umh_commands_tell_gone(umh_host *host, int64_t left)
{
    json_t *body = json_object();

    put_take(body, "left", json_integer(left));
    return tell(host, UMH_SLOT_NONE, "gone", body);
}

int umh_commands_tell_failure(umh_host *host, uint16_t slot, const char *why)
{
    json_t *body = json_object();

    put_take(body, "why", umh_jsonc_text(why));
    return tell(host, slot, "failed", body);
}

int umh_commands_ask_reload(umh_host *host, uint16_t slot)
{
    return tell(host, slot, "reload", json_object());
}
