/* SPDX-License-Identifier: MIT */
/*
 * What debuggers and the tools of .NET have to do with a process, by its pid as this process sees
 * it. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One holds it, so that it may stand still for as long as a person looks: a debugger, a tracer or
 * whoever writes a dump of it (Linux: ptrace; Windows: a debugger is present), or a debugger of
 * .NET, for which only managed threads stand still. False also of a process that we may not look
 * at.
 */
bool umh_debugger_is_attached(int64_t pid);

/* An address that does not fit is one that the CLR cannot listen at, either. */
#define UMH_DIAGNOSTICS_BYTES 108u

/*
 * Where the CLR of that process listens to the tools of .NET, or would: as they take it (Linux:
 * the path of a socket; Windows: the name of a pipe). False: not known.
 */
bool umh_debugger_find_diagnostics(int64_t pid, char ret_address[UMH_DIAGNOSTICS_BYTES]);
bool umh_debugger_is_listening(const char *address);
/*
 * A CLR that is killed leaves what it listened at, and so does one whose process ends without it.
 * Called when the process is dead; nothing happens where nothing was left, or address is "". After
 * a kill -9 of the broker nobody calls it, and they stay.
 */
void umh_debugger_remove_left(const char *address);
