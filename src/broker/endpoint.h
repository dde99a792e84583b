/* SPDX-License-Identifier: MIT */
/*
 * The control endpoint and its clients. A client is a peer without a process: it may send commands
 * to the Broker service, publish, and listen. Its subscriptions are DropOldest: a forgotten
 * terminal stops nobody.
 */
#pragma once

#include "broker/peer.h"
#include "broker/router.h"
#include "formats/jsonc.h"

typedef struct umh_client {
    umh_list entry;
    umh_broker *broker;
    umh_peer *peer;
    umh_credit_account *account;
    umh_slot slot; /* what it listens to */
    /* messages of it since its last sync, and how many subscribers they reached */
    uint64_t taken_count, reached_count;
    /* messages of it that nobody may receive or that were not text, since its last sync */
    uint64_t refused_count;
    umh_why refusal;               /* the first of them */
    uint32_t pending_count;        /* commands that are not answered yet */
    bool is_leaving;               /* its stream ended; disconnected before the next turn */
    bool is_gone;                  /* disconnected; freed when pending_count is 0 */
    void (*on_end)(void *context); /* its stream ended; for the endpoint */
    void *on_end_context;
} umh_client;

/*
 * NULL is stored when the configuration has "Control": false. Outcomes: UMH_ENDPOINT_IN_USE,
 * UMH_ENDPOINT_UNSAFE (why).
 */
enum { UMH_ENDPOINT_IN_USE = 1, UMH_ENDPOINT_UNSAFE = 2 };
UMH_MUST_USE int umh_endpoint_open(umh_broker *broker, umh_endpoint **ret_endpoint,
                                   umh_why *ret_why);
void umh_endpoint_close(umh_endpoint *endpoint); /* frees itself; NULL is allowed */
const char *umh_endpoint_path(const umh_endpoint *endpoint);
uint32_t umh_endpoint_client_count(const umh_endpoint *endpoint); /* 0 for NULL */

/*
 * Answer a command of a client. `body` is taken. A client that is gone is freed with its last
 * answer.
 */
void umh_client_answer(umh_client *client, int64_t id, umh_json *body_take);
/* The same with an error; `code` is one of UMH_E_..., `why` may be NULL. */
void umh_client_refuse(umh_client *client, int64_t id, int code, const umh_why *why);
