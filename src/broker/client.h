/* SPDX-License-Identifier: MIT */
/* One control client: what it sends, and what it is told. The endpoint owns it. */
#pragma once

#include "broker/endpoint.h"

/*
 * `stream` is taken. `on_end` is called once, from anywhere: have umh_client_disconnect called
 * soon, but not from within.
 */
UMH_MUST_USE int umh_client_new_take(umh_broker *broker, uv_pipe_t *stream,
                                     void (*on_end)(void *context), void *context,
                                     umh_client **ret_client);
/* Leaves the list it is in; freed at once, or with its last answer. */
void umh_client_disconnect(umh_client *client);

/* A whole frame with an error, for a client or for a stream that becomes none. */
UMH_MUST_USE int umh_client_encode_error(int64_t id, int code, const umh_why *why,
                                         umh_buffer *frame);
