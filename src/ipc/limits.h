/* SPDX-License-Identifier: MIT */
/*
 * Every maximum of the wire, of the broker's and of the host's tables, and what happens there.
 * Figures in bytes unless named otherwise.
 */
#pragma once

/* Frames */
#define UMH_FRAME_HEADER_BYTES 40u
/* MaxMessageBytes; a longer one: send says too large, on the wire a violation */
#define UMH_MESSAGE_BYTES_DEFAULT (16u * 1024 * 1024)
/* what it can be configured from and to; never above a quarter of the budget */
#define UMH_MESSAGE_BYTES_LOWEST (64u * 1024)
#define UMH_MESSAGE_BYTES_HIGHEST (256u * 1024 * 1024)
/* commands, and answers of a host; longer: violation, or the answer is an error */
#define UMH_COMMAND_BYTES_MAX (1024u * 1024)
/* answers to a control client: the status of many hosts; longer: the answer is an error */
#define UMH_ANSWER_BYTES_MAX (16u * 1024 * 1024)
#define UMH_EXTENSION_BYTES_MAX 4096u

/* Numbers in frames */
#define UMH_PROTOCOL_LOWEST 1
#define UMH_PROTOCOL_HIGHEST 1
#define UMH_SLOT_NONE 0xFFFFu /* the host itself, not one of its modules */
#define UMH_SESSION_EVERY 0xFFFFFFFFu
#define UMH_SESSION_OWN 0u        /* the broker's own session */
#define UMH_HOST_NUMBER_BROKER 0u /* source host of the broker and of control clients */

/* A host */
/* the configuration refuses more: what the black box has room for */
#define UMH_MODULES_PER_HOST_MAX 120u
/* the configuration refuses more */
#define UMH_PROGRAM_ARGUMENTS_MAX 256u
#define UMH_SUBSCRIPTIONS_PER_MODULE_MAX 256u /* subscribe says limit; on the wire a violation */
/* services one connection may publish to; send says limit; on the wire a violation */
#define UMH_SERVICES_PER_PEER_MAX 1024u
#define UMH_HOSTS_MAX 4096u         /* the configuration refuses more */
#define UMH_CONTROL_CLIENTS_MAX 64u /* a further client is told so and disconnected */
#define UMH_NAME_BYTES_MAX 64u      /* host and module names */
/* what is left of modules that could not be unloaded, per process; then it is replaced after all */
#define UMH_LEFTOVERS_PER_HOST_MAX 16u

/* Flow (design: both sides always read; whoever waits, waits for credit) */
#define UMH_WINDOW_BYTES (1024u * 1024) /* downstream, per module slot */
/* upstream, for each of the first UMH_FIRST_CREDIT_SERVICES of a connection */
#define UMH_FIRST_CREDIT_BYTES 4096u
#define UMH_FIRST_CREDIT_SERVICES 4u
#define UMH_CREDIT_BYTES_MAX (1024u * 1024)  /* what unused credit of a (host, service) grows to */
#define UMH_CREDIT_LEVEL_BYTES_MIN 16384u    /* where growth starts */
#define UMH_LARGE_MESSAGE_BYTES (64u * 1024) /* of larger ones, one per service is under way */
/* accepted inside callbacks beyond credit, per module; then send says full */
#define UMH_ALLOWANCE_BYTES (256u * 1024)
#define UMH_MEMORY_MIB_DEFAULT 64u
#define UMH_QUEUE_MIB_DEFAULT 8u
#define UMH_STALL_SECONDS_DEFAULT 60u
#define UMH_HOLD_BYTES_DEFAULT (4u * 1024 * 1024)
#define UMH_HOLD_SECONDS_DEFAULT 60u

/* Buffers */
#define UMH_READ_BYTES (256u * 1024) /* one read; one buffer per peer and loop turn */
/*
 * In the broker per peer: a whole read and its NULs; what does not fit waits in the slot's queue.
 * In a host: from there on its senders write themselves, and wait outside callbacks.
 */
#define UMH_OUTBOX_BYTES (320u * 1024)
/* of one peer; a peer that lets more gather is closed; in a host UMH_E_LIMIT */
#define UMH_OUTBOX_CONTROL_BYTES (2u * 1024 * 1024)
/*
 * Of answers that a control client has not read, when another one comes; who has more is
 * disconnected. A longer one waits alone.
 */
#define UMH_CLIENT_UNREAD_BYTES (4u * 1024 * 1024)
#define UMH_OUTBOX_ANSWERS_BYTES (UMH_ANSWER_BYTES_MAX + UMH_CLIENT_UNREAD_BYTES)
#define UMH_PIPE_BYTES (1024 * 1024) /* a pipe is grown to this at its first EAGAIN in a stream */

/* Log */
/* per host, after a burst of the same size; the excess is counted and said once a second */
#define UMH_LOG_LINES_PER_SECOND 2000u
/* waiting for a stuck terminal; then dropped and counted */
#define UMH_LOG_PENDING_BYTES (1024u * 1024)
