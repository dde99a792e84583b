/* SPDX-License-Identifier: MIT */
/*
 * One module in one slot: what a loader made of a file, and the table of host functions it was
 * given. Created by the load command on the slot's thread; called by one thread at a time (dispatch
 * sees to that); freed after unload by the thread that unloaded.
 *
 *   state      who leaves it
 *   LOADED     start -> STARTED or FAILED; stop -> STOPPED
 *   STARTED    stop -> STOPPED
 *   STOPPED    unload
 *   FAILED     unload; the start that failed has stopped it
 */
#pragma once

#include "base/why.h"
#include "formats/image.h"
#include "host/outbox.h"

#include <umh/module.h>

typedef struct umh_module umh_module;
typedef struct umh_host umh_host; /* the process; host/host.h */

typedef enum umh_module_state {
    MODULE_LOADED,
    MODULE_STARTED,
    MODULE_STOPPED,
    MODULE_FAILED
} umh_module_state;

/* What the load command said. Borrowed for the call, copied where kept. */
typedef struct umh_module_spec {
    umh_host *host;
    uint16_t slot;
    const char *name;
    const char *path;   /* absolute, of the copy in the store */
    const char *folder; /* of the copy */
    const char *original_folder;
    const char *config; /* JSON text */
    const char *state;  /* what its predecessor left to it; NULL: nothing */
    /* of the CLR, should this be its first; NULL: that of ManagedHost, of a program its own */
    const char *runtime_config;
    bool tells_failures;          /* the broker is told the first callback that failed */
    const char *const *arguments; /* of a program's Main */
    size_t argument_count;
} umh_module_spec;

/* What a loader found out, for the answer. */
typedef struct umh_module_facts {
    char name[UMH_NAME_BYTES_MAX + 1];
    char version[64];
    umh_guid services[UMH_MODULE_SERVICES_MAX];
    size_t service_count;
} umh_module_facts;

/*
 * A module may hold on to every text that configuration() ever gave it. So many changes it is told;
 * for the next it is reloaded, which lets go of them all.
 */
#define UMH_MODULE_CONFIGS_MAX 64u

#define UMH_MODULE_STATE_BYTES_MAX (64u * 1024) /* what a module leaves to its successor */

enum { UMH_MODULE_UNUSABLE = 1, UMH_MODULE_STILL_THERE = 2, UMH_MODULE_NOT_TAKEN = 3 };

#define UMH_EXPLANATION_BYTES (16u * 1024) /* of lines about one module; what is longer is cut */

/* An unloading, and what came of it. */
typedef struct umh_unloading {
    bool wants_explanation;
    /* of UMH_MODULE_STILL_THERE */
    umh_why why;       /* what holds it */
    int64_t left;      /* by what number the broker is told when it goes after all; 0: not left */
    char *explanation; /* owned; lines about who holds it; NULL: none */
} umh_unloading;

void umh_unloading_deinit(umh_unloading *unloading);

/* What a loader implements; `state` is the loader's own. Texts into why. */
typedef struct umh_loader {
    const char *name; /* "native", "managed", "program" */
    /*
     * Load and init, with umh_module_note_init in between. Outcomes: UMH_MODULE_UNUSABLE (why).
     * Nothing remains loaded then.
     */
    int (*load)(umh_module *module, const umh_module_spec *spec, umh_module_facts *ret_facts,
                void **ret_state, umh_why *ret_why);
    int (*start)(void *state, umh_why *ret_why); /* Outcomes: UMH_MODULE_UNUSABLE */
    void (*on_subscribed)(void *state);          /* Any thread, after start. NULL: nothing to do. */
    void (*on_message)(void *state, const umh_message_v1 *message);
    /*
     * Any thread, beside a call that is under way: a stop is to follow. Runs no code of the module
     * and returns at once; what came before the stop is delivered all the same. NULL: nothing to
     * do, or, for a program, not before its messages.
     */
    void (*begin_stop)(void *state);
    void (*stop)(void *state);
    /* Outcomes: UMH_MODULE_NOT_TAKEN (it has no such function, or answered no: why). */
    int (*configure)(void *state, const char *config, umh_why *ret_why);
    /* `state` is taken. Outcomes: UMH_MODULE_STILL_THERE (ret_why: what holds it). */
    int (*unload_take)(void *state, umh_why *ret_why);
} umh_loader;

extern const umh_loader umh_loader_native;
extern const umh_loader umh_loader_managed;
extern const umh_loader umh_loader_program;

/* By a loader: from here on it is the module's own code that keeps the load from ending. */
void umh_module_note_init(const umh_module *module);

/*
 * Choose the loader by the file's header, open the slot of the outbox, load, init. What init
 * subscribes to the broker knows before the answer. Outcomes: UMH_MODULE_UNUSABLE (why).
 */
UMH_MUST_USE int umh_module_load(const umh_module_spec *spec, umh_module_facts *ret_facts,
                                 umh_module **ret_module, umh_why *ret_why);
/* Outcomes: UMH_MODULE_UNUSABLE */
UMH_MUST_USE int umh_module_start(umh_module *module, umh_why *ret_why);
/*
 * Ends waiting sends, calls stop, leaves what was accepted to the outbox. Once; later calls do
 * nothing.
 */
void umh_module_stop(umh_module *module);
/* Before stop, on the thread that stops: a successor follows, and may be left something. */
void umh_module_expect_successor(umh_module *module);
bool umh_module_has_successor(const umh_module *module);
/* After stop: what it left, NUL-terminated; NULL: nothing. */
const char *umh_module_left_state(const umh_module *module);
/* By dispatch, under its lock: a stop waits until the call under way has returned. */
void umh_module_begin_stop(umh_module *module);
/*
 * LOADED or STARTED: tell it of another Config, which configuration() gives from before that on.
 * Outcomes: UMH_MODULE_NOT_TAKEN (why): it is to be reloaded.
 */
UMH_MUST_USE int umh_module_configure(umh_module *module, const char *config, umh_why *ret_why);
/*
 * Takes the module in any case: an unload that may be asked again did not come so far
 * (host/commands.h). With the outcome UMH_MODULE_STILL_THERE its host table stays: what is still
 * mapped may still call it.
 */
UMH_MUST_USE int umh_module_unload_take(umh_module *module, umh_unloading *unloading);
/* By a loader that is unloading it: lines about who holds it are wanted, and are these (copied). */
bool umh_module_wants_explanation(const umh_module *module);
void umh_module_explain(const umh_module *module, const char *lines);

/*
 * The frame and its text as the module sees it. Called by dispatch for each message: no allocation,
 * no lock, no clock.
 */
void umh_module_deliver(umh_module *module, const umh_frame *frame, umh_bytes text);

umh_module_state umh_module_get_state(const umh_module *module);
const char *umh_module_loader_name(const umh_module *module); /* see umh_loader */
bool umh_module_is_native(const umh_module *module);
/* The table for this module; its address identifies the module in every host function. */
const umh_host_v1 *umh_module_host_table(const umh_module *module);

/*
 * The table's `send` as from inside a callback: for a managed handler whose Task goes on on another
 * thread. Any thread; on one that is in no callback of the module it is written without a flush.
 */
umh_result_v1 umh_module_send_inside(const umh_host_v1 *table, const umh_guid_v1 *service,
                                     uint32_t session, const char *text, size_t text_bytes);

/*
 * A callback of the module failed, which it lives on after: counted in the black box, and told to
 * the broker once where it wants to know. Any thread.
 */
void umh_module_note_failure(const umh_host_v1 *table, const char *text, size_t text_bytes);
/* The process ends now, by code of the module, wherever that runs. Any thread. */
void umh_module_note_culprit(const umh_host_v1 *table);
/* What was left of a module has gone: the broker is told, nothing is freed. Any thread. */
void umh_module_note_gone(const umh_host_v1 *table);
/* The same of one whose table nobody can have any more: takes and frees it. Any thread. */
void umh_module_end_left_take(umh_module *module);
/*
 * What the module leaves to its successor, copied. Inside stop. UMH_V1_TOO_LARGE: longer than
 * UMH_MODULE_STATE_BYTES_MAX.
 */
umh_result_v1 umh_module_keep_state(const umh_host_v1 *table, const char *text, size_t text_bytes);
