/* SPDX-License-Identifier: MIT */
/* The inside of a connection to a broker: of client.c, client_stream.c and client_send.c. */
#pragma once

#include "base/list.h"
#include "cli/client.h"
#include "ipc/flow.h"
#include "platform/pipe.h"

/* One service that is published to. */
typedef struct umh_client_service {
    struct umh_client_service *next;
    umh_guid guid;
    umh_sender sender;
    umh_want announced;
    uint64_t waiting_cost; /* of the message that waits for credit; 0: none */
} umh_client_service;

struct umh_client {
    umh_pipe socket; /* non-blocking */
    bool is_broken;  /* a frame was cut off on its way out: nothing can follow it */
    uint8_t *in;     /* owned; what was read and not taken is from in_start to in_end */
    size_t in_capacity, in_start, in_end;
    umh_list kept;    /* messages for umh_client_receive, oldest first */
    umh_list current; /* what umh_client_receive lent out of `kept`, or nothing */
    uint64_t kept_bytes;
    uint64_t dropped_count;
    int64_t last_id;
    uint32_t max_message_bytes;
    umh_client_service *services; /* owned */
    unsigned service_count, first_count;
};

/*
 * The next frame, whatever its kind; the payload is borrowed until the next call. What flow control
 * says has been dealt with already. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF.
 */
UMH_MUST_USE int umh_client_next(umh_client *client, uint64_t deadline_ns, umh_frame *ret_frame,
                                 umh_bytes *ret_payload);
/* Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
UMH_MUST_USE int umh_client_write(umh_client *client, const umh_frame *frame, umh_bytes payload,
                                  uint64_t deadline_ns);
/* Put a message aside. */
UMH_MUST_USE int umh_client_keep(umh_client *client, const umh_frame *frame, umh_bytes payload);
void umh_client_clear_kept(umh_client *client);

/* Credit, or the question to give it back. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
UMH_MUST_USE int umh_client_on_credit(umh_client *client, const umh_frame *frame,
                                      umh_bytes payload);
void umh_client_forget_services(umh_client *client);
