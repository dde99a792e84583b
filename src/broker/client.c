/* SPDX-License-Identifier: MIT */
/*
 * One control client. It is trusted with commands and with nothing else: what breaks the protocol
 * costs it the connection. A message that nobody may receive, or that is no text, is counted and
 * told at its next sync: that is a person's mistake.
 */
#include "broker/client.h"

#include "broker/commands.h"
#include "broker/logs.h"
#include "formats/utf8.h"
#include "ipc/control.h"
#include "ipc/services.h"

#include <stdlib.h>

/* --- what it sends ------------------------------------------------------------------------ */

static umh_source source_of(const umh_client *client)
{
    return (umh_source){.account = client->account,
                        .host_number = UMH_HOST_NUMBER_BROKER,
                        .session = UMH_SESSION_OWN};
}

/* A failure is of this process, but its cost is this client's. */
static int judge(int r, umh_why *ret_why)
{
    if (r < 0)
        umh_why_set_failure(ret_why);
    return r ? UMH_PEER_VIOLATION : 0;
}

/* Outcomes: UMH_PEER_VIOLATION. */
static int on_header(void *context, const umh_frame *frame, umh_why *ret_why)
{
    umh_client *client = context;
    umh_source source = source_of(client);

    if (!umh_service_is_control(&frame->service))
        return judge(umh_router_admit(client->broker->router, &source, frame, ret_why), ret_why);
    if (frame->payload_bytes <= UMH_COMMAND_BYTES_MAX)
        return 0;
    umh_why_set(ret_why, "it sent a command of more than %u bytes", UMH_COMMAND_BYTES_MAX);
    return UMH_PEER_VIOLATION;
}

static void count_refusal(umh_client *client, const umh_why *why)
{
    if (client->refused_count == 0)
        client->refusal = *why;
    client->refused_count++;
}

static int publish(umh_client *client, const umh_arrival *arrival)
{
    umh_source source = source_of(client);
    umh_frame unslotted = *arrival->frame;
    umh_arrival whole = *arrival;
    umh_why why = UMH_WHY_INIT;
    uint32_t count = 0;
    int r;

    unslotted.source_slot = UMH_SLOT_NONE; /* it has no modules, whatever it claims */
    whole.frame = &unslotted;
    r = umh_router_route(client->broker->router, &source, &whole, &count, &why);
    if (r == UMH_ROUTER_VIOLATION) {
        if (!umh_utf8_is_valid(arrival->payload))
            umh_why_set(&why, "the text of the message is not UTF-8");
        count_refusal(client, &why);
        return 0;
    }
    if (r)
        return r;
    client->taken_count++;
    client->reached_count += count;
    return 0;
}

static void refuse_control(umh_client *client, const umh_guid *service)
{
    umh_why why = UMH_WHY_INIT;

    umh_why_set(&why, "the service %s is the broker's own: nobody publishes to it",
                umh_service_name(umh_service_find(service)));
    count_refusal(client, &why);
}

/* Outcomes: UMH_PEER_VIOLATION. */
static int take_command(umh_client *client, const umh_frame *frame, umh_bytes payload,
                        umh_why *ret_why)
{
    umh_bytes text;

    if (umh_frame_text(frame, payload, &text) != 0) {
        umh_why_set(ret_why, "the extensions of its command do not add up");
        return UMH_PEER_VIOLATION;
    }
    return judge(umh_commands_receive(client, text, ret_why), ret_why);
}

/* Outcomes: UMH_PEER_VIOLATION. */
static int take_message(umh_client *client, const umh_arrival *arrival, umh_why *ret_why)
{
    const umh_guid *service = &arrival->frame->service;

    if (umh_service_find(service) == SERVICE_BROKER)
        return take_command(client, arrival->frame, arrival->payload, ret_why);
    if (umh_service_is_control(service)) {
        refuse_control(client, service);
        return 0;
    }
    return judge(publish(client, arrival), ret_why);
}

/* Outcomes: UMH_CREDIT_VIOLATION. */
static int take_want(umh_client *client, const umh_frame *frame, umh_bytes payload,
                     umh_why *ret_why)
{
    umh_want want = {0};

    umh_frame_want(payload, &want.need, &want.cost);
    return umh_credit_on_want(client->account, &frame->service, UMH_SLOT_NONE, &want, ret_why);
}

/* Outcomes: UMH_PEER_VIOLATION. */
static int on_frame(void *context, const umh_frame *frame, umh_bytes payload, umh_message *stored,
                    umh_why *ret_why)
{
    const umh_arrival arrival = {.frame = frame, .payload = payload, .stored = stored};
    umh_client *client = context;

    switch (frame->kind) {
    case FRAME_MESSAGE:
        return take_message(client, &arrival, ret_why);
    case FRAME_WANT:
        return judge(take_want(client, frame, payload, ret_why), ret_why);
    case FRAME_GIVE_BACK:
        if (payload.size == 8)
            return judge(umh_credit_on_give_back(client->account, &frame->service,
                                                 umh_frame_amount(payload), ret_why),
                         ret_why);
        break;
    default:
        break;
    }
    umh_why_set(ret_why, "it sent a frame of kind %u, which a client does not send", frame->kind);
    return UMH_PEER_VIOLATION;
}

/* --- what it is told ---------------------------------------------------------------------- */

static umh_frame answer_frame(size_t payload_bytes)
{
    return (umh_frame){.payload_bytes = (uint32_t)payload_bytes,
                       .version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_ANSWER,
                       .service = *umh_service_guid(SERVICE_BROKER),
                       .session = UMH_SESSION_OWN,
                       .source_slot = UMH_SLOT_NONE,
                       .slot = UMH_SLOT_NONE};
}

int umh_client_encode_error(int64_t id, int code, const umh_why *why, umh_buffer *frame)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    uint8_t header[UMH_FRAME_HEADER_BYTES];
    umh_frame answer;
    int r = umh_answer_encode_error(id, code, why, &payload);

    if (r)
        return umh_fold(r);
    answer = answer_frame(payload.size);
    umh_frame_encode(&answer, header);
    r = umh_buffer_append(frame, header, sizeof(header));
    if (r == 0)
        r = umh_buffer_append(frame, payload.data, payload.size);
    return umh_fold(r);
}

/* Who does not read costs the broker no more than this, however much it asks. */
static bool has_room(umh_client *client, const umh_outbox *outbox, size_t bytes)
{
    uint64_t unread = umh_outbox_control_bytes(outbox);
    umh_why why = UMH_WHY_INIT;

    if (unread == 0 || unread + bytes <= UMH_CLIENT_UNREAD_BYTES)
        return true;
    umh_why_set(&why, "it does not read: %llu bytes of answers wait, and %llu more came",
                (unsigned long long)unread, (unsigned long long)bytes);
    umh_peer_end(client->peer, &why);
    return false;
}

static void send_answer(umh_client *client, const umh_buffer *payload)
{
    umh_frame frame = answer_frame(payload->size);
    umh_outbox *outbox = client->is_gone ? NULL : umh_peer_outbox(client->peer);

    if (outbox && has_room(client, outbox, payload->size))
        umh_outbox_control(outbox, &frame, umh_bytes_of(payload->data, payload->size));
}

static void send_error(umh_client *client, int64_t id, int code, const umh_why *why)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;

    if (umh_answer_encode_error(id, code, why, &payload) == 0)
        send_answer(client, &payload);
    else
        umh_logs_failure(client->broker->logs, NULL, "answer a control client");
}

static void count_answered(umh_client *client)
{
    umh_assert(client->pending_count > 0);
    client->pending_count--;
    if (client->is_gone && client->pending_count == 0)
        free(client);
}

void umh_client_answer(umh_client *client, int64_t id, umh_json *body_take)
{
    UMH_AUTO(umh_buffer) payload = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_answer_encode_take(id, body_take, &payload);

    if (r < 0) {
        umh_why_set_failure(&why);
        send_error(client, id, r, &why);
    } else if (r) {
        umh_why_set(&why, "the answer is longer than %u bytes", UMH_ANSWER_BYTES_MAX);
        send_error(client, id, UMH_E_LIMIT, &why);
    } else if (id != 0) {
        send_answer(client, &payload);
    }
    count_answered(client);
}

void umh_client_refuse(umh_client *client, int64_t id, int code, const umh_why *why)
{
    if (id != 0)
        send_error(client, id, code, why);
    count_answered(client);
}

/* --- life --------------------------------------------------------------------------------- */

static void on_end(void *context, const umh_why *why)
{
    umh_client *client = context;

    if (why->text[0]) {
        umh_logs_say(client->broker->logs, UMH_LOG_WARNING, NULL,
                     "a control client was disconnected: %s", why->text);
        send_error(client, 0, UMH_E_PROTOCOL, why);
    }
    client->is_leaving = true;
    client->on_end(client->on_end_context);
}

static void send_credit(void *context, const umh_guid *service, uint64_t bytes)
{
    umh_client *client = context;

    umh_outbox_credit(umh_peer_outbox(client->peer), service, bytes);
}

static void send_give_back(void *context, const umh_guid *service)
{
    umh_client *client = context;

    umh_outbox_give_back(umh_peer_outbox(client->peer), service);
}

static int connect_take(umh_client *client, uv_pipe_t *stream)
{
    const umh_credit_account_events account_events = {
        .context = client, .send_credit = send_credit, .send_give_back = send_give_back};
    umh_peer_spec spec = {
        .broker = client->broker,
        .in = stream,
        .out = stream,
        .control_bytes_max = UMH_OUTBOX_ANSWERS_BYTES,
        .events = {
            .context = client, .on_header = on_header, .on_frame = on_frame, .on_end = on_end}};
    int r = umh_credit_account_new(client->broker->credit, &account_events, &client->account);

    if (r) {
        umh_peer_discard_stream(stream);
        return r;
    }
    return umh_peer_new(&spec, &client->peer);
}

int umh_client_new_take(umh_broker *broker, uv_pipe_t *stream, void (*on_end_)(void *context),
                        void *context, umh_client **ret_client)
{
    umh_client *client = calloc(1, sizeof(*client));
    int r;

    if (!client) {
        umh_peer_discard_stream(stream);
        return UMH_FAIL(UMH_E_MEMORY, "let a control client in");
    }
    client->broker = broker;
    client->on_end = on_end_;
    client->on_end_context = context;
    umh_list_init(&client->entry);
    r = connect_take(client, stream);
    if (r) {
        umh_credit_account_free(client->account);
        free(client);
        return r;
    }
    umh_slot_init(&client->slot, broker, UMH_SLOT_NONE, OVERFLOW_DROP_OLDEST);
    client->slot.owner = client;
    client->slot.session = UMH_SESSION_OWN;
    client->slot.host_number = UMH_HOST_NUMBER_BROKER;
    client->slot.is_windowless = true;
    umh_slot_connect(&client->slot, umh_peer_outbox(client->peer));
    umh_slot_set_gate(&client->slot, SLOT_OPEN);
    *ret_client = client;
    return 0;
}

void umh_client_disconnect(umh_client *client)
{
    umh_list_remove(&client->entry);
    umh_slot_deinit(&client->slot);
    client->account = umh_credit_account_free(client->account);
    umh_peer_close(UMH_MOVE(client->peer));
    client->is_gone = true;
    if (client->pending_count == 0)
        free(client);
}
