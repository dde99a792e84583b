/* SPDX-License-Identifier: MIT */
/* What the process was born with, put where module code cannot reach it. */
#include "host/stdio.h"

#include "host/logger.h"

#include <string.h>

#define PAGE_DESCRIPTOR 3 /* the first that a broker adds to the standard ones */

static void adopt_page(umh_stdio *stdio)
{
    umh_pipe object = {.handle = PAGE_DESCRIPTOR};
    umh_failure failure;
    char line[512];

    if (umh_page_adopt(object, UMH_BLACKBOX_BYTES, &stdio->page) != 0) {
        failure = umh_failure_take();
        umh_failure_format(&failure, line, sizeof(line));
        umh_logger_say(UMH_LOG_WARNING, NULL,
                       "no black box: nobody will know what a module was doing: %s", line);
        return;
    }
    stdio->blackbox = stdio->page.memory;
    atomic_store_explicit(&stdio->blackbox->slot_count, UMH_MODULES_PER_HOST_MAX,
                          memory_order_relaxed);
    atomic_store_explicit(&stdio->blackbox->magic, UMH_BLACKBOX_MAGIC, memory_order_release);
}

int umh_stdio_take(int argc, char **argv, umh_stdio *ret_stdio)
{
    UMH_AUTO(umh_stdio) stdio = UMH_STDIO_INIT;
    int r;

    if (argc < 2 || strcmp(argv[1], UMH_STDIO_ARGUMENT) != 0 ||
        !umh_pipe_is_pipe(umh_pipe_standard(0)) || !umh_pipe_is_pipe(umh_pipe_standard(1)))
        return UMH_STDIO_NO_BROKER;
    adopt_page(&stdio);
    r = umh_pipe_take_standard(&stdio.in, &stdio.out);
    if (r)
        return umh_fold(r);
    *ret_stdio = stdio;
    stdio = (umh_stdio)UMH_STDIO_INIT;
    return 0;
}

void umh_stdio_deinit(umh_stdio *stdio)
{
    if (!stdio)
        return;
    stdio->blackbox = NULL;
    umh_page_deinit(&stdio->page);
    umh_pipe_close(&stdio->out);
    umh_pipe_close(&stdio->in);
}
