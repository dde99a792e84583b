/* SPDX-License-Identifier: MIT */
/* Where messages for one subscriber wait, and what happens when there are too many. */
#include "broker/slot.h"

#include "broker/router.h"
#include "platform/clock.h"

#include <string.h>

void umh_slot_init(umh_slot *slot, umh_broker *broker, uint16_t number, umh_overflow overflow)
{
    memset(slot, 0, sizeof(*slot));
    slot->broker = broker;
    slot->number = number;
    slot->overflow = overflow;
    slot->gate = SLOT_SHUT;
    slot->hold_until_ns = UMH_FOREVER;
    umh_window_init(&slot->window, UMH_WINDOW_BYTES);
    umh_list_init(&slot->waiting);
}

static void drop_waiting(umh_slot *slot)
{
    uint64_t count = 0;
    uint64_t bytes = 0;

    umh_queue_clear(&slot->queue, &count, &bytes);
    slot->counters.dropped_count += count;
    slot->counters.dropped_bytes += bytes;
    umh_queue_clear(&slot->all_queue, &count, &bytes);
    slot->counters.dropped_count += count;
    slot->counters.dropped_bytes += bytes;
    umh_list_remove(&slot->waiting);
}

void umh_slot_deinit(umh_slot *slot)
{
    if (!slot->broker)
        return;
    umh_subscriptions_remove_slot(umh_router_subscriptions(slot->broker->router), slot);
    drop_waiting(slot);
    umh_queue_deinit(&slot->queue);
    umh_queue_deinit(&slot->all_queue);
    slot->broker = NULL;
}

void umh_slot_connect(umh_slot *slot, umh_outbox *outbox)
{
    slot->outbox = outbox;
    slot->connected_count = 0;
    umh_window_init(&slot->window, UMH_WINDOW_BYTES);
}

/*
 * Credit comes in steps of half a window, so it does not tell what was worked off; the black box
 * does. It is evidence of a process that may have lied: never more is believed than was delivered.
 */
static uint64_t count_lost(umh_slot *slot, uint64_t consumed_count)
{
    uint64_t lost_count =
        slot->connected_count > consumed_count ? slot->connected_count - consumed_count : 0;

    if (slot->window.outstanding == 0)
        lost_count = 0;
    slot->counters.lost_count += lost_count;
    slot->counters.dropped_count += lost_count;
    return lost_count;
}

uint64_t umh_slot_disconnect(umh_slot *slot, const umh_slot_death *death)
{
    uint64_t lost_count = count_lost(slot, death->consumed_count);

    umh_slot_connect(slot, NULL);
    if (slot->gate == SLOT_SHUT)
        return lost_count;
    slot->hold_bytes = death->hold_bytes;
    slot->hold_until_ns = death->is_orderly ? UMH_FOREVER : umh_clock_deadline_ns(death->hold_ms);
    umh_slot_set_gate(slot, death->is_orderly ? SLOT_HELD : SLOT_CRASHED);
    return lost_count;
}

void umh_slot_set_gate(umh_slot *slot, umh_slot_gate gate)
{
    slot->gate = gate;
    if (gate == SLOT_SHUT)
        drop_waiting(slot);
    if (gate == SLOT_CRASHED) {
        if (slot->queue.count + slot->all_queue.count > 0)
            umh_router_add_waiting(slot->broker->router, slot);
    } else {
        slot->hold_until_ns = UMH_FOREVER;
    }
    if (gate == SLOT_OPEN)
        umh_slot_pump(slot);
}

void umh_slot_reset_window(umh_slot *slot)
{
    umh_window_init(&slot->window, UMH_WINDOW_BYTES);
}

/* --- delivering --------------------------------------------------------------------------- */

static bool may_pass(umh_slot *slot, const umh_frame *frame)
{
    return slot->outbox && (slot->is_windowless || umh_window_is_open(&slot->window)) &&
           umh_outbox_has_room(slot->outbox, umh_frame_delivered_bytes(frame));
}

static void count_delivery(umh_slot *slot, uint64_t cost)
{
    if (!slot->is_windowless) {
        if (slot->window.outstanding == 0)
            slot->progress_ns = 0; /* begins to wait now: the clock is read by who looks */
        umh_window_take(&slot->window, cost);
    }
    slot->connected_count++;
    slot->counters.delivered_count++;
    slot->counters.delivered_bytes += cost;
}

static void drop_message(umh_slot *slot, uint64_t cost)
{
    slot->counters.dropped_count++;
    slot->counters.dropped_bytes += cost;
}

/*
 * Half of what is free, or what the configuration says: one stuck slot leaves as much to the
 * others.
 */
static uint64_t mark_bytes(const umh_slot *slot)
{
    uint64_t half = umh_budget_free(&slot->broker->budget) / 2;
    uint64_t configured = (uint64_t)slot->broker->config.queue_mib << 20;

    return half < configured ? half : configured;
}

static void drop_oldest(umh_slot *slot, umh_queue *queue, uint64_t cost, uint64_t mark)
{
    while (queue->count > 0 && queue->bytes + cost > mark) {
        umh_message *oldest = umh_queue_pop(queue);

        drop_message(slot, umh_message_cost(oldest));
        umh_message_unref(oldest);
    }
}

/* Whether a message of `cost` may join the queue; makes room where the policy says so. */
static bool admit(umh_slot *slot, umh_queue *queue, uint64_t cost)
{
    uint64_t mark = mark_bytes(slot);

    if (slot->gate == SLOT_CRASHED)
        return slot->queue.bytes + slot->all_queue.bytes + cost <= slot->hold_bytes;
    if (queue == &slot->all_queue || slot->overflow == OVERFLOW_DROP_OLDEST) {
        drop_oldest(slot, queue, cost, mark);
        return cost <= mark;
    }
    if (slot->overflow == OVERFLOW_DROP_NEWEST)
        return queue->bytes + cost <= mark;
    return true; /* Block: whoever sent it had credit for it */
}

static void wait_in(umh_slot *slot, umh_queue *queue, const umh_frame *frame, umh_bytes payload,
                    umh_message **stored)
{
    uint64_t cost = umh_frame_cost(frame->payload_bytes);
    int r = 0;

    if (!admit(slot, queue, cost)) {
        drop_message(slot, cost);
        return;
    }
    if (!*stored) {
        r = umh_message_new(slot->broker->pool, frame, stored);
        if (r == 0 && payload.size > 0)
            memcpy(umh_message_payload(*stored), payload.data, payload.size);
    }
    if (r == 0)
        r = umh_queue_push(queue, *stored);
    if (r) {
        drop_message(slot, cost);
        umh_broker_fail(slot->broker);
        return;
    }
    umh_router_add_waiting(slot->broker->router, slot);
}

void umh_slot_deliver(umh_slot *slot, umh_frame *frame, umh_bytes payload, bool via_all,
                      umh_message **stored)
{
    umh_queue *queue = via_all ? &slot->all_queue : &slot->queue;
    int r = 0;

    if (slot->gate == SLOT_SHUT)
        return;
    if (slot->gate != SLOT_OPEN || queue->count > 0 || !may_pass(slot, frame)) {
        wait_in(slot, queue, frame, payload, stored);
        return;
    }
    frame->slot = slot->number;
    if (umh_frame_delivered_bytes(frame) <= UMH_OUTBOX_LARGE_BYTES) {
        umh_outbox_append(slot->outbox, frame, payload);
    } else {
        if (!*stored) {
            r = umh_message_new(slot->broker->pool, frame, stored);
            if (r) {
                umh_broker_fail(slot->broker);
                return;
            }
            memcpy(umh_message_payload(*stored), payload.data, payload.size);
        }
        umh_outbox_append_stored(slot->outbox, frame, *stored);
    }
    count_delivery(slot, umh_frame_cost(frame->payload_bytes));
}

static bool pump_queue(umh_slot *slot, umh_queue *queue)
{
    umh_message *message = umh_queue_peek(queue);
    umh_frame addressed;

    if (!message || !may_pass(slot, umh_message_frame(message)))
        return false;
    addressed = *umh_message_frame(message);
    addressed.slot = slot->number;
    umh_outbox_append_stored(slot->outbox, &addressed, message);
    count_delivery(slot, umh_message_cost(message));
    umh_message_unref(umh_queue_pop(queue));
    return true;
}

void umh_slot_pump(umh_slot *slot)
{
    if (slot->gate == SLOT_OPEN) {
        while (pump_queue(slot, &slot->queue))
            continue;
        while (slot->queue.count == 0 && pump_queue(slot, &slot->all_queue))
            continue;
    }
    if (slot->queue.count + slot->all_queue.count == 0)
        umh_list_remove(&slot->waiting);
}

int umh_slot_on_credit(umh_slot *slot, uint64_t bytes)
{
    int r = umh_window_give(&slot->window, bytes);

    if (r == UMH_FLOW_VIOLATION)
        return UMH_FLOW_VIOLATION;
    slot->progress_ns = 0;
    if (slot->queue.count + slot->all_queue.count > 0)
        umh_broker_wake(slot->broker);
    return 0;
}

/* --- judging ------------------------------------------------------------------------------ */

bool umh_slot_is_over_mark(const umh_slot *slot, uint64_t promised)
{
    uint64_t bytes = slot->queue.bytes + promised;

    if (slot->overflow != OVERFLOW_BLOCK || (slot->gate != SLOT_OPEN && slot->gate != SLOT_HELD))
        return false;
    return bytes > 0 && bytes > mark_bytes(slot);
}

void umh_slot_expire(umh_slot *slot, uint64_t now_ns)
{
    if (slot->gate == SLOT_CRASHED && now_ns >= slot->hold_until_ns)
        drop_waiting(slot);
}

bool umh_slot_is_stalled(umh_slot *slot, bool waits_in_host, uint64_t now_ns, uint64_t stall_ms)
{
    bool waits_here = slot->queue.count > 0 && !umh_window_is_open(&slot->window);
    bool waits = slot->gate == SLOT_OPEN && !slot->is_windowless && (waits_here || waits_in_host);

    if (!waits || slot->progress_ns == 0) {
        slot->progress_ns = waits ? now_ns : 0;
        return false;
    }
    return now_ns - slot->progress_ns >= stall_ms * UMH_NS_PER_MS;
}
