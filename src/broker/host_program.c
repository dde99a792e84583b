/* SPDX-License-Identifier: MIT */
/* Which program a host is: the one of its bitness, beside the broker. */
#include "broker/host_spawn.h"

int umh_spawn_choose_program(umh_host *host, umh_spawn *spawn, umh_why *ret_why)
{
    char folder[UMH_PATH_BYTES];
    int r = umh_file_program_folder(folder);

    UMH_UNUSED(ret_why);
    if (r == 0)
        r = umh_file_join(folder, host->config.wow64 ? "umh-host32" : "umh-host64", spawn->program);
    if (r)
        return umh_fold(r);
    spawn->arguments[0] = umh_file_name(spawn->program);
    spawn->arguments[1] = "--attached";
    spawn->arguments[2] = host->id;
    spawn->spec.program = spawn->program;
    spawn->spec.arguments = spawn->arguments;
    return 0;
}

void umh_spawn_deinit(umh_spawn *spawn)
{
    umh_pipe_close(&spawn->spec.cgroup);
    umh_environment_deinit(&spawn->environment);
}
