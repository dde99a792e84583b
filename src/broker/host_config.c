/* SPDX-License-Identifier: MIT */
/* Deep copies of a host's and a module's configuration. */
#include "broker/host_config.h"

#include <stdlib.h>

/* NULL stays NULL. */
static bool copy_text(const char *from, char **to)
{
    *to = from ? umh_text_copy(from) : NULL;
    return !from || *to;
}

static bool copy_environment(const umh_host_config *from, umh_host_config *copy)
{
    if (from->environment_count == 0)
        return true;
    copy->environment = calloc(from->environment_count, sizeof(*copy->environment));
    if (!copy->environment)
        return false;
    for (size_t i = 0; i < from->environment_count; i++) {
        if (!copy_text(from->environment[i], &copy->environment[i]))
            return false;
        copy->environment_count++;
    }
    return true;
}

int umh_host_config_copy(const umh_host_config *from, umh_host_config *ret_copy)
{
    umh_host_config copy = *from;
    bool is_whole;

    copy.modules = NULL;
    copy.module_count = 0;
    copy.environment = NULL;
    copy.environment_count = 0;
    is_whole = copy_text(from->name, &copy.name);
    is_whole &= copy_text(from->dotnet.root, &copy.dotnet.root);
    is_whole &= copy_environment(from, &copy);
    if (!is_whole) {
        umh_host_config_release(&copy);
        return UMH_FAIL(UMH_E_MEMORY, "copy the configuration of host '%s'", from->name);
    }
    *ret_copy = copy;
    return 0;
}

void umh_host_config_release(umh_host_config *copy)
{
    for (size_t i = 0; i < copy->environment_count; i++)
        umh_text_free(copy->environment[i]);
    free(copy->environment);
    umh_text_free(copy->dotnet.root);
    umh_text_free(copy->name);
    *copy = (umh_host_config){.name = NULL};
}

int umh_module_config_copy(const umh_module_config *from, umh_module_config *ret_copy)
{
    umh_module_config copy = *from;
    bool is_whole = copy_text(from->name, &copy.name);

    is_whole &= copy_text(from->path, &copy.path);
    is_whole &= copy_text(from->config ? from->config : "{}", &copy.config);
    if (!is_whole) {
        umh_module_config_release(&copy);
        return UMH_FAIL(UMH_E_MEMORY, "copy the configuration of module '%s'", from->name);
    }
    *ret_copy = copy;
    return 0;
}

void umh_module_config_release(umh_module_config *copy)
{
    umh_text_free(copy->config);
    umh_text_free(copy->path);
    umh_text_free(copy->name);
    *copy = (umh_module_config){.name = NULL};
}

umh_module_config umh_module_config_of(const umh_wanted_module *wanted)
{
    umh_module_config config = {.name = (char *)(uintptr_t)wanted->name,
                                .overflow = OVERFLOW_BLOCK};

    if (wanted->config)
        return *wanted->config;
    if (wanted->override_row->path[0])
        config.path = (char *)(uintptr_t)wanted->override_row->path;
    return config;
}
