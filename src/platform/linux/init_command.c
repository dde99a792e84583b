/* SPDX-License-Identifier: MIT */
/* The command line of umh-init, and what it leaves when it has ended. */
#include "platform/linux/init_command.h"

#include "platform/linux/init_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

_Static_assert(sizeof(umh_init_report) == UMH_PROCESS_REPORT_BYTES, "one report");

#define ID_TEXT_BYTES 12 /* of one id, with what separates it from the next */

bool umh_init_is_needed(const umh_process_spec *spec)
{
    return spec->containment == CONTAINED_BY_NAMESPACE || spec->user ||
           umh_pipe_is_open(spec->cgroup) || spec->open_files_max > 0;
}

/* UID:GID:GROUP,GROUP, and more groups in texts of their own behind it; NULL: out of memory. */
static char *user_text(const umh_user *user)
{
    size_t capacity = (user->group_count + 2) * ID_TEXT_BYTES;
    char *text = malloc(capacity);
    size_t used;

    if (!text)
        return NULL;
    used = (size_t)snprintf(text, capacity, "%u:%u", (unsigned)user->uid, (unsigned)user->gid);
    for (size_t i = 0; i < user->group_count; i++) {
        char separator = i % UMH_INIT_GROUPS_PER_ARGUMENT == 0 ? '\0' : ',';

        used += (size_t)snprintf(text + used, capacity - used, "%c%u", i == 0 ? ':' : separator,
                                 (unsigned)user->groups[i]);
    }
    return text;
}

static void append(umh_init_command *command, size_t *count, const char *option, const char *value)
{
    command->arguments[(*count)++] = option;
    if (value)
        command->arguments[(*count)++] = value;
}

static void append_number(umh_init_command *command, size_t *count, const char *option,
                          char text[UMH_INIT_NUMBER_BYTES], long long number)
{
    if (number < 0)
        return;
    snprintf(text, UMH_INIT_NUMBER_BYTES, "%lld", number);
    append(command, count, option, text);
}

static void append_user(umh_init_command *command, size_t *count, const umh_user *user)
{
    const char *text = command->user;

    append(command, count, "--user", text);
    for (size_t i = UMH_INIT_GROUPS_PER_ARGUMENT; i < user->group_count;
         i += UMH_INIT_GROUPS_PER_ARGUMENT) {
        text += strlen(text) + 1;
        append(command, count, "--groups", text);
    }
}

static void append_options(umh_init_command *command, size_t *count, const umh_process_spec *spec,
                           const umh_init_descriptors *descriptors)
{
    if (spec->containment == CONTAINED_BY_NAMESPACE)
        append(command, count, "--namespace", NULL);
    append_number(command, count, "--parent", command->lifeline, descriptors->lifeline);
    append_number(command, count, "--cgroup", command->cgroup, descriptors->cgroup);
    append_number(command, count, "--open-files", command->open_files,
                  spec->open_files_max > 0 ? spec->open_files_max : -1);
    if (descriptors->report >= 0) {
        snprintf(command->report, sizeof command->report, "%d:%u", descriptors->report,
                 (unsigned)spec->report_offset);
        append(command, count, "--report", command->report);
    }
    if (command->user)
        append_user(command, count, spec->user);
    if (spec->user && spec->folder)
        append(command, count, "--folder", spec->folder);
    append(command, count, "--", spec->program);
}

int umh_init_command_make(const umh_process_spec *spec, const umh_init_descriptors *descriptors,
                          umh_init_command *ret_command)
{
    size_t group_count = spec->user ? spec->user->group_count : 0;
    size_t own_count = 0;
    size_t count = 0;

    while (spec->arguments[own_count])
        own_count++;
    *ret_command = (umh_init_command)UMH_INIT_COMMAND_INIT;
    ret_command->arguments = calloc(UMH_INIT_ARGUMENTS_MAX + own_count + 1 +
                                        2 * (group_count / UMH_INIT_GROUPS_PER_ARGUMENT),
                                    sizeof *ret_command->arguments);
    ret_command->user = spec->user ? user_text(spec->user) : NULL;
    if (!ret_command->arguments || (spec->user && !ret_command->user)) {
        umh_init_command_deinit(ret_command);
        return UMH_FAIL(UMH_E_MEMORY, "start '%s'", spec->program);
    }
    append(ret_command, &count, "umh-init", NULL);
    append_options(ret_command, &count, spec, descriptors);
    for (size_t i = 0; i < own_count; i++)
        append(ret_command, &count, spec->arguments[i], NULL);
    return 0;
}

void umh_init_command_deinit(umh_init_command *command)
{
    free(command->arguments);
    free(command->user);
    *command = (umh_init_command)UMH_INIT_COMMAND_INIT;
}

/* ------------------------- the report */

static void take_status(umh_process_end *end, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == end->exit_code)
        return;
    if (!WIFSIGNALED(status) || UMH_INIT_SIGNAL_BASE + WTERMSIG(status) != end->exit_code)
        return;
    *end = (umh_process_end){.signal = WTERMSIG(status), .dumped_core = WCOREDUMP(status)};
}

void umh_process_end_correct(umh_process_end *end, const void *report)
{
    umh_init_report said;

    memcpy(&said, report, sizeof said);
    /* Who was killed has no exit code for the report to agree with. */
    if (said.magic != UMH_INIT_REPORT_MAGIC || end->signal != 0)
        return;
    if (said.kind == REPORT_ENDED)
        take_status(end, said.status);
    else if (said.kind == REPORT_NOT_STARTED && end->exit_code == UMH_INIT_FAILED && said.error > 0)
        end->not_started = said.error;
}
