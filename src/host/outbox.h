/* SPDX-License-Identifier: MIT */
/*
 * Everything the host sends: a lane of control frames that goes first, a lane of messages in order,
 * and per service the credit and the list of those that wait for it. Any thread; one lock inside,
 * no module code and no blocking write under it.
 *
 * Who writes to the pipe: one thread at a time. Inside a callback a message is only appended; the
 * reading role flushes when its batch ends, a slot's thread after each callback. Elsewhere the
 * first UMH_OUTBOX_WRITES_PER_TICK messages after a tick write themselves, and after each
 * umh_outbox_flush at least UMH_OUTBOX_WRITES_PER_FLUSH; later ones wake the watcher once, which
 * writes at the next tick at the latest. A lane over UMH_OUTBOX_BYTES is written by its sender.
 * Control frames are written by whoever appends them, before all messages.
 *
 * When nobody reads the pipe any more, on_broken is called once; sends say UMH_OUTBOX_FULL from
 * then on, and control frames go nowhere.
 */
#pragma once

#include "ipc/flow.h"
#include "ipc/frame.h"
#include "platform/pipe.h"

#define UMH_OUTBOX_WRITES_PER_TICK 4u
#define UMH_OUTBOX_WRITES_PER_FLUSH 1u

typedef struct umh_outbox umh_outbox;

/*
 * `wake` is called, without the lock, when the watcher has something to write. `out` is borrowed.
 */
typedef struct umh_outbox_spec {
    umh_pipe out;
    uint32_t max_message_bytes;
    void (*wake)(void *context);
    void (*on_broken)(void *context); /* the broker is gone: the host ends */
    void *context;
} umh_outbox_spec;

UMH_MUST_USE int umh_outbox_new(const umh_outbox_spec *spec, umh_outbox **ret_outbox);
umh_outbox *umh_outbox_free(umh_outbox *outbox);
void umh_outbox_limit(umh_outbox *outbox, uint32_t max_message_bytes); /* as HostInit says */

enum {
    UMH_OUTBOX_FULL = 1,
    UMH_OUTBOX_NOT_TEXT = 2,
    UMH_OUTBOX_TOO_LARGE = 3,
    UMH_OUTBOX_NOT_ALLOWED = 4,
    UMH_OUTBOX_LIMIT = 5
};

typedef struct umh_send {
    umh_guid service;
    umh_bytes text;       /* borrowed until the call returns */
    uint64_t deadline_ns; /* 0: do not wait */
    uint32_t session;
    uint16_t slot;
    /*
     * a callback (or the flow of a managed handler) of the module: never waits, has the allowance
     */
    bool is_inside;
    bool is_elsewhere;      /* inside, yet on another thread: nobody may be left who flushes */
    bool may_use_allowance; /* false for try_send */
} umh_send;

/*
 * Validates, takes credit and appends in one step; else joins the service's waiting list, is
 * accepted on the allowance, or is refused. Order is kept per slot and service. Outcomes:
 * UMH_OUTBOX_FULL (deadline, allowance, or stop of the module meanwhile), NOT_TEXT, TOO_LARGE,
 * NOT_ALLOWED (control service, All), LIMIT (services per connection).
 */
UMH_MUST_USE int umh_outbox_send(umh_outbox *outbox, const umh_send *send);

/*
 * An answer or command; JSON payload. Control lane: overtakes messages. One payload over
 * UMH_COMMAND_BYTES_MAX, or more than UMH_OUTBOX_CONTROL_BYTES waiting, is UMH_E_LIMIT.
 */
UMH_MUST_USE int umh_outbox_answer(umh_outbox *outbox, umh_bytes payload);
UMH_MUST_USE int umh_outbox_command(umh_outbox *outbox, const umh_guid *service, uint16_t slot,
                                    umh_bytes payload);
UMH_MUST_USE int umh_outbox_pong(umh_outbox *outbox, umh_bytes payload);
/* Downstream credit of a slot; added up while an earlier one has not been written. */
void umh_outbox_credit(umh_outbox *outbox, uint16_t slot, uint64_t bytes);

/*
 * From the broker: credit for a service, or the request to give it back. Moves what fits, announces
 * the next head. Of a service never published to: UMH_E_PROTOCOL.
 */
UMH_MUST_USE int umh_outbox_on_credit(umh_outbox *outbox, const umh_guid *service, uint64_t bytes);
UMH_MUST_USE int umh_outbox_on_give_back(umh_outbox *outbox, const umh_guid *service);

/*
 * stop of a module, first half: waiting sends of the slot outside callbacks return UMH_OUTBOX_FULL,
 * now and from now on (is_inside goes on until the second half); what was accepted moves to the
 * front of its lists.
 */
void umh_outbox_stop_slot(umh_outbox *outbox, uint16_t slot);
/*
 * Second half, after the stop callback: `answer` goes out in the message lane after the slot's last
 * accepted message.
 */
UMH_MUST_USE int umh_outbox_finish_slot(umh_outbox *outbox, uint16_t slot, umh_bytes answer);
void umh_outbox_open_slot(umh_outbox *outbox, uint16_t slot); /* a new module in the slot */

/* Write what goes without waiting. The reading role at the end of a batch. */
void umh_outbox_flush(umh_outbox *outbox);
/* One tick of the watcher: write; *ret_blocked: the pipe is full, call again when writable. */
void umh_outbox_tick(umh_outbox *outbox, bool *ret_blocked);
/*
 * The last of all, before the process ends: write until nothing is left, or until the deadline
 * (UMH_EXIT_FLUSH_MS).
 * When nothing was left, nothing is written any more, so that the end cuts no frame.
 */
void umh_outbox_drain(umh_outbox *outbox, uint64_t deadline_ns);
