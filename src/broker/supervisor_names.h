/* SPDX-License-Identifier: MIT */
/*
 * What an operator's words name: hosts and modules whatever the case, and what to say where there
 * is no such one.
 */
#pragma once

#include "broker/supervisor.h"

/* One that should exist, whether it runs or not; NULL: none. */
umh_host *umh_supervisor_find_named(umh_supervisor *supervisor, const char *host_id);
/* One that should exist, else one that is being unloaded or is stuck; NULL: none. */
umh_host_module *umh_host_find_named(const umh_host *host, const char *name);
/* As the configuration spells it, NULL: it knows none. Borrowed from it. */
const char *umh_host_spell_module(const umh_host *host, const char *name);

void umh_supervisor_explain_no_host(umh_supervisor *supervisor, const char *host_id,
                                    umh_why *ret_why);
void umh_supervisor_explain_no_module(const umh_supervisor *supervisor, const umh_host *host,
                                      const char *name, umh_why *ret_why);

/* Names of modules of the configuration that an operator unloaded. NULL: memory. */
umh_json *umh_supervisor_describe_unloaded(const umh_supervisor *supervisor, const umh_host *host);
