/* SPDX-License-Identifier: MIT */
/*
 * What the broker may ask of a host: one row per command, with the phase in which it is legal.
 * Anything else is answered with an error, and the host goes on: it trusts its broker, not its
 * luck.
 *
 *   service       do       slot   when               answer
 *   HostInit      init     -      first, once        {"lowest":1,"highest":1,"bits":64,"pid":...}
 *                 (hello)
 *   ModuleMeta    load     yes    slot empty
 *                 {"name","version","services":[guid...],"loader":"native","took_ms"} or error
 *   ModuleMeta    start    yes    LOADED             {} or error
 *   ModuleMeta    configure yes   LOADED, STARTED    {"is_taken":true}, or false with "why":
 *                 {"config":"..."}                   the module has no configure, or said no
 *   ModuleMeta    stop     yes    LOADED, STARTED    {} after the module's last message, or
 *                 {"reload":true}, or {}             {"state":"..."}: what it leaves its successor
 *   ModuleMeta    unload   yes    STOPPED, FAILED    {"outcome":"unloaded","took_ms":n} or
 *                 {"explain":true}, or {}            {"outcome":"replace","why":"...","left":n,
 *                 "explanation":["...", ...]}: the slot is empty, and what is left of the module
 *                 has the number n; without "left" a thread that called a native module stands in
 *                 the way: nothing was unloaded, the slot stays as it was, and unload may be asked
 *                 again. A program always leaves something, which goes with the process
 *   ModuleMeta    exit     -      any                none: every module is stopped in parallel,
 *                 then the process ends with 0
 *
 * init's body: name, number, guid, session, kind, max_message_bytes, window_bytes, dotnet_root,
 * managed_folder, diagnostics, log_level. load's body: slot, name, path, folder, original_folder,
 * config (text), state (what its predecessor left, may be missing), tells_failures,
 * runtime_config (path; of a managed module, for a CLR that does not run yet; may be missing),
 * arguments (texts, of a program). From the host:
 * ModuleMeta gone, {"left":n}: what was left of a module is not there any more;
 * subscribe and unsubscribe, {"slot":3,"service":"guid"}, failed,
 * {"slot":3,"why":"..."}, once after a load that asked for it, reload, {"slot":3}: the module asks
 * for it, once after a load; and closed, {"slot":3,"code":0}: the user interface of the module has
 * ended by itself; the broker asks the host to exit, and the process ends with this code. No
 * answers.
 */
#pragma once

#include "host/module.h"

/* unload, for threads that called a native module; then one stands in the way */
#define UMH_RETIRE_MS 1000u
/* exit, for the last messages; then the process ends without them */
#define UMH_EXIT_FLUSH_MS 1000u

/* For umh_dispatch_spec. Role's thread; slot's thread. */
int umh_commands_on_control(umh_host *host, const umh_frame *frame, umh_bytes payload);
int umh_commands_on_slot(umh_host *host, uint16_t slot, umh_bytes payload);

/* Any thread: tell the broker. */
UMH_MUST_USE int umh_commands_subscribe(umh_host *host, uint16_t slot, const umh_guid *service,
                                        bool is_wanted);
UMH_MUST_USE int umh_commands_tell_closed(umh_host *host, uint16_t slot, int code);
UMH_MUST_USE int umh_commands_ask_reload(umh_host *host, uint16_t slot);
UMH_MUST_USE int umh_commands_tell_failure(umh_host *host, uint16_t slot, const char *why);
UMH_MUST_USE int umh_commands_tell_gone(umh_host *host, int64_t left);
