/* SPDX-License-Identifier: MIT */
/*
 * How the broker becomes a service of systemd, through systemctl: what an administrator would do,
 * with what that says on failure.
 */
#include "platform/linux/service_unit.h"

#include "platform/clock.h"
#include "platform/file.h"
#include "platform/process.h"
#include "platform/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPLATE_PATH "share/umh/systemd/umh.service.in"
#define TEMPLATE_BYTES_MAX (64u * 1024)
#define UNIT_FOLDER "/etc/systemd/system"
#define MANAGER_MARK "/run/systemd/system" /* is there where systemd is process 1 */
#define SAID_BYTES_MAX (64u * 1024)
/* A start waits for TimeoutStartSec at most, a stop for TimeoutStopSec; both can be changed. */
#define SYSTEMCTL_MS (10u * 60 * 1000)
#define UNIT_MODE 0644

static const char *const systemctl_paths[] = {"/usr/bin/systemctl", "/bin/systemctl"};

/* --- systemctl ---------------------------------------------------------------------------- */

static const char *find_systemctl(void)
{
    for (size_t i = 0; i < UMH_COUNT_OF(systemctl_paths); i++) {
        if (access(systemctl_paths[i], X_OK) == 0)
            return systemctl_paths[i];
    }
    return NULL;
}

/* Outcomes: UMH_SERVICE_REFUSED. */
static int check_manager(umh_why *ret_why)
{
    struct stat about;

    if (stat(MANAGER_MARK, &about) == 0 && S_ISDIR(about.st_mode) && find_systemctl())
        return 0;
    umh_why_set(ret_why, "systemd does not run this machine; `umh run` runs a broker without it");
    return UMH_SERVICE_REFUSED;
}

/* Outcomes: UMH_SERVICE_REFUSED. */
static int check_may(umh_why *ret_why)
{
    int r = check_manager(ret_why);

    if (r)
        return UMH_SERVICE_REFUSED;
    if (geteuid() == 0)
        return 0;
    umh_why_set(ret_why, "only root may change services of the system; try sudo");
    return UMH_SERVICE_REFUSED;
}

/* All that it says until nobody can say more. */
static int read_all(umh_pipe pipe, uint64_t deadline_ns, umh_buffer *said)
{
    char piece[4096];
    size_t size;
    int r;

    do {
        size = 0;
        r = umh_pipe_read(pipe, piece, sizeof piece, deadline_ns, &size);
        if (r == 0 && said->size < SAID_BYTES_MAX)
            r = umh_buffer_append(said, piece, size);
    } while (r == 0);
    return r == UMH_PIPE_EOF || r == UMH_PIPE_TIMEOUT ? 0 : umh_fold(r);
}

static int start_systemctl(const char *const *arguments, umh_pipe output, umh_process *ret_process)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;
    umh_process_spec spec = UMH_PROCESS_SPEC_INIT;
    int r = umh_environment_init_filtered(&environment);

    if (r == 0)
        r = umh_environment_put(&environment, "LC_ALL", "C");
    if (r)
        return umh_fold(r);
    spec.program = find_systemctl();
    spec.arguments = arguments;
    spec.environment = &environment;
    spec.standard[1] = output;
    spec.standard[2] = output;
    spec.containment = CONTAINED_BY_GROUP;
    r = umh_process_start(&spec, ret_process);
    /* Its record says what could not be executed. */
    return r == UMH_PROCESS_NO_PROGRAM ? UMH_E_OS : umh_fold(r);
}

/* Its exit code, -1 when it did not end by itself, and what it said. */
static int run_systemctl(const char *const *arguments, umh_buffer *said, int *ret_code)
{
    const uint64_t deadline_ns = umh_clock_deadline_ns(SYSTEMCTL_MS);
    umh_process process = UMH_PROCESS_INIT;
    umh_process_end end = {.exit_code = -1};
    umh_pipe ours = UMH_PIPE_NONE;
    umh_pipe its = UMH_PIPE_NONE;
    int r = umh_pipe_new(&ours, &its);

    if (r == 0)
        r = start_systemctl(arguments, its, &process);
    umh_pipe_close(&its);
    if (r == 0)
        r = read_all(ours, deadline_ns, said);
    umh_pipe_close(&ours);
    if (r == 0)
        r = umh_process_wait(&process, deadline_ns, &end);
    if (r != 0 && process.handle != -1)
        umh_process_kill(&process);
    umh_process_deinit(&process);
    if (r)
        return umh_fold(r);
    *ret_code = end.signal ? -1 : end.exit_code;
    return 0;
}

/* Without the line breaks at its end. */
static const char *text_of(umh_buffer *said)
{
    while (said->size > 0 && said->data[said->size - 1] == '\n')
        umh_buffer_cut(said, said->size - 1);
    return said->size > 0 ? (const char *)said->data : "";
}

/* `systemctl VERB UNIT`. Outcomes: UMH_SERVICE_REFUSED. */
static int control(const char *verb, const char *unit, umh_why *ret_why)
{
    const char *const arguments[] = {"systemctl", "--quiet", "--no-ask-password", verb, unit, NULL};
    UMH_AUTO(umh_buffer) said = UMH_BUFFER_INIT;
    int code = 0;
    int r = run_systemctl(arguments, &said, &code);

    if (r)
        return umh_fold(r);
    if (code == 0)
        return 0;
    umh_why_set(ret_why, "systemctl %s%s%s ended with %d: %s", verb, unit ? " " : "",
                unit ? unit : "", code, text_of(&said));
    return UMH_SERVICE_REFUSED;
}

/* --- what systemd says of it -------------------------------------------------------------- */

typedef struct property {
    const char *name;
    char *to;
    size_t capacity;
} property;

static void take_property(const property *properties, size_t count, const char *line)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(properties[i].name);

        if (strncmp(line, properties[i].name, size) == 0 && line[size] == '=')
            umh_text_put(properties[i].to, properties[i].capacity, line + size + 1);
    }
}

static void take_properties(umh_buffer *said, umh_service_state *state)
{
    char pid[32] = "";
    char restarts[32] = "";
    const property properties[] = {
        {"FragmentPath", state->file, sizeof state->file},
        {"ActiveState", state->active, sizeof state->active},
        {"SubState", state->detail, sizeof state->detail},
        {"UnitFileState", state->at_boot, sizeof state->at_boot},
        {"Result", state->result, sizeof state->result},
        {"StatusText", state->says, sizeof state->says},
        {"MainPID", pid, sizeof pid},
        {"NRestarts", restarts, sizeof restarts},
    };
    char *line = said->size > 0 ? (char *)said->data : NULL;

    while (line && *line) {
        char *end = strchr(line, '\n');

        if (end)
            *end++ = '\0';
        take_property(properties, UMH_COUNT_OF(properties), line);
        line = end;
    }
    state->pid = strtoll(pid, NULL, 10);
    state->restart_count = strtoull(restarts, NULL, 10);
    state->is_installed = state->file[0] != '\0';
    state->is_active =
        strcmp(state->active, "active") == 0 || strcmp(state->active, "reloading") == 0;
}

int umh_service_inspect(const char *instance, umh_service_state *ret_state, umh_why *ret_why)
{
    static const char wanted[] =
        "--property=FragmentPath,ActiveState,SubState,UnitFileState,Result,StatusText,MainPID,"
        "NRestarts";
    umh_service_state state = {.name = ""};
    const char *const arguments[] = {"systemctl", "show", wanted, state.name, NULL};
    UMH_AUTO(umh_buffer) said = UMH_BUFFER_INIT;
    int code = 0;
    int r = check_manager(ret_why);

    if (r)
        return UMH_SERVICE_REFUSED;
    umh_service_unit_name(instance, state.name);
    r = run_systemctl(arguments, &said, &code);
    if (r)
        return umh_fold(r);
    if (code != 0) {
        umh_why_set(ret_why, "systemctl show ended with %d: %s", code, text_of(&said));
        return UMH_SERVICE_REFUSED;
    }
    take_properties(&said, &state);
    *ret_state = state;
    return 0;
}

/* --- install and uninstall ---------------------------------------------------------------- */

/* Outcomes: UMH_SERVICE_REFUSED. */
static int make_unit(const umh_service_spec *spec, umh_buffer *unit, umh_why *ret_why)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];
    int r = umh_file_join(spec->installation, TEMPLATE_PATH, path);

    if (r == 0)
        r = umh_file_read(path, TEMPLATE_BYTES_MAX, &text);
    if (r > 0) {
        umh_why_set(ret_why, "%s is missing: the installation is not complete", path);
        return UMH_SERVICE_REFUSED;
    }
    if (r == 0)
        r = umh_service_unit_write(spec, umh_bytes_of(text.data, text.size), unit, ret_why);
    if (r == UMH_SERVICE_UNIT_BAD)
        return UMH_SERVICE_REFUSED;
    return umh_fold(r);
}

static bool is_ours(const umh_buffer *unit)
{
    const size_t size = sizeof UMH_SERVICE_UNIT_MARK - 1;

    return unit->size >= size && memcmp(unit->data, UMH_SERVICE_UNIT_MARK, size) == 0;
}

/* What stands at the place of our unit. Outcomes: UMH_SERVICE_REFUSED (it is someone else's). */
static int look_at_place(const char *path, const umh_buffer *unit, umh_service_change *ret_change,
                         umh_why *ret_why)
{
    UMH_AUTO(umh_buffer) present = UMH_BUFFER_INIT;
    int r = umh_file_read(path, TEMPLATE_BYTES_MAX, &present);

    *ret_change = SERVICE_MADE;
    if (r == UMH_FILE_NONE)
        return 0;
    if (r < 0)
        return r;
    if (r > 0 || !is_ours(&present)) {
        umh_why_set(ret_why, "%s was not written by `umh service install`; it stays as it is",
                    path);
        return UMH_SERVICE_REFUSED;
    }
    *ret_change = unit && umh_bytes_are_equal(umh_bytes_of(unit->data, unit->size),
                                              umh_bytes_of(present.data, present.size))
                      ? SERVICE_KEPT
                      : SERVICE_REPLACED;
    return 0;
}

static int find_place(const char *instance, char name[UMH_SERVICE_NAME_BYTES],
                      char ret_path[UMH_PATH_BYTES])
{
    umh_service_unit_name(instance, name);
    return umh_file_join(UNIT_FOLDER, name, ret_path);
}

static int write_unit(const char *path, const umh_buffer *unit)
{
    int r = umh_file_write(path, umh_bytes_of(unit->data, unit->size));

    if (r == 0 && chmod(path, UNIT_MODE) != 0)
        return UMH_FAIL_OS(errno, "set the mode of '%s'", path);
    return umh_fold(r);
}

int umh_service_install(const umh_service_spec *spec, umh_service_change *ret_change,
                        umh_service_state *ret_state, umh_why *ret_why)
{
    UMH_AUTO(umh_buffer) unit = UMH_BUFFER_INIT;
    umh_service_change change = SERVICE_MADE;
    char name[UMH_SERVICE_NAME_BYTES];
    char path[UMH_PATH_BYTES];
    int r = check_may(ret_why);

    if (r == 0)
        r = find_place(spec->instance, name, path);
    if (r == 0)
        r = make_unit(spec, &unit, ret_why);
    if (r == 0)
        r = look_at_place(path, &unit, &change, ret_why);
    if (r == 0 && change != SERVICE_KEPT)
        r = write_unit(path, &unit);
    if (r == 0)
        r = control("daemon-reload", NULL, ret_why);
    if (r == 0)
        r = control("enable", name, ret_why);
    if (r == 0)
        r = umh_service_inspect(spec->instance, ret_state, ret_why);
    if (r == UMH_SERVICE_REFUSED)
        return UMH_SERVICE_REFUSED;
    if (r)
        return umh_fold(r);
    *ret_change = change;
    return 0;
}

/* Outcomes: UMH_SERVICE_REFUSED. */
static int require_installed(const char *instance, umh_service_state *ret_state, umh_why *ret_why)
{
    int r = umh_service_inspect(instance, ret_state, ret_why);

    if (r == 0 && !ret_state->is_installed) {
        umh_why_set(ret_why, "there is no service %s; `umh service install --config FILE` makes it",
                    ret_state->name);
        return UMH_SERVICE_REFUSED;
    }
    if (r == UMH_SERVICE_REFUSED)
        return UMH_SERVICE_REFUSED;
    return umh_fold(r);
}

int umh_service_uninstall(const char *instance, umh_service_state *ret_state, umh_why *ret_why)
{
    umh_service_change change;
    char name[UMH_SERVICE_NAME_BYTES];
    char path[UMH_PATH_BYTES];
    int r = check_may(ret_why);

    if (r == 0)
        r = require_installed(instance, ret_state, ret_why);
    if (r == 0)
        r = find_place(instance, name, path);
    if (r == 0)
        r = look_at_place(path, NULL, &change, ret_why);
    if (r == 0 && change == SERVICE_MADE) {
        umh_why_set(ret_why, "%s is of another hand, which has to remove it", ret_state->file);
        return UMH_SERVICE_REFUSED;
    }
    if (r == 0)
        r = control("stop", name, ret_why);
    if (r == 0)
        r = control("disable", name, ret_why);
    if (r == 0)
        r = umh_file_remove_tree(path);
    if (r == 0)
        r = control("daemon-reload", NULL, ret_why);
    if (r == UMH_SERVICE_REFUSED)
        return UMH_SERVICE_REFUSED;
    return umh_fold(r);
}

/* --- start and stop ----------------------------------------------------------------------- */

int umh_service_start(const char *instance, umh_why *ret_why)
{
    umh_service_state state;
    int r = check_may(ret_why);

    if (r == 0)
        r = require_installed(instance, &state, ret_why);
    if (r == 0)
        r = control("start", state.name, ret_why);
    if (r == UMH_SERVICE_REFUSED)
        return UMH_SERVICE_REFUSED;
    return umh_fold(r);
}

int umh_service_stop(const char *instance, umh_why *ret_why)
{
    umh_service_state state;
    int r = check_may(ret_why);

    if (r == 0)
        r = require_installed(instance, &state, ret_why);
    if (r == 0)
        r = control("stop", state.name, ret_why);
    if (r == UMH_SERVICE_REFUSED)
        return UMH_SERVICE_REFUSED;
    return umh_fold(r);
}
