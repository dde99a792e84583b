/* SPDX-License-Identifier: MIT */
/*
 * Layout of the shared page of a host. The host writes, the broker reads, with relaxed atomics;
 * each value is evidence, not truth. Times are the host's monotonic nanoseconds (the same clock as
 * the broker's on one machine).
 */
#pragma once

#include "ipc/limits.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define UMH_BLACKBOX_MAGIC 0x31584254u /* "TBX1" */

typedef enum umh_activity {
    ACTIVITY_NONE,
    ACTIVITY_LOADING,
    ACTIVITY_INIT, /* of a managed module: its assemblies and its constructor */
    ACTIVITY_START,
    ACTIVITY_ON_MESSAGE,
    ACTIVITY_STOP,
    ACTIVITY_UNLOADING,
    ACTIVITY_CONFIGURE,
    ACTIVITY_COUNT
} umh_activity;

typedef struct umh_blackbox_slot {
    _Atomic uint32_t activity;      /* umh_activity */
    _Atomic uint32_t failure_count; /* callbacks that failed since the module was loaded */
    /* of that activity, at the watcher's resolution; 0: shorter than a tick */
    _Atomic uint64_t since_ns;
    _Atomic uint64_t consumed_count; /* messages whose callback returned */
    _Atomic uint64_t consumed_bytes; /* their costs */
} umh_blackbox_slot;

typedef struct umh_blackbox {
    _Atomic uint32_t magic;
    _Atomic uint32_t slot_count;
    _Atomic uint64_t heartbeat_ns; /* of the watcher or reader, at most once a second */
    umh_blackbox_slot slots[UMH_MODULES_PER_HOST_MAX];
    _Atomic uint64_t refused_count; /* messages to a session that the host's may not reach */
    /* 1 + the slot whose code ended the process; 0: nobody knows */
    _Atomic uint32_t culprit;
} umh_blackbox;

#define UMH_BLACKBOX_BYTES 4096u
/* Behind the modules: where umh-init leaves how the host ended. */
#define UMH_BLACKBOX_REPORT_OFFSET 4080u
_Static_assert(sizeof(umh_blackbox) <= UMH_BLACKBOX_REPORT_OFFSET, "the black box is one page");
/* A 32-bit host writes what a 64-bit broker reads. */
_Static_assert(offsetof(umh_blackbox, heartbeat_ns) == 8 && offsetof(umh_blackbox, slots) == 16 &&
                   offsetof(umh_blackbox, refused_count) == 3856 &&
                   offsetof(umh_blackbox, culprit) == 3864,
               "every bitness has this layout");
_Static_assert(offsetof(umh_blackbox_slot, since_ns) == 8 &&
                   offsetof(umh_blackbox_slot, consumed_count) == 16 &&
                   offsetof(umh_blackbox_slot, consumed_bytes) == 24 &&
                   sizeof(umh_blackbox_slot) == 32,
               "every bitness has this layout");

/* "OnMessage"; "?" for what is no activity. Static text. */
const char *umh_activity_name(uint32_t activity);
