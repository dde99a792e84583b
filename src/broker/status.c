/* SPDX-License-Identifier: MIT */
/* The broker's state as JSON. */
#include "broker/status.h"

#include "broker/containment.h"
#include "broker/credit.h"
#include "broker/endpoint.h"
#include "broker/liveness.h"
#include "broker/router.h"
#include "broker/sessions.h"
#include "broker/supervisor_names.h"
#include "ipc/services.h"
#include "platform/clock.h"
#include "platform/process.h"

#include <string.h>

#define EVENT_VERSION 1

static const char *const overflow_names[] = {
    [OVERFLOW_BLOCK] = "Block",
    [OVERFLOW_DROP_OLDEST] = "DropOldest",
    [OVERFLOW_DROP_NEWEST] = "DropNewest",
};

static const char *const gate_names[] = {
    [SLOT_SHUT] = "shut",
    [SLOT_HELD] = "held",
    [SLOT_OPEN] = "open",
    [SLOT_CRASHED] = "crashed",
};

/* --- values ------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text && text[0] ? umh_jsonc_text(text) : json_null();
}

static json_t *number_value(uint64_t number)
{
    return json_integer((json_int_t)number);
}

/* `value` is taken. A member that memory is missing for makes the whole one NULL. */
static void set(umh_json **object, const char *key, json_t *value_take)
{
    if (*object && json_object_set_new(*object, key, value_take) == 0)
        return;
    if (!*object)
        json_decref(value_take);
    *object = umh_json_free(*object);
}

static void set_why(umh_json **object, const umh_why *why)
{
    char text[sizeof(why->text) + sizeof(why->file) + sizeof(why->key) + 64];

    umh_why_format(why, text, sizeof(text));
    set(object, "why", text_or_null(text));
}

static uint64_t ms_until(uint64_t then_ns)
{
    uint64_t now_ns = umh_clock_now_ns();

    return then_ns > now_ns ? (then_ns - now_ns) / UMH_NS_PER_MS : 0;
}

static uint64_t ms_since(uint64_t then_ns)
{
    uint64_t now_ns = umh_clock_now_ns();

    return now_ns > then_ns ? (now_ns - then_ns) / UMH_NS_PER_MS : 0;
}

/* --- modules ------------------------------------------------------------------------------ */

static void add_service(void *context, const umh_guid *service)
{
    char text[UMH_GUID_TEXT_BYTES];

    umh_guid_encode(service, text);
    umh_ignore(json_array_append_new(context, json_string(text)));
}

static void describe_slot(umh_slot *slot, umh_json **object)
{
    const umh_slot_counters *counters = &slot->counters;
    json_t *services = json_array();

    umh_subscriptions_each(umh_router_subscriptions(slot->broker->router), slot, add_service,
                           services);
    set(object, "services", services);
    set(object, "overflow", json_string(overflow_names[slot->overflow]));
    set(object, "gate", json_string(gate_names[slot->gate]));
    set(object, "waiting", number_value((uint64_t)slot->queue.count + slot->all_queue.count));
    set(object, "waiting_bytes", number_value(slot->queue.bytes + slot->all_queue.bytes));
    set(object, "outstanding_bytes", number_value(slot->window.outstanding));
    set(object, "delivered", number_value(counters->delivered_count));
    set(object, "delivered_bytes", number_value(counters->delivered_bytes));
    set(object, "published", number_value(counters->published_count));
    set(object, "published_bytes", number_value(counters->published_bytes));
    set(object, "dropped", number_value(counters->dropped_count));
    set(object, "dropped_bytes", number_value(counters->dropped_bytes));
    set(object, "lost", number_value(counters->lost_count));
}

/* Null: it does nothing, or not for long. */
static void describe_activity(const umh_host_module *module, umh_json **object)
{
    umh_activity activity = ACTIVITY_NONE;
    uint64_t for_ms = 0;
    bool is_known = umh_liveness_activity(module, &activity, &for_ms);

    set(object, "activity", is_known ? json_string(umh_activity_name(activity)) : json_null());
    set(object, "for_ms", is_known ? number_value(for_ms) : json_null());
}

static umh_json *describe_module(const umh_host_module *module)
{
    umh_json *object = json_object();

    set(&object, "name", umh_jsonc_text(module->name));
    set(&object, "slot", number_value(module->slot.number));
    set(&object, "state", json_string(umh_module_state_name(module->state)));
    set(&object, "version", text_or_null(module->version));
    set(&object, "loader", text_or_null(module->loader));
    set(&object, "path",
        module->copy ? umh_jsonc_text(umh_store_original(module->copy)->path) : json_null());
    set(&object, "loaded", number_value(module->loaded_count));
    set(&object, "exceptions", number_value(umh_liveness_failures(module)));
    set_why(&object, &module->why);
    set(&object, "held_by", text_or_null(module->held_by.text));
    describe_activity(module, &object);
    describe_slot((umh_slot *)(uintptr_t)&module->slot, &object);
    return object;
}

/* --- hosts -------------------------------------------------------------------------------- */

static umh_json *describe_modules(const umh_host *host)
{
    umh_json *list = json_array();

    for (uint16_t i = 0; i < host->module_count; i++) {
        if (host->modules[i])
            umh_ignore(json_array_append_new(list, describe_module(host->modules[i])));
    }
    return list;
}

/* What it cannot have is null: a signal has no exit code. */
static umh_json *describe_death(const umh_death *death)
{
    bool was_signal = death->has_end && death->end.signal != 0;
    bool was_exit = death->has_end && death->end.signal == 0;
    bool is_known = death->activity != ACTIVITY_NONE;
    umh_json *object = json_object();

    set(&object, "at", json_string(death->at));
    set(&object, "kind", json_string(umh_death_kind_name(death->kind)));
    set(&object, "text", umh_jsonc_text(death->text));
    set(&object, "exit_code", was_exit ? json_integer(death->end.exit_code) : json_null());
    set(&object, "signal", was_signal ? json_integer(death->end.signal) : json_null());
    set(&object, "core_dumped", was_signal ? json_boolean(death->end.dumped_core) : json_null());
    set(&object, "module", text_or_null(death->module));
    set(&object, "activity",
        is_known ? json_string(umh_activity_name(death->activity)) : json_null());
    set(&object, "for_ms", is_known ? number_value(death->for_ms) : json_null());
    return object;
}

static umh_json *describe_deaths(const umh_deaths *deaths)
{
    json_t *list = json_array();
    const umh_death *death;

    for (size_t ago = 0; (death = umh_deaths_peek(deaths, ago)) != NULL; ago++)
        umh_ignore(json_array_append_new(list, describe_death(death)));
    return list;
}

/* How many of each kind; a kind that was not is left out. */
static umh_json *count_deaths(const umh_deaths *deaths)
{
    umh_json *object = json_object();

    for (int kind = 0; kind < DEATH_KIND_COUNT; kind++) {
        if (deaths->counts[kind] > 0)
            set(&object, umh_death_kind_name((umh_death_kind)kind),
                number_value(deaths->counts[kind]));
    }
    return object;
}

static void describe_briefly(const umh_host *host, umh_json **object)
{
    set(object, "pid", host->pid > 0 ? number_value((uint64_t)host->pid) : json_null());
    set(object, "state", json_string(umh_host_state_name(host->state)));
    set(object, "bits", number_value(host->config.wow64 ? 32 : 64));
    set(object, "restarts", number_value(host->restarts));
    set(object, "session", number_value(host->session));
    set(object, "death", text_or_null(host->death.text));
}

static umh_json *describe_leftovers(const umh_leftovers *leftovers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < leftovers->count; i++) {
        const umh_leftover *row = &leftovers->rows[i];
        umh_json *object = json_object();

        set(&object, "module", umh_jsonc_text(row->module));
        set(&object, "held_by", text_or_null(row->held_by));
        set(&object, "for_ms", number_value(ms_since(row->since_ns)));
        umh_ignore(json_array_append_new(list, object));
    }
    return list;
}

/* When it starts again, or why it does not. */
static void describe_wait(const umh_host *host, umh_json **object)
{
    bool waits = host->state == HOST_ABSENT && umh_deadline_is_set(&host->deadline);
    char why[UMH_BACKOFF_WHY_BYTES] = "";

    if (umh_host_is_given_up(host) && !host->is_refused)
        umh_backoff_explain(&host->backoff, &host->config.restart, why, sizeof(why));
    set(object, "starts_in_ms", waits ? number_value(ms_until(host->deadline.at_ns)) : json_null());
    set(object, "why", text_or_null(host->is_refused ? host->death.text : why));
}

umh_json *umh_status_describe_host(const umh_host *host)
{
    umh_json *object = json_object();

    set(&object, "name", umh_jsonc_text(host->id));
    set(&object, "number", number_value(host->number));
    describe_briefly(host, &object);
    describe_wait(host, &object);
    set(&object, "ends", count_deaths(&host->deaths));
    set(&object, "debugged", json_boolean(host->is_debugged));
    set(&object, "diagnostics",
        umh_debugger_is_listening(host->diagnostics) ? umh_jsonc_text(host->diagnostics)
                                                     : json_null());
    set(&object, "refused", number_value(host->refused_count + umh_liveness_refused(host)));
    set(&object, "deaths", describe_deaths(&host->deaths));
    set(&object, "running_ms",
        host->pid > 0 && host->spawned_ns > 0 ? number_value(ms_since(host->spawned_ns))
                                              : json_null());
    set(&object, "limits", umh_status_describe_limits(&host->config.limits));
    set(&object, "usage", umh_status_describe_usage(host));
    set(&object, "outbox_bytes",
        number_value(host->peer && umh_peer_outbox(host->peer)
                         ? umh_outbox_waiting_bytes(umh_peer_outbox(host->peer))
                         : 0));
    set(&object, "left_over", describe_leftovers(&host->leftovers));
    set(&object, "unloaded", umh_supervisor_describe_unloaded(host->broker->supervisor, host));
    set(&object, "modules", describe_modules(host));
    if (!object)
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "describe host '%s'", host->id));
    return object;
}

/* --- the broker --------------------------------------------------------------------------- */

static umh_json *describe_memory(const umh_broker *broker)
{
    umh_credit_numbers credit = umh_credit_count(broker->credit);
    umh_json *object = json_object();

    set(&object, "capacity", number_value(broker->budget.capacity));
    set(&object, "charged", number_value(broker->budget.charged));
    set(&object, "highest", number_value(broker->budget.highest));
    set(&object, "credit_unused", number_value(credit.unused_bytes));
    set(&object, "credit_promised", number_value(credit.promised_bytes));
    set(&object, "wants_standing", number_value(credit.wants_standing));
    set(&object, "services", number_value(credit.services));
    return object;
}

static umh_json *describe_broker(const umh_broker *broker)
{
    umh_json *object = json_object();

    set(&object, "version", json_string(UMH_VERSION));
    set(&object, "instance", umh_jsonc_text(broker->options.instance));
    set(&object, "pid", number_value((uint64_t)umh_process_own_pid()));
    set(&object, "config", text_or_null(broker->config.path));
    set(&object, "control",
        broker->endpoint ? umh_jsonc_text(umh_endpoint_path(broker->endpoint)) : json_null());
    set(&object, "state", json_string(broker->is_stopping ? "stopping" : "running"));
    set(&object, "uptime_ms", number_value(ms_since(broker->started_ns)));
    set(&object, "containment", json_string(umh_containment_name(broker->containment)));
    set(&object, "quotas", umh_status_describe_quotas(broker));
    set(&object, "memory", describe_memory(broker));
    return object;
}

umh_json *umh_status_describe(umh_broker *broker)
{
    umh_json *object = json_object();
    json_t *hosts = json_array();

    umh_list_each (entry, umh_supervisor_hosts(broker->supervisor)) {
        const umh_host *host = umh_container_of(entry, umh_host, entry);

        umh_ignore(json_array_append_new(hosts, umh_status_describe_host(host)));
    }
    set(&object, "broker", describe_broker(broker));
    set(&object, "hosts", hosts);
    set(&object, "sessions", umh_sessions_describe(broker->sessions));
    set(&object, "sessions_unknown", text_or_null(umh_sessions_why_unknown(broker->sessions)));
    set(&object, "clients", number_value(umh_endpoint_client_count(broker->endpoint)));
    if (!object)
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "describe the broker's state"));
    return object;
}

/* --- events ------------------------------------------------------------------------------- */

static bool somebody_listens(umh_broker *broker)
{
    return umh_subscriptions_match(umh_router_subscriptions(broker->router),
                                   umh_service_guid(SERVICE_BROKER))
               .count > 0;
}

static umh_json *begin_event(const char *event, const umh_host *host)
{
    umh_json *object = json_object();

    set(&object, "v", json_integer(EVENT_VERSION));
    set(&object, "event", json_string(event));
    set(&object, "host", umh_jsonc_text(host->id));
    return object;
}

/* News nobody waits for: one that memory is missing for is left out. */
static void publish_take(umh_broker *broker, umh_json *object)
{
    UMH_AUTO_PTR(umh_json) event = object;
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    if (event && umh_jsonc_print(event, &text) == 0)
        umh_router_publish(broker->router, umh_service_guid(SERVICE_BROKER),
                           umh_bytes_of(text.data, text.size));
    else
        umh_failure_take();
}

void umh_status_announce_host(umh_host *host)
{
    umh_json *event;

    if (!somebody_listens(host->broker))
        return;
    event = begin_event("host", host);
    describe_briefly(host, &event);
    publish_take(host->broker, event);
}

void umh_status_announce_module(const umh_host_module *module)
{
    umh_broker *broker = module->host->broker;
    umh_json *event;

    if (!somebody_listens(broker))
        return;
    event = begin_event("module", module->host);
    set(&event, "module", umh_jsonc_text(module->name));
    set(&event, "slot", number_value(module->slot.number));
    set(&event, "state", json_string(umh_module_state_name(module->state)));
    set(&event, "version", text_or_null(module->version));
    set_why(&event, &module->why);
    publish_take(broker, event);
}
