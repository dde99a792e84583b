/* SPDX-License-Identifier: MIT */
/* Deep copies of what a configuration says of a host and of a module. */
#include "config/copy.h"

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

int umh_host_config_copy_whole(const umh_host_config *from, umh_host_config *ret_copy)
{
    umh_host_config copy;
    int r = umh_host_config_copy(from, &copy);

    if (r)
        return r;
    if (from->module_count > 0) {
        copy.modules = calloc(from->module_count, sizeof(*copy.modules));
        r = copy.modules ? 0 : UMH_FAIL(UMH_E_MEMORY, "copy the modules of host '%s'", from->name);
    }
    for (size_t i = 0; r == 0 && i < from->module_count; i++) {
        r = umh_module_config_copy(&from->modules[i], &copy.modules[i]);
        copy.module_count += r == 0;
    }
    if (r)
        umh_host_config_release(&copy);
    else
        *ret_copy = copy;
    return r;
}

void umh_host_config_release(umh_host_config *copy)
{
    for (size_t i = 0; i < copy->module_count; i++)
        umh_module_config_release(&copy->modules[i]);
    free(copy->modules);
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
