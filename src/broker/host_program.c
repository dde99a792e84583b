/* SPDX-License-Identifier: MIT */
/* Which program a host is: the one of its bitness, beside the broker. */
#include "broker/host_spawn.h"

#define PROGRAM_64 "umh-host64"
#define PROGRAM_32 "umh-host32"

int umh_spawn_choose_program(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    char folder[UMH_PATH_BYTES];
    int r = umh_file_program_folder(folder);

    if (r == 0)
        r = umh_file_join(folder, host->config.wow64 ? PROGRAM_32 : PROGRAM_64, spawn->program);
    if (r)
        return umh_fold(r);
    /*
     * Not every installation has it, and waiting does not bring it. The other one is in all of
     * them: where it is missing an update is under way, and it is tried again.
     */
    if (host->config.wow64 && umh_file_inspect(spawn->program).kind != FILE_KIND_FILE) {
        umh_why_set(ret_why, "Wow64 needs " PROGRAM_32 ", which is not installed: %s",
                    spawn->program);
        return UMH_SPAWN_REFUSED_FOR_GOOD;
    }
    spawn->arguments[0] = umh_file_name(spawn->program);
    spawn->arguments[1] = "--attached";
    spawn->arguments[2] = host->id;
    spawn->spec.program = spawn->program;
    spawn->spec.open_files_usual = host->broker->usual_open_files;
    spawn->spec.arguments = spawn->arguments;
    return 0;
}

void umh_spawn_deinit(umh_spawn *spawn)
{
    umh_pipe_close(&spawn->spec.cgroup);
    umh_environment_deinit(&spawn->environment);
}
