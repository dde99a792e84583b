/* SPDX-License-Identifier: MIT */
/*
 * The host process as an object: what main made and the others share. One per process, alive until
 * _exit; nothing in it is freed while threads run. Types of the broker that have the same names
 * (umh_host, umh_slot, umh_waiter, umh_module_state, umh_outbox) are others: no file sees both.
 *
 *   object     made by           owned by        ends
 *   stdio      main              umh_host        _exit
 *   outbox     umh_host_new      umh_host        _exit
 *   dispatch   umh_host_new      umh_host        _exit
 *   remains    umh_host_new      umh_host        _exit
 *   managed    init command      umh_host        _exit
 *   main thread init command     umh_host        _exit
 *   module     load command      its slot        unload (freed by the thread that unloads)
 *
 * kill -9 at any time: the broker sees the process end, reads what the pipe still holds, and holds
 * what was addressed to its modules. What had not been written is gone, also what send had
 * accepted; so is what was read and not consumed. EOF on the protocol pipe at any time: _exit(0) at
 * once; module code gets no further call.
 */
#pragma once

#include "base/log.h"
#include "host/dispatch.h"
#include "host/main_thread.h"
#include "host/managed.h"
#include "host/remains.h"
#include "host/stdio.h"
#include "platform/thread.h"

#include <stdatomic.h>

struct umh_host {
    umh_stdio stdio;
    umh_outbox *outbox;
    umh_dispatch *dispatch;
    umh_remains *remains;
    umh_managed *managed; /* NULL until init; the main thread waits for it, under the lock */
    umh_main_thread *main_thread; /* of a UI host; else NULL: it is the CLR's */
    umh_lock *lock;
    umh_condition *initialised;
    /* From init, constant afterwards. */
    char name[UMH_NAME_BYTES_MAX + 16];
    umh_guid service;
    uint32_t number;
    uint32_t session;
    uint32_t max_message_bytes;
    uint64_t window_bytes;
    umh_log_level log_level;
    bool is_initialised;
    _Atomic int64_t left_count; /* the last number of a module that could not be unloaded */
    atomic_int exit_code;       /* of an orderly end: 0, or what a user interface ended with */
};

/* stdio is moved in. After a failure the process is to end: what was made is not freed. */
UMH_MUST_USE int umh_host_new(umh_stdio *stdio, umh_host **ret_host);
UMH_MUST_USE int umh_host_start(umh_host *host);
_Noreturn void umh_host_serve_main_thread(umh_host *host);
_Noreturn void umh_host_end(umh_host *host, int code);
