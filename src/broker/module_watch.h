/* SPDX-License-Identifier: MIT */
/*
 * A module with `"Reload": "OnChange"`: its original is watched, and the module is reloaded once
 * when another one lies there whole.
 *
 *   watched   the file and its folder; where the store copies a folder, that, the folders below it
 *             (UMH_STORE_LISTED_MAX) and the one it lies in; of a module that is found by its name,
 *             the places where it would be found. The system has one watch for a folder, however
 *             many modules share it.
 *   changed   nothing happened for UMH_MODULE_WATCH_QUIET_MS; then the original is looked at as a
 *             reload would, on libuv's pool. An event says only that it is time to look: what
 *             counts is whether what is there differs from the copy in use.
 *   not whole absent, cut off, or no module: looked at UMH_MODULE_WATCH_RETRIES times more, then
 *             said, and looked at again after the next change. The module goes on.
 *   reloaded  as by `umh reload`, also out of FAILED and of quarantine. What was tried and could
 *             not be had is tried again after the next change only.
 *
 * What cannot be watched is said once and tried again every UMH_MODULE_WATCH_RENEW_MS.
 */
#pragma once

#include "broker/host.h"

#define UMH_MODULE_WATCH_QUIET_MS 200u
#define UMH_MODULE_WATCH_RETRY_MS 300u
#define UMH_MODULE_WATCH_RETRIES 6u
#define UMH_MODULE_WATCH_RENEW_MS 2000u

/* As its configuration says now: the watch begins, goes on elsewhere, or ends. */
void umh_module_watch_set(umh_host_module *module);
/* The copy is another, or could not be had: does it still equal the original? NULL is allowed. */
void umh_module_watch_look(umh_module_watch *watch);
umh_module_watch *umh_module_watch_free(umh_module_watch *watch); /* NULL is allowed */
