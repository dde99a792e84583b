/* SPDX-License-Identifier: MIT */
/*
 * A change of the configuration while hosts run. SIGHUP, the command `apply` and, with `Watch`, a
 * changed file do the same:
 *
 *   read      on libuv's pool; a file that cannot be used changes nothing
 *   keep      an entry that is wrong stays as the host last was (umh_config_keep_wrong)
 *   switch    broker->config becomes the new one; hosts have copies of what they run with
 *   forget    overrides of the hosts whose entry changed, and of those that were named
 *   perform   reconcile: the steps of config/diff, which are logged and answered
 *
 * One change at a time; what comes meanwhile waits, and changes of a watched file that come
 * together are one. Keys of the whole that hosts and queues were made with (MaxMessageBytes,
 * MemoryMiB, Control; see config/schema) take a new broker and keep their values: which ones
 * changed is said.
 */
#pragma once

#include "broker/broker.h"

#define UMH_APPLY_WATCH_MS 200u   /* a watched file has been quiet for so long before it is read */
#define UMH_APPLY_WAITING_MAX 16u /* changes that wait; a further one is refused */

typedef struct umh_apply_result {
    bool is_applied;              /* false: the file cannot be used; problems say why */
    const umh_why_list *problems; /* of the file and of single entries, borrowed */
    const char *const *steps;     /* what is performed, or would be, in words, borrowed */
    size_t step_count;
    const char *const *pending; /* keys that take a new broker */
    size_t pending_count;
} umh_apply_result;

typedef struct umh_apply_request {
    const char *path; /* absolute; NULL: the file of the last change. Followed from now on. */
    const char *host; /* also forget what was changed at run time of this one; NULL: none */
    bool is_plan;     /* nothing is changed and no file is followed: the steps are only said */
    /* once, unless NULL */
    void (*on_done)(void *context, const umh_apply_result *result);
    void *context;
} umh_apply_request;

UMH_MUST_USE int umh_apply_new(umh_broker *broker, umh_apply **ret_apply);
/* Watch the file when the configuration says so. */
void umh_apply_start(umh_apply *apply);
/* What waits is refused. Frees itself; NULL is allowed. */
void umh_apply_close(umh_apply *apply);

/* SIGHUP: the file of the last change, with nobody who waits. */
void umh_apply_again(umh_apply *apply);

enum { UMH_APPLY_REFUSED = 1 };

/* Borrowed for the call. Outcomes: UMH_APPLY_REFUSED (too many wait, or the broker stops). */
UMH_MUST_USE int umh_apply_ask(umh_apply *apply, const umh_apply_request *request);
