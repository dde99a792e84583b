/* SPDX-License-Identifier: MIT */
/*
 * A broker of a few lines on a thread: what the client sees is a script. Its ledger is the broker's
 * own, so a client that takes what it was not given is found out.
 */
#pragma once

#include "ipc/control.h"
#include "ipc/flow.h"
#include "ipc/frame.h"
#include "platform/file.h"

#include <pthread.h>

typedef struct scripted_broker scripted_broker;

struct scripted_broker {
    void (*play)(scripted_broker *broker);
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    int listener;
    int client;
    pthread_t thread;
    const char *fault; /* what the client did wrong; NULL: nothing */
    /* of the frame that was read last */
    umh_frame frame;
    umh_buffer payload;
    umh_grant grant; /* of the one service that is published to */
    unsigned first_count;
};

/* Listens, and plays with the first client once it is there. */
void scripted_broker_start(scripted_broker *broker, void (*play)(scripted_broker *broker));
/* The play is over; nothing was wrong with the client. */
void scripted_broker_finish(scripted_broker *broker);

/* For plays. False after a fault, or when the client has gone. */
bool read_frame(scripted_broker *broker);
bool expect_kind(scripted_broker *broker, umh_frame_kind kind);
/* The command `name`; its id, 0 after a fault. */
int64_t expect_command(scripted_broker *broker, const char *name);
/* A message or a want, also entered into the ledger. */
bool expect_message(scripted_broker *broker);
bool expect_want(scripted_broker *broker, uint64_t need, uint64_t cost);
void say_fault(scripted_broker *broker, const char *fault);

void write_bytes(scripted_broker *broker, const void *data, size_t size);
void write_answer(scripted_broker *broker, int64_t id, umh_json *body_take);
/* The same behind extensions of a type that nobody knows. */
void write_extended_answer(scripted_broker *broker, int64_t id, umh_json *body_take);
void write_refusal(scripted_broker *broker, int64_t id, const char *text);
void write_message(scripted_broker *broker, const char *text, size_t size);
void write_credit(scripted_broker *broker, const umh_guid *service, uint64_t bytes);
void write_give_back(scripted_broker *broker, const umh_guid *service);
/* hello, with a limit for messages */
bool greet(scripted_broker *broker, int64_t max_message_bytes);
