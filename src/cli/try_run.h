/* SPDX-License-Identifier: MIT */
/*
 * The inside of umh try: of try.c, which has the broker and the loop, and try_talk.c, which has the
 * lines of text.
 *
 *   state          what is true                                    leaves it
 *   TRY_CONNECTING the broker starts                               connected, ended, too late
 *   TRY_LOADING    subscribed to everything; `load` was sent       answered
 *   TRY_TALKING    stdin is read                                   its end
 *   TRY_DRAINING   all of stdin is published                       silence, or the time is over
 *   TRY_ENDED      the loop runs out
 */
#pragma once

#include "cli/client.h"
#include "cli/directory.h"
#include "cli/trial.h"

#include <uv.h>

#define UMH_TRY_READ_BYTES (64u * 1024)

typedef enum umh_try_state {
    TRY_CONNECTING,
    TRY_LOADING,
    TRY_TALKING,
    TRY_DRAINING,
    TRY_ENDED
} umh_try_state;

typedef union umh_try_input {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tty_t tty;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
    uv_idle_t idle; /* of a file: it is always ready */
} umh_try_input;

typedef struct umh_try_run {
    umh_try_state state;
    int code;
    umh_trial trial;
    umh_cli cli; /* as which it connects */
    umh_client *client;
    umh_directory *directory;
    int64_t load_id;
    bool is_loaded;
    umh_guid last_service; /* of the last line */
    bool has_last_service;
    uint64_t wait_ms; /* UMH_FOREVER: until it is silent */
    uint64_t connect_until_ns;
    umh_buffer lines; /* of stdin, without those that were published */
    uv_loop_t loop;
    uv_timer_t again;   /* CONNECTING: the next attempt */
    uv_timer_t silence; /* DRAINING: it has been silent */
    uv_timer_t at_most; /* DRAINING: the time is over */
    uv_poll_t socket;
    uv_signal_t interrupt, terminate, hangup;
    umh_try_input input;
    char piece[UMH_TRY_READ_BYTES];
} umh_try_run;

/* Leave the loop; a code that is not CLI_DONE is what the command ends with. */
void umh_try_end(umh_try_run *run, int code);
/* The same after a result of the client that is not 0, said on stderr. */
void umh_try_end_explained(umh_try_run *run, int r, const umh_why *why);

/* The module runs: read stdin. */
void umh_try_talk(umh_try_run *run);
/* Everything that has come, on stdout. */
void umh_try_print(umh_try_run *run);
