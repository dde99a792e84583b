/* SPDX-License-Identifier: MIT */
/* An entry that is wrong stays what it was before the change. */
#include "config/config.h"
#include "config/copy.h"
#include "config/names.h"

#include <stdlib.h>

static const umh_host_config *find_host(const umh_config *config, const char *name)
{
    for (size_t i = 0; i < config->host_count; i++) {
        if (umh_names_are_equal(config->hosts[i].name, name))
            return &config->hosts[i];
    }
    return NULL;
}

/* At the end: among hosts of one stage the order means nothing. */
static int add_host(umh_config *config, const umh_host_config *host)
{
    size_t bytes = (config->host_count + 1) * sizeof(*config->hosts);
    umh_host_config *hosts = realloc(config->hosts, bytes);
    int r;

    if (!hosts)
        return UMH_FAIL(UMH_E_MEMORY, "keep host '%s'", host->name);
    config->hosts = hosts;
    r = umh_host_config_copy_whole(host, &hosts[config->host_count]);
    if (r == 0)
        config->host_count++;
    return r;
}

int umh_config_keep_wrong(umh_config *config, const umh_config *before)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->wrong_host_count; i++) {
        const char *name = config->wrong_hosts[i];
        const umh_host_config *host = find_host(before, name);

        /* Of two entries with one name the first stands, and only the second is wrong. */
        if (host && !find_host(config, name))
            r = add_host(config, host);
    }
    return r;
}
