/* SPDX-License-Identifier: MIT */
/*
 * The border to the CLR: started once, on the CLR's thread (the main thread, or in a UI host one of
 * its own), by hostfxr in command-line mode for ManagedHost.dll, whose Main hands its function
 * pointers over and stays until the process ends. C only crosses the border; the policy of managed
 * modules is C#.
 *
 * The structs below are mirrored in managed/ManagedHost/Bridge.cs; both sides check `size`. Texts
 * are UTF-8 with an explicit length where they may hold NUL, else NUL-terminated. No exception
 * crosses: every function reports into `why`.
 */
#pragma once

#include "base/why.h"
#include "host/module.h"

#define UMH_MANAGED_WHY_BYTES 4096

typedef struct umh_managed_load {
    uint32_t size;
    uint32_t slot;
    const char *name;
    const char *path;
    const char *folder;
    const char *original_folder;
    const char *config;
    const char *state;       /* what its predecessor left to it; NULL: nothing */
    const umh_host_v1 *host; /* the module's table; its functions are what Send and Log call */
    uint32_t log_level;      /* umh_log_level: records below it go nowhere */
    uint32_t reserved;
} umh_managed_load;

typedef struct umh_managed_facts {
    uint32_t size;
    uint32_t service_count;
    char name[UMH_NAME_BYTES_MAX + 1];
    char version[64];
    umh_guid services[UMH_MODULE_SERVICES_MAX];
} umh_managed_facts;

typedef struct umh_managed_unload {
    uint32_t size;
    uint32_t wants_explanation;
    const umh_host_v1 *host; /* for `gone`, when it is still there */
    char *explanation;       /* UMH_EXPLANATION_BYTES; lines, NUL-terminated; empty: none */
} umh_managed_unload;

/*
 * Filled by ManagedHost's Main. Result 0: done; 1: not usable or still there, `why`
 * (UMH_MANAGED_WHY_BYTES, NUL-terminated) says why.
 */
typedef struct umh_managed_calls {
    uint32_t size;
    uint32_t version; /* 1 */
    int32_t (*load)(const umh_managed_load *spec, umh_managed_facts *facts, void **ret_handle,
                    char *why);
    int32_t (*start)(void *handle, char *why);
    /* returns when the handler's Task has completed */
    void (*on_message)(void *handle, const umh_message_v1 *message);
    /* is_reload: a successor follows, keep_state takes what is left to it */
    void (*stop)(void *handle, int32_t is_reload);
    /*
     * The handle is gone. Waits for the proof (s_patience of Unloader.cs: 2 s), then for an
     * explanation where one is wanted (that of Explainer.cs: 40 s): umh-explain has the process
     * write its memory into a file below TMPDIR that has no name from before its first byte (on
     * Windows: that goes with its last handle), so nothing stays of it, also after kill -9. While
     * it is written the process stands still and counts as debugged: nothing is late then,
     * however long that takes (broker/liveness.h).
     */
    int32_t (*unload)(void *handle, const umh_managed_unload *spec, char *why);
    /* another Config, JSON text; 1: it did not take it over and is to be reloaded */
    int32_t (*configure)(void *handle, const char *config, char *why);
    /* beside a call under way, on any thread: its stopping token is cancelled, elsewhere */
    void (*begin_stop)(void *handle);
} umh_managed_calls;

/* What Main is given as its only argument: the address of this struct in hexadecimal. */
typedef struct umh_managed_start {
    uint32_t size;
    uint32_t version; /* 1 */
    void *context;
    void (*on_ready)(void *context, const umh_managed_calls *calls); /* calls is copied */
    /* Main stays in it; returns never: the process leaves by _exit */
    void (*wait_for_end)(void *context);
    /* for ManagedHost itself; module may be NULL */
    void (*log)(uint32_t level, const char *module, const char *message, size_t message_bytes);
    /* umh_module_send_inside */
    umh_result_v1 (*send_inside)(const umh_host_v1 *host, const umh_guid_v1 *service,
                                 uint32_t session, const char *text, size_t text_bytes);
    /* umh_module_note_failure, umh_module_keep_state */
    void (*failed)(const umh_host_v1 *host, const char *text, size_t text_bytes);
    umh_result_v1 (*keep_state)(const umh_host_v1 *host, const char *text, size_t text_bytes);
    void (*ended)(const umh_host_v1 *host); /* umh_module_note_culprit */
    void (*gone)(const umh_host_v1 *host);  /* umh_module_note_gone */
} umh_managed_start;

/* What C# calls, without what only ManagedHost's Main has: context, on_ready, wait_for_end. */
umh_managed_start umh_managed_functions(void);

typedef struct umh_managed umh_managed;

/* `dotnet_root` and `managed_folder` (of ManagedHost.dll) are copied. Starts nothing yet. */
UMH_MUST_USE int umh_managed_new(const char *dotnet_root, const char *managed_folder,
                                 bool diagnostics, umh_managed **ret_managed);

/*
 * Any thread but the CLR's: have the CLR running, with `runtime_config` (NULL: ManagedHost's own)
 * unless it runs already. The first caller wakes the CLR's thread; all wait for on_ready, or for
 * the failure. Outcomes: UMH_MODULE_UNUSABLE (no .NET root, hostfxr's own words, or a program has
 * the CLR). It lasts: every later managed module of this process is refused with the same.
 */
UMH_MUST_USE int umh_managed_ensure(umh_managed *managed, const char *runtime_config,
                                    umh_why *ret_why);
const umh_managed_calls *umh_managed_get_calls(const umh_managed *managed); /* after ensure */

/* What opening the CLR takes. Borrowed. */
typedef struct umh_managed_place {
    const char *dotnet_root;
    const char *managed_folder;
    bool diagnostics;
} umh_managed_place;

/*
 * Any thread: the CLR, of which a process has one, is a program's; managed modules are refused in
 * its name from here on. Outcomes: UMH_MODULE_UNUSABLE (somebody has it already: why).
 */
UMH_MUST_USE int umh_managed_lend(umh_managed *managed, const char *program,
                                  umh_managed_place *ret_place, umh_why *ret_why);
/* Its umh_clr_open has failed, or was not reached: the CLR is the next one's who wants it. */
void umh_managed_take_back(umh_managed *managed);

/*
 * The CLR's thread: waits for the first managed module, then runs ManagedHost's Main. Does not
 * return; after a failure it waits for the end of the process.
 */
_Noreturn void umh_managed_serve_main_thread(umh_managed *managed);
