/* SPDX-License-Identifier: MIT */
/* An outbox over a real pipe, and the test as the broker that reads its frames. */
#pragma once

#include "host/outbox.h"
#include "platform/thread.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define PATIENCE_MS 20000
#define HEADER UMH_FRAME_HEADER_BYTES
#define MESSAGE_MAX (16u * 1024 * 1024)

typedef struct fixture {
    umh_pipe in;
    umh_pipe out;
    umh_outbox *outbox;
    atomic_int wakes;
    atomic_int breaks;
    umh_thread *watcher; /* NULL: the test ticks itself */
    umh_lock *lock;      /* of the two below */
    umh_condition *woken;
    bool is_woken;
    bool is_ended;
    uint8_t *bytes; /* read and not yet taken */
    size_t size;
    size_t at;
    size_t read_max; /* bytes read at once; 0: all there are */
    umh_frame frame; /* taken last; its payload is valid until the next */
    umh_bytes payload;
    uint64_t need; /* of a want */
    uint64_t amount;
} fixture;

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
/* A thread that ticks when it is woken, and never else; so take_frame does not. */
void start_watcher(fixture *self);

umh_guid service_of(unsigned number);
umh_bytes text_of(size_t size); /* "aaa..." up to MESSAGE_MAX + 1 bytes; stays */

/* A message of `cost` in all. */
umh_send outside(unsigned service, uint16_t slot, size_t cost); /* deadline 0 */
umh_send inside(unsigned service, uint16_t slot, size_t cost);  /* with the allowance */
int send_one(fixture *self, umh_send send);

/* Read the next frame into the fixture; ticks while nothing comes, unless there is a watcher. */
void take_frame(fixture *self);
void take_message(fixture *self, unsigned service, uint16_t slot, size_t cost);
void take_want(fixture *self, unsigned service, uint16_t slot, uint64_t need, uint64_t cost);
void take_amount(fixture *self, umh_frame_kind kind, uint64_t amount);
bool has_bytes(fixture *self);     /* something is in the pipe, or was read */
void wait_for_byte(fixture *self); /* and no more of it */
void assert_quiet(fixture *self);  /* not even after a tick */

/* Fills the pipe with pongs until the outbox finds it full; they are taken back later. */
size_t fill_pipe(fixture *self);
void take_filling(fixture *self, size_t count);

/* Give all services up to `service` credit: each sends an empty message, which is taken. */
void open_services(fixture *self, unsigned count);
void give_credit(fixture *self, unsigned service, uint64_t bytes);

/* A thread that sends one message. */
typedef struct sending {
    fixture *fixture;
    umh_send send;
    umh_thread *thread;
    atomic_bool is_done;
    int result;
} sending;

void start_sending(sending *one, fixture *self, umh_send send);
int end_sending(sending *one);
