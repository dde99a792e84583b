/* SPDX-License-Identifier: MIT */
/*
 * Which slots receive what: a table by service, and for each subscription an entry that also stands
 * in its slot's list.
 */
#include "broker/subscriptions.h"

#include "base/list.h"
#include "broker/slot.h"

#include <stdlib.h>
#include <string.h>

/* The slots of one service, in the order they subscribed. */
typedef struct umh_topic {
    umh_guid service;
    umh_slot **slots;
    bool
        *is_stale; /* of the same index: subscribed by the module's predecessor and not yet again */
    uint32_t count, capacity;
} umh_topic;

struct umh_subscriptions {
    umh_topic **topics; /* owned; open addressing; capacity is a power of two */
    uint32_t count, capacity;
    umh_topic all;
    umh_topic *last; /* most messages go where the one before went */
};

int umh_subscriptions_new(umh_subscriptions **ret_subscriptions)
{
    umh_subscriptions *subscriptions = calloc(1, sizeof(*subscriptions));

    if (!subscriptions)
        return UMH_FAIL(UMH_E_MEMORY, "make the table of subscriptions");
    *ret_subscriptions = subscriptions;
    return 0;
}

static void free_topic(umh_topic *topic)
{
    free(topic->slots);
    free(topic->is_stale);
    free(topic);
}

umh_subscriptions *umh_subscriptions_free(umh_subscriptions *subscriptions)
{
    uint32_t i;

    if (!subscriptions)
        return NULL;
    for (i = 0; i < subscriptions->capacity; i++) {
        if (subscriptions->topics[i])
            free_topic(subscriptions->topics[i]);
    }
    free(subscriptions->all.slots);
    free(subscriptions->all.is_stale);
    free(subscriptions->topics);
    free(subscriptions);
    return NULL;
}

static umh_topic **place_of(umh_topic **topics, uint32_t capacity, const umh_guid *service)
{
    uint32_t at = (uint32_t)umh_guid_hash(service) & (capacity - 1);

    while (topics[at] && !umh_guid_is_equal(&topics[at]->service, service))
        at = (at + 1) & (capacity - 1);
    return &topics[at];
}

static umh_topic *find_topic(umh_subscriptions *subscriptions, const umh_guid *service)
{
    umh_topic *found = subscriptions->last;

    if (found && umh_guid_is_equal(&found->service, service))
        return found;
    if (umh_guid_is_null(service))
        return &subscriptions->all;
    if (subscriptions->count == 0)
        return NULL;
    found = *place_of(subscriptions->topics, subscriptions->capacity, service);
    if (found)
        subscriptions->last = found;
    return found;
}

static int grow_table(umh_subscriptions *subscriptions)
{
    uint32_t capacity = subscriptions->capacity ? subscriptions->capacity * 2 : 64;
    umh_topic **topics;
    uint32_t i;

    if ((subscriptions->count + 1) * 2 <= subscriptions->capacity)
        return 0;
    topics = calloc(capacity, sizeof(umh_topic *));
    if (!topics)
        return UMH_FAIL(UMH_E_MEMORY, "grow the table of subscriptions");
    for (i = 0; i < subscriptions->capacity; i++) {
        umh_topic *moved = subscriptions->topics[i];

        if (moved)
            *place_of(topics, capacity, &moved->service) = moved;
    }
    free(subscriptions->topics);
    subscriptions->topics = topics;
    subscriptions->capacity = capacity;
    return 0;
}

static int open_topic(umh_subscriptions *subscriptions, const umh_guid *service,
                      umh_topic **ret_topic)
{
    umh_topic *found = find_topic(subscriptions, service);
    int r;

    if (!found) {
        r = grow_table(subscriptions);
        if (r)
            return r;
        found = calloc(1, sizeof(*found));
        if (!found)
            return UMH_FAIL(UMH_E_MEMORY, "grow the table of subscriptions");
        found->service = *service;
        *place_of(subscriptions->topics, subscriptions->capacity, service) = found;
        subscriptions->count++;
    }
    *ret_topic = found;
    return 0;
}

/* A topic without slots leaves the table; those behind it move to where they belong now. */
static void close_if_empty(umh_subscriptions *subscriptions, umh_topic *empty)
{
    uint32_t mask = subscriptions->capacity - 1;
    umh_topic **place;
    uint32_t at;

    if (empty->count > 0 || empty == &subscriptions->all)
        return;
    if (subscriptions->last == empty)
        subscriptions->last = NULL;
    place = place_of(subscriptions->topics, subscriptions->capacity, &empty->service);
    *place = NULL;
    subscriptions->count--;
    at = (uint32_t)(place - subscriptions->topics);
    for (at = (at + 1) & mask; subscriptions->topics[at]; at = (at + 1) & mask) {
        umh_topic *moved = subscriptions->topics[at];

        subscriptions->topics[at] = NULL;
        *place_of(subscriptions->topics, subscriptions->capacity, &moved->service) = moved;
    }
    free_topic(empty);
}

static bool find_slot(const umh_topic *topic, const umh_slot *slot, uint32_t *ret_index)
{
    uint32_t i;

    for (i = 0; i < topic->count; i++) {
        if (topic->slots[i] == slot) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static int grow_topic(umh_topic *topic)
{
    uint32_t capacity = topic->capacity ? topic->capacity * 2 : 4;
    umh_slot **slots;
    bool *is_stale;

    if (topic->count < topic->capacity)
        return 0;
    slots = realloc(topic->slots, capacity * sizeof(umh_slot *));
    if (!slots)
        return UMH_FAIL(UMH_E_MEMORY, "remember one more subscription");
    topic->slots = slots;
    is_stale = realloc(topic->is_stale, capacity * sizeof(*is_stale));
    if (!is_stale)
        return UMH_FAIL(UMH_E_MEMORY, "remember one more subscription");
    topic->is_stale = is_stale;
    topic->capacity = capacity;
    return 0;
}

int umh_subscriptions_add(umh_subscriptions *subscriptions, const umh_guid *service, umh_slot *slot)
{
    umh_topic *topic = NULL;
    uint32_t index;
    int r = open_topic(subscriptions, service, &topic);

    if (r)
        return r;
    if (find_slot(topic, slot, &index)) {
        topic->is_stale[index] = false;
        return 0;
    }
    if (slot->subscription_count >= UMH_SUBSCRIPTIONS_PER_MODULE_MAX) {
        close_if_empty(subscriptions, topic);
        return UMH_SUBSCRIPTIONS_FULL;
    }
    r = grow_topic(topic);
    if (r) {
        close_if_empty(subscriptions, topic);
        return r;
    }
    topic->slots[topic->count] = slot;
    topic->is_stale[topic->count] = false;
    topic->count++;
    slot->subscription_count++;
    return 0;
}

static void remove_at(umh_subscriptions *subscriptions, umh_topic *topic, uint32_t index)
{
    uint32_t behind = topic->count - index - 1;

    topic->slots[index]->subscription_count--;
    memmove(topic->slots + index, topic->slots + index + 1, behind * sizeof(*topic->slots));
    memmove(topic->is_stale + index, topic->is_stale + index + 1,
            behind * sizeof(*topic->is_stale));
    topic->count--;
    close_if_empty(subscriptions, topic);
}

void umh_subscriptions_remove(umh_subscriptions *subscriptions, const umh_guid *service,
                              umh_slot *slot)
{
    umh_topic *topic = find_topic(subscriptions, service);
    uint32_t index;

    if (topic && find_slot(topic, slot, &index))
        remove_at(subscriptions, topic, index);
}

/*
 * Removes the slot where `only_stale` allows. Closing a topic moves others, so the table is walked
 * again until nothing was found.
 */
static void remove_everywhere(umh_subscriptions *subscriptions, umh_slot *slot, bool only_stale)
{
    bool was_removed = true;
    uint32_t index;
    uint32_t i;

    if (find_slot(&subscriptions->all, slot, &index) &&
        (!only_stale || subscriptions->all.is_stale[index]))
        remove_at(subscriptions, &subscriptions->all, index);
    while (was_removed && slot->subscription_count > 0) {
        was_removed = false;
        for (i = 0; i < subscriptions->capacity; i++) {
            umh_topic *topic = subscriptions->topics[i];

            if (!topic || !find_slot(topic, slot, &index) ||
                (only_stale && !topic->is_stale[index]))
                continue;
            remove_at(subscriptions, topic, index);
            was_removed = true;
        }
    }
}

void umh_subscriptions_remove_slot(umh_subscriptions *subscriptions, umh_slot *slot)
{
    remove_everywhere(subscriptions, slot, false);
}

void umh_subscriptions_begin_renewal(umh_subscriptions *subscriptions, umh_slot *slot)
{
    uint32_t index;
    uint32_t i;

    if (find_slot(&subscriptions->all, slot, &index))
        subscriptions->all.is_stale[index] = true;
    for (i = 0; i < subscriptions->capacity; i++) {
        umh_topic *topic = subscriptions->topics[i];

        if (topic && find_slot(topic, slot, &index))
            topic->is_stale[index] = true;
    }
}

void umh_subscriptions_end_renewal(umh_subscriptions *subscriptions, umh_slot *slot)
{
    remove_everywhere(subscriptions, slot, true);
}

static umh_subscribers subscribers_of(const umh_topic *topic)
{
    umh_subscribers subscribers = {NULL, 0};

    if (topic) {
        subscribers.slots = topic->slots;
        subscribers.count = topic->count;
    }
    return subscribers;
}

umh_subscribers umh_subscriptions_match(umh_subscriptions *subscriptions, const umh_guid *service)
{
    return subscribers_of(find_topic(subscriptions, service));
}

umh_subscribers umh_subscriptions_of_all(umh_subscriptions *subscriptions)
{
    return subscribers_of(&subscriptions->all);
}

bool umh_subscriptions_has(umh_subscriptions *subscriptions, const umh_guid *service,
                           const umh_slot *slot)
{
    const umh_topic *topic = find_topic(subscriptions, service);
    uint32_t index;

    return topic && find_slot(topic, slot, &index);
}

void umh_subscriptions_each(umh_subscriptions *subscriptions, const umh_slot *slot,
                            void (*visit)(void *context, const umh_guid *service), void *context)
{
    uint32_t index;
    uint32_t i;

    if (find_slot(&subscriptions->all, slot, &index))
        visit(context, &subscriptions->all.service);
    for (i = 0; i < subscriptions->capacity; i++) {
        const umh_topic *topic = subscriptions->topics[i];

        if (topic && find_slot(topic, slot, &index))
            visit(context, &topic->service);
    }
}
