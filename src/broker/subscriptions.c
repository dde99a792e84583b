/* SPDX-License-Identifier: MIT */
/*
 * Which slots receive what: a table by service, and for each subscription an entry that also stands
 * in its slot's list.
 */
#include "broker/subscriptions.h"

#include "broker/guid_table.h"
#include "broker/slot.h"

#include <stdlib.h>
#include <string.h>

/* The slots of one service, in the order they subscribed. */
typedef struct audience {
    umh_guid service; /* the table's key */
    umh_slot **slots;
    /* of the same index: subscribed by the module's predecessor and not yet again */
    bool *is_stale;
    uint32_t count, capacity;
} audience;

struct umh_subscriptions {
    umh_guid_table topics; /* of audience, owned */
    audience all;
    audience *last; /* most messages go where the one before went */
};

int umh_subscriptions_new(umh_subscriptions **ret_subscriptions)
{
    umh_subscriptions *subscriptions = calloc(1, sizeof(*subscriptions));

    if (!subscriptions)
        return UMH_FAIL(UMH_E_MEMORY, "make the table of subscriptions");
    *ret_subscriptions = subscriptions;
    return 0;
}

static void free_topic(audience *topic)
{
    free(topic->slots);
    free(topic->is_stale);
    free(topic);
}

umh_subscriptions *umh_subscriptions_free(umh_subscriptions *subscriptions)
{
    audience *topic;
    uint32_t at = 0;

    if (!subscriptions)
        return NULL;
    while ((topic = umh_guid_table_next(&subscriptions->topics, &at)) != NULL)
        free_topic(topic);
    free(subscriptions->all.slots);
    free(subscriptions->all.is_stale);
    umh_guid_table_deinit(&subscriptions->topics);
    free(subscriptions);
    return NULL;
}

static audience *find_topic(umh_subscriptions *subscriptions, const umh_guid *service)
{
    audience *found = subscriptions->last;

    if (found && umh_guid_is_equal(&found->service, service))
        return found;
    if (umh_guid_is_null(service))
        return &subscriptions->all;
    found = umh_guid_table_find(&subscriptions->topics, service);
    if (found)
        subscriptions->last = found;
    return found;
}

static int open_topic(umh_subscriptions *subscriptions, const umh_guid *service,
                      audience **ret_topic)
{
    audience *found = find_topic(subscriptions, service);
    int r;

    if (!found) {
        found = calloc(1, sizeof(*found));
        if (!found)
            return UMH_FAIL(UMH_E_MEMORY, "remember one more service");
        found->service = *service;
        r = umh_guid_table_add(&subscriptions->topics, found);
        if (r) {
            free(found);
            return r;
        }
    }
    *ret_topic = found;
    return 0;
}

static void close_if_empty(umh_subscriptions *subscriptions, audience *empty)
{
    if (empty->count > 0 || empty == &subscriptions->all)
        return;
    if (subscriptions->last == empty)
        subscriptions->last = NULL;
    umh_guid_table_remove(&subscriptions->topics, empty);
    free_topic(empty);
}

static bool find_slot(const audience *topic, const umh_slot *slot, uint32_t *ret_index)
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

static int grow_topic(audience *topic)
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
    audience *topic = NULL;
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

static void remove_at(umh_subscriptions *subscriptions, audience *topic, uint32_t index)
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
    audience *topic = find_topic(subscriptions, service);
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
    audience *topic;
    uint32_t index;
    uint32_t at;

    if (find_slot(&subscriptions->all, slot, &index) &&
        (!only_stale || subscriptions->all.is_stale[index]))
        remove_at(subscriptions, &subscriptions->all, index);
    while (was_removed && slot->subscription_count > 0) {
        was_removed = false;
        at = 0;
        while ((topic = umh_guid_table_next(&subscriptions->topics, &at)) != NULL) {
            if (!find_slot(topic, slot, &index) || (only_stale && !topic->is_stale[index]))
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
    audience *topic;
    uint32_t index;
    uint32_t at = 0;

    if (find_slot(&subscriptions->all, slot, &index))
        subscriptions->all.is_stale[index] = true;
    while ((topic = umh_guid_table_next(&subscriptions->topics, &at)) != NULL) {
        if (find_slot(topic, slot, &index))
            topic->is_stale[index] = true;
    }
}

void umh_subscriptions_end_renewal(umh_subscriptions *subscriptions, umh_slot *slot)
{
    remove_everywhere(subscriptions, slot, true);
}

static umh_subscribers subscribers_of(const audience *topic)
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
    const audience *topic = find_topic(subscriptions, service);
    uint32_t index;

    return topic && find_slot(topic, slot, &index);
}

void umh_subscriptions_each(umh_subscriptions *subscriptions, const umh_slot *slot,
                            void (*visit)(void *context, const umh_guid *service), void *context)
{
    const audience *topic;
    uint32_t index;
    uint32_t at = 0;

    if (find_slot(&subscriptions->all, slot, &index))
        visit(context, &subscriptions->all.service);
    while ((topic = umh_guid_table_next(&subscriptions->topics, &at)) != NULL) {
        if (find_slot(topic, slot, &index))
            visit(context, &topic->service);
    }
}
