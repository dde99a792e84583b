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

/* Connect and greet. Outcomes: UMH_CLIENT_REFUSED. */
UMH_MUST_USE int umh_client_connect(const umh_cli *cli, umh_client **ret_client, umh_why *ret_why);
umh_client *umh_client_free(umh_client *client);
UMH_DEFINE_AUTO_PTR(umh_client);

/*
 * A command to the Broker service and its answer; messages that come meanwhile are kept for
 * umh_client_receive. `body` is taken. Outcomes: REFUSED, TIMEOUT, EOF.
 */
UMH_MUST_USE int umh_client_ask_take(umh_client *client, const char *command, umh_json *body,
                                     uint64_t deadline_ns, umh_answer *ret_answer,
                                     umh_why *ret_why);

/* A name, well-known name or GUID. Outcomes: REFUSED (why). */
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
UMH_MUST_USE int umh_client_publish(umh_client *client, const umh_client_send *send,
                                    umh_why *ret_why);

/* The next message for this client; borrowed until the next call. Outcomes: TIMEOUT, EOF. */
typedef struct umh_client_message {
    umh_frame frame;
    umh_bytes text;
} umh_client_message;
UMH_MUST_USE int umh_client_receive(umh_client *client, uint64_t deadline_ns,
                                    umh_client_message *ret_message);

/* The socket, for waiting on it together with something else. */
int umh_client_descriptor(const umh_client *client);
