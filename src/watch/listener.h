/* SPDX-License-Identifier: MIT */
/*
 * The control endpoint: a socket in a directory that only its owner can enter, peer credentials
 * checked. Loop thread only.
 */
#pragma once

#include "base/why.h"

#include <uv.h>

typedef struct umh_listener umh_listener;

/* Where an instance's endpoint is, for both sides: `path` if there is one, else its own place. */
UMH_MUST_USE int umh_listener_find_path(const char *instance, const char *path, char *ret_path);

enum { UMH_LISTENER_IN_USE = 1, UMH_LISTENER_UNSAFE = 2 };

/*
 * Listen at `path` (its folder is created for the owner only, or checked). A stale socket of a
 * broker that died is replaced. on_client: a connected stream, owned by the callee, whose peer is
 * root or this user; others are refused here and logged by on_refused.
 * Outcomes: UMH_LISTENER_IN_USE (a broker answers there), UMH_LISTENER_UNSAFE (why: the folder is
 * someone else's or open to others).
 */
typedef struct umh_listener_events {
    void *context;
    void (*on_client)(void *context, uv_pipe_t *stream_take);
    void (*on_refused)(void *context, const char *who);
} umh_listener_events;

UMH_MUST_USE int umh_listener_open(uv_loop_t *loop, const char *path,
                                   const umh_listener_events *events, umh_listener **ret_listener,
                                   umh_why *ret_why);
/* removes the socket; frees itself; NULL is allowed */
void umh_listener_close(umh_listener *listener);

/*
 * Outcomes: UMH_LISTENER_NONE (nobody listens), UMH_LISTENER_UNSAFE. Blocking, for the command;
 * *ret_socket becomes uv_pipe_open's.
 */
enum { UMH_LISTENER_NONE = 3 };
UMH_MUST_USE int umh_listener_connect(const char *path, uv_file *ret_socket, umh_why *ret_why);
