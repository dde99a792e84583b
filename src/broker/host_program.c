/* SPDX-License-Identifier: MIT */
/* Which program a host is: the one of its bitness, beside the broker. */
#include "broker/host_spawn.h"

int umh_spawn_choose_program(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    int r = umh_file_host_program(host->broker->installation, host->config.wow64 ? 32 : 64,
                                  spawn->program);

    if (r)
        return r;
    /*
     * Not every installation has it, and waiting does not bring it. The other one is in all of
     * them: where it is missing an update is under way, and it is tried again.
     */
    if (host->config.wow64 && umh_file_inspect(spawn->program).kind != FILE_KIND_FILE) {
        umh_why_set(ret_why, "Wow64 needs %s, which is not installed: %s",
                    umh_file_name(spawn->program), spawn->program);
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
