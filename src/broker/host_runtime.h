/* SPDX-License-Identifier: MIT */
/*
 * The .NET runtime of a host's process. It is decided once per process, when the first managed
 * module is to be loaded and none is being fetched any more: from the host's DotNet and what all
 * its managed modules ask for. What does not fit any runtime is refused; a module that needs
 * another than the process was born with has the process replaced.
 */
#pragma once

#include "broker/host.h"

/*
 * Have those loaded whose copy is there, as far as it is known what runtime they are to share; the
 * host may be refused or replaced instead. Nothing while it takes no commands. After every change
 * of a module, and when the process listens.
 */
void umh_host_load_waiting(umh_host *host);

/*
 * Whether a copy may become the module's in a host that runs: it must not make its other modules
 * impossible. False: why.
 */
bool umh_host_accepts_copy(const umh_host_module *module, const umh_store_entry *copy,
                           umh_why *ret_why);

/* A host that was refused because of its modules is tried again: what they are now counts. */
void umh_host_fetch_anew(umh_host *host);
/* A copy has come for such a host: so it is. */
void umh_host_retry_runtime(umh_host *host);

/* What its CLR is to be started with; NULL: with ManagedHost's own file. */
const char *umh_host_runtime_config(const umh_host *host);
/* Looked for until it is found: it may be installed while the broker runs. "": none. */
const char *umh_host_find_dotnet(umh_host *host);
/* Adds to the reason of its end what its runtime may have lacked. */
void umh_host_blame_runtime(umh_host *host);
/* The process has ended. */
umh_host_runtime *umh_host_runtime_free(umh_host_runtime *runtime);
