/* SPDX-License-Identifier: MIT */
/* What the broker tells the system's service manager. */
#include "broker/service.h"

#include "broker/supervisor.h"
#include "platform/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_BYTES 128
#define HANDLE_COUNT 3

struct umh_service {
    umh_broker *broker;
    uv_timer_t watchdog;
    uv_timer_t overdue; /* until it is ready */
    uv_timer_t again;   /* while the manager has not taken something */
    char said[LINES_BYTES];
    bool must_look;
    bool is_ready, is_reloading;
    unsigned open_handles;
};

typedef struct host_counts {
    size_t wanted, running, pending, all;
} host_counts;

/* --- what there is to say ----------------------------------------------------------------- */

/* On its way to running. One that waits for its back-off had its chance. */
static bool is_pending(const umh_host *host)
{
    return host->state == HOST_SPAWNING || host->state == HOST_GREETING ||
           host->state == HOST_LOADING || host->state == HOST_READY ||
           (host->state == HOST_ABSENT && host->is_due);
}

static host_counts count_hosts(umh_broker *broker)
{
    host_counts counts = {.wanted = 0};

    umh_list_each (item, umh_supervisor_hosts(broker->supervisor)) {
        const umh_host *host = umh_container_of(item, umh_host, entry);

        counts.all++;
        counts.wanted += host->is_wanted;
        counts.running += host->is_wanted && host->state == HOST_RUNNING;
        counts.pending += host->is_wanted && is_pending(host);
    }
    return counts;
}

static void look_whether_ready(umh_service *service, const host_counts *counts)
{
    if (service->is_ready || umh_supervisor_is_starting(service->broker->supervisor) ||
        counts->pending > 0)
        return;
    service->is_ready = true;
    umh_ignore(uv_timer_stop(&service->overdue));
}

static void describe(const umh_service *service, const host_counts *counts, char lines[LINES_BYTES])
{
    if (service->broker->is_stopping)
        snprintf(lines, LINES_BYTES, "STOPPING=1\nSTATUS=stopping, %zu %s left", counts->all,
                 counts->all == 1 ? "host is" : "hosts are");
    else
        snprintf(lines, LINES_BYTES, "%sSTATUS=%s%zu of %zu hosts run",
                 service->is_ready && !service->is_reloading ? "READY=1\n" : "",
                 service->is_ready ? "" : "starting, ", counts->running, counts->wanted);
}

/* --- saying it ---------------------------------------------------------------------------- */

static void on_again(uv_timer_t *timer)
{
    umh_service *service = timer->data;

    umh_service_note(service);
    umh_broker_wake(service->broker);
}

static void say_again_later(umh_service *service)
{
    umh_ignore(uv_timer_start(&service->again, on_again, UMH_SERVICE_AGAIN_MS, 0));
}

void umh_service_note(umh_service *service)
{
    if (service)
        service->must_look = true;
}

void umh_service_settle(umh_service *service)
{
    char lines[LINES_BYTES];
    host_counts counts;

    if (!service || !service->must_look)
        return;
    service->must_look = false;
    counts = count_hosts(service->broker);
    look_whether_ready(service, &counts);
    describe(service, &counts, lines);
    if (strcmp(lines, service->said) == 0)
        return;
    if (umh_service_say(lines))
        umh_text_put(service->said, sizeof service->said, lines);
    else
        say_again_later(service);
}

void umh_service_begin_reload(umh_service *service)
{
    if (!service || !service->is_ready || service->broker->is_stopping)
        return;
    /* Where this is not taken the manager believes that nothing happens: no harm. */
    umh_ignore(umh_service_say_reloading());
    service->is_reloading = true;
    service->said[0] = '\0';
}

void umh_service_end_reload(umh_service *service)
{
    if (!service || !service->is_reloading)
        return;
    service->is_reloading = false;
    service->must_look = true;
    umh_broker_wake(service->broker);
}

/* --- timers ------------------------------------------------------------------------------- */

static void on_watchdog(uv_timer_t *timer)
{
    if (!umh_service_say("WATCHDOG=1"))
        umh_ignore(
            uv_timer_start(timer, on_watchdog, UMH_SERVICE_AGAIN_MS, umh_service_watchdog_ms()));
}

static void on_overdue(uv_timer_t *timer)
{
    umh_service *service = timer->data;

    service->is_ready = true;
    service->must_look = true;
    umh_broker_wake(service->broker);
}

static void on_closed(uv_handle_t *handle)
{
    umh_service *service = handle->data;

    service->open_handles--;
    if (service->open_handles == 0)
        free(service);
}

void umh_service_close(umh_service *service)
{
    if (!service)
        return;
    service->open_handles = HANDLE_COUNT;
    uv_close((uv_handle_t *)&service->watchdog, on_closed);
    uv_close((uv_handle_t *)&service->overdue, on_closed);
    uv_close((uv_handle_t *)&service->again, on_closed);
}

static void make_timer(umh_service *service, uv_timer_t *timer)
{
    umh_ignore(uv_timer_init(&service->broker->loop, timer));
    /* It does not keep a broker that has nothing else to do. */
    uv_unref((uv_handle_t *)timer);
    timer->data = service;
}

int umh_service_new(umh_broker *broker, umh_service **ret_service)
{
    const uint64_t watchdog_ms = umh_service_watchdog_ms();
    umh_service *service;

    if (!umh_service_is_managed()) {
        *ret_service = NULL;
        return 0;
    }
    service = calloc(1, sizeof *service);
    if (!service)
        return UMH_FAIL(UMH_E_MEMORY, "make what talks to the service manager");
    service->broker = broker;
    service->must_look = true;
    make_timer(service, &service->watchdog);
    make_timer(service, &service->overdue);
    make_timer(service, &service->again);
    umh_ignore(uv_timer_start(&service->overdue, on_overdue, UMH_SERVICE_READY_MS, 0));
    if (watchdog_ms > 0)
        umh_ignore(uv_timer_start(&service->watchdog, on_watchdog, watchdog_ms, watchdog_ms));
    *ret_service = service;
    return 0;
}
