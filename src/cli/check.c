/* SPDX-License-Identifier: MIT */
/* umh check: everything that can be known to be wrong before anything is started. */
#include "cli/arguments.h"
#include "cli/check_place.h"
#include "cli/output.h"
#include "cli/runtimes.h"
#include "config/layout.h"
#include "config/modules.h"
#include "formats/version.h"
#include "platform/file.h"

#include <stdio.h>
#include <string.h>

#define RUNTIMES_FOLDER "shared/Microsoft.NETCore.App"
#define RUNTIME_MAJOR "10."
#define RUNTIMES_MAX 1000
#define MANAGED_HOST "lib/umh/managed/ManagedHost.dll"

typedef struct checking {
    umh_config config;
    umh_why_list problems;
    umh_table table;
    char installation[UMH_PATH_BYTES];
    size_t module_count;
    size_t managed_count;
    bool is_quiet;       /* problems only */
    bool is_for_service; /* whose modules root alone may change */
} checking;

/* ------------------------- modules */

/* Outcomes: UMH_MODULES_UNUSABLE. */
static int check_trust(const umh_module_file *file, umh_why *ret_why)
{
    umh_why doubt = UMH_WHY_INIT;

    if (umh_modules_check_trust(file, &doubt) == 0)
        return 0;
    umh_why_set(ret_why, "%s; a service runs only what root alone may change", doubt.text);
    return UMH_MODULES_UNUSABLE;
}

static int check_module(checking *check, const umh_host_config *host,
                        const umh_module_config *module)
{
    const char *cells[] = {"", module->name, "unusable", ""};
    umh_module_file file;
    umh_why why = UMH_WHY_INIT;
    int r = umh_modules_find(&check->config, host, module, &file, &why);

    check->module_count++;
    if (r == 0) {
        r = umh_modules_check_entry(&file, &why);
        if (r == 0)
            r = umh_layout_check(&check->config, host, module, &file, &why);
        if (r == 0 && check->is_for_service)
            r = check_trust(&file, &why);
    }
    if (r == UMH_MODULES_UNUSABLE) {
        /* A place costs passes over the file; what is only counted needs none. */
        if (check->problems.count < UMH_WHY_LIST_MAX)
            umh_check_place_module(&check->config, host, module, &why);
        umh_why_list_add(&check->problems, &why);
    } else if (r) {
        return umh_fold(r);
    } else {
        check->managed_count += umh_image_is_managed(&file.image);
        cells[2] = umh_image_describe(&file.image);
        cells[3] = file.path;
    }
    return umh_table_add(&check->table, cells);
}

static int check_host(checking *check, const umh_host_config *host)
{
    const char *cells[] = {host->name, host->module_count == 0 ? "(no module)" : "", "", ""};
    int r = umh_table_add(&check->table, cells);

    for (size_t i = 0; i < host->module_count && r == 0; i++)
        r = check_module(check, host, &host->modules[i]);
    return r;
}

/* ------------------------- .NET */

/* The highest runtime of `root`; "10" where its folder cannot be read. */
static void find_version(const char *root, char *version, size_t capacity)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    const char *highest = NULL;
    char folder[UMH_PATH_BYTES];

    if (umh_file_join(root, RUNTIMES_FOLDER, folder) || umh_file_list(folder, RUNTIMES_MAX, &names))
        umh_failure_take();
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], RUNTIME_MAJOR, sizeof RUNTIME_MAJOR - 1) == 0 &&
            (!highest || umh_version_is_higher(names.names[i], highest)))
            highest = names.names[i];
    }
    umh_text_put(version, capacity, highest ? highest : "10");
}

static bool has_managed_host(const checking *check)
{
    char path[UMH_PATH_BYTES];

    if (umh_file_join(check->installation, MANAGED_HOST, path)) {
        umh_failure_take();
        return false;
    }
    return umh_file_inspect(path).kind == FILE_KIND_FILE;
}

/* Its absence is a problem only where a module needs it. */
static void report_absence(checking *check, const umh_why *why)
{
    if (check->managed_count > 0)
        umh_why_list_add(&check->problems, why);
    if (!check->is_quiet)
        printf("managed modules: absent: %s\n", why->text);
}

static int check_dotnet(checking *check)
{
    char root[UMH_PATH_BYTES];
    char version[64];
    umh_why why = UMH_WHY_INIT;
    int r = umh_modules_find_dotnet(&check->config.dotnet, root, &why);

    if (r < 0)
        return r;
    if (r == UMH_MODULES_UNUSABLE) {
        umh_why_place(&why, check->config.path, 0, 0, "DotNet");
        report_absence(check, &why);
        return 0;
    }
    if (!has_managed_host(check)) {
        umh_why_set(&why,
                    "this installation was built without them (%s/%s); install the .NET SDK "
                    "10 and build again",
                    check->installation, MANAGED_HOST);
        report_absence(check, &why);
        return 0;
    }
    find_version(root, version, sizeof version);
    if (!check->is_quiet)
        printf("managed modules: .NET %s at %s\n", version, root);
    return 0;
}

/* Hosts may have a root of their own. */
static void check_dotnet_of_hosts(checking *check)
{
    for (size_t i = 0; i < check->config.host_count; i++) {
        const umh_host_config *host = &check->config.hosts[i];
        char root[UMH_PATH_BYTES];
        umh_why why = UMH_WHY_INIT;
        bool is_same =
            !host->dotnet.root || (check->config.dotnet.root &&
                                   strcmp(host->dotnet.root, check->config.dotnet.root) == 0);

        if (!is_same && umh_modules_find_dotnet(&host->dotnet, root, &why)) {
            umh_why_place(&why, check->config.path, host->line, 0, "DotNet.Root");
            umh_why_list_add(&check->problems, &why);
        }
    }
}

/* ------------------------- the whole */

static void print_list(const checking *check)
{
    printf("%s: %llu host%s, %llu module%s\n", check->config.path,
           (unsigned long long)check->config.host_count, check->config.host_count == 1 ? "" : "s",
           (unsigned long long)check->module_count, check->module_count == 1 ? "" : "s");
    umh_table_print(&check->table, stdout);
}

static int check_config(checking *check)
{
    int r = 0;

    check->table.column_count = 4;
    for (size_t i = 0; i < check->config.host_count && r == 0; i++)
        r = check_host(check, &check->config.hosts[i]);
    if (r)
        return umh_fold(r);
    if (!check->is_quiet)
        print_list(check);
    check_dotnet_of_hosts(check);
    r = umh_cli_check_runtimes(&check->config, check->installation, &check->problems);
    return r == 0 ? check_dotnet(check) : umh_fold(r);
}

static int check_file(checking *check, const char *file)
{
    char path[UMH_PATH_BYTES];
    unsigned long long problem_count;
    int r = umh_cli_find_config(file, path);

    if (r == 0)
        r = umh_file_installation(check->installation);
    if (r == 0)
        r = umh_config_load(path, check->installation, &check->config, &check->problems);
    if (r == 0)
        r = check_config(check);
    if (fflush(stdout) != 0 && r == 0)
        return umh_cli_refuse("not everything could be written to stdout");
    umh_cli_print_problems(&check->problems);
    if (r == UMH_CONFIG_UNUSABLE)
        return umh_cli_refuse("%s cannot be used", path);
    if (r)
        return umh_cli_fail();
    problem_count = check->problems.count + check->problems.dropped_count;
    if (problem_count > 0)
        return umh_cli_refuse("%llu problem%s in %s", problem_count, problem_count == 1 ? "" : "s",
                              path);
    if (!check->is_quiet)
        puts("no problem found");
    return CLI_DONE;
}

static int check_once(const char *file, bool is_for_service)
{
    checking check = {.config = UMH_CONFIG_INIT,
                      .problems = UMH_WHY_LIST_INIT,
                      .table = UMH_TABLE_INIT,
                      .is_quiet = is_for_service,
                      .is_for_service = is_for_service};
    int code = check_file(&check, file);

    umh_table_deinit(&check.table);
    umh_why_list_deinit(&check.problems);
    umh_config_deinit(&check.config);
    return code;
}

int umh_cli_check_for_service(const char *file)
{
    return check_once(file, true);
}

int umh_cli_check(const umh_cli *cli)
{
    const umh_arguments_spec spec = {
        .positional_text = "FILE is", .positional_min = 1, .positional_max = 1};
    const char *file;
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, &file, &count, &code))
        return code;
    return check_once(file, false);
}
