/* SPDX-License-Identifier: MIT */
/*
 * The module store: what a host loads is a copy in a folder of ours, so that the original can be
 * rebuilt, replaced or deleted at any time. Copying runs on libuv's pool. Entries are shared by
 * content, named by fingerprint, counted by use, of which what is left over of a module is one;
 * what nobody uses is removed, and at the start what an earlier broker left.
 *
 *   /var/lib/umh/INSTANCE   0700; 0711 once there are users' hosts
 *     modules               0700: of hosts that run as the broker
 *     users                 0711: of hosts that run as a user; copies belong to the broker, nobody
 *                           else may write them, and what others may not read in the original they
 *                           may not read here
 */
#pragma once

#include "base/list.h"
#include "broker/broker.h"
#include "config/modules.h"

/* one module's folder; more: the module is refused with what was counted */
#define UMH_STORE_MODULE_BYTES_MAX (512ull * 1024 * 1024)
#define UMH_STORE_MODULE_FILES_MAX 4096u
#define UMH_STORE_DEPTH_MAX 16u

typedef struct umh_store_entry umh_store_entry;     /* a copy; counted */
typedef struct umh_store_request umh_store_request; /* a copy under way */
typedef struct umh_store_look umh_store_look;       /* what there is: broker/store_work.h */
typedef struct umh_store_key umh_store_key;         /* of its content, and from where it is */

/* The folder of the instance is created (private) and emptied of what an earlier broker left. */
UMH_MUST_USE int umh_store_new(umh_broker *broker, umh_store **ret_store);
/* The broker has another configuration: what is asked for from now on is looked for as it says. */
UMH_MUST_USE int umh_store_take_config(umh_store *store);
/* after every request has completed; removes its entries */
umh_store *umh_store_free(umh_store *store);

/* For broker/runtime_file.h: the list, the two folders, and numbers that never come again. */
umh_list *umh_store_runtime_files(umh_store *store);
const char *umh_store_place(const umh_store *store, bool is_for_users);
uint64_t umh_store_next_serial(umh_store *store);
uv_loop_t *umh_store_loop(umh_store *store);

/*
 * Find the module's file, check it and have a copy. Completed later on the loop, never from inside
 * this call, exactly once: on_ready (entry: one reference for the callee) or on_failed (why).
 */
typedef struct umh_store_events {
    void *context;
    void (*on_ready)(void *context, umh_store_entry *entry_take);
    void (*on_failed)(void *context, const umh_why *why);
    /* instead of on_ready unless NULL: nothing is copied; borrowed for the call */
    void (*on_seen)(void *context, umh_store_look *look);
} umh_store_events;

UMH_MUST_USE int umh_store_fetch(umh_store *store, const umh_host_config *host,
                                 const umh_module_config *module, const umh_store_events *events,
                                 umh_store_request **ret_request);
/* no event after this; the copy is dropped when it is complete. NULL is allowed */
void umh_store_cancel(umh_store_request *request);

umh_store_entry *umh_store_ref(umh_store_entry *entry); /* NULL is allowed, as below */
umh_store_entry *umh_store_unref(umh_store_entry *entry);
/* Whoever has it keeps it; whoever fetches the same from now on gets another copy. */
void umh_store_retire(umh_store_entry *entry);
const char *umh_store_path(const umh_store_entry *entry);   /* of the image in the copy */
const char *umh_store_folder(const umh_store_entry *entry); /* of the copy */
const umh_module_file *umh_store_original(const umh_store_entry *entry);
const umh_store_key *umh_store_key_of(const umh_store_entry *entry);
