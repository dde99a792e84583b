/* SPDX-License-Identifier: MIT */
/* How a process of a host ended, in words and in fields, and the last few such ends. */
#pragma once

#include "ipc/blackbox.h"
#include "ipc/limits.h"
#include "platform/clock.h"
#include "platform/process.h"

#define UMH_DEATHS_KEPT 8u
#define UMH_DEATH_TEXT_BYTES 512

typedef enum umh_death_kind {
    DEATH_BY_EXIT,      /* it left by itself */
    DEATH_BY_SIGNAL,    /* a crash, or a kill that was not ours */
    DEATH_AS_ASKED,     /* it was told to end, and did */
    DEATH_BY_DEADLINE,  /* killed: something took too long */
    DEATH_BY_VIOLATION, /* killed: it broke the protocol */
    DEATH_BY_LIMIT,     /* ended by the system, or not started, because of one of its Limits */
    DEATH_AT_START,     /* it could not be started */
    DEATH_KIND_COUNT
} umh_death_kind;

typedef struct umh_death {
    umh_death_kind kind;
    /* "signal 9 (Killed); was in sysload.OnMessage for 12 ms"; empty: none yet */
    char text[UMH_DEATH_TEXT_BYTES];
    bool has_end; /* false: it is not reaped, or never was a process */
    umh_process_end end;
    /* of the black box: whose code ended it, or what was going on; else ACTIVITY_NONE */
    char module[UMH_NAME_BYTES_MAX + 1];
    umh_activity activity;
    uint64_t for_ms;
    char at[UMH_CLOCK_TEXT_BYTES]; /* the wall clock's */
} umh_death;

/* The newest UMH_DEATHS_KEPT, in a ring, and how many there were. */
typedef struct umh_deaths {
    umh_death *items[UMH_DEATHS_KEPT]; /* owned; NULL: not used yet */
    size_t next;
    uint64_t counts[DEATH_KIND_COUNT];
} umh_deaths;

#define UMH_DEATHS_INIT                                                                            \
    {                                                                                              \
        .next = 0                                                                                  \
    }

/* Of a process that was not killed for cause. Asked to end or not: a crash is a crash. */
umh_death_kind umh_death_kind_of(const umh_process_end *end, bool was_asked);

/* A new one, of now, without words. */
void umh_death_begin(umh_death *death, umh_death_kind kind);
/* Whose code ended it, also behind its words. */
void umh_death_add_culprit(umh_death *death, const char *module);
/* Whose program it ran, also behind its words: a module of no callback. */
void umh_death_add_program(umh_death *death, const char *module);
/* What was going on in it, also behind its words. */
void umh_death_add_activity(umh_death *death, const char *module, umh_activity activity,
                            uint64_t for_ms);
const char *umh_death_kind_name(umh_death_kind kind); /* "signal" */

/* Count it and keep a copy; one that memory is missing for is left out: nothing depends on it. */
void umh_deaths_keep(umh_deaths *deaths, const umh_death *death);
/* `ago` 0: the newest. NULL: there are not so many. */
const umh_death *umh_deaths_peek(const umh_deaths *deaths, size_t ago);
void umh_deaths_deinit(umh_deaths *deaths);
