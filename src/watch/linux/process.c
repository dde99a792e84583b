/* SPDX-License-Identifier: MIT */
/*
 * Processes on a loop. A start waits for the loop's next turn, which also makes the loop's thread
 * the one whose end is the death of what it started. A death is the pidfd becoming readable. Who is
 * closed while its process runs lives on, unseen, until that is reaped.
 */
#include "watch/process.h"

#include <stdlib.h>

/*
 * A start stops the loop until the child has its program, and a death has much to clear away. A
 * thousand at once would stop all else for seconds: when a turn has lasted so long, the next one
 * goes on with them. The bound is for a loop whose turns are always long.
 */
#define TURN_MS 5
#define NS_PER_MS 1000000u
#define PUT_OFF_TURNS_MAX 4096u

struct umh_watch_process {
    umh_watch_process_events events;
    umh_process_spec spec; /* until the start; points at the six below and owns its pipes */
    char *program;
    char *init;
    char *folder;
    char **arguments; /* NULL-terminated */
    umh_environment environment;
    umh_user user;

    uv_idle_t starter;
    uv_poll_t death;
    int handle_count; /* of those two: initialised and not closed yet */
    umh_process process;
    unsigned put_off_turns; /* its start or its end was due */
    bool is_waiting;        /* for its start */
    bool is_running;        /* started and not reaped */
    bool is_killed;         /* before its start */
    bool is_closed;
};

/* ------------------------- the copy of the spec */

/* The same end may stand in several places (stdout and stderr, the page and the report). */
static void close_everywhere(umh_process_spec *spec, umh_pipe pipe)
{
    for (int i = 0; i < 3; i++) {
        if (spec->standard[i].handle == pipe.handle)
            spec->standard[i] = UMH_PIPE_NONE;
    }
    for (int i = 0; i < UMH_PROCESS_INHERIT_MAX; i++) {
        if (spec->inherit[i].handle == pipe.handle)
            spec->inherit[i] = UMH_PIPE_NONE;
    }
    if (spec->report.handle == pipe.handle)
        spec->report = UMH_PIPE_NONE;
    umh_pipe_close(&pipe);
}

static void close_pipes(umh_process_spec *spec)
{
    for (int i = 0; i < 3; i++)
        close_everywhere(spec, spec->standard[i]);
    for (int i = 0; i < UMH_PROCESS_INHERIT_MAX; i++)
        close_everywhere(spec, spec->inherit[i]);
    close_everywhere(spec, spec->report);
    umh_pipe_close(&spec->cgroup);
}

static void free_texts(char **texts)
{
    for (char **text = texts; text && *text; text++)
        umh_text_free(*text);
    free(texts);
}

/* A NULL-terminated list; NULL: out of memory. */
static char **copy_texts(const char *const *texts, size_t count)
{
    char **copy = calloc(count + 1, sizeof *copy);

    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = umh_text_copy(texts[i]);
        if (!copy[i]) {
            free_texts(copy);
            return NULL;
        }
    }
    return copy;
}

static void release_spec(umh_watch_process *process)
{
    close_pipes(&process->spec);
    process->program = umh_text_free(process->program);
    process->init = umh_text_free(process->init);
    process->folder = umh_text_free(process->folder);
    free_texts(process->arguments);
    process->arguments = NULL;
    umh_environment_deinit(&process->environment);
    umh_user_deinit(&process->user);
}

static bool copy_environment(umh_watch_process *process, const umh_environment *environment)
{
    if (!environment)
        return true;
    process->environment.entries =
        copy_texts((const char *const *)environment->entries, environment->count);
    process->environment.count = process->environment.entries ? environment->count : 0;
    return process->environment.entries;
}

static int copy_user(umh_watch_process *process, const umh_user *user)
{
    int r = user ? umh_user_copy(user, &process->user) : 0;

    process->spec.user = user ? &process->user : NULL;
    return r;
}

static int copy_spec(umh_watch_process *process, const umh_process_spec *spec)
{
    size_t argument_count = 0;

    while (spec->arguments[argument_count])
        argument_count++;
    process->program = umh_text_copy(spec->program);
    process->init = spec->init ? umh_text_copy(spec->init) : NULL;
    process->folder = spec->folder ? umh_text_copy(spec->folder) : NULL;
    process->arguments = copy_texts(spec->arguments, argument_count);
    if (!process->program || (spec->init && !process->init) || (spec->folder && !process->folder) ||
        !process->arguments || !copy_environment(process, spec->environment))
        return UMH_FAIL(UMH_E_MEMORY, "start '%s'", spec->program);

    process->spec.program = process->program;
    process->spec.init = process->init;
    process->spec.folder = process->folder;
    process->spec.arguments = (const char *const *)process->arguments;
    process->spec.environment = &process->environment;
    return copy_user(process, spec->user);
}

/* ------------------------- its end */

static void free_when_done(umh_watch_process *process)
{
    if (!process->is_closed || process->handle_count > 0)
        return;
    release_spec(process);
    free(process);
}

static void on_handle_closed(uv_handle_t *handle)
{
    umh_watch_process *process = handle->data;

    /* Not before: the loop may have asked the system about this descriptor until now. */
    if (handle == (uv_handle_t *)&process->death)
        umh_process_deinit(&process->process);
    process->handle_count--;
    free_when_done(process);
}

/*
 * The loop looks at its clock before the callbacks of a turn's start and before those of its poll.
 */
static bool is_put_off(umh_watch_process *process, const uv_loop_t *loop)
{
    return uv_hrtime() / NS_PER_MS >= uv_now(loop) + TURN_MS &&
           process->put_off_turns++ < PUT_OFF_TURNS_MAX;
}

/* What is put off is still readable in the next turn. */
static void on_death(uv_poll_t *handle, int status, int events)
{
    umh_watch_process *process = handle->data;
    umh_process_end end;
    int r;

    UMH_UNUSED(events);
    if (is_put_off(process, handle->loop))
        return;
    /*
     * While it is not reaped the group is certainly its own: what it leaves behind there goes with
     * it.
     */
    if (status == 0)
        umh_process_kill(&process->process);
    r = umh_process_reap(&process->process, &end);
    if (r == UMH_PROCESS_RUNNING)
        return;
    /* Somebody else reaped it: it is dead, and nobody knows how it ended. */
    if (r < 0)
        end = (umh_process_end){.exit_code = -1};

    process->is_running = false;
    uv_poll_stop(&process->death);
    uv_close((uv_handle_t *)&process->death, on_handle_closed);
    if (!process->is_closed)
        process->events.on_ended(process->events.context, &end);
}

/* ------------------------- its start */

static int watch_death(umh_watch_process *process, uv_loop_t *loop)
{
    int status = uv_poll_init(loop, &process->death, (int)process->process.handle);

    if (status < 0)
        return UMH_FAIL_UV(status, "watch process %lld", (long long)process->process.pid);
    process->death.data = process;
    process->handle_count++;
    status = uv_poll_start(&process->death, UV_READABLE, on_death);
    if (status < 0) {
        uv_close((uv_handle_t *)&process->death, on_handle_closed);
        return UMH_FAIL_UV(status, "watch process %lld", (long long)process->process.pid);
    }
    return 0;
}

/* A process whose death nobody would see must not live. The wait is that for a killed process. */
static void take_back(umh_watch_process *process)
{
    umh_process_end end;

    umh_process_kill(&process->process);
    umh_ignore(umh_process_wait(&process->process, UMH_FOREVER, &end));
    if (!uv_is_closing((uv_handle_t *)&process->death))
        umh_process_deinit(&process->process);
}

static int start_now(umh_watch_process *process, uv_loop_t *loop)
{
    int r;

    if (process->is_killed)
        return UMH_FAIL(UMH_E_REFUSED, "'%s' was killed before it started", process->program);
    r = umh_process_start(&process->spec, &process->process);
    if (r == UMH_PROCESS_NO_PROGRAM)
        return UMH_E_OS; /* its failure is recorded, like that of any other reason */
    if (r)
        return umh_fold(r);
    r = watch_death(process, loop);
    if (r) {
        umh_failure failure = umh_failure_take();

        take_back(process);
        return umh_fail_at(failure.code, failure.os_code, failure.file, failure.line, "%s",
                           failure.text);
    }
    return 0;
}

static void on_start(uv_idle_t *handle)
{
    umh_watch_process *process = handle->data;
    umh_failure failure;
    int r;

    if (is_put_off(process, handle->loop))
        return;
    process->is_waiting = false;
    process->put_off_turns = 0;
    uv_close((uv_handle_t *)&process->starter, on_handle_closed);
    r = start_now(process, handle->loop);
    release_spec(process);
    if (r) {
        failure = umh_failure_take();
        process->events.on_failed(process->events.context, &failure);
        return;
    }
    process->is_running = true;
    process->events.on_started(process->events.context, umh_process_find_pid(&process->process));
}

/* ------------------------- the contract */

int umh_watch_process_start(uv_loop_t *loop, const umh_process_spec *spec,
                            const umh_watch_process_events *events, umh_watch_process **ret_process)
{
    umh_watch_process *process = calloc(1, sizeof *process);
    umh_process_spec taken = *spec;
    int r;

    if (!process) {
        close_pipes(&taken);
        return UMH_FAIL(UMH_E_MEMORY, "start '%s'", spec->program);
    }
    process->events = *events;
    process->spec = taken;
    process->process = (umh_process)UMH_PROCESS_INIT;
    process->user = (umh_user)UMH_USER_INIT;
    r = copy_spec(process, spec);
    if (r) {
        release_spec(process);
        free(process);
        return r;
    }

    /* Neither can fail: an idle handle needs nothing from the system. */
    uv_idle_init(loop, &process->starter);
    process->starter.data = process;
    process->handle_count = 1;
    process->is_waiting = true;
    uv_idle_start(&process->starter, on_start);
    *ret_process = process;
    return 0;
}

int64_t umh_watch_process_find_pid(const umh_watch_process *process)
{
    return process->is_running ? umh_process_find_pid(&process->process) : 0;
}

void umh_watch_process_kill(umh_watch_process *process)
{
    if (process->is_waiting)
        process->is_killed = true;
    if (process->is_running)
        umh_process_kill(&process->process);
}

void umh_watch_process_close(umh_watch_process *process)
{
    if (!process || process->is_closed)
        return;
    process->is_closed = true;
    if (process->is_running)
        umh_process_kill(&process->process);
    if (process->is_waiting) {
        process->is_waiting = false;
        release_spec(process);
        uv_close((uv_handle_t *)&process->starter, on_handle_closed);
    }
    free_when_done(process);
}
