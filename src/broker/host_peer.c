/* SPDX-License-Identifier: MIT */
/*
 * What a frame from a host means. Who it is from is the pipe it came in on; everything in it is
 * untrusted. Whatever is wrong ends the host: there is no way back into a stream that lied once.
 */
#include "broker/handshake.h"
#include "broker/host_actions.h"
#include "broker/liveness.h"
#include "ipc/services.h"

static umh_source source_of(umh_host *host)
{
    return (umh_source){.id = host->id,
                        .account = host->account,
                        .refused_count = &host->refused_count,
                        .host_number = host->number,
                        .session = host->session,
                        .slots = host->slots,
                        .slot_count = host->module_count};
}

/* The one control service that a host may speak to; what it may say there is the handshake's. */
static bool is_command(const umh_frame *frame)
{
    return umh_service_is_control(&frame->service) &&
           umh_service_find(&frame->service) == SERVICE_MODULE_META &&
           frame->payload_bytes <= UMH_COMMAND_BYTES_MAX;
}

static int on_header(void *context, const umh_frame *frame, umh_why *ret_why)
{
    umh_host *host = context;
    umh_source source = source_of(host);
    int r = 0;

    if (!is_command(frame))
        r = umh_router_admit(host->broker->router, &source, frame, ret_why);
    return r ? UMH_PEER_VIOLATION : 0;
}

static int take_message(umh_host *host, const umh_arrival *arrival, umh_why *ret_why)
{
    umh_source source = source_of(host);
    uint32_t count;
    int r;

    if (is_command(arrival->frame))
        r = umh_handshake_receive(host, arrival->frame, arrival->payload, ret_why);
    else
        r = umh_router_route(host->broker->router, &source, arrival, &count, ret_why);
    return r ? UMH_PEER_VIOLATION : 0;
}

static int take_credit(umh_host *host, const umh_frame *frame, umh_bytes payload, umh_why *ret_why)
{
    umh_slot *slot =
        frame->source_slot < host->module_count ? host->slots[frame->source_slot] : NULL;

    if (!slot) {
        umh_why_set(ret_why, "gave credit for module %u, which it does not have",
                    frame->source_slot);
        return UMH_PEER_VIOLATION;
    }
    if (umh_slot_on_credit(slot, umh_frame_amount(payload)) != 0) {
        umh_why_set(ret_why, "gave credit for more than module %u was sent", frame->source_slot);
        return UMH_PEER_VIOLATION;
    }
    return 0;
}

/* `r` of the credit book; its failures are explained like its outcomes. */
static int judge_credit(int r, umh_why *ret_why)
{
    if (r < 0)
        umh_why_set_failure(ret_why);
    return r ? UMH_PEER_VIOLATION : 0;
}

static int take_want(umh_host *host, const umh_frame *frame, umh_bytes payload, umh_why *ret_why)
{
    umh_want want;

    umh_frame_want(payload, &want.need, &want.cost);
    return judge_credit(
        umh_credit_on_want(host->account, &frame->service, frame->source_slot, &want, ret_why),
        ret_why);
}

static int take_give_back(umh_host *host, const umh_frame *frame, umh_bytes payload,
                          umh_why *ret_why)
{
    if (payload.size != 8) {
        umh_why_set(ret_why, "gave back credit without saying how much");
        return UMH_PEER_VIOLATION;
    }
    return judge_credit(
        umh_credit_on_give_back(host->account, &frame->service, umh_frame_amount(payload), ret_why),
        ret_why);
}

static int on_frame(void *context, const umh_frame *frame, umh_bytes payload, umh_message *stored,
                    umh_why *ret_why)
{
    const umh_arrival arrival = {.frame = frame, .payload = payload, .stored = stored};
    umh_host *host = context;

    if (frame->kind != FRAME_ANSWER && host->state < HOST_LOADING) {
        umh_why_set(ret_why, "sent a frame of kind %u before it said hello", frame->kind);
        return UMH_PEER_VIOLATION;
    }
    switch (frame->kind) {
    case FRAME_MESSAGE:
        return take_message(host, &arrival, ret_why);
    case FRAME_ANSWER:
        return umh_handshake_receive(host, frame, payload, ret_why) ? UMH_PEER_VIOLATION : 0;
    case FRAME_CREDIT:
        return take_credit(host, frame, payload, ret_why);
    case FRAME_WANT:
        return take_want(host, frame, payload, ret_why);
    case FRAME_GIVE_BACK:
        return take_give_back(host, frame, payload, ret_why);
    case FRAME_PONG:
        umh_liveness_on_pong(host);
        return 0;
    default:
        umh_why_set(ret_why, "sent a frame of kind %u, which is not for a broker", frame->kind);
        return UMH_PEER_VIOLATION;
    }
}

static void on_end(void *context, const umh_why *why)
{
    umh_host *host = context;

    if (why->text[0])
        umh_host_kill(host, DEATH_BY_VIOLATION, "%s", why->text);
    else
        umh_host_happen(host, ON_EOF);
}

umh_peer_events umh_host_peer_events(umh_host *host)
{
    return (umh_peer_events){
        .context = host, .on_header = on_header, .on_frame = on_frame, .on_end = on_end};
}

/* --- credit that leaves ------------------------------------------------------------------- */

static umh_outbox *outbox_of(const umh_host *host)
{
    return host->peer ? umh_peer_outbox(host->peer) : NULL;
}

static void send_credit(void *context, const umh_guid *service, uint64_t bytes)
{
    umh_outbox *outbox = outbox_of(context);

    if (outbox)
        umh_outbox_credit(outbox, service, bytes);
}

static void send_give_back(void *context, const umh_guid *service)
{
    umh_outbox *outbox = outbox_of(context);

    if (outbox)
        umh_outbox_give_back(outbox, service);
}

umh_credit_account_events umh_host_account_events(umh_host *host)
{
    return (umh_credit_account_events){
        .context = host, .send_credit = send_credit, .send_give_back = send_give_back};
}
