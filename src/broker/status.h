/* SPDX-License-Identifier: MIT */
/* The broker's state as JSON: for `umh status` and, as changes, on the Broker service. */
#pragma once

#include "broker/host.h"
#include "formats/jsonc.h"

/*
 * {"broker":{"version","instance","pid","config","control","state","uptime_ms","containment",
 * "quotas":{"groups","available":[key],"why"},"memory":{...}},
 * "hosts":[...],"clients":n}. NULL: out of memory, recorded.
 */
umh_json *umh_status_describe(umh_broker *broker);
/*
 * One host: name, pid, state, restarts, last death, deaths [{at, kind, text, exit_code, signal,
 * core_dumped, module, activity, for_ms}] with the newest first, starts_in_ms while it waits for
 * that, why it is not started again, limits {memory_mib, cpu_percent, processes, open_files,
 * required} as configured, usage {memory_bytes, memory_peak_bytes, throttled_ms, processes_refused}
 * of the process and what it started, modules [{name, slot, state, version, loader,
 * path, why, services, overflow, gate, waiting, outstanding_bytes, delivered, published, dropped,
 * lost}]. What is not known is null.
 */
umh_json *umh_status_describe_host(const umh_host *host);
umh_json *umh_status_describe_limits(const umh_limits_config *limits);
umh_json *umh_status_describe_usage(const umh_host *host);
umh_json *umh_status_describe_quotas(const umh_broker *broker);
/*
 * Publish {"v":1,"event":"host","host":...,"state":...,...} on the Broker service, where somebody
 * subscribed to it.
 */
void umh_status_announce_host(umh_host *host);
void umh_status_announce_module(const umh_host_module *module);
