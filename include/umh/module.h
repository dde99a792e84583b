/* SPDX-License-Identifier: MIT */
/*
 * The whole interface between a native module and its host: one exported function, one struct of
 * callbacks, one table of host functions. Plain C11, valid C++17, GCC, Clang and MSVC. A module
 * links against nothing; it exports `umh_module_entry`.
 *
 *   Life      entry -> init -> start -> on_message ... -> stop -> unloaded. `init` that fails is
 *             followed by nothing.
 *   Threads   A module is never called concurrently with itself, but each call may come on another
 *             thread. `run` and `quit` are the exception: `run` stays on the process's main thread,
 *             `quit` comes from another one.
 *             Host functions may be called on any thread, from `init` until `stop` has returned
 *             (send: from `start` on); later calls are answered with UMH_V1_STOPPING. While it is
 *             being stopped so are subscribe, unsubscribe and reload, and a send that does not come
 *             from inside the stop callback.
 *   Memory    What a module passes in is borrowed for the call; what it is given is borrowed until
 *             the callback returns, the host table and its texts until the module is unloaded.
 *             Nobody frees what the other side allocated.
 *   Compatibility  Both structs start with their size; fields are only ever added at the end. Read
 *                  no further than `size` says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UMH_MODULE_ABI_VERSION 1u
#define UMH_SESSION_ANY 0xFFFFFFFFu  /* every session */
#define UMH_SESSION_BROKER 0u        /* the broker's own */
#define UMH_MODULE_NAME_BYTES_MAX 64 /* without the NUL; letters, digits, '.', '_', '-' */
/* that `services` may list; `subscribe` adds up to UMH_SUBSCRIPTIONS_MAX in all */
#define UMH_MODULE_SERVICES_MAX 64
#define UMH_SUBSCRIPTIONS_MAX 256 /* of one module */
/* MaxMessageBytes of the configuration, see max_message_bytes() */
#define UMH_MESSAGE_BYTES_DEFAULT_MAX (16u * 1024 * 1024)
#define UMH_SEND_ALLOWANCE_BYTES (256u * 1024) /* see send() inside a callback */
#define UMH_LOG_PAIRS_MAX 24                   /* further pairs are dropped and counted */
#define UMH_FOREVER_MS 0xFFFFFFFFu

#ifdef _WIN32
#define UMH_MODULE_EXPORT __declspec(dllexport)
#else
#define UMH_MODULE_EXPORT __attribute__((visibility("default")))
#endif

/* A service's name on the wire: 16 bytes in the order of its text (RFC 9562). */
typedef struct umh_guid_v1 {
    uint8_t bytes[16];
} umh_guid_v1;

/* 92D627A3-6C62-4C5B-8477-484A34ED3B82: (0x92D627A3, 0x6C62, 0x4C5B, 0x8477, 0x484A34ED3B82) */
#define UMH_BYTE_V1(value, shift) ((uint8_t)((uint64_t)(value) >> (shift)))
#define UMH_GUID_V1(a, b, c, d, e)                                                                 \
    {                                                                                              \
        {                                                                                          \
            UMH_BYTE_V1(a, 24), UMH_BYTE_V1(a, 16), UMH_BYTE_V1(a, 8), UMH_BYTE_V1(a, 0),          \
                UMH_BYTE_V1(b, 8), UMH_BYTE_V1(b, 0), UMH_BYTE_V1(c, 8), UMH_BYTE_V1(c, 0),        \
                UMH_BYTE_V1(d, 8), UMH_BYTE_V1(d, 0), UMH_BYTE_V1(e, 40), UMH_BYTE_V1(e, 32),      \
                UMH_BYTE_V1(e, 24), UMH_BYTE_V1(e, 16), UMH_BYTE_V1(e, 8), UMH_BYTE_V1(e, 0)       \
        }                                                                                          \
    }

/* What a host function answers. Never negative; 0 is done. */
typedef enum umh_result_v1 {
    UMH_V1_OK = 0,
    UMH_V1_FULL = 1,         /* no room until the deadline: the message was not sent */
    UMH_V1_NOT_TEXT = 2,     /* not well-formed UTF-8 */
    UMH_V1_TOO_LARGE = 3,    /* longer than max_message_bytes() */
    UMH_V1_NOT_ALLOWED = 4,  /* to a control service, All, or another user's session */
    UMH_V1_STOPPING = 5,     /* send: not started yet; all: the module is being stopped */
    UMH_V1_BAD_ARGUMENT = 6, /* a null pointer, a level that does not exist */
    UMH_V1_LIMIT = 7,        /* too many subscriptions, too many services published to */
    UMH_V1_NO_MEMORY = 8
} umh_result_v1;

typedef enum umh_level_v1 {
    UMH_V1_TRACE = 0,
    UMH_V1_DEBUG = 1,
    UMH_V1_INFO = 2,
    UMH_V1_WARNING = 3,
    UMH_V1_ERROR = 4,
    UMH_V1_CRITICAL = 5
} umh_level_v1;

/* A delivered message. Borrowed until on_message returns. */
typedef struct umh_message_v1 {
    size_t size; /* of this struct, as the host knows it */
    umh_guid_v1 service;
    /* UTF-8; NUL inside is possible; one NUL follows that text_bytes does not count */
    const char *text;
    size_t text_bytes;
    /* number of the sending host, stamped by the broker; 0: a control client or the broker */
    uint32_t source_host;
    uint32_t source_session; /* stamped by the broker */
    uint32_t session;        /* the message was addressed to; may be UMH_SESSION_ANY */
    uint16_t source_slot;    /* number of the sending module within its host */
    uint16_t slot;           /* the receiver's own */
} umh_message_v1;

typedef struct umh_pair_v1 {
    const char *key;   /* letters, digits, '_', '.', '-' */
    const char *value; /* UTF-8, NUL-terminated */
} umh_pair_v1;

/* Who this module is. Texts live as long as the module. */
typedef struct umh_identity_v1 {
    size_t size;
    const char *module;       /* its name in the configuration */
    const char *host;         /* GroupName, or NAME@SESSION */
    umh_guid_v1 host_service; /* the host's own service GUID */
    uint32_t host_number;     /* appears as source_host */
    uint32_t session;
    uint16_t slot;
    const char *folder; /* where the loaded copy lies; other files of the module are beside it */
    const char *original_folder; /* where it was copied from; may have changed or gone since */
} umh_identity_v1;

typedef struct umh_host_v1 umh_host_v1;

/* The host's functions. `host` is always the pointer given to init. Any thread, see above. */
struct umh_host_v1 {
    size_t size;          /* of this struct, as the host knows it */
    uint32_t abi_version; /* the highest the host speaks */
    uint32_t reserved;

    /*
     * Publish UTF-8 text to a service and a session (or UMH_SESSION_ANY). Order is kept per module
     * and service. Waits up to timeout_ms for room (0: not at all; UMH_FOREVER_MS) where the
     * receivers are slower; UMH_V1_OK means accepted: the message will go out in order before this
     * module's stop is complete. Inside a callback of this module it never waits, whatever
     * timeout_ms says: up to UMH_SEND_ALLOWANCE_BYTES (or one longer message) are accepted beyond
     * the room there is, then the answer is UMH_V1_FULL.
     * Outcomes: FULL, NOT_TEXT, TOO_LARGE, NOT_ALLOWED, STOPPING, BAD_ARGUMENT, LIMIT, NO_MEMORY.
     */
    umh_result_v1 (*send)(const umh_host_v1 *host, const umh_guid_v1 *service, uint32_t session,
                          const char *text, size_t text_bytes, uint32_t timeout_ms);

    /* The same without waiting and without the allowance: UMH_V1_OK only when there is room now. */
    umh_result_v1 (*try_send)(const umh_host_v1 *host, const umh_guid_v1 *service, uint32_t session,
                              const char *text, size_t text_bytes);

    /*
     * Receive what is published to `service` (all zero: everything that is not control; lossy by
     * nature). Twice is once.
     */
    umh_result_v1 (*subscribe)(const umh_host_v1 *host, const umh_guid_v1 *service);
    umh_result_v1 (*unsubscribe)(const umh_host_v1 *host, const umh_guid_v1 *service);

    /* One record in the broker's log. `text` is NUL-terminated; `pairs` may be NULL. */
    umh_result_v1 (*log)(const umh_host_v1 *host, umh_level_v1 level, const char *text,
                         const umh_pair_v1 *pairs, size_t pair_count);

    /* The module's `Config` as compact JSON text, "{}" when there is none. */
    const char *(*configuration)(const umh_host_v1 *host);

    const umh_identity_v1 *(*identity)(const umh_host_v1 *host);

    /* Largest text a message may have here, in bytes. */
    size_t (*max_message_bytes)(const umh_host_v1 *host);

    /*
     * Ask to be reloaded: the newest file, with what `Config` says then. Returns at once; stop
     * follows, and no message is lost. What is asked for again before that is the same wish; at
     * most one reload a second comes of it. Only where `size` covers it: hosts of before have none.
     * Outcomes: STOPPING, NO_MEMORY.
     */
    umh_result_v1 (*reload)(const umh_host_v1 *host);
};

/*
 * What a module is. Static storage of the module; the callbacks get the state that init stored
 * (NULL when it stored none).
 */
typedef struct umh_module_v1 {
    size_t size;                 /* sizeof(umh_module_v1) */
    uint32_t abi_version;        /* UMH_MODULE_ABI_VERSION */
    uint32_t flags;              /* 0 */
    const char *name;            /* for logs; the configuration's name identifies the module */
    const char *version;         /* shown by `umh status` */
    const umh_guid_v1 *services; /* subscribed from init on; may be NULL */
    size_t service_count;

    /*
     * Prepare; keep `host`; store own state. 0: ready; else the module is reported as failed with
     * this number and not called again.
     */
    int (*init)(const umh_host_v1 *host, void **ret_state);
    /*
     * May publish from here on, is never called with a message before this returned 0. May be NULL.
     */
    int (*start)(void *state);
    /* One message. NULL is allowed in a module that only publishes. */
    void (*on_message)(void *state, const umh_message_v1 *message);
    /*
     * End own threads and release everything; nothing is called afterwards. Called once after any
     * successful init, also right after a `start` that failed, but not where the process is killed
     * or has lost its broker. May be NULL.
     */
    void (*stop)(void *state);
    /*
     * A UI module only: the event loop on the main thread, and the request to leave it. Else NULL.
     */
    int (*run)(void *state);
    void (*quit)(void *state);
    /*
     * Its `Config` changed while it runs: `config` is the new one as compact JSON text, borrowed
     * for the call; configuration() gives it from now on. 0: taken over. Else, or NULL here: the
     * module is reloaded, which loses no message.
     */
    int (*configure)(void *state, const char *config);
} umh_module_v1;

/* The one exported symbol. Called once after loading; returns static storage. */
UMH_MODULE_EXPORT const umh_module_v1 *umh_module_entry(void);
#define UMH_MODULE_ENTRY_SYMBOL "umh_module_entry"

#ifdef __cplusplus
}
#endif
