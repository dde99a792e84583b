/* SPDX-License-Identifier: MIT */
/*
 * The ledgers of flow control.
 *
 * Upstream, host and broker count one stream per service in the same offsets: `given` is how far
 * credit reaches, the costs appended (less first credit, which is consumed first) how far it is
 * used. Frames of a direction keep their order but for control frames, which overtake messages. So
 * at any time the broker's `given` is at least the host's, and the broker's used at most the
 * host's: whatever an honest host takes, wants or gives back is within what the broker sees.
 */
#include "ipc/flow.h"

void umh_budget_init(umh_budget *budget, uint64_t capacity)
{
    *budget = (umh_budget){.capacity = capacity};
}

uint64_t umh_budget_free(const umh_budget *budget)
{
    return budget->charged < budget->capacity ? budget->capacity - budget->charged : 0;
}

void umh_budget_charge(umh_budget *budget, uint64_t bytes)
{
    budget->charged += bytes;
    if (budget->charged > budget->highest)
        budget->highest = budget->charged;
}

void umh_budget_release(umh_budget *budget, uint64_t bytes)
{
    umh_assert(bytes <= budget->charged);
    budget->charged -= bytes;
}

void umh_window_init(umh_window *window, uint64_t size)
{
    *window = (umh_window){.size = size};
}

bool umh_window_is_open(const umh_window *window)
{
    return window->outstanding < window->size;
}

void umh_window_take(umh_window *window, uint64_t cost)
{
    window->outstanding += cost;
}

int umh_window_give(umh_window *window, uint64_t credit)
{
    if (credit > window->outstanding)
        return UMH_FLOW_VIOLATION;
    window->outstanding -= credit;
    return 0;
}

uint64_t umh_consumed_add(umh_consumed *consumed, uint64_t cost, uint64_t window_bytes)
{
    uint64_t credit = consumed->bytes + cost;
    bool is_due = credit >= window_bytes / 2;

    consumed->bytes = is_due ? 0 : credit;
    return is_due ? credit : 0;
}

/*
 * How far a stream of costs uses what was given. First credit is consumed first and never comes
 * again: it has no part in what can be given back.
 */
static uint64_t used_of_given(uint64_t stream, bool is_first)
{
    if (!is_first)
        return stream;
    return stream > UMH_FIRST_CREDIT_BYTES ? stream - UMH_FIRST_CREDIT_BYTES : 0;
}

/*
 * A service takes first credit with its first message or never: by then both sides have seen the
 * same messages, while the credit that each of them knows of may differ.
 */
static bool becomes_first(uint64_t stream, unsigned first_count)
{
    return stream == 0 && first_count < UMH_FIRST_CREDIT_SERVICES;
}

void umh_sender_init(umh_sender *sender)
{
    *sender = (umh_sender){.given = 0};
}

bool umh_sender_take(umh_sender *sender, uint64_t cost, unsigned *first_count)
{
    bool is_new_first = becomes_first(sender->sent, *first_count);
    bool is_first = sender->is_first || is_new_first;

    if (used_of_given(sender->sent + cost, is_first) > sender->given)
        return false;
    sender->sent += cost;
    sender->is_first = is_first;
    *first_count += is_new_first;
    return true;
}

void umh_sender_credit(umh_sender *sender, uint64_t bytes)
{
    sender->given += bytes < UINT64_MAX - sender->given ? bytes : UINT64_MAX - sender->given;
}

umh_want umh_sender_want(const umh_sender *sender, uint64_t cost)
{
    return (umh_want){.need = used_of_given(sender->sent + cost, sender->is_first), .cost = cost};
}

uint64_t umh_sender_give_back(umh_sender *sender)
{
    uint64_t used = used_of_given(sender->sent, sender->is_first);
    uint64_t bytes = sender->given - used;

    sender->given = used;
    return bytes;
}

static uint64_t used(const umh_grant *grant)
{
    return used_of_given(grant->used, grant->is_first);
}

void umh_grant_init(umh_grant *grant)
{
    *grant = (umh_grant){.want_slot = UMH_SLOT_NONE};
}

uint64_t umh_grant_unused(const umh_grant *grant)
{
    return grant->given - used(grant);
}

uint64_t umh_grant_promised(const umh_grant *grant)
{
    uint64_t arrived = used(grant);

    return grant->promised_upto > arrived ? grant->promised_upto - arrived : 0;
}

/* While the stream is short enough for first credit to matter. */
static int use_at_first(umh_grant *grant, uint64_t cost, unsigned *first_count,
                        uint64_t *ret_credited)
{
    bool is_new_first = becomes_first(grant->used, *first_count);
    bool is_first = grant->is_first || is_new_first;
    uint64_t used_after = used_of_given(grant->used + cost, is_first);

    if (used_after > grant->given)
        return UMH_FLOW_VIOLATION;
    *ret_credited = used_after - used(grant);
    if (is_new_first) {
        /*
         * The message was wanted, and promised its credit, as if no first credit paid for its
         * beginning. What it leaves of the promise is credit like any other: nothing that is on its
         * way.
         */
        grant->promised_upto = used_of_given(grant->promised_upto, true);
    }
    grant->used += cost;
    grant->is_first = is_first;
    grant->is_fresh = true;
    *first_count += is_new_first;
    return 0;
}

int umh_grant_use(umh_grant *grant, uint64_t cost, unsigned *first_count, uint64_t *ret_credited)
{
    uint64_t first_bytes = grant->is_first ? UMH_FIRST_CREDIT_BYTES : 0;

    if (grant->used < UMH_FIRST_CREDIT_BYTES)
        return use_at_first(grant, cost, first_count, ret_credited);
    /* From here on the costs are all of what was given: the path of nearly every message. */
    if (grant->used - first_bytes + cost > grant->given)
        return UMH_FLOW_VIOLATION;
    grant->used += cost;
    grant->is_fresh = true;
    *ret_credited = cost;
    return 0;
}

int umh_grant_set_want(umh_grant *grant, const umh_want *want, uint16_t slot, uint64_t cost_max)
{
    uint64_t start = want->need > want->cost ? want->need - want->cost : 0;
    uint64_t promised_max = want->need;

    if (want->cost > cost_max ||
        (want->need > grant->given && want->need - grant->given > want->cost))
        return UMH_FLOW_VIOLATION;
    grant->want = want->need;
    grant->want_cost = want->cost;
    grant->want_slot = slot;
    /*
     * A promise is for what was sent before this head, or for the head itself when that is met. The
     * rest was for a message that has been withdrawn and would never arrive.
     */
    if (grant->given < want->need)
        promised_max = start;
    if (grant->promised_upto > promised_max)
        grant->promised_upto = promised_max;
    return 0;
}

uint64_t umh_grant_missing(const umh_grant *grant)
{
    return grant->want > grant->given ? grant->want - grant->given : 0;
}

void umh_grant_give(umh_grant *grant, uint64_t bytes)
{
    uint64_t promised_upto;

    /* The two would cross on the way, and the want be met on one side only. */
    umh_assert(!grant->is_asked);
    grant->given += bytes;
    promised_upto = grant->want < grant->given ? grant->want : grant->given;
    if (promised_upto > grant->promised_upto)
        grant->promised_upto = promised_upto;
    grant->is_fresh = true;
}

int umh_grant_return(umh_grant *grant, uint64_t bytes)
{
    if (!grant->is_asked || bytes > umh_grant_unused(grant))
        return UMH_FLOW_VIOLATION;
    grant->given -= bytes;
    if (grant->promised_upto > grant->given)
        grant->promised_upto = grant->given;
    grant->level = 0;
    grant->is_asked = false;
    return 0;
}
