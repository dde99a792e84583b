/* SPDX-License-Identifier: MIT */
/*
 * The runtimeconfig.json files that the broker writes for hosts whose .NET is not to be as
 * ManagedHost's own file says: in the module store, one per content, counted by use, removed with
 * the last. A host has its own until the process ends (umh_host_runtime).
 */
#pragma once

#include "broker/store.h"

typedef struct umh_runtime_file umh_runtime_file;

/* `is_for_users`: of a host that runs as a user, who may then read it. */
UMH_MUST_USE int umh_runtime_file_get(umh_store *store, umh_bytes content, bool is_for_users,
                                      umh_runtime_file **ret_file);
const char *umh_runtime_file_path(const umh_runtime_file *file);
umh_runtime_file *umh_runtime_file_unref(umh_runtime_file *file); /* NULL is allowed */
