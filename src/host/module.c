/* SPDX-License-Identifier: MIT */
/*
 * A module's life between its loader and its slot, and the host functions it is given.
 *
 * The table is the first member: its address is what a module passes to every host function, so a
 * call finds its module without a search and without a lock. `phase` says what is legal; it is the
 * only field that another thread may see change while a host function reads it.
 */
#include "host/module.h"

#include "host/commands.h"
#include "host/host.h"
#include "host/logger.h"
#include "ipc/reach.h"
#include "platform/file.h"
#include "platform/thread.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum module_phase {
    PHASE_LOADED,   /* from before init: everything but send */
    PHASE_STARTED,  /* from before start: everything */
    PHASE_STOPPING, /* the stop callback runs: logs, and what was started sends from inside it */
    PHASE_STOPPED,  /* nothing */
} module_phase;

struct umh_module {
    umh_host_v1 table;
    umh_identity_v1 identity;
    umh_host *host;
    const umh_loader *loader;
    void *state;    /* the loader's */
    umh_lock *lock; /* of the subscriptions */
    char *name;     /* owned, as the texts below */
    char *folder;
    char *original_folder;
    char *configs[UMH_MODULE_CONFIGS_MAX];
    size_t config_count;
    _Atomic(char *) config; /* the one of them that counts */
    umh_module_state step;  /* slot's thread */
    bool was_started;       /* before the phase is PHASE_STARTED, then constant */
    bool has_successor;     /* slot's thread */
    bool tells_failures;
    char *left_state;         /* owned; NULL: none */
    umh_unloading *unloading; /* while it is unloaded */
    int64_t left;             /* see umh_unloading */
    atomic_flag has_told_failure;
    atomic_flag has_asked_reload;
    atomic_int phase;
    size_t subscription_count;
    umh_guid subscriptions[UMH_SUBSCRIPTIONS_PER_MODULE_MAX];
};

_Static_assert(offsetof(umh_module, table) == 0, "the table's address is the module's");
_Static_assert(sizeof(umh_guid) == sizeof(umh_guid_v1), "one GUID, two names");
_Static_assert(UMH_SUBSCRIPTIONS_PER_MODULE_MAX == UMH_SUBSCRIPTIONS_MAX, "what module.h promises");
_Static_assert(UMH_ALLOWANCE_BYTES == UMH_SEND_ALLOWANCE_BYTES, "what module.h promises");
_Static_assert((int)UMH_V1_TRACE == (int)UMH_LOG_TRACE, "levels of the log are those of module.h");
_Static_assert((int)UMH_V1_CRITICAL == (int)UMH_LOG_CRITICAL,
               "levels of the log are those of module.h");

/* Which module this thread is in: the one thing about a call that its arguments do not say. */
static _Thread_local uint16_t current_slot = UMH_SLOT_NONE;

static umh_module *module_of(const umh_host_v1 *table)
{
    return (umh_module *)(uintptr_t)table;
}

static module_phase phase_of(const umh_module *module)
{
    return (module_phase)atomic_load_explicit(&module->phase, memory_order_acquire);
}

static void set_phase(umh_module *module, module_phase phase)
{
    atomic_store_explicit(&module->phase, (int)phase, memory_order_release);
}

static uint16_t enter(uint16_t slot)
{
    uint16_t before = current_slot;

    current_slot = slot;
    return before;
}

static void leave(uint16_t before)
{
    current_slot = before;
}

/* A failure ends here: a module has nobody above it to hand it to. */
static umh_result_v1 result_of_failure(void)
{
    umh_failure failure = umh_failure_take();

    return failure.code == UMH_E_MEMORY ? UMH_V1_NO_MEMORY : UMH_V1_STOPPING;
}

static umh_result_v1 result_of_send(int r)
{
    switch (r) {
    case 0:
        return UMH_V1_OK;
    case UMH_OUTBOX_FULL:
        return UMH_V1_FULL;
    case UMH_OUTBOX_NOT_TEXT:
        return UMH_V1_NOT_TEXT;
    case UMH_OUTBOX_TOO_LARGE:
        return UMH_V1_TOO_LARGE;
    case UMH_OUTBOX_NOT_ALLOWED:
        return UMH_V1_NOT_ALLOWED;
    case UMH_OUTBOX_LIMIT:
        return UMH_V1_LIMIT;
    default:
        return result_of_failure();
    }
}

static bool may_send(const umh_module *module, bool is_inside)
{
    module_phase phase = phase_of(module);

    return phase == PHASE_STARTED || (phase == PHASE_STOPPING && is_inside && module->was_started);
}

static bool is_sendable(const umh_host_v1 *table, const umh_guid_v1 *service, const char *text,
                        size_t text_bytes)
{
    return table && service && (text || text_bytes == 0);
}

/* The broker would refuse it as well; only here the module can be told. */
static umh_result_v1 refuse_session(const umh_module *module, const umh_guid_v1 *service,
                                    uint32_t session)
{
    uint64_t count = umh_dispatch_note_refused(module->host->dispatch);
    char text[UMH_GUID_TEXT_BYTES];
    umh_guid guid;

    if (!umh_reach_is_worth_saying(count))
        return UMH_V1_NOT_ALLOWED;
    memcpy(&guid, service, sizeof(guid));
    umh_guid_encode(&guid, text);
    umh_logger_say(UMH_LOG_WARNING, module->name,
                   "a message for service %s to session %u is refused: session %u may not reach it "
                   "(%llu so far in this process)",
                   text, session, module->host->session, (unsigned long long)count);
    return UMH_V1_NOT_ALLOWED;
}

/* `send` lacks what the table and the service say. */
static umh_result_v1 submit(const umh_host_v1 *table, const umh_guid_v1 *service, umh_send *send)
{
    umh_module *module = module_of(table);

    if (!may_send(module, send->is_inside))
        return UMH_V1_STOPPING;
    if (!umh_reach_is_open(module->host->session, send->session))
        return refuse_session(module, service, send->session);
    memcpy(&send->service, service, sizeof(send->service));
    send->slot = module->identity.slot;
    return result_of_send(umh_outbox_send(module->host->outbox, send));
}

/* NOLINTNEXTLINE(readability-function-size): the public table says how many parameters. */
static umh_result_v1 host_send(const umh_host_v1 *table, const umh_guid_v1 *service,
                               uint32_t session, const char *text, size_t text_bytes,
                               uint32_t timeout_ms)
{
    umh_send send = {
        .text = umh_bytes_of(text, text_bytes), .session = session, .may_use_allowance = true};
    umh_result_v1 result;

    if (!is_sendable(table, service, text, text_bytes))
        return UMH_V1_BAD_ARGUMENT;
    send.is_inside = current_slot == module_of(table)->identity.slot;
    if (!send.is_inside && timeout_ms == UMH_FOREVER_MS)
        send.deadline_ns = UMH_FOREVER;
    result = submit(table, service, &send);
    if (result != UMH_V1_FULL || send.is_inside || timeout_ms == 0 || timeout_ms == UMH_FOREVER_MS)
        return result;

    /* Only who has to wait pays for looking at the clock. */
    send.deadline_ns = umh_clock_deadline_ns(timeout_ms);
    return submit(table, service, &send);
}

static umh_result_v1 host_try_send(const umh_host_v1 *table, const umh_guid_v1 *service,
                                   uint32_t session, const char *text, size_t text_bytes)
{
    umh_send send = {.text = umh_bytes_of(text, text_bytes), .session = session};

    if (!is_sendable(table, service, text, text_bytes))
        return UMH_V1_BAD_ARGUMENT;
    send.is_inside = current_slot == module_of(table)->identity.slot;
    return submit(table, service, &send);
}

umh_result_v1 umh_module_send_inside(const umh_host_v1 *table, const umh_guid_v1 *service,
                                     uint32_t session, const char *text, size_t text_bytes)
{
    umh_send send = {.text = umh_bytes_of(text, text_bytes),
                     .session = session,
                     .is_inside = true,
                     .may_use_allowance = true};

    if (!is_sendable(table, service, text, text_bytes))
        return UMH_V1_BAD_ARGUMENT;
    /* A task may have gone on just when its handler, and the batch that it was in, ended. */
    send.is_elsewhere = current_slot != module_of(table)->identity.slot;
    return submit(table, service, &send);
}

static size_t find_subscription(const umh_module *module, const umh_guid *service)
{
    size_t i = 0;

    while (i < module->subscription_count && !umh_guid_is_equal(&module->subscriptions[i], service))
        i++;
    return i;
}

/* List and command change in one step, or two threads could leave the broker with the other one. */
static umh_result_v1 change_subscription(umh_module *module, const umh_guid *service,
                                         bool is_wanted)
{
    size_t at = find_subscription(module, service);
    bool is_there = at < module->subscription_count;

    if (is_there == is_wanted)
        return UMH_V1_OK;
    if (is_wanted && module->subscription_count == UMH_COUNT_OF(module->subscriptions))
        return UMH_V1_LIMIT;
    if (umh_commands_subscribe(module->host, module->identity.slot, service, is_wanted) != 0)
        return result_of_failure();
    if (is_wanted)
        module->subscriptions[module->subscription_count++] = *service;
    else
        module->subscriptions[at] = module->subscriptions[--module->subscription_count];
    return UMH_V1_OK;
}

static umh_result_v1 subscribe_or_not(const umh_host_v1 *table, const umh_guid_v1 *service,
                                      bool is_wanted)
{
    umh_module *module = module_of(table);
    umh_guid guid;
    umh_result_v1 result;

    if (!table || !service)
        return UMH_V1_BAD_ARGUMENT;
    if (phase_of(module) >= PHASE_STOPPING)
        return UMH_V1_STOPPING;
    memcpy(&guid, service, sizeof(guid));
    umh_lock_take(module->lock);
    result = change_subscription(module, &guid, is_wanted);
    umh_lock_release(module->lock);
    if (is_wanted && result == UMH_V1_OK && module->loader->on_subscribed)
        module->loader->on_subscribed(module->state);
    return result;
}

static umh_result_v1 host_subscribe(const umh_host_v1 *table, const umh_guid_v1 *service)
{
    return subscribe_or_not(table, service, true);
}

static umh_result_v1 host_unsubscribe(const umh_host_v1 *table, const umh_guid_v1 *service)
{
    return subscribe_or_not(table, service, false);
}

static umh_result_v1 host_log(const umh_host_v1 *table, umh_level_v1 level, const char *text,
                              const umh_pair_v1 *pairs, size_t pair_count)
{
    const umh_module *module = module_of(table);
    umh_logfmt_field fields[UMH_LOG_PAIRS_MAX + 1];
    size_t count = pair_count < UMH_LOG_PAIRS_MAX ? pair_count : UMH_LOG_PAIRS_MAX;
    char dropped[24];

    if (!table || !text || (!pairs && pair_count > 0) || (unsigned)level > UMH_V1_CRITICAL)
        return UMH_V1_BAD_ARGUMENT;
    if (phase_of(module) == PHASE_STOPPED)
        return UMH_V1_STOPPING;
    if ((int)level < (int)module->host->log_level)
        return UMH_V1_OK;
    for (size_t i = 0; i < count; i++) {
        if (!pairs[i].key || !pairs[i].value)
            return UMH_V1_BAD_ARGUMENT;
        fields[i] =
            (umh_logfmt_field){.key = pairs[i].key, .value = umh_bytes_of_text(pairs[i].value)};
    }
    if (count < pair_count) {
        snprintf(dropped, sizeof(dropped), "%llu", (unsigned long long)(pair_count - count));
        fields[count++] =
            (umh_logfmt_field){.key = "dropped_pairs", .value = umh_bytes_of_text(dropped)};
    }
    umh_logger_write((umh_log_level)level, module->name, text, fields, count);
    return UMH_V1_OK;
}

static const char *host_configuration(const umh_host_v1 *table)
{
    return table ? atomic_load_explicit(&module_of(table)->config, memory_order_acquire) : NULL;
}

static const umh_identity_v1 *host_identity(const umh_host_v1 *table)
{
    return table ? &module_of(table)->identity : NULL;
}

static size_t host_max_message_bytes(const umh_host_v1 *table)
{
    return table ? module_of(table)->host->max_message_bytes : 0;
}

/* Said once: a host's word to its broker is cheap, but not free. */
static umh_result_v1 host_reload(const umh_host_v1 *table)
{
    umh_module *module = module_of(table);

    if (!table)
        return UMH_V1_BAD_ARGUMENT;
    if (phase_of(module) >= PHASE_STOPPING)
        return UMH_V1_STOPPING;
    if (atomic_flag_test_and_set(&module->has_asked_reload))
        return UMH_V1_OK;
    if (umh_commands_ask_reload(module->host, module->identity.slot) != 0)
        return result_of_failure();
    return UMH_V1_OK;
}

static const umh_host_v1 host_table = {
    .size = sizeof(umh_host_v1),
    .abi_version = UMH_MODULE_ABI_VERSION,
    .send = host_send,
    .try_send = host_try_send,
    .subscribe = host_subscribe,
    .unsubscribe = host_unsubscribe,
    .log = host_log,
    .configuration = host_configuration,
    .identity = host_identity,
    .max_message_bytes = host_max_message_bytes,
    .reload = host_reload,
};

static umh_module *umh_module_free(umh_module *module)
{
    if (!module)
        return NULL;
    module->lock = umh_lock_free(module->lock);
    umh_text_free(module->left_state);
    for (size_t i = 0; i < module->config_count; i++)
        umh_text_free(module->configs[i]);
    umh_text_free(module->original_folder);
    umh_text_free(module->folder);
    umh_text_free(module->name);
    free(module);
    return NULL;
}
UMH_DEFINE_AUTO_PTR(umh_module);

/*
 * A text that is there already is used again: a configuration that goes back and forth costs
 * nothing. Outcomes: UMH_MODULE_NOT_TAKEN (no place for one more).
 */
static int set_config(umh_module *module, const char *config)
{
    size_t at = 0;

    while (at < module->config_count && strcmp(module->configs[at], config) != 0)
        at++;
    if (at == UMH_MODULE_CONFIGS_MAX)
        return UMH_MODULE_NOT_TAKEN;
    if (at == module->config_count) {
        module->configs[at] = umh_text_copy(config);
        if (!module->configs[at])
            return UMH_E_MEMORY;
        module->config_count++;
    }
    atomic_store_explicit(&module->config, module->configs[at], memory_order_release);
    return 0;
}

static int new_module(const umh_module_spec *spec, umh_module **ret_module)
{
    UMH_AUTO_PTR(umh_module) module = calloc(1, sizeof(*module));
    umh_host *host = spec->host;
    int r;

    if (!module)
        return UMH_FAIL(UMH_E_MEMORY, "module '%s'", spec->name);
    module->table = host_table;
    module->host = host;
    module->name = umh_text_copy(spec->name);
    module->folder = umh_text_copy(spec->folder ? spec->folder : "");
    module->original_folder = umh_text_copy(spec->original_folder ? spec->original_folder : "");
    if (!module->name || !module->folder || !module->original_folder)
        return UMH_E_MEMORY;
    r = set_config(module, spec->config && *spec->config ? spec->config : "{}");
    if (r == 0)
        r = umh_lock_new(&module->lock);
    if (r)
        return umh_fold(r);
    module->identity = (umh_identity_v1){
        .size = sizeof(umh_identity_v1),
        .module = module->name,
        .host = host->name,
        .host_number = host->number,
        .session = host->session,
        .slot = spec->slot,
        .folder = module->folder,
        .original_folder = module->original_folder,
    };
    memcpy(&module->identity.host_service, &host->service, sizeof(host->service));
    module->tells_failures = spec->tells_failures;
    atomic_flag_clear(&module->has_told_failure);
    atomic_flag_clear(&module->has_asked_reload);
    module->step = MODULE_LOADED;
    set_phase(module, PHASE_LOADED);
    *ret_module = UMH_MOVE(module);
    return 0;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int choose_native(const umh_image *image, const umh_loader **ret_loader, umh_why *ret_why)
{
    umh_image wanted = umh_image_native();

    if (image->kind != wanted.kind || image->machine != wanted.machine ||
        image->bits != wanted.bits) {
        umh_why_set(ret_why, "wrong %s: %s, but this host needs: %s",
                    image->kind != wanted.kind   ? "kind of library"
                    : image->bits != wanted.bits ? "bitness"
                                                 : "architecture",
                    umh_image_describe(image), umh_image_describe(&wanted));
        return UMH_MODULE_UNUSABLE;
    }
    *ret_loader = &umh_loader_native;
    return 0;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int choose_managed(const umh_image *image, const umh_loader *loader,
                          const umh_loader **ret_loader, umh_why *ret_why)
{
    umh_image wanted = umh_image_native();

    if (image->bits != 0 && (image->bits != wanted.bits || image->machine != wanted.machine)) {
        umh_why_set(ret_why, "wrong architecture: %s; build it for AnyCPU",
                    umh_image_describe(image));
        return UMH_MODULE_UNUSABLE;
    }
    *ret_loader = loader;
    return 0;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int choose_loader(const umh_module_spec *spec, const umh_loader **ret_loader,
                         umh_why *ret_why)
{
    uint8_t header[UMH_IMAGE_HEADER_BYTES];
    uint64_t file_bytes = 0;
    size_t size = 0;
    umh_image image;
    int r;

    r = umh_file_read_head(spec->path, header, sizeof(header), &size, &file_bytes);
    if (r == UMH_FILE_NONE) {
        umh_why_set(ret_why, "there is no file '%s'", spec->path);
        return UMH_MODULE_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    image = umh_image_decode(umh_bytes_of(header, size), file_bytes);
    switch (image.kind) {
    case IMAGE_ELF_SHARED:
    case IMAGE_PE_SHARED:
        r = choose_native(&image, ret_loader, ret_why);
        break;
    case IMAGE_CLI_SHARED:
        r = choose_managed(&image, &umh_loader_managed, ret_loader, ret_why);
        break;
    case IMAGE_CLI_PROGRAM:
        r = choose_managed(&image, &umh_loader_program, ret_loader, ret_why);
        break;
    default:
        umh_why_set(ret_why, "not a module: %s", umh_image_describe(&image));
        return UMH_MODULE_UNUSABLE;
    }
    return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
}

void umh_module_note_init(const umh_module *module)
{
    umh_dispatch_note(module->host->dispatch, module->identity.slot, ACTIVITY_INIT);
}

int umh_module_load(const umh_module_spec *spec, umh_module_facts *ret_facts,
                    umh_module **ret_module, umh_why *ret_why)
{
    UMH_AUTO_PTR(umh_module) module = NULL;
    uint16_t before;
    int r;

    r = new_module(spec, &module);
    if (r)
        return umh_fold(r);
    r = choose_loader(spec, &module->loader, ret_why);
    if (r == UMH_MODULE_UNUSABLE)
        return UMH_MODULE_UNUSABLE;
    if (r)
        return umh_fold(r);
    umh_outbox_open_slot(module->host->outbox, spec->slot);
    umh_dispatch_forget_failures(module->host->dispatch, spec->slot);
    umh_remains_look(module->host->remains);
    before = enter(spec->slot);
    r = module->loader->load(module, spec, ret_facts, &module->state, ret_why);
    leave(before);
    if (r == UMH_MODULE_UNUSABLE)
        return UMH_MODULE_UNUSABLE;
    if (r)
        return umh_fold(r);

    /* Known to the broker by the answer; what init subscribed to by itself went there already. */
    umh_lock_take(module->lock);
    for (size_t i = 0; i < ret_facts->service_count; i++)
        if (find_subscription(module, &ret_facts->services[i]) == module->subscription_count &&
            module->subscription_count < UMH_COUNT_OF(module->subscriptions))
            module->subscriptions[module->subscription_count++] = ret_facts->services[i];
    umh_lock_release(module->lock);
    *ret_module = UMH_MOVE(module);
    return 0;
}

/* Waiting sends end, then the module's own end, then nothing is legal any more. */
static void end_calls(umh_module *module)
{
    uint16_t before;

    set_phase(module, PHASE_STOPPING);
    umh_outbox_stop_slot(module->host->outbox, module->identity.slot);
    before = enter(module->identity.slot);
    module->loader->stop(module->state);
    leave(before);
    set_phase(module, PHASE_STOPPED);
}

int umh_module_start(umh_module *module, umh_why *ret_why)
{
    uint16_t before;
    int r;

    umh_assert(module->step == MODULE_LOADED);
    module->was_started = true;
    set_phase(module, PHASE_STARTED);
    before = enter(module->identity.slot);
    r = module->loader->start(module->state, ret_why);
    leave(before);
    if (r == 0) {
        module->step = MODULE_STARTED;
        return 0;
    }

    /* init has succeeded, so what it took is given back. */
    end_calls(module);
    module->step = MODULE_FAILED;
    return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
}

void umh_module_expect_successor(umh_module *module)
{
    module->has_successor = true;
}

bool umh_module_has_successor(const umh_module *module)
{
    return module->has_successor;
}

const char *umh_module_left_state(const umh_module *module)
{
    return module->left_state;
}

umh_result_v1 umh_module_keep_state(const umh_host_v1 *table, const char *text, size_t text_bytes)
{
    umh_module *module = module_of(table);

    if (!text && text_bytes > 0)
        return UMH_V1_BAD_ARGUMENT;
    if (text_bytes > UMH_MODULE_STATE_BYTES_MAX)
        return UMH_V1_TOO_LARGE;
    umh_text_free(module->left_state);
    module->left_state = umh_text_copy_bytes(text, text_bytes);
    return module->left_state ? UMH_V1_OK : UMH_V1_NO_MEMORY;
}

void umh_module_note_failure(const umh_host_v1 *table, const char *text, size_t text_bytes)
{
    umh_module *module = module_of(table);
    umh_why why = UMH_WHY_INIT;

    umh_dispatch_note_failure(module->host->dispatch, module->identity.slot);
    if (!module->tells_failures || atomic_flag_test_and_set(&module->has_told_failure))
        return;
    umh_why_set(&why, "%.*s", (int)(text_bytes < INT_MAX ? text_bytes : INT_MAX), text);
    if (umh_commands_tell_failure(module->host, module->identity.slot, why.text) != 0)
        umh_failure_take();
}

void umh_module_note_culprit(const umh_host_v1 *table)
{
    const umh_module *module = module_of(table);

    umh_dispatch_note_culprit(module->host->dispatch, module->identity.slot);
}

void umh_module_begin_stop(umh_module *module)
{
    if (module->loader->begin_stop)
        module->loader->begin_stop(module->state);
}

void umh_module_stop(umh_module *module)
{
    if (module->step != MODULE_LOADED && module->step != MODULE_STARTED)
        return;
    end_calls(module);
    module->step = MODULE_STOPPED;
}

int umh_module_configure(umh_module *module, const char *config, umh_why *ret_why)
{
    uint16_t before;
    int r;

    umh_assert(module->step == MODULE_LOADED || module->step == MODULE_STARTED);
    r = set_config(module, config);
    if (r == UMH_MODULE_NOT_TAKEN) {
        umh_why_set(ret_why, "it has been told %u configurations and may hold on to each",
                    UMH_MODULE_CONFIGS_MAX);
        return UMH_MODULE_NOT_TAKEN;
    }
    if (r)
        return umh_fold(r);
    before = enter(module->identity.slot);
    r = module->loader->configure(module->state, config, ret_why);
    leave(before);
    return r == UMH_MODULE_NOT_TAKEN ? UMH_MODULE_NOT_TAKEN : umh_fold(r);
}

void umh_unloading_deinit(umh_unloading *unloading)
{
    umh_text_free(UMH_MOVE(unloading->explanation));
}

bool umh_module_wants_explanation(const umh_module *module)
{
    return module->unloading && module->unloading->wants_explanation;
}

void umh_module_explain(const umh_module *module, const char *lines)
{
    umh_unloading *unloading = module->unloading;

    if (!unloading || !*lines)
        return;
    umh_text_free(unloading->explanation);
    unloading->explanation = umh_text_copy(lines);
}

void umh_module_note_gone(const umh_host_v1 *table)
{
    const umh_module *module = module_of(table);

    if (umh_commands_tell_gone(module->host, module->left) != 0)
        umh_failure_take();
}

void umh_module_end_left_take(umh_module *module)
{
    umh_module_note_gone(&module->table);
    umh_module_free(module);
}

int umh_module_unload_take(umh_module *module, umh_unloading *unloading)
{
    uint16_t before;
    int r;

    umh_module_stop(module);
    umh_remains_look(module->host->remains);
    module->unloading = unloading;
    /* Before the loader is asked: it may be told of the end before this returns. */
    module->left = atomic_fetch_add(&module->host->left_count, 1) + 1;
    before = enter(module->identity.slot);
    r = module->loader->unload_take(UMH_MOVE(module->state), &unloading->why);
    leave(before);
    module->unloading = NULL;

    /*
     * What is still there may still call, so its table answers until the image has gone; that of a
     * context until the process is replaced, for what ManagedHost keeps of it.
     */
    if (r == UMH_MODULE_STILL_THERE) {
        unloading->left = module->left;
        return UMH_MODULE_STILL_THERE;
    }
    umh_module_free(module);
    return umh_fold(r);
}

void umh_module_deliver(umh_module *module, const umh_frame *frame, umh_bytes text)
{
    umh_message_v1 message = {
        .size = sizeof(message),
        .text = text.data ? (const char *)text.data : "",
        .text_bytes = text.size,
        .source_host = frame->source_host,
        .source_session = frame->source_session,
        .session = frame->session,
        .source_slot = frame->source_slot,
        .slot = module->identity.slot,
    };
    uint16_t before;

    if (module->step != MODULE_STARTED)
        return;
    memcpy(&message.service, &frame->service, sizeof(message.service));
    before = enter(module->identity.slot);
    module->loader->on_message(module->state, &message);
    leave(before);
}

umh_module_state umh_module_get_state(const umh_module *module)
{
    return module->step;
}

const char *umh_module_loader_name(const umh_module *module)
{
    return module->loader->name;
}

bool umh_module_is_native(const umh_module *module)
{
    return module->loader == &umh_loader_native;
}

const umh_host_v1 *umh_module_host_table(const umh_module *module)
{
    return &module->table;
}
