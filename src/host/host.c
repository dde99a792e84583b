/* SPDX-License-Identifier: MIT */
/* The host as an object: its parts, and what they say to each other. */
#include "host/host.h"

#include "host/commands.h"
#include "host/logger.h"
#include "platform/process.h"

#include <stdlib.h>

#define EXIT_CODE_PROTOCOL 3 /* the broker sent what it may not, or a failure that spares nothing */

static void on_outbox_waits(void *context)
{
    umh_host *host = context;

    umh_dispatch_wake_watcher(host->dispatch);
}

static void on_outbox_broken(void *context)
{
    umh_host_end(context, 0);
}

static void on_end(umh_host *host, const umh_why *why)
{
    if (!why->text[0])
        umh_host_end(host, 0);
    umh_logger_write(UMH_LOG_CRITICAL, NULL, why->text, NULL, 0);
    umh_host_end(host, EXIT_CODE_PROTOCOL);
}

static int make_parts(umh_host *host)
{
    umh_outbox_spec outbox = {
        .out = host->stdio.out,
        .max_message_bytes = host->max_message_bytes,
        .wake = on_outbox_waits,
        .on_broken = on_outbox_broken,
        .context = host,
    };
    umh_dispatch_spec dispatch = {
        .host = host,
        .in = host->stdio.in,
        .blackbox = host->stdio.blackbox,
        .on_control = umh_commands_on_control,
        .on_slot_command = umh_commands_on_slot,
        .on_end = on_end,
    };
    int r;

    r = umh_lock_new(&host->lock);
    if (r == 0)
        r = umh_condition_new(&host->initialised);
    if (r == 0)
        r = umh_remains_new(&host->remains);
    if (r == 0)
        r = umh_outbox_new(&outbox, &host->outbox);
    dispatch.outbox = host->outbox;
    if (r == 0)
        r = umh_dispatch_new(&dispatch, &host->dispatch);
    return umh_fold(r);
}

int umh_host_new(umh_stdio *stdio, umh_host **ret_host)
{
    umh_host *host = calloc(1, sizeof(*host));
    int r;

    if (!host)
        return UMH_FAIL(UMH_E_MEMORY, "the host");
    host->stdio = *stdio;
    *stdio = (umh_stdio)UMH_STDIO_INIT;
    host->max_message_bytes = UMH_MESSAGE_BYTES_DEFAULT;
    host->window_bytes = UMH_WINDOW_BYTES;
    host->log_level = UMH_LOG_INFO;

    /* What was made before a failure is left to the end of the process, which is next. */
    r = make_parts(host);
    if (r == 0)
        *ret_host = host;
    return umh_fold(r);
}

int umh_host_start(umh_host *host)
{
    return umh_dispatch_start(host->dispatch);
}

static void serve_managed(void *context)
{
    umh_managed_serve_main_thread(context);
}

/* Where the main thread is the user interface's, the CLR's Main gets another. */
static int serve_elsewhere(umh_managed *managed)
{
    umh_thread *thread;
    int r = umh_thread_start(serve_managed, managed, "clr", &thread);

    if (r == 0)
        umh_thread_detach(thread);
    return umh_fold(r);
}

void umh_host_serve_main_thread(umh_host *host)
{
    umh_main_thread *main_thread;
    umh_managed *managed;
    umh_why why = UMH_WHY_INIT;
    int r;

    umh_lock_take(host->lock);
    while (!host->managed)
        umh_condition_wait(host->initialised, host->lock, UMH_FOREVER);
    managed = host->managed;
    main_thread = host->main_thread;
    umh_lock_release(host->lock);
    if (!main_thread)
        umh_managed_serve_main_thread(managed);
    r = serve_elsewhere(managed);
    if (r) {
        umh_why_set_failure(&why);
        on_end(host, &why);
    }
    umh_main_thread_serve(main_thread);
}

void umh_host_end(umh_host *host, int code)
{
    UMH_UNUSED(host);
    umh_process_exit_now(code);
}
