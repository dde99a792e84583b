/* SPDX-License-Identifier: MIT */
/*
 * A connection to a running broker: frames both ways on one socket, for short commands. Blocking
 * with a deadline; one thread.
 */
#pragma once

#include "cli/cli.h"
#include "ipc/control.h"
#include "ipc/frame.h"

typedef struct umh_client umh_client;

enum {
    UMH_CLIENT_REFUSED = 1, /* nobody listens, not allowed, or an answer that says no: why */
    UMH_CLIENT_TIMEOUT = 2,
    UMH_CLIENT_EOF = 3, /* the broker ended */
};

/* How long a broker that lives may take to answer what it need not wait for. */
#define UMH_CLIENT_ANSWER_MS 10000u

/* Messages that came while something else was waited for; beyond it the oldest are dropped. */
#define UMH_CLIENT_KEPT_BYTES (64u * 1024 * 1024)

/* Connect and greet. Outcomes: UMH_CLIENT_REFUSED. */
UMH_MUST_USE int umh_client_connect(const umh_cli *cli, umh_client **ret_client, umh_why *ret_why);
umh_client *umh_client_free(umh_client *client);
UMH_DEFINE_AUTO_PTR(umh_client);

/* A command to the Broker service; `body` is taken by whoever is given the question. */
typedef struct umh_client_question {
    const char *command;
    umh_json *body; /* NULL: nothing but the command */
    uint64_t deadline_ns;
} umh_client_question;

/*
 * Ask, and wait for the answer; messages that come meanwhile are kept for umh_client_receive.
 * Outcomes: REFUSED, TIMEOUT, EOF.
 */
UMH_MUST_USE int umh_client_ask_take(umh_client *client, const umh_client_question *question,
                                     umh_answer *ret_answer, umh_why *ret_why);

/*
 * The same in two halves, for who has other things to do: TIMEOUT of the second means not yet. One
 * at a time, and no other question between them. Outcomes: TIMEOUT, EOF; REFUSED, TIMEOUT, EOF.
 */
UMH_MUST_USE int umh_client_begin_take(umh_client *client, const umh_client_question *question,
                                       int64_t *ret_id);
UMH_MUST_USE int umh_client_finish(umh_client *client, int64_t id, uint64_t deadline_ns,
                                   umh_answer *ret_answer, umh_why *ret_why);

/* A name, well-known name or GUID. Outcomes: REFUSED (why), TIMEOUT, EOF. */
UMH_MUST_USE int umh_client_resolve(umh_client *client, const char *service, umh_guid *ret_guid,
                                    umh_why *ret_why);

/*
 * Publish: waits for credit, then for the broker to have taken it (sync). Outcomes: REFUSED,
 * TIMEOUT, EOF.
 */
typedef struct umh_client_send {
    umh_guid service;
    uint32_t session;
    umh_bytes text;
    uint64_t deadline_ns;
} umh_client_send;
/* ret_reached: how many subscribers. */
#define UMH_CLIENT_NOT_SAID (-1) /* by an older broker */
UMH_MUST_USE int umh_client_publish(umh_client *client, const umh_client_send *send,
                                    int64_t *ret_reached, umh_why *ret_why);
/*
 * Its two halves, so that one sync serves many: waits for credit only; waits until all that was
 * posted is taken, REFUSED for the first that is not. Outcomes of both: REFUSED, TIMEOUT, EOF.
 */
UMH_MUST_USE int umh_client_post(umh_client *client, const umh_client_send *send, umh_why *ret_why);
UMH_MUST_USE int umh_client_sync(umh_client *client, uint64_t deadline_ns, int64_t *ret_reached,
                                 umh_why *ret_why);

/* The next message for this client; borrowed until the next call. Outcomes: TIMEOUT, EOF. */
typedef struct umh_client_message {
    umh_frame frame;
    umh_bytes text;
} umh_client_message;
UMH_MUST_USE int umh_client_receive(umh_client *client, uint64_t deadline_ns,
                                    umh_client_message *ret_message);

/*
 * Messages that the broker or this side dropped because nobody read.
 * Outcomes: REFUSED, TIMEOUT, EOF.
 */
UMH_MUST_USE int umh_client_count_lost(umh_client *client, uint64_t *ret_count, umh_why *ret_why);

/* The socket, for waiting on it together with something else. */
int umh_client_descriptor(const umh_client *client);

/* One line on stderr for what one of these functions returned, not 0: CLI_FAILED. */
int umh_client_explain(int r, const umh_why *why);
