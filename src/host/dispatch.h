/* SPDX-License-Identifier: MIT */
/*
 * Who reads, who calls. One thread has the reading role: it reads a batch of frames and calls
 * modules itself. A watcher ticks every UMH_TICK_MS while callbacks run; a callback that is seen at
 * two ticks running loses the role to another thread, together with the batch and the parse
 * position, and its slot gets an inbox until that is empty. So does a slot that is called at two
 * ticks running and has not consumed a window in between: what is queued for it would keep others
 * waiting.
 *
 *   thread    count           does                                     ends
 *   main      1               start-up, then ManagedHost's Main; in a  _exit
 *                             UI host `run` or a program's Main
 *   clr       1 in a UI host  ManagedHost's Main                       _exit
 *   watcher   1               ticks, writes what the outbox left       _exit
 *   reader    1 of the crew   has the role: reads, calls inline        a slow call makes it its
 *                                                                      slot's thread
 *   slot's    1 of the crew   commands to a slot and its inbox         idle when that is empty
 *   idle      of the crew     waits to be one of both                  when they are too many, or a
 *                                                                      module it called is unloaded
 *
 * The crew is at most modules + 1 threads, besides those that are about to end; one that has ended
 * is joined by the next that ends, or by the one that unloads a module which it called.
 *
 *   shared state            protected by
 *   current call            one atomic word: sequence and slot + 1; 0: none. Set before an inline
 *                           call, compared-and-exchanged with 0 after; the watcher takes the role
 *                           by exchanging it for 0 under the lock. Whoever exchanged owns what
 *                           follows.
 *   role, batch, position   written by the reader before it sets the word; read by who took it
 *   inboxes, crew, slots    the lock; no module code runs under it
 *
 * A batch (read buffer) is counted: by the role and by each inline callback whose role was taken.
 * Inboxes copy: at most the slot's window and one message; a frame larger than UMH_READ_BYTES has a
 * batch of its own that an inbox takes over instead of a copy.
 */
#pragma once

#include "host/module.h"
#include "ipc/blackbox.h"

#define UMH_TICK_MS 2u
#define UMH_CREW_IDLE_MAX 2u /* idle threads kept */

typedef struct umh_dispatch umh_dispatch;

typedef struct umh_dispatch_spec {
    umh_host *host;
    umh_pipe in;
    umh_outbox *outbox;
    umh_blackbox *blackbox; /* NULL: none */
    /*
     * A frame that is not a message to a module: commands to the host, credit, give back, ping.
     * Role's thread. Outcomes: none; a failure ends the host.
     */
    int (*on_control)(umh_host *host, const umh_frame *frame, umh_bytes payload);
    /*
     * A command to a slot (load, start, configure, stop, unload). The slot's own thread, in order
     * with its messages.
     */
    int (*on_slot_command)(umh_host *host, uint16_t slot, umh_bytes payload);
    /* EOF (why empty) or a broken frame: the process ends */
    void (*on_end)(umh_host *host, const umh_why *why);
} umh_dispatch_spec;

UMH_MUST_USE int umh_dispatch_new(const umh_dispatch_spec *spec, umh_dispatch **ret_dispatch);
/* the watcher and the first reader; they never end */
UMH_MUST_USE int umh_dispatch_start(umh_dispatch *dispatch);
void umh_dispatch_limit(umh_dispatch *dispatch, uint32_t max_message_bytes, uint64_t window_bytes);

/*
 * Slot's thread: from now on messages to the slot go to `module`; NULL: they are a protocol error
 * and dropped with a log line.
 */
void umh_dispatch_set_module(umh_dispatch *dispatch, uint16_t slot, umh_module *module);
umh_module *umh_dispatch_get_module(umh_dispatch *dispatch, uint16_t slot); /* slot's thread */

/* What the slot's thread is doing, into the black box and for the watcher. */
void umh_dispatch_note(umh_dispatch *dispatch, uint16_t slot, umh_activity activity);
/* A message to a session that may not be reached; how many there were with it. Any thread. */
uint64_t umh_dispatch_note_refused(umh_dispatch *dispatch);

/* A callback of the slot's module failed: counted in the black box. Any thread. */
void umh_dispatch_note_failure(umh_dispatch *dispatch, uint16_t slot);
/* The process ends now, by code of the slot's module. Any thread. */
void umh_dispatch_note_culprit(umh_dispatch *dispatch, uint16_t slot);
/* Slot's thread: a module is loaded into it, and counted anew. */
void umh_dispatch_forget_failures(umh_dispatch *dispatch, uint16_t slot);

/*
 * Before a native module is unloaded, on a thread that never called it (an unload command always
 * gets a fresh one): end every thread that called the slot. False: one of them is inside another
 * module's callback and did not come back until the deadline (UMH_RETIRE_MS).
 */
bool umh_dispatch_retire_callers(umh_dispatch *dispatch, uint16_t slot, uint64_t deadline_ns);

/*
 * Role's thread, once: `payload` (a NUL follows) as a command to every slot that has a module or is
 * getting one, each on its own thread; `on_done` on the thread of the last of them, or at once.
 */
UMH_MUST_USE int umh_dispatch_command_all(umh_dispatch *dispatch, umh_bytes payload,
                                          void (*on_done)(umh_host *host));

/*
 * The watcher is to tick: the outbox has something, or a callback has begun outside the role. Any
 * thread.
 */
void umh_dispatch_wake_watcher(umh_dispatch *dispatch);
