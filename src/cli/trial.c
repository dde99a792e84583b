/* SPDX-License-Identifier: MIT */
/* A one-host system for one module. */
#include "cli/trial.h"

#include "config/modules.h"
#include "formats/jsonc.h"
#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

#define KILL_MS 5000u

/* Of this process's environment, beside what any child gets: where the store is, and colours. */
static const char *const passed_on[] = {"XDG_CACHE_HOME", "NO_COLOR", "TERM"};

/* ------------------------- the module */

/* What the argument says: a file, a folder that holds X/X.so, or a name. */
typedef struct trial_module {
    char path[UMH_PATH_BYTES];   /* empty: found by name */
    char folder[UMH_PATH_BYTES]; /* that holds its folder; empty: the usual ones */
    char name[UMH_PATH_BYTES];
} trial_module;

static int read_module(const char *text, trial_module *ret_module)
{
    char path[UMH_PATH_BYTES];
    umh_file_kind kind;
    int r = umh_file_absolute(text, path);

    if (r)
        return umh_fold(r);
    kind = umh_file_inspect(path).kind;
    *ret_module = (trial_module){.path = ""};
    umh_text_put(ret_module->name, sizeof ret_module->name, umh_file_name(path));
    if (kind == FILE_KIND_FOLDER)
        umh_file_parent(path, ret_module->folder);
    else if (kind != FILE_KIND_NONE || strchr(text, '/'))
        umh_text_put(ret_module->path, sizeof ret_module->path, path);
    return 0;
}

/* As the broker will look at it, so that a mistake is told before anything is started. */
static int find_module(const umh_config *config, trial_module *module, umh_why *ret_why)
{
    umh_module_config wanted = {.name = module->name,
                                .path = module->path[0] ? module->path : NULL};
    umh_module_file file;
    umh_why why = UMH_WHY_INIT;
    int r = umh_modules_find(config, &config->hosts[0], &wanted, &file, &why);

    if (r == UMH_MODULES_UNUSABLE) {
        /* The place is in a file that nobody has written. */
        umh_why_set(ret_why, "%s", why.text);
        return UMH_TRIAL_REFUSED;
    }
    return umh_fold(r);
}

/* ------------------------- its configuration */

/* The names of services in the broker.json of this folder, if it has one. */
static int describe_services(json_t *services)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    char path[UMH_PATH_BYTES];
    int r = umh_file_absolute("broker.json", path);

    if (r || umh_file_inspect(path).kind != FILE_KIND_FILE)
        return umh_fold(r);
    r = umh_config_load(path, NULL, &config, &problems);
    if (r == UMH_CONFIG_UNUSABLE)
        umh_cli_print_problems(&problems);
    umh_why_list_deinit(&problems);
    if (r)
        return r == UMH_CONFIG_UNUSABLE ? 0 : umh_fold(r);
    for (size_t i = 0; i < config.service_count; i++) {
        char guid[UMH_GUID_TEXT_BYTES];

        umh_guid_encode(&config.services[i].guid, guid);
        if (json_object_set_new(services, config.services[i].name, json_string(guid)))
            return UMH_FAIL(UMH_E_MEMORY, "name the services of %s", path);
    }
    return 0;
}

/* `services` is taken. */
static json_t *describe(const trial_module *module, json_t *services, bool is_verbose)
{
    json_t *folders = json_array();

    if (module->folder[0] && json_array_append_new(folders, json_string(module->folder))) {
        json_decref(folders);
        json_decref(services);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:o, s:[{s:s, s:[]}]}", "LogLevel",
                     is_verbose ? "Info" : "Warning", "ModuleFolders", folders, "Services",
                     services, "ChildProcesses", "GroupName", UMH_TRIAL_HOST, "Modules");
}

/* Outcomes: UMH_TRIAL_REFUSED. */
static int write_config(const char *path, const char *installation, trial_module *module,
                        bool is_verbose, umh_why *ret_why)
{
    json_t *services = json_object();
    int r = describe_services(services);
    UMH_AUTO_PTR(umh_json) object = describe(module, services, is_verbose);
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;
    umh_bytes bytes;

    if (r)
        return umh_fold(r);
    if (!object) {
        umh_why_set(ret_why, "the path of a module is UTF-8: %s", module->folder);
        return UMH_TRIAL_REFUSED;
    }
    r = umh_jsonc_print(object, &text);
    if (r)
        return umh_fold(r);
    bytes = umh_bytes_of(text.data, text.size);
    r = umh_config_parse(bytes, path, installation, &config, &problems);
    umh_why_list_deinit(&problems);
    if (r == 0)
        r = find_module(&config, module, ret_why);
    if (r == UMH_TRIAL_REFUSED)
        return UMH_TRIAL_REFUSED;
    if (r)
        return umh_fold(r);
    return umh_file_write(path, bytes);
}

/* ------------------------- its broker */

static int make_environment(umh_environment *environment)
{
    int r = umh_environment_init_filtered(environment);

    for (size_t i = 0; i < UMH_COUNT_OF(passed_on) && r == 0; i++) {
        const char *value = umh_environment_get(passed_on[i]);

        if (value)
            r = umh_environment_put(environment, passed_on[i], value);
    }
    return r;
}

static int start_broker(umh_trial *trial, const char *installation, const char *config)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;
    char program[UMH_PATH_BYTES];
    const char *const arguments[] = {
        "umh-broker", "--config",     config, "--instance", umh_trial_instance(trial),
        "--control",  trial->control, NULL,
    };
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    int r = umh_file_join(installation, UMH_CLI_BROKER_PROGRAM, program);

    if (r == 0)
        r = make_environment(&environment);
    if (r)
        return umh_fold(r);
    spec.program = program;
    spec.arguments = arguments;
    spec.environment = &environment;
    spec.standard[2] = umh_pipe_standard(2);
    spec.containment = CONTAINED_BY_GROUP;
    r = umh_process_start(&spec, &trial->broker);
    /* Its record says what could not be executed. */
    return r == UMH_PROCESS_NO_PROGRAM ? UMH_E_OS : umh_fold(r);
}

int umh_trial_open(umh_trial *trial, const char *module, bool is_verbose, umh_why *ret_why)
{
    trial_module found;
    char installation[UMH_PATH_BYTES];
    char config[UMH_PATH_BYTES];
    int r = read_module(module, &found);

    if (r == 0)
        r = umh_file_installation(installation);
    if (r == 0)
        r = umh_file_make_temporary("umh-try-", trial->folder);
    if (r == 0)
        r = umh_file_join(trial->folder, "broker.json", config);
    if (r == 0)
        r = umh_file_join(trial->folder, "control", trial->control);
    if (r == 0)
        r = write_config(config, installation, &found, is_verbose, ret_why);
    if (r == UMH_TRIAL_REFUSED)
        return UMH_TRIAL_REFUSED;
    if (r)
        return umh_fold(r);
    umh_text_put(trial->module, sizeof trial->module, found.path[0] ? found.path : found.name);
    return start_broker(trial, installation, config);
}

const char *umh_trial_instance(const umh_trial *trial)
{
    return umh_file_name(trial->folder);
}

/* ------------------------- its end */

bool umh_trial_has_ended(umh_trial *trial, char *ret_how, size_t capacity)
{
    umh_process_end end;

    if (umh_process_reap(&trial->broker, &end) != 0)
        return false;
    umh_process_end_describe(&end, ret_how, capacity);
    umh_process_deinit(&trial->broker);
    return true;
}

static void end_broker(umh_trial *trial, uint64_t deadline_ns)
{
    umh_process_end end;

    if (trial->broker.handle == -1)
        return;
    if (umh_process_wait(&trial->broker, deadline_ns, &end) != 0) {
        umh_process_kill(&trial->broker);
        umh_ignore(umh_process_wait(&trial->broker, umh_clock_deadline_ns(KILL_MS), &end));
    }
    umh_process_deinit(&trial->broker);
}

static void remove_all(const umh_trial *trial)
{
    char store[UMH_PATH_BYTES];

    if (umh_file_store_folder(umh_trial_instance(trial), store) || umh_file_remove_tree(store) ||
        umh_file_remove_tree(trial->folder))
        umh_cli_fail();
}

void umh_trial_close(umh_trial *trial, uint64_t deadline_ns)
{
    end_broker(trial, deadline_ns);
    if (trial->folder[0])
        remove_all(trial);
    trial->folder[0] = '\0';
}
