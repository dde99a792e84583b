/* SPDX-License-Identifier: MIT */
/*
 * The control endpoint: lets clients in, and out.
 *
 * A client whose stream ended is disconnected by a timer of no duration: not from within the call
 * that found it out, which may be delivering to its slot, and after the end of the turn, in which a
 * last answer is written.
 */
#include "broker/endpoint.h"

#include "broker/client.h"
#include "broker/logs.h"
#include "ipc/control.h"
#include "platform/file.h"
#include "watch/listener.h"

#include <stdlib.h>

struct umh_endpoint {
    umh_broker *broker;
    umh_listener *listener;
    umh_list clients;
    uint32_t client_count;
    uv_timer_t leaving; /* for clients whose stream ended */
    char path[UMH_PATH_BYTES];
};

/* --- clients ------------------------------------------------------------------------------ */

static void on_leaving(uv_timer_t *timer)
{
    umh_endpoint *endpoint = timer->data;

    umh_list_each (entry, &endpoint->clients) {
        umh_client *client = umh_container_of(entry, umh_client, entry);

        if (!client->is_leaving)
            continue;
        endpoint->client_count--;
        umh_client_disconnect(client);
    }
}

static void on_client_end(void *context)
{
    umh_endpoint *endpoint = context;

    umh_ignore(uv_timer_start(&endpoint->leaving, on_leaving, 0, 0));
}

/* It reads the answer before the end of the stream, if it reads at all. */
static void turn_away(uv_pipe_t *stream)
{
    UMH_AUTO(umh_buffer) answer = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;

    umh_why_set(&why, "there are %u control clients already", UMH_CONTROL_CLIENTS_MAX);
    if (umh_client_encode_error(0, UMH_E_LIMIT, &why, &answer) == 0) {
        uv_buf_t buffer = uv_buf_init((char *)answer.data, (unsigned)answer.size);

        umh_ignore(uv_try_write((uv_stream_t *)stream, &buffer, 1));
    } else {
        umh_failure_take();
    }
    umh_peer_discard_stream(stream);
}

static void on_client(void *context, uv_pipe_t *stream)
{
    umh_endpoint *endpoint = context;
    umh_client *client = NULL;

    if (endpoint->client_count >= UMH_CONTROL_CLIENTS_MAX) {
        umh_logs_say(endpoint->broker->logs, UMH_LOG_WARNING, NULL,
                     "a control client was turned away: there are %u already",
                     UMH_CONTROL_CLIENTS_MAX);
        turn_away(stream);
        return;
    }
    if (umh_client_new_take(endpoint->broker, stream, on_client_end, endpoint, &client) != 0) {
        umh_logs_failure(endpoint->broker->logs, NULL, "let a control client in");
        return;
    }
    umh_list_push_back(&endpoint->clients, &client->entry);
    endpoint->client_count++;
}

static void on_refused(void *context, const char *who)
{
    umh_endpoint *endpoint = context;

    umh_logs_say(endpoint->broker->logs, UMH_LOG_WARNING, NULL,
                 "a connection to the control endpoint was refused: %s", who);
}

/* --- life --------------------------------------------------------------------------------- */

/* Outcomes: UMH_ENDPOINT_IN_USE, UMH_ENDPOINT_UNSAFE. */
static int listen_at(umh_endpoint *endpoint, umh_why *ret_why)
{
    const umh_listener_events events = {
        .context = endpoint, .on_client = on_client, .on_refused = on_refused};
    int r = umh_listener_open(&endpoint->broker->loop, endpoint->path, &events, &endpoint->listener,
                              ret_why);

    if (r == UMH_LISTENER_IN_USE) {
        umh_why_set(ret_why, "another broker answers at '%s'", endpoint->path);
        return UMH_ENDPOINT_IN_USE;
    }
    if (r == UMH_LISTENER_UNSAFE)
        return UMH_ENDPOINT_UNSAFE;
    return umh_fold(r);
}

int umh_endpoint_open(umh_broker *broker, umh_endpoint **ret_endpoint, umh_why *ret_why)
{
    umh_endpoint *endpoint;
    int r;

    *ret_endpoint = NULL;
    if (!broker->config.control)
        return 0;
    endpoint = calloc(1, sizeof(*endpoint));
    if (!endpoint)
        return UMH_FAIL(UMH_E_MEMORY, "open the control endpoint");
    endpoint->broker = broker;
    umh_list_init(&endpoint->clients);
    umh_ignore(uv_timer_init(&broker->loop, &endpoint->leaving));
    endpoint->leaving.data = endpoint;
    r = umh_listener_find_path(broker->options.instance, broker->options.control_path,
                               endpoint->path);
    if (r == 0)
        r = listen_at(endpoint, ret_why);
    if (r) {
        umh_endpoint_close(endpoint);
        if (r == UMH_ENDPOINT_IN_USE || r == UMH_ENDPOINT_UNSAFE)
            return r;
        return umh_fold(r);
    }
    *ret_endpoint = endpoint;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void umh_endpoint_close(umh_endpoint *endpoint)
{
    if (!endpoint || uv_is_closing((uv_handle_t *)&endpoint->leaving))
        return;
    umh_listener_close(UMH_MOVE(endpoint->listener));
    umh_list_each (entry, &endpoint->clients)
        umh_client_disconnect(umh_container_of(entry, umh_client, entry));
    uv_close((uv_handle_t *)&endpoint->leaving, on_closed);
}

const char *umh_endpoint_path(const umh_endpoint *endpoint)
{
    return endpoint->path;
}

uint32_t umh_endpoint_client_count(const umh_endpoint *endpoint)
{
    return endpoint ? endpoint->client_count : 0;
}
