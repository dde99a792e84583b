/* SPDX-License-Identifier: MIT */
/* A host: loads modules for its broker, lets them talk, ends with it. */
#include "host/host.h"
#include "host/logger.h"
#include "platform/process.h"

#include <stdio.h>

#if defined(__SANITIZE_THREAD__)
/* The process ends by _exit, whatever its threads do: one that nobody has joined yet is no leak. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "report_thread_leaks=0";
}
#endif

static int started_by_hand(void)
{
    fputs("umh-host64 is started by a broker only; to run a module alone use: umh try MODULE\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    UMH_AUTO(umh_stdio) stdio = UMH_STDIO_INIT; /* pipes to the broker, out of modules' reach */
    umh_host *host = NULL;                      /* lives as long as the process */
    umh_failure failure;
    char line[512];
    int r;

    r = umh_process_prepare();
    if (r == 0)
        r = umh_stdio_take(argc, argv, &stdio);
    if (r == UMH_STDIO_NO_BROKER)
        return started_by_hand();
    if (r == 0)
        r = umh_host_new(&stdio, &host);
    if (r == 0)
        r = umh_host_start(host); /* reading, calling, watching: threads from here on */
    if (r == 0)
        umh_host_serve_main_thread(host); /* a Main of .NET or a module's run; never returns */

    failure = umh_failure_take();
    umh_failure_format(&failure, line, sizeof(line));
    umh_logger_write(UMH_LOG_CRITICAL, NULL, line, NULL, 0);
    umh_process_exit_now(1);
}
