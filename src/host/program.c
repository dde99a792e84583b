/* SPDX-License-Identifier: MIT */
/*
 * A program in a UI host: its CLR, its Main on the main thread, and the calls that reach it from
 * the slot's thread.
 *
 * hostfxr runs Main to its end and then shuts the CLR down, so a call must not meet one that is on
 * its way out: each is counted, and the hook's ProcessExit waits for those under way before it lets
 * the CLR go on. What was once loaded is never freed: the CLR knows its address.
 */
#include "host/program.h"

#include "host/clr.h"
#include "host/commands.h"
#include "host/host.h"
#include "platform/file.h"
#include "platform/thread.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HOOK_ASSEMBLY "ManagedHost.dll"
#define CONTRACT_ASSEMBLY "UniversalModuleHost.Abstractions.dll"

_Static_assert(UMH_PROGRAM_ARGUMENTS_MAX <= UMH_CLR_ARGUMENTS_MAX, "what can be passed on");

typedef struct program {
    umh_host *host;
    const umh_identity_v1 *identity;
    umh_clr *clr;
    umh_program_start start;
    umh_lock *lock;
    umh_condition *changed;
    umh_program_calls calls;             /* once it is attached, then constant */
    uint64_t attached_ns, subscribed_ns; /* 0: not yet */
    size_t call_count;                   /* under way */
    bool is_attached, is_refused;
    bool is_asked;     /* to stop: the end of Main is not the user's wish */
    bool is_ending;    /* no call any more */
    bool has_returned; /* Main */
    umh_why why;       /* of is_refused */
} program;

/* --- what the hook calls ---------------------------------------------------------------------- */

static void on_attached(void *context, const umh_program_calls *calls)
{
    program *self = context;
    bool is_asked;

    umh_lock_take(self->lock);
    self->calls = *calls;
    self->is_attached = true;
    self->attached_ns = umh_clock_now_ns();
    is_asked = self->is_asked;
    umh_condition_wake_all(self->changed);
    umh_lock_release(self->lock);
    if (is_asked)
        calls->begin_stop();
}

static void refuse(program *self, const umh_why *why)
{
    umh_lock_take(self->lock);
    self->why = *why;
    self->is_refused = true;
    umh_condition_wake_all(self->changed);
    umh_lock_release(self->lock);
}

/* Main cannot be skipped without ending the process, in which native modules may be. */
static void on_refused(void *context, const char *text)
{
    program *self = context;
    umh_why why = UMH_WHY_INIT;

    umh_why_set(&why, "%s", text);
    refuse(self, &why);
    umh_lock_take(self->lock);
    for (;;)
        umh_ignore(umh_condition_wait(self->changed, self->lock, UMH_FOREVER));
}

static void on_ending(void *context)
{
    program *self = context;
    uint64_t deadline_ns = umh_clock_deadline_ns(UMH_PROGRAM_LEAVE_MS);
    bool is_in_time = true;

    umh_lock_take(self->lock);
    self->is_ending = true;
    while (self->call_count > 0 && is_in_time)
        is_in_time = umh_condition_wait(self->changed, self->lock, deadline_ns);
    umh_lock_release(self->lock);
}

/* --- calls into it ---------------------------------------------------------------------------- */

/* False: nobody is there. */
static bool enter(program *self)
{
    bool is_there;

    umh_lock_take(self->lock);
    is_there = self->is_attached && !self->is_ending;
    self->call_count += is_there;
    umh_lock_release(self->lock);
    return is_there;
}

static void leave(program *self)
{
    umh_lock_take(self->lock);
    self->call_count--;
    if (self->is_ending)
        umh_condition_wake_all(self->changed);
    umh_lock_release(self->lock);
}

static void program_on_message(void *state, const umh_message_v1 *message)
{
    program *self = state;

    if (!enter(self))
        return;
    self->calls.on_message(message);
    leave(self);
}

static void program_on_subscribed(void *state)
{
    program *self = state;

    umh_lock_take(self->lock);
    self->subscribed_ns = umh_clock_now_ns();
    umh_condition_wake_all(self->changed);
    umh_lock_release(self->lock);
}

/* Outcomes: UMH_MODULE_NOT_TAKEN. */
static int program_configure(void *state, const char *config, umh_why *ret_why)
{
    program *self = state;
    char why[UMH_MANAGED_WHY_BYTES] = "";
    int32_t refused;

    if (!enter(self))
        return 0; /* it reads the newest when it comes so far */
    refused = self->calls.configure(config, why);
    leave(self);
    if (!refused)
        return 0;
    umh_why_set(ret_why, "%s", why);
    return UMH_MODULE_NOT_TAKEN;
}

static void begin_stop(program *self)
{
    if (!enter(self))
        return;
    self->calls.begin_stop();
    leave(self);
}

/* --- load ------------------------------------------------------------------------------------- */

static int new_program(const umh_module *module, const umh_module_spec *spec, program **ret_program)
{
    const umh_host_v1 *table = umh_module_host_table(module);
    program *self = calloc(1, sizeof(*self));
    int r;

    if (!self)
        return UMH_FAIL(UMH_E_MEMORY, "program '%s'", spec->name);
    r = umh_lock_new(&self->lock);
    if (r == 0)
        r = umh_condition_new(&self->changed);
    if (r) {
        umh_lock_free(self->lock);
        free(self);
        return umh_fold(r);
    }
    self->host = spec->host;
    self->identity = table->identity(table);
    self->start = (umh_program_start){
        .size = sizeof(self->start),
        .version = 1,
        .host = umh_managed_functions(),
        .table = table,
        .log_level = (uint32_t)spec->host->log_level,
        .context = self,
        .on_attached = on_attached,
        .on_refused = on_refused,
        .on_ending = on_ending,
    };
    *ret_program = self;
    return 0;
}

static void free_program(program *self)
{
    umh_condition_free(self->changed);
    umh_lock_free(self->lock);
    free(self);
}

/* Outcomes: UMH_CLR_UNUSABLE. */
static int open_clr(program *self, const umh_module_spec *spec, const umh_managed_place *place,
                    umh_why *ret_why)
{
    char hook[UMH_PATH_BYTES];
    char contract[UMH_PATH_BYTES];
    char address[24];
    const umh_clr_property properties[] = {
        {.name = UMH_PROGRAM_PROPERTY, .value = address},
        {.name = "STARTUP_HOOKS", .value = hook, .is_in_front = true},
        {.name = "System.StartupHookProvider.IsSupported", .value = "true"},
    };
    const umh_clr_spec clr = {.dotnet_root = place->dotnet_root,
                              .runtime_config = spec->runtime_config,
                              .assembly = spec->path,
                              .arguments = spec->arguments,
                              .argument_count = spec->argument_count,
                              .properties = properties,
                              .property_count = UMH_COUNT_OF(properties),
                              .lent_assembly = contract,
                              .diagnostics = place->diagnostics};
    int r;

    r = umh_file_join(place->managed_folder, HOOK_ASSEMBLY, hook);
    if (r == 0)
        r = umh_file_join(place->managed_folder, CONTRACT_ASSEMBLY, contract);
    if (r)
        return umh_fold(r);
    if (umh_file_inspect(hook).kind != FILE_KIND_FILE) {
        umh_why_set(ret_why, "there is no '%s'; the managed parts are not installed", hook);
        return UMH_CLR_UNUSABLE;
    }
    snprintf(address, sizeof(address), "%" PRIxPTR, (uintptr_t)&self->start);
    r = umh_clr_open(&clr, &self->clr, ret_why);
    return r == UMH_CLR_UNUSABLE ? UMH_CLR_UNUSABLE : umh_fold(r);
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int load_lent(const umh_module *module, const umh_module_spec *spec,
                     const umh_managed_place *place, program **ret_program, umh_why *ret_why)
{
    program *self = NULL;
    int r = new_program(module, spec, &self);

    if (r)
        return umh_fold(r);
    r = open_clr(self, spec, place, ret_why);
    if (r == 0) {
        *ret_program = self;
        return 0;
    }
    free_program(self);
    return r == UMH_CLR_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
}

/* Its name in the status is that of its file; the version is the assembly's own affair. */
static void gather_facts(const umh_module_spec *spec, umh_module_facts *ret_facts)
{
    umh_module_facts facts = {.service_count = 0};

    umh_text_put(facts.name, sizeof(facts.name), spec->name);
    *ret_facts = facts;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int program_load(umh_module *module, const umh_module_spec *spec,
                        umh_module_facts *ret_facts, void **ret_state, umh_why *ret_why)
{
    umh_managed *managed = spec->host->managed;
    umh_managed_place place;
    program *self = NULL;
    int r;

    if (!spec->host->main_thread) {
        umh_why_set(ret_why, "a program (EXE) has the main thread of its process: its host needs "
                             "\"Ui\": true; a module has OutputType Library");
        return UMH_MODULE_UNUSABLE;
    }
    r = umh_managed_lend(managed, spec->name, &place, ret_why);
    if (r == UMH_MODULE_UNUSABLE)
        return UMH_MODULE_UNUSABLE;
    if (r == 0)
        r = load_lent(module, spec, &place, &self, ret_why);
    if (r) {
        umh_managed_take_back(managed);
        return r == UMH_MODULE_UNUSABLE ? UMH_MODULE_UNUSABLE : umh_fold(r);
    }
    gather_facts(spec, ret_facts);
    *ret_state = self;
    return 0;
}

/* --- Main ------------------------------------------------------------------------------------- */

/* Whether Main was reached: a CLR that did not come up has failed to start. */
static bool note_returned(program *self, int r, const umh_why *why)
{
    bool is_news;

    umh_lock_take(self->lock);
    self->is_ending = true;
    self->has_returned = true;
    if (r && !self->is_attached) {
        self->why = *why;
        self->is_refused = true;
    }
    is_news = !self->is_refused && !self->is_asked;
    umh_condition_wake_all(self->changed);
    umh_lock_release(self->lock);
    return is_news;
}

static void run_on_main_thread(void *context)
{
    program *self = context;
    umh_why why = UMH_WHY_INIT;
    int code = 1;
    int r = umh_clr_run(self->clr, &code, &why);

    if (r < 0)
        umh_why_set_failure(&why);
    if (!note_returned(self, r, &why))
        return;
    /* One that cannot say so ends without order. */
    if (umh_commands_tell_closed(self->host, self->identity->slot, code) != 0)
        umh_host_end(self->host, code);
}

/* (lock) Until when it may go on as it is without counting as started. */
static uint64_t settles_at(const program *self)
{
    uint64_t at_ns = UMH_FOREVER;

    if (self->attached_ns)
        at_ns = self->attached_ns + UMH_PROGRAM_SETTLE_MS * UMH_NS_PER_MS;
    if (self->subscribed_ns && self->subscribed_ns + UMH_PROGRAM_QUIET_MS * UMH_NS_PER_MS < at_ns)
        at_ns = self->subscribed_ns + UMH_PROGRAM_QUIET_MS * UMH_NS_PER_MS;
    return at_ns;
}

static bool await_settled(program *self, umh_why *ret_why)
{
    bool is_refused;

    umh_lock_take(self->lock);
    while (!self->is_refused && !self->has_returned && umh_clock_now_ns() < settles_at(self))
        umh_ignore(umh_condition_wait(self->changed, self->lock, settles_at(self)));
    is_refused = self->is_refused;
    if (is_refused)
        *ret_why = self->why;
    umh_lock_release(self->lock);
    return !is_refused;
}

/* Outcomes: UMH_MODULE_UNUSABLE. */
static int program_start(void *state, umh_why *ret_why)
{
    program *self = state;
    const umh_main_thread_work work = {
        .module = self->identity->module, .run = run_on_main_thread, .context = self};
    int r = umh_main_thread_give(self->host->main_thread, &work, ret_why);

    if (r == UMH_MAIN_THREAD_TAKEN)
        return UMH_MODULE_UNUSABLE;
    if (r)
        return umh_fold(r);
    return await_settled(self, ret_why) ? 0 : UMH_MODULE_UNUSABLE;
}

static void program_stop(void *state)
{
    program *self = state;
    bool is_refused;

    umh_lock_take(self->lock);
    self->is_asked = true;
    is_refused = self->is_refused;
    umh_lock_release(self->lock);
    if (is_refused)
        return;
    if (umh_main_thread_withdraw(self->host->main_thread, self))
        begin_stop(self);
    umh_main_thread_await(self->host->main_thread, self);
}

/* Outcomes: UMH_MODULE_STILL_THERE, always. */
static int program_unload_take(void *state, umh_why *ret_why)
{
    UMH_UNUSED(state);
    umh_why_set(ret_why, "a program leaves with its process");
    return UMH_MODULE_STILL_THERE;
}

const umh_loader umh_loader_program = {
    .name = "program",
    .load = program_load,
    .start = program_start,
    .on_subscribed = program_on_subscribed,
    .on_message = program_on_message,
    .begin_stop = NULL, /* Main would return, and what is still to be delivered be lost */
    .stop = program_stop,
    .configure = program_configure,
    .unload_take = program_unload_take,
};
