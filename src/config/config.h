/* SPDX-License-Identifier: MIT */
/*
 * What a broker.json says, as values: hosts, their modules, limits of the whole. Owned, immutable
 * after loading; a reload makes a new one. Pure but for reading the file. Any thread.
 */
#pragma once

#include "base/why.h"
#include "formats/guid.h"
#include "ipc/limits.h"

typedef enum umh_overflow {
    OVERFLOW_BLOCK,
    OVERFLOW_DROP_OLDEST,
    OVERFLOW_DROP_NEWEST
} umh_overflow;
typedef enum umh_restart_when {
    RESTART_ALWAYS,
    RESTART_ON_FAILURE,
    RESTART_NEVER
} umh_restart_when;

enum { UMH_CONFIG_SESSION_BROKER = 0, UMH_CONFIG_SESSION_ALL_USERS = -1 };

typedef struct umh_module_config {
    /* unique within the host; a bare name, or of the object's Name, or the stem of Path */
    char *name;
    char *path;           /* absolute; NULL: found by name */
    char *config;         /* compact JSON object text; "{}" when absent */
    int64_t overflow;     /* umh_overflow */
    int64_t on_exception; /* umh_on_exception */
    int64_t reload;       /* umh_reload_when */
    char **arguments;     /* of a program's Main; owned */
    size_t argument_count;
} umh_module_config;

/* What is done about a module that is to leave and cannot be proved to have left. */
typedef enum umh_on_held { ON_HELD_REPLACE, ON_HELD_REFUSE } umh_on_held;

/* When a module's file is looked at again. */
typedef enum umh_reload_when { RELOAD_MANUAL, RELOAD_ON_CHANGE } umh_reload_when;

/* What is done about a module whose callback throws. */
typedef enum umh_on_exception {
    ON_EXCEPTION_LOG,
    ON_EXCEPTION_RELOAD,
    ON_EXCEPTION_QUARANTINE
} umh_on_exception;

#define UMH_RESTARTS_MAX 100 /* of MaxRestarts: a host remembers when each of them was */

typedef struct umh_restart_config {
    int64_t when; /* umh_restart_when */
    int64_t first_delay_ms, factor, max_delay_ms, healthy_after_ms;
    double jitter;                /* share of a delay that chance may take off */
    int64_t max_restarts, per_ms; /* 0 restarts: no limit */
} umh_restart_config;

typedef struct umh_timeouts_config {
    int64_t hello_ms, load_ms, start_ms, stop_ms, unload_ms, ping_ms; /* start_ms: configure too */
    int64_t callback_ms;                                              /* 0: a callback may last */
} umh_timeouts_config;

/* Quotas of a host with all that it starts. 0: none. */
typedef struct umh_limits_config {
    int64_t memory_mib, cpu_percent, processes, open_files;
    bool required; /* one that cannot be applied stops the host */
} umh_limits_config;

typedef struct umh_hold_config {
    int64_t bytes, seconds;
} umh_hold_config;

/* A key that may be left out: then it is as somebody else says. */
typedef enum umh_switch { SWITCH_NOT_SET, SWITCH_OFF, SWITCH_ON } umh_switch;

/* Which version of a framework is taken where the one that is asked for is not there. */
typedef enum umh_roll_forward {
    ROLL_FORWARD_MINOR,
    ROLL_FORWARD_LATEST_PATCH,
    ROLL_FORWARD_MAJOR,
    ROLL_FORWARD_LATEST_MINOR,
    ROLL_FORWARD_LATEST_MAJOR,
    ROLL_FORWARD_DISABLE
} umh_roll_forward;

/* 0: not set. */
typedef struct umh_gc_config {
    int64_t server, concurrent; /* umh_switch */
    int64_t heap_limit_mib, heap_count, conserve_memory;
    int64_t retain_memory; /* umh_switch */
} umh_gc_config;

typedef struct umh_dotnet_config {
    char *root;        /* NULL: the usual places */
    char **frameworks; /* "NAME" or "NAME VERSION", owned; none: what the modules ask for */
    size_t framework_count;
    int64_t roll_forward; /* umh_roll_forward */
    umh_gc_config gc;
    int64_t tiered_compilation, tiered_pgo, invariant_globalization; /* umh_switch */
    char **properties;                                               /* "NAME=value", owned */
    size_t property_count;
    bool diagnostics; /* the CLR's diagnostics endpoint */
} umh_dotnet_config;

typedef struct umh_host_config {
    char *name;      /* GroupName */
    int64_t session; /* UMH_CONFIG_SESSION_... */
    bool wow64, ui;
    int64_t integrity_level; /* 0 Default, 1 Higher */
    int64_t stage;
    umh_module_config *modules; /* owned */
    size_t module_count;
    char **environment; /* "NAME=value", owned */
    size_t environment_count;
    umh_restart_config restart;
    umh_timeouts_config timeouts;
    int64_t on_held; /* umh_on_held */
    umh_hold_config hold;
    umh_limits_config limits;
    umh_dotnet_config dotnet;
    int line; /* of the entry in the file */
} umh_host_config;

typedef struct umh_named_service {
    char *name;
    umh_guid guid;
} umh_named_service;

typedef struct umh_config {
    char *path;             /* absolute, of the file */
    char *folder;           /* of the file */
    umh_host_config *hosts; /* the right ones, in the order of the file; owned */
    size_t host_count;
    /*
     * GroupNames of the entries that were left out because they are wrong, where one could be read:
     * at a change they stay as they last were
     */
    char **wrong_hosts; /* owned */
    size_t wrong_host_count;
    umh_named_service *services; /* `Services` */
    size_t service_count;
    /*
     * absolute: those of `ModuleFolders`, then FOLDER/modules, FOLDER, then the installation's
     * lib/umh/modules
     */
    char **module_folders;
    size_t module_folder_count;
    int64_t max_message_bytes, memory_mib, queue_mib, stall_seconds, start_together_ms;
    int64_t log_level; /* umh_log_level */
    bool control, watch;
    umh_dotnet_config dotnet; /* default of every host */
} umh_config;

#define UMH_CONFIG_INIT                                                                            \
    {                                                                                              \
        .path = NULL                                                                               \
    }

/*
 * Load a file. `installation` is where lib/umh/modules lies (may be NULL). Every problem is one
 * entry of `problems` with file, line, column and key. An entry of ChildProcesses that is wrong is
 * left out and reported, the others stand.
 * Outcomes: UMH_CONFIG_UNUSABLE (no file, no JSON, or a wrong key outside the entries: nothing can
 * run; problems say why).
 */
enum { UMH_CONFIG_UNUSABLE = 1 };
UMH_MUST_USE int umh_config_load(const char *path, const char *installation, umh_config *ret_config,
                                 umh_why_list *problems);

/* The same from text; `path` is for messages and folders. */
UMH_MUST_USE int umh_config_parse(umh_bytes text, const char *path, const char *installation,
                                  umh_config *ret_config, umh_why_list *problems);

/*
 * Put the entries of `before` that are wrong in `config` (wrong_hosts) into it, as they were; one
 * that `before` does not have stays out.
 */
UMH_MUST_USE int umh_config_keep_wrong(umh_config *config, const umh_config *before);

/*
 * A name of `Services`, a well-known service's name, or a GUID's text. Outcomes: UMH_GUID_BAD_TEXT.
 */
UMH_MUST_USE int umh_config_find_service(const umh_config *config, const char *text,
                                         umh_guid *ret_guid);
void umh_config_deinit(umh_config *config);
UMH_DEFINE_AUTO(umh_config);
