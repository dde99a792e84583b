/* SPDX-License-Identifier: MIT */
/*
 * What a control client may ask of the broker (service Broker): one row per command.
 *
 *   do         body                              answer
 *   hello      {}
 *              {"version","instance","pid","lowest","highest","max_message_bytes"}
 *   status     {}
 *              {"broker":{...},"hosts":[{"name","pid","state","restarts","modules":[...]}],...}
 *   apply      {"path"?,"host"?}                 {"applied":true,"steps":["..."],
 *              "pending":["MemoryMiB"],"problems":[{"text","file","line","column","key"}]};
 *              "applied":false: the file cannot be used, nothing has changed
 *   plan       {"path"?}                         the same, and nothing is done: of the file, or of
 *              what the broker has
 *   load       {"host","module"}                 {"outcome":"running"|"replaced"}, when it runs
 *   unload     {"host","module","replace"?,      {"outcome":"unloaded"|"replaced"|"refused"}, and
 *              "explain"?}                       where it was held "held_by", "left_over":true and
 *              "explanation":["..."]
 *   reload     the same                          {"outcome":"running"|"replaced"|"refused"}, and
 *              the same
 *   reset      {"host"}                          {"outcome":"starts now"|"runs already"}
 *   subscribe  {"services":["guid or name"...]}  {"services":["guid"...]}   (none: All)
 *   sync       {}                                {"taken":n,"refused":0,"reached":n}, or the first
 *              refusal: everything sent before is dealt with, and reached that many subscribers
 *   resolve    {"service":"name"}                {"guid"}
 *   lost       {}                                {"count":n}: messages dropped for this client so
 *              far
 *   stop       {}                                {} ; then the broker stops
 *
 * Of load, unload and reload, "replaced" says that the module's process ended on the way, and the
 * outcome "refused" that the module is stopped and still in the process. The error UMH_E_REFUSED:
 * nothing was done (no such host or module, it has it already, the host is given up), or the module
 * was left over and what was to follow does not run. UMH_E_MODULE: the module failed, and why.
 */
#pragma once

#include "broker/endpoint.h"

/*
 * Outcomes: UMH_COMMANDS_VIOLATION (no command at all: why). An unknown or refused command is
 * answered, not a violation.
 */
enum { UMH_COMMANDS_VIOLATION = 1 };
UMH_MUST_USE int umh_commands_receive(umh_client *client, umh_bytes payload, umh_why *ret_why);
