/* SPDX-License-Identifier: MIT */
/*
 * What waits for a slot's own thread: messages and commands in the order in which they were read.
 * Two buffers: one is filled under the dispatcher's lock, one is emptied by the slot's thread
 * without it.
 *
 *   push, swap              under the lock
 *   peek, next              slot's thread (one thread at a time)
 */
#pragma once

#include "base/bytes.h"
#include "host/batch.h"
#include "ipc/frame.h"

#define UMH_INBOX_COMMANDS_MAX 16u /* waiting in one inbox; the broker sends one after the other */

typedef enum umh_inbox_kind {
    INBOX_MESSAGE,
    INBOX_COMMAND,
    INBOX_UNLOAD,      /* a command for a thread that never called the slot */
    INBOX_COMMAND_ALL, /* a command that every slot got */
} umh_inbox_kind;

typedef struct umh_inbox {
    umh_buffer filling;
    umh_buffer draining;
    size_t at;              /* in `draining`, of the next entry */
    umh_batch *held;        /* of the entry that next returned last */
    uint64_t waiting_bytes; /* costs of the messages in `filling` */
    uint32_t command_count; /* in `filling` */
} umh_inbox;

#define UMH_INBOX_INIT                                                                             \
    {                                                                                              \
        .filling = UMH_BUFFER_INIT, .draining = UMH_BUFFER_INIT, .at = 0, .held = NULL,            \
        .waiting_bytes = 0, .command_count = 0                                                     \
    }

/* `payload` is borrowed until the next call of umh_inbox_next or umh_inbox_deinit. */
typedef struct umh_inbox_entry {
    umh_frame frame;
    umh_inbox_kind kind;
    umh_bytes payload; /* one NUL follows */
} umh_inbox_entry;

/*
 * Append. The payload (of frame->payload_bytes, and its NUL) is copied; with `batch` it lies in
 * there and the batch is held instead. Outcomes: UMH_INBOX_FULL (messages of more than `max_bytes`,
 * or UMH_INBOX_COMMANDS_MAX commands: whoever sends them does not keep to the window).
 */
enum { UMH_INBOX_FULL = 1 };
UMH_MUST_USE int umh_inbox_push(umh_inbox *inbox, const umh_inbox_entry *entry, umh_batch *batch,
                                uint64_t max_bytes);

/* What was pushed becomes what next returns. False: nothing is left. */
bool umh_inbox_swap(umh_inbox *inbox);

/* False: swap. */
bool umh_inbox_peek(const umh_inbox *inbox, umh_inbox_kind *ret_kind);
bool umh_inbox_next(umh_inbox *inbox, umh_inbox_entry *ret_entry);

/* Lets go of everything that was not taken out. */
void umh_inbox_deinit(umh_inbox *inbox);
UMH_DEFINE_AUTO(umh_inbox);
