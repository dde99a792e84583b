/* SPDX-License-Identifier: MIT */
/* Finds the program among a host's modules, and who cannot be beside it. */
#include "config/layout.h"

#include <string.h>

static const umh_host_config *find_host(const umh_config *config, const char *name)
{
    for (size_t i = 0; i < config->host_count; i++) {
        if (strcmp(config->hosts[i].name, name) == 0)
            return &config->hosts[i];
    }
    return NULL;
}

/* NULL: it has none. A file that cannot be used is reported where it is looked for itself. */
static const umh_module_config *find_program(const umh_config *config, const umh_host_config *host)
{
    for (size_t i = 0; i < host->module_count; i++) {
        umh_why why = UMH_WHY_INIT;
        umh_module_file file;
        int r = umh_modules_find(config, host, &host->modules[i], &file, &why);

        if (r < 0)
            umh_failure_take();
        if (r == 0 && file.image.kind == IMAGE_CLI_PROGRAM)
            return &host->modules[i];
    }
    return NULL;
}

int umh_layout_check(const umh_config *config, const umh_host_config *host,
                     const umh_module_config *module, const umh_module_file *file, umh_why *ret_why)
{
    const umh_host_config *whole = find_host(config, host->name);
    const umh_module_config *program;

    if (module->argument_count > 0 && file->image.kind != IMAGE_CLI_PROGRAM) {
        umh_why_set(ret_why, "Arguments are for a program (an assembly marked EXE), and '%s' is %s",
                    module->name, umh_image_describe(&file->image));
        umh_why_place(ret_why, config->path, host->line, 0, "Arguments");
        return UMH_MODULES_UNUSABLE;
    }
    if (!whole || !whole->ui || !umh_image_is_managed(&file->image))
        return 0;
    program = find_program(config, whole);
    if (!program || strcmp(program->name, module->name) == 0)
        return 0;
    umh_why_set(ret_why,
                "host '%s' runs the program '%s', which has .NET to itself: '%s' needs another "
                "host",
                host->name, program->name, module->name);
    umh_why_place(ret_why, config->path, host->line, 0, NULL);
    return UMH_MODULES_UNUSABLE;
}
