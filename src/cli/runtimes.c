/* SPDX-License-Identifier: MIT */
/* The broker's decision about the runtime of a host, from its file alone. */
#include "cli/runtimes.h"

#include "config/modules.h"

#include <stdlib.h>

#define MANAGED_HOST "lib/umh/managed/ManagedHost.dll"

/* The managed modules of a host. */
typedef struct managed_modules {
    umh_runtime_module *items; /* owned, as the needs */
    umh_runtime_needs *needs;
    size_t count;
    char program[UMH_PATH_BYTES]; /* the one that is run instead of ManagedHost; empty: none */
} managed_modules;

static int find_modules(const umh_config *config, const umh_host_config *host,
                        managed_modules *found)
{
    for (size_t i = 0; i < host->module_count; i++) {
        umh_module_file file;
        umh_why why = UMH_WHY_INIT;
        int r = umh_modules_find(config, host, &host->modules[i], &file, &why);

        if (r < 0)
            return umh_fold(r);
        if (r == UMH_MODULES_UNUSABLE || !umh_image_is_managed(&file.image))
            continue;
        found->needs[found->count] = file.needs;
        found->items[found->count] = (umh_runtime_module){.name = host->modules[i].name,
                                                          .needs = &found->needs[found->count]};
        found->count++;
        if (file.image.kind == IMAGE_CLI_PROGRAM)
            umh_text_put(found->program, sizeof found->program, file.path);
    }
    return 0;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int decide(const umh_host_config *host, const char *installation,
                  const managed_modules *modules, umh_why *ret_why)
{
    UMH_AUTO(umh_runtime) runtime = UMH_RUNTIME_INIT;
    char root[UMH_PATH_BYTES];
    char own[UMH_PATH_BYTES];
    const umh_runtime_spec spec = {.dotnet = &host->dotnet,
                                   .root = root,
                                   .main_file = modules->program[0] ? modules->program : own,
                                   .modules = modules->items,
                                   .module_count = modules->count};
    int r = umh_file_join(installation, MANAGED_HOST, own);

    if (r == 0)
        r = umh_modules_find_dotnet(&host->dotnet, root, NULL);
    /* Without .NET, or without ManagedHost, there is no runtime to be had at all. */
    if (r == UMH_MODULES_UNUSABLE || umh_file_inspect(own).kind != FILE_KIND_FILE)
        return 0;
    if (r)
        return umh_fold(r);
    r = umh_runtime_decide(&spec, &runtime, ret_why);
    return r == UMH_RUNTIME_UNUSABLE ? UMH_RUNTIME_UNUSABLE : umh_fold(r);
}

static int check_host(const umh_config *config, const umh_host_config *host,
                      const char *installation, umh_why_list *problems)
{
    managed_modules modules = {
        .items = calloc(host->module_count + 1, sizeof(umh_runtime_module)),
        .needs = calloc(host->module_count + 1, sizeof(umh_runtime_needs)),
    };
    umh_why why = UMH_WHY_INIT;
    int r = modules.items && modules.needs
                ? 0
                : UMH_FAIL(UMH_E_MEMORY, "look at the modules of host '%s'", host->name);

    if (r == 0)
        r = find_modules(config, host, &modules);
    if (r == 0 && modules.count > 0)
        r = decide(host, installation, &modules, &why);
    free(modules.items);
    free(modules.needs);
    if (r != UMH_RUNTIME_UNUSABLE)
        return umh_fold(r);
    umh_why_place(&why, config->path, host->line, 0, NULL);
    umh_why_list_add(problems, &why);
    return 0;
}

int umh_cli_check_runtimes(const umh_config *config, const char *installation,
                           umh_why_list *problems)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->host_count; i++)
        r = check_host(config, &config->hosts[i], installation, problems);
    return r;
}
