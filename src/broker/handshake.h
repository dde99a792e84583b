/* SPDX-License-Identifier: MIT */
/*
 * What the broker says to a host and what it answers: encodes init, load, start, configure, stop,
 * unload, exit; turns answers into events.
 */
#pragma once

#include "broker/host.h"

void umh_handshake_init(umh_host *host);
void umh_handshake_load(umh_host_module *module);
void umh_handshake_start(umh_host_module *module);
void umh_handshake_configure(umh_host_module *module);
/* in order behind its messages; the stop reserve is held */
void umh_handshake_stop(umh_host_module *module);
void umh_handshake_unload(umh_host_module *module);
void umh_handshake_exit(umh_host *host);

/*
 * A frame of kind ANSWER, or a command (ModuleMeta subscribe, unsubscribe, failed, reload, closed;
 * gone, of what is left over) from the host. Answers carry the id of what was asked: an id nobody
 * waits for, a hello that comes twice, a command that is not in the table are violations. A command
 * about a module that is not loaded any more is ignored: a thread of it may have come late.
 * Outcomes: UMH_HANDSHAKE_VIOLATION (why).
 */
enum { UMH_HANDSHAKE_VIOLATION = 1 };
UMH_MUST_USE int umh_handshake_receive(umh_host *host, const umh_frame *frame, umh_bytes payload,
                                       umh_why *ret_why);
