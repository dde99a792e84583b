/* SPDX-License-Identifier: MIT */
/* Who receives a message. */
#include "broker/router.h"

#include "broker/logs.h"
#include "formats/utf8.h"
#include "ipc/reach.h"
#include "ipc/services.h"
#include "platform/clock.h"

#include <stdlib.h>

struct umh_router {
    umh_broker *broker;
    umh_subscriptions *subscriptions;
    umh_list waiting; /* slots with something in a queue */
};

int umh_router_new(umh_broker *broker, umh_router **ret_router)
{
    umh_router *router = calloc(1, sizeof(*router));
    int r;

    if (!router)
        return UMH_FAIL(UMH_E_MEMORY, "make the router");
    router->broker = broker;
    umh_list_init(&router->waiting);
    r = umh_subscriptions_new(&router->subscriptions);
    if (r) {
        free(router);
        return r;
    }
    *ret_router = router;
    return 0;
}

umh_router *umh_router_free(umh_router *router)
{
    if (!router)
        return NULL;
    umh_subscriptions_free(router->subscriptions);
    free(router);
    return NULL;
}

umh_subscriptions *umh_router_subscriptions(umh_router *router)
{
    return router->subscriptions;
}

/* --- who may ------------------------------------------------------------------------------ */

/* NULL: it has none of that number. */
static umh_slot *find_own_slot(const umh_source *source, uint16_t slot)
{
    return source->slots && slot < source->slot_count ? source->slots[slot] : NULL;
}

static bool may_publish_as(const umh_source *source, uint16_t slot)
{
    const umh_slot *own = find_own_slot(source, slot);

    return !source->slots || (own && own->gate != SLOT_SHUT);
}

int umh_router_admit(umh_router *router, const umh_source *source, const umh_frame *frame,
                     umh_why *ret_why)
{
    int r;

    UMH_UNUSED(router);
    if (umh_service_is_control(&frame->service)) {
        umh_why_set(ret_why, "it published to the control service %s",
                    umh_service_name(umh_service_find(&frame->service)));
        return UMH_ROUTER_VIOLATION;
    }
    if (!may_publish_as(source, frame->source_slot)) {
        umh_why_set(ret_why, "it published as module %u, which it does not run",
                    frame->source_slot);
        return UMH_ROUTER_VIOLATION;
    }
    r = umh_credit_use(source->account, &frame->service, umh_frame_cost(frame->payload_bytes),
                       ret_why);
    if (r < 0)
        umh_why_set_failure(ret_why);
    return r ? UMH_ROUTER_VIOLATION : 0;
}

static bool is_addressed(const umh_frame *frame, const umh_slot *slot)
{
    return (frame->session == UMH_SESSION_EVERY || frame->session == slot->session) &&
           umh_reach_is_open(frame->source_session, slot->session);
}

/* A host refuses by itself: one that sends it all the same goes on, unheard. */
static void refuse(const umh_router *router, const umh_source *source, const umh_frame *frame)
{
    char text[UMH_GUID_TEXT_BYTES];

    if (!source->refused_count || !umh_reach_is_worth_saying(++*source->refused_count))
        return;
    umh_guid_encode(&frame->service, text);
    umh_logs_say(router->broker->logs, UMH_LOG_WARNING, source->id,
                 "a message for service %s to session %u is refused: session %u may not reach it "
                 "(%llu so far)",
                 text, frame->session, source->session, (unsigned long long)*source->refused_count);
}

/* --- delivering --------------------------------------------------------------------------- */

static uint32_t deliver(umh_router *router, umh_frame *frame, umh_bytes payload, umh_message *given)
{
    umh_subscribers all = umh_subscriptions_of_all(router->subscriptions);
    umh_subscribers subscribers = umh_subscriptions_match(router->subscriptions, &frame->service);
    umh_message *stored = given ? umh_message_ref(given) : NULL;
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < subscribers.count; i++) {
        if (!is_addressed(frame, subscribers.slots[i]))
            continue;
        umh_slot_deliver(subscribers.slots[i], frame, payload, false, &stored);
        count++;
    }
    for (i = 0; i < all.count; i++) {
        umh_slot *slot = all.slots[i];

        if (!is_addressed(frame, slot) ||
            umh_subscriptions_has(router->subscriptions, &frame->service, slot))
            continue;
        umh_slot_deliver(slot, frame, payload, true, &stored);
        count++;
    }
    umh_message_unref(stored);
    return count;
}

static void count_published(const umh_source *source, const umh_frame *frame)
{
    umh_slot *own = find_own_slot(source, frame->source_slot);

    /* A long message comes in parts, and the module may have been removed between them. */
    if (!own)
        return;
    own->counters.published_count++;
    own->counters.published_bytes += umh_frame_cost(frame->payload_bytes);
}

int umh_router_route(umh_router *router, const umh_source *source, const umh_arrival *arrival,
                     uint32_t *ret_count, umh_why *ret_why)
{
    umh_frame stamped = *arrival->frame;
    umh_bytes text;

    stamped.source_host = source->host_number;
    stamped.source_session = source->session;
    if (umh_frame_text(&stamped, arrival->payload, &text) != 0) {
        umh_why_set(ret_why, "the extensions of its message do not add up");
        return UMH_ROUTER_VIOLATION;
    }
    if (!umh_utf8_is_valid(text)) {
        umh_why_set(ret_why, "its message is not UTF-8");
        return UMH_ROUTER_VIOLATION;
    }
    count_published(source, &stamped);
    if (!umh_reach_is_open(source->session, stamped.session)) {
        refuse(router, source, &stamped);
        *ret_count = 0;
        return 0;
    }
    if (arrival->stored)
        *umh_message_edit(arrival->stored) = stamped;
    *ret_count = deliver(router, &stamped, arrival->payload, arrival->stored);
    return 0;
}

void umh_router_publish(umh_router *router, const umh_guid *service, umh_bytes text)
{
    umh_frame frame = {.payload_bytes = (uint32_t)text.size,
                       .version = UMH_PROTOCOL_HIGHEST,
                       .kind = FRAME_MESSAGE,
                       .service = *service,
                       .session = UMH_SESSION_EVERY,
                       .source_slot = UMH_SLOT_NONE,
                       .source_session = UMH_SESSION_OWN};
    umh_subscribers subscribers = umh_subscriptions_match(router->subscriptions, service);
    umh_message *stored = NULL;
    uint32_t i;

    for (i = 0; i < subscribers.count; i++)
        umh_slot_deliver(subscribers.slots[i], &frame, text, false, &stored);
    umh_message_unref(stored);
}

/* --- the end of a turn -------------------------------------------------------------------- */

void umh_router_add_waiting(umh_router *router, umh_slot *slot)
{
    if (umh_list_is_empty(&slot->waiting))
        umh_list_push_back(&router->waiting, &slot->waiting);
}

void umh_router_settle(umh_router *router)
{
    uint64_t now_ns = 0;

    umh_list_each (item, &router->waiting) {
        umh_slot *slot = umh_container_of(item, umh_slot, waiting);

        if (slot->hold_until_ns != UMH_FOREVER) {
            now_ns = now_ns ? now_ns : umh_clock_now_ns();
            umh_slot_expire(slot, now_ns);
        }
        umh_slot_pump(slot);
    }
}

bool umh_router_is_over_mark(void *context, const umh_guid *service, uint64_t promised)
{
    umh_router *router = context;
    umh_subscribers subscribers = umh_subscriptions_match(router->subscriptions, service);
    uint32_t i;

    for (i = 0; i < subscribers.count; i++) {
        if (umh_slot_is_over_mark(subscribers.slots[i], promised))
            return true;
    }
    return false;
}
