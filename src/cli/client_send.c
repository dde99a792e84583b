/* SPDX-License-Identifier: MIT */
/*
 * Publishing as a host does: credit per service, wants, credit given back. One message waits at a
 * time, since who publishes waits for it.
 */
#include "cli/client_state.h"

#include "formats/utf8.h"
#include "ipc/services.h"
#include "platform/clock.h"

#include <stdlib.h>

static umh_client_service *find_service(umh_client *client, const umh_guid *guid)
{
    umh_client_service *service = client->services;

    while (service && !umh_guid_is_equal(&service->guid, guid))
        service = service->next;
    return service;
}

/* Outcomes: UMH_CLIENT_REFUSED. */
static int open_service(umh_client *client, const umh_guid *guid, umh_client_service **ret_service,
                        umh_why *ret_why)
{
    umh_client_service *service = find_service(client, guid);

    if (!service) {
        if (client->service_count == UMH_SERVICES_PER_PEER_MAX) {
            umh_why_set(ret_why, "one connection publishes to %u services at most",
                        UMH_SERVICES_PER_PEER_MAX);
            return UMH_CLIENT_REFUSED;
        }
        service = calloc(1, sizeof *service);
        if (!service)
            return UMH_FAIL(UMH_E_MEMORY, "publish to a service");
        service->guid = *guid;
        umh_sender_init(&service->sender);
        service->next = client->services;
        client->services = service;
        client->service_count++;
    }
    *ret_service = service;
    return 0;
}

void umh_client_forget_services(umh_client *client)
{
    while (client->services) {
        umh_client_service *service = client->services;

        client->services = service->next;
        free(service);
    }
    client->service_count = 0;
}

/* ------------------------- credit */

static umh_frame control_frame(const umh_client_service *service, umh_frame_kind kind)
{
    return (umh_frame){.version = UMH_PROTOCOL_HIGHEST,
                       .kind = (uint8_t)kind,
                       .service = service->guid,
                       .source_slot = UMH_SLOT_NONE,
                       .slot = UMH_SLOT_NONE};
}

/* A whole frame whose payload is numbers. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int write_numbers(umh_client *client, umh_frame frame, const uint8_t *whole, size_t size)
{
    int r;

    frame.payload_bytes = (uint32_t)(size - UMH_FRAME_HEADER_BYTES);
    r = umh_client_write(client, &frame,
                         umh_bytes_of(whole + UMH_FRAME_HEADER_BYTES, frame.payload_bytes),
                         umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS));
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/*
 * What is so now, where the broker does not know it yet. A want that credit has met needs no
 * withdrawal. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF.
 */
static int announce(umh_client *client, umh_client_service *service)
{
    umh_want want = umh_sender_want(&service->sender, service->waiting_cost);
    umh_frame frame = control_frame(service, FRAME_WANT);
    uint8_t whole[UMH_FRAME_WANT_BYTES];
    int r;

    if (service->waiting_cost == 0 ? service->announced.need <= service->sender.given
                                   : service->announced.need == want.need)
        return 0;
    service->announced = want;
    umh_frame_encode_want(&frame, want.need, want.cost, whole);
    r = write_numbers(client, frame, whole, sizeof whole);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/* Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int give_back(umh_client *client, umh_client_service *service)
{
    umh_frame frame = control_frame(service, FRAME_GIVE_BACK);
    uint8_t whole[UMH_FRAME_AMOUNT_BYTES];
    int r;

    umh_frame_encode_amount(&frame, umh_sender_give_back(&service->sender), whole);
    r = write_numbers(client, frame, whole, sizeof whole);
    /* What waits and fitted before is wanted anew. */
    if (r == 0)
        r = announce(client, service);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

int umh_client_on_credit(umh_client *client, const umh_frame *frame, umh_bytes payload)
{
    umh_client_service *service = find_service(client, &frame->service);
    int r = 0;

    if (!service || (frame->kind != FRAME_CREDIT && frame->kind != FRAME_GIVE_BACK))
        return UMH_FAIL(UMH_E_PROTOCOL, "the broker sent a frame of kind %u that nobody expects",
                        frame->kind);
    if (frame->kind == FRAME_CREDIT)
        umh_sender_credit(&service->sender, umh_frame_amount(payload));
    else
        r = give_back(client, service);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

/* ------------------------- publishing */

/* Until it fits; credit is taken then. Outcomes: UMH_CLIENT_TIMEOUT, UMH_CLIENT_EOF. */
static int wait_for_credit(umh_client *client, umh_client_service *service, uint64_t cost,
                           uint64_t deadline_ns)
{
    int r = 0;

    while (r == 0 && !umh_sender_take(&service->sender, cost, &client->first_count)) {
        umh_frame frame;
        umh_bytes payload;

        service->waiting_cost = cost;
        r = announce(client, service);
        if (r == 0)
            r = umh_client_next(client, deadline_ns, &frame, &payload);
        if (r == 0 && frame.kind == FRAME_MESSAGE)
            r = umh_client_keep(client, &frame, payload);
    }
    service->waiting_cost = 0;
    if (r == UMH_CLIENT_TIMEOUT) {
        r = announce(client, service);
        return r == 0 || r == UMH_CLIENT_TIMEOUT ? UMH_CLIENT_TIMEOUT : r;
    }
    if (r == UMH_CLIENT_EOF)
        return UMH_CLIENT_EOF;
    return umh_fold(r);
}

/* Outcomes: UMH_CLIENT_REFUSED. */
static int judge(const umh_client *client, const umh_client_send *send, umh_why *ret_why)
{
    if (umh_service_is_control(&send->service)) {
        umh_why_set(ret_why, "nobody but the broker publishes to %s",
                    umh_service_name(umh_service_find(&send->service)));
        return UMH_CLIENT_REFUSED;
    }
    if (send->text.size > client->max_message_bytes) {
        umh_why_set(ret_why, "%llu bytes are too much for one message; this broker takes %llu",
                    (unsigned long long)send->text.size,
                    (unsigned long long)client->max_message_bytes);
        return UMH_CLIENT_REFUSED;
    }
    if (!umh_utf8_is_valid(send->text)) {
        umh_why_set(ret_why, "not text: a message is well-formed UTF-8");
        return UMH_CLIENT_REFUSED;
    }
    return 0;
}

int umh_client_post(umh_client *client, const umh_client_send *send, umh_why *ret_why)
{
    umh_client_service *service = NULL;
    umh_frame frame;
    int r = judge(client, send, ret_why);

    if (r == 0)
        r = open_service(client, &send->service, &service, ret_why);
    if (r == UMH_CLIENT_REFUSED)
        return UMH_CLIENT_REFUSED;
    if (r)
        return umh_fold(r);
    frame = control_frame(service, FRAME_MESSAGE);
    frame.payload_bytes = (uint32_t)send->text.size;
    frame.session = send->session;
    r = wait_for_credit(client, service, umh_frame_cost(frame.payload_bytes), send->deadline_ns);
    if (r == 0)
        r = umh_client_write(client, &frame, send->text, send->deadline_ns);
    if (r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}

int umh_client_sync(umh_client *client, uint64_t deadline_ns, int64_t *ret_reached,
                    umh_why *ret_why)
{
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    int r = umh_client_ask_take(client, &(umh_client_question){"sync", NULL, deadline_ns}, &answer,
                                ret_why);

    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    if (r == 0)
        *ret_reached = umh_jsonc_get_integer(answer.body, "reached", UMH_CLIENT_NOT_SAID);
    return umh_fold(r);
}

int umh_client_publish(umh_client *client, const umh_client_send *send, int64_t *ret_reached,
                       umh_why *ret_why)
{
    int r = umh_client_post(client, send, ret_why);

    if (r == 0)
        r = umh_client_sync(client, send->deadline_ns, ret_reached, ret_why);
    if (r == UMH_CLIENT_REFUSED || r == UMH_CLIENT_TIMEOUT || r == UMH_CLIENT_EOF)
        return r;
    return umh_fold(r);
}
