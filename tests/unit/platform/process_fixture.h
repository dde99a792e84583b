/* SPDX-License-Identifier: MIT */
/* What the tests of processes share. Every wait has a deadline. */
#pragma once

#include "platform/clock.h"
#include "platform/process.h"

#define PATIENCE_MS 20000

uint64_t soon(void);                                 /* the deadline of whatever must come */
void expect_text(umh_pipe in, const char *expected); /* and nothing else until the end */
void await_text(umh_pipe in, const char *expected);  /* while writers go on to exist */
void start_process(umh_process_spec *spec, umh_process *child);
umh_process_end finish_process(umh_process *child); /* waits, reaps, lets go */
int count_descriptors(void);                        /* of this process */
