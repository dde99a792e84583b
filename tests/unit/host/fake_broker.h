/* SPDX-License-Identifier: MIT */
/*
 * A broker as small as a test needs it: one host process, its pipes and its black box. It gives
 * credit to whoever wants some, and keeps to no window. What goes wrong fails the test that runs.
 */
#pragma once

#include "base/bytes.h"
#include "ipc/blackbox.h"
#include "ipc/control.h"
#include "ipc/frame.h"
#include "ipc/services.h"
#include "platform/page.h"
#include "platform/pipe.h"
#include "platform/process.h"

#define FAKE_BROKER_PATIENCE_MS 20000

typedef struct fake_broker {
    umh_process process;
    umh_pipe to;
    umh_pipe from;
    umh_pipe log;
    umh_page page;
    umh_buffer received; /* what `from` gave and nobody took */
    size_t taken;        /* of `received` */
    umh_buffer log_text; /* all of it */
    int64_t last_id;
    uint64_t credited[UMH_MODULES_PER_HOST_MAX]; /* what the host gave back of windows */
    uint32_t answer_count;
    uint32_t pong_count;
    uint32_t message_count;
} fake_broker;

/* A frame the host sent; `payload` is borrowed until the next one is taken. */
typedef struct fake_frame {
    umh_frame frame;
    umh_bytes payload;
} fake_frame;

/* `arguments` beside the program's name, NULL-terminated. */
void fake_broker_start_with(fake_broker *broker, const char *const *arguments);
void fake_broker_start(fake_broker *broker); /* as a broker does */
void fake_broker_start_without_page(fake_broker *broker);
void fake_broker_greet(fake_broker *broker); /* init, and the hello it is answered with */

/* Send; waits as long as the host does not read. */
void fake_broker_send(fake_broker *broker, const umh_frame *frame, umh_bytes payload);
void fake_broker_send_bytes(fake_broker *broker, umh_bytes bytes);
void fake_broker_post(fake_broker *broker, const umh_guid *service, uint16_t slot,
                      const char *text);
void fake_broker_command(fake_broker *broker, umh_service_id service, uint16_t slot,
                         const char *name, umh_json *body);
void fake_broker_ping(fake_broker *broker);

/* The next frame; false: the host's end of the pipe is closed. */
bool fake_broker_take(fake_broker *broker, fake_frame *ret_frame);
/* The next of that kind; others are counted and dropped. */
void fake_broker_await(fake_broker *broker, umh_frame_kind kind, fake_frame *ret_frame);

/* Command and answer. `ret_answer` is to be deinitialised. */
void fake_broker_ask(fake_broker *broker, uint16_t slot, const char *name, umh_json *body,
                     umh_answer *ret_answer);
void fake_broker_expect_ok(fake_broker *broker, uint16_t slot, const char *name);
void fake_broker_module_path(const char *name, char *ret_path); /* UMH_PATH_BYTES */
/* Load a test module by its file's name; started when `is_started`. */
void fake_broker_load(fake_broker *broker, uint16_t slot, const char *name, bool is_started);

/* A message to the slot and the text of the next message that comes back. */
void fake_broker_exchange(fake_broker *broker, const umh_guid *service, uint16_t slot,
                          const char *text, char *ret_text, size_t capacity);

/* Until the log holds `text`. */
void fake_broker_await_log(fake_broker *broker, const char *text);
/* Close the pipe to the host, or leave it, and wait for the end of the process. */
umh_process_end fake_broker_await_end(fake_broker *broker, bool by_eof);
void fake_broker_stop(fake_broker *broker); /* kills what is left; for teardown */

const umh_blackbox *fake_broker_blackbox(const fake_broker *broker);
uint64_t fake_broker_consumed(const fake_broker *broker, uint16_t slot);
/* What a callback sent may arrive before it is counted. */
void fake_broker_await_consumed(fake_broker *broker, uint16_t slot, uint64_t count);
/* Threads of the host's process. */
size_t fake_broker_thread_count(const fake_broker *broker);
