/* SPDX-License-Identifier: MIT */
/* As whom a host runs, and in which surroundings. */
#include "broker/host_spawn.h"
#include "broker/sessions.h"

#include <string.h>

/*
 * .NET's generic host would watch its content root for changed settings, which is the current
 * folder with all that is below it: for a host of a service, every folder of the machine.
 */
#define WATCH_VARIABLE "DOTNET_hostBuilder__reloadConfigOnChange"

/* The entry's own variables win. */
static int add_configured(const umh_host *host, umh_environment *environment)
{
    int r = umh_environment_put(environment, WATCH_VARIABLE, "false");

    for (size_t i = 0; r == 0 && i < host->config.environment_count; i++) {
        const char *entry = host->config.environment[i];
        const char *sign = strchr(entry, '=');
        char *name = sign ? umh_text_copy_bytes(entry, (size_t)(sign - entry)) : NULL;

        if (name)
            r = umh_environment_put(environment, name, sign + 1);
        umh_text_free(name);
    }
    /* The CLR knows it from the environment of its process only, from the first instruction on. */
    if (r == 0 && !host->config.dotnet.diagnostics)
        r = umh_environment_put(environment, "DOTNET_EnableDiagnostics", "0");
    return umh_fold(r);
}

/* Outcomes: UMH_SPAWN_REFUSED. */
static int take_session(const umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    const umh_session_info *session = umh_sessions_find(host->broker->sessions, host->session);

    if (!session) {
        umh_why_set(ret_why, "session %u has ended", host->session);
        return UMH_SPAWN_REFUSED;
    }
    spawn->spec.user = &session->user;
    /* A home that is not there, yet or any more, keeps nobody from working. */
    spawn->spec.folder = session->user.home;
    return umh_environment_copy(&session->environment, &spawn->environment);
}

int umh_spawn_choose_identity(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    int r;

    if (host->session == UMH_SESSION_OWN)
        r = umh_environment_init_filtered(&spawn->environment);
    else
        r = take_session(host, spawn, ret_why);
    if (r == UMH_SPAWN_REFUSED)
        return UMH_SPAWN_REFUSED;
    if (r == 0)
        r = add_configured(host, &spawn->environment);
    if (r)
        return umh_fold(r);
    spawn->spec.environment = &spawn->environment;
    return 0;
}
