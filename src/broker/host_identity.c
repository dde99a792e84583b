/* SPDX-License-Identifier: MIT */
/* As whom a host runs, and in which surroundings. */
#include "broker/host_spawn.h"

#include <string.h>

/* The entry's own variables win. */
static int add_configured(const umh_host *host, umh_environment *environment)
{
    int r = 0;

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

int umh_spawn_choose_identity(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    int r = umh_environment_init_filtered(&spawn->environment);

    UMH_UNUSED(ret_why);
    if (r == 0)
        r = add_configured(host, &spawn->environment);
    if (r)
        return umh_fold(r);
    spawn->spec.environment = &spawn->environment;
    return 0;
}
