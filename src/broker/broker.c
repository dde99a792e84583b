/* SPDX-License-Identifier: MIT */
/*
 * The loop and all that is on it: makes the parts, runs the end of each turn, stops in order.
 *
 * An orderly stop is an event of the loop: hosts are asked to end, the last one's end closes what
 * else keeps the loop alive, and uv_run returns.
 */
#include "broker/broker.h"

#include "broker/apply.h"
#include "broker/containment.h"
#include "broker/credit.h"
#include "broker/deadlines.h"
#include "broker/endpoint.h"
#include "broker/liveness.h"
#include "broker/logs.h"
#include "broker/open_files.h"
#include "broker/outbox.h"
#include "broker/router.h"
#include "broker/service.h"
#include "broker/sessions.h"
#include "broker/store.h"
#include "broker/supervisor.h"
#include "platform/clock.h"
#include "platform/file.h"

#include <stdlib.h>

/* --- the end of a turn -------------------------------------------------------------------- */

static void close_handle(void *at)
{
    uv_handle_t *handle = at;

    /* A broker that could not be made ends with handles that were never begun. */
    if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Nothing of ours is left on the loop afterwards but closes and writes in flight. */
static void close_all(umh_broker *broker)
{
    umh_apply_close(UMH_MOVE(broker->apply));
    umh_endpoint_close(UMH_MOVE(broker->endpoint));
    umh_service_close(UMH_MOVE(broker->service));
    umh_sessions_close(UMH_MOVE(broker->sessions));
    umh_liveness_close(UMH_MOVE(broker->liveness));
    umh_deadlines_close(UMH_MOVE(broker->deadlines));
    close_handle(&broker->on_terminate);
    close_handle(&broker->on_interrupt);
    close_handle(&broker->on_hangup);
    close_handle(&broker->run_for);
    close_handle(&broker->turn);
    close_handle(&broker->turn_again);
}

/* of UMH_OUTBOX_BYTES: more than the window of a slot */
#define PIECES_PER_TURN_MAX 8u

/*
 * A queue leaves through its outbox, a piece at a time. As long as pieces are taken at once the
 * next one follows: a queue that shrank by one piece a turn would be fed as much by the read of the
 * next turn, and stand for long.
 */
static void deliver_what_waits(umh_broker *broker)
{
    unsigned pieces_left = PIECES_PER_TURN_MAX;

    umh_router_settle(broker->router);
    umh_credit_settle(broker->credit);
    while (umh_outbox_set_flush(broker->outboxes) && --pieces_left > 0)
        umh_router_settle(broker->router);
}

static void on_turn_end(uv_check_t *handle)
{
    umh_broker *broker = handle->data;

    umh_ignore(uv_idle_stop(&broker->turn_again));
    broker->turn_number++;
    umh_deadlines_settle(broker->deadlines);
    umh_supervisor_settle(broker->supervisor);
    umh_service_settle(broker->service);
    deliver_what_waits(broker);
    if (broker->is_stopping && umh_supervisor_is_idle(broker->supervisor))
        close_all(broker);
}

static void on_turn_again(uv_idle_t *handle)
{
    /* an active idle handle makes the poll not wait: that is all it is for */
    UMH_UNUSED(handle);
}

void umh_broker_wake(umh_broker *broker)
{
    if (!uv_is_closing((uv_handle_t *)&broker->turn_again))
        umh_ignore(uv_idle_start(&broker->turn_again, on_turn_again));
}

/* --- stopping ----------------------------------------------------------------------------- */

void umh_broker_stop(umh_broker *broker, bool is_hard)
{
    if (!broker->is_stopping)
        umh_logs_say(broker->logs, UMH_LOG_INFO, NULL, "stopping");
    broker->is_stopping = true;
    umh_supervisor_stop(broker->supervisor, is_hard);
    umh_service_note(broker->service);
    umh_broker_wake(broker);
}

void umh_broker_fail(umh_broker *broker)
{
    umh_failure failure = umh_failure_take();

    if (broker->failure.code == 0)
        broker->failure = failure;
    umh_broker_stop(broker, false);
}

static void on_signal(uv_signal_t *handle, int number)
{
    umh_broker *broker = handle->data;

    if (number == SIGHUP)
        umh_apply_again(broker->apply);
    else
        umh_broker_stop(broker, broker->is_stopping);
}

static void on_run_for(uv_timer_t *handle)
{
    umh_broker_stop(handle->data, false);
}

/* --- making ------------------------------------------------------------------------------- */

static int start_signal(umh_broker *broker, uv_signal_t *handle, int number)
{
    int status = uv_signal_init(&broker->loop, handle);

    handle->data = broker;
    if (status == 0)
        status = uv_signal_start(handle, on_signal, number);
    return status == 0 ? 0 : UMH_FAIL_UV(status, "watch signal %d", number);
}

static int start_handles(umh_broker *broker)
{
    int r;

    umh_ignore(uv_check_init(&broker->loop, &broker->turn));
    umh_ignore(uv_idle_init(&broker->loop, &broker->turn_again));
    umh_ignore(uv_timer_init(&broker->loop, &broker->run_for));
    broker->turn.data = broker;
    broker->turn_again.data = broker;
    broker->run_for.data = broker;
    umh_ignore(uv_check_start(&broker->turn, on_turn_end));
    if (broker->options.run_for_ms != UMH_FOREVER)
        umh_ignore(uv_timer_start(&broker->run_for, on_run_for, broker->options.run_for_ms, 0));
    r = start_signal(broker, &broker->on_terminate, SIGTERM);
    if (r == 0)
        r = start_signal(broker, &broker->on_interrupt, SIGINT);
    if (r == 0)
        r = start_signal(broker, &broker->on_hangup, SIGHUP);
    return r;
}

static int make_message_path(umh_broker *broker)
{
    int r;

    umh_budget_init(&broker->budget, (uint64_t)broker->config.memory_mib << 20);
    broker->max_message_bytes = (uint32_t)broker->config.max_message_bytes;
    broker->read_buffer = malloc(UMH_FRAME_HEADER_BYTES + UMH_READ_BYTES);
    if (!broker->read_buffer)
        return UMH_FAIL(UMH_E_MEMORY, "make the read buffer");
    r = umh_message_pool_new(&broker->budget, &broker->pool);
    if (r == 0)
        r = umh_outbox_set_new(broker, &broker->outboxes);
    if (r == 0)
        r = umh_router_new(broker, &broker->router);
    if (r == 0)
        r = umh_credit_new(&broker->budget, umh_router_is_over_mark, broker->router,
                           umh_frame_cost(broker->max_message_bytes), &broker->credit);
    return r;
}

/* Another broker of this instance would share our store and our endpoint. */
static int lock_instance(umh_broker *broker)
{
    char folder[UMH_PATH_BYTES];
    char path[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;
    int r;

    r = umh_file_store_folder(broker->options.instance, folder);
    if (r == 0)
        r = umh_file_make_folder(folder);
    if (r == 0)
        r = umh_file_check_guarded(folder, &why);
    if (r > 0)
        return UMH_FAIL(UMH_E_REFUSED, "%s", why.text);
    if (r == 0)
        r = umh_file_join(folder, UMH_STORE_LOCK, path);
    if (r == 0)
        r = umh_file_lock(path, &broker->instance_lock);
    if (r == UMH_FILE_UNSAFE)
        return UMH_FAIL(
            UMH_E_REFUSED,
            "a broker of instance '%s' is running already; use --instance NAME for another",
            broker->options.instance);
    return r;
}

/* No groups are no failure: what they were for says so where it is missed. */
static int open_cgroups(umh_broker *broker)
{
    int r = umh_cgroups_open(broker->options.instance, &broker->cgroups, &broker->cgroups_why);

    if (r == UMH_CGROUPS_NONE)
        return 0;
    return umh_fold(r);
}

static int open_endpoint(umh_broker *broker)
{
    umh_why why = UMH_WHY_INIT;
    int r = umh_endpoint_open(broker, &broker->endpoint, &why);

    if (r > 0)
        return UMH_FAIL(UMH_E_REFUSED, "%s", why.text);
    return r;
}

static int make_parts(umh_broker *broker)
{
    int r;

    r = umh_file_installation(broker->installation);
    if (r == 0)
        r = lock_instance(broker);
    if (r == 0)
        r = start_handles(broker);
    if (r == 0)
        r = umh_logs_new(broker, &broker->logs);
    if (r == 0)
        r = umh_containment_open(broker);
    if (r == 0)
        r = open_cgroups(broker);
    if (r == 0)
        r = make_message_path(broker);
    if (r == 0)
        r = umh_deadlines_new(broker, &broker->deadlines);
    if (r == 0)
        r = umh_store_new(broker, &broker->store);
    if (r == 0)
        r = umh_sessions_new(broker, &broker->sessions);
    if (r == 0)
        r = umh_supervisor_new(broker, &broker->supervisor);
    if (r == 0)
        r = umh_liveness_new(broker, &broker->liveness);
    if (r == 0)
        r = umh_service_new(broker, &broker->service);
    if (r == 0)
        r = umh_apply_new(broker, &broker->apply);
    if (r == 0)
        r = umh_sessions_start(broker->sessions);
    if (r == 0)
        r = open_endpoint(broker);
    return r;
}

int umh_broker_new(const umh_broker_options *options, umh_config *config, umh_broker **ret_broker)
{
    umh_broker *broker = calloc(1, sizeof(*broker));
    int status;
    int r;

    if (!broker)
        return UMH_FAIL(UMH_E_MEMORY, "make the broker");
    status = uv_loop_init(&broker->loop);
    if (status != 0) {
        free(broker);
        return UMH_FAIL_UV(status, "make the event loop");
    }
    broker->options = *options;
    broker->config = *config;
    *config = (umh_config)UMH_CONFIG_INIT;
    broker->started_ns = umh_clock_now_ns();
    broker->instance_lock = -1;
    broker->lifeline = broker->lifeline_end = UMH_PIPE_NONE;
    r = make_parts(broker);
    if (r) {
        umh_broker_free(broker);
        return r;
    }
    *ret_broker = broker;
    return 0;
}

int umh_broker_run(umh_broker *broker)
{
    umh_logs_say(broker->logs, UMH_LOG_INFO, NULL, "running %llu host%s of %s",
                 (unsigned long long)broker->config.host_count,
                 broker->config.host_count == 1 ? "" : "s", broker->config.path);
    umh_open_files_raise(broker);
    umh_containment_say(broker);
    if (broker->endpoint)
        umh_logs_say(broker->logs, UMH_LOG_DEBUG, NULL, "control endpoint at %s",
                     umh_endpoint_path(broker->endpoint));
    umh_apply_start(broker->apply);
    umh_supervisor_reconcile_soon(broker->supervisor);
    umh_broker_wake(broker);
    umh_ignore(uv_run(&broker->loop, UV_RUN_DEFAULT));
    if (broker->failure.code != 0)
        return umh_fail_again(&broker->failure);
    return 0;
}

umh_broker *umh_broker_free(umh_broker *broker)
{
    if (!broker)
        return NULL;
    close_all(broker);
    umh_ignore(uv_run(&broker->loop, UV_RUN_DEFAULT));
    umh_supervisor_free(broker->supervisor);
    umh_cgroups_free(broker->cgroups);
    umh_store_free(broker->store);
    umh_credit_free(broker->credit);
    umh_router_free(broker->router);
    umh_logs_close(UMH_MOVE(broker->logs));
    umh_ignore(uv_run(&broker->loop, UV_RUN_DEFAULT));
    umh_outbox_set_free(broker->outboxes);
    umh_message_pool_free(broker->pool);
    free(broker->read_buffer);
    umh_config_deinit(&broker->config);
    umh_containment_close(broker);
    umh_file_unlock(&broker->instance_lock);
    umh_ignore(uv_loop_close(&broker->loop));
    free(broker);
    return NULL;
}
