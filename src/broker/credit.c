/* SPDX-License-Identifier: MIT */
/*
 * Who may send how much.
 *
 * Wants are met in the order they came within a service, services in turn, as often as anything is
 * met: a level that is looked at once a loop turn, so no event that makes room can be missed. A
 * want that only memory keeps waiting has credit of others asked back; while one waits for memory
 * nothing grows.
 */
#include "broker/credit.h"

#include "broker/credit_book.h"

#include <stdlib.h>

int umh_credit_new(umh_budget *budget, umh_credit_is_over_mark is_over_mark, void *context,
                   uint64_t cost_max, umh_credit **ret_credit)
{
    umh_credit *credit = calloc(1, sizeof(*credit));

    if (!credit)
        return UMH_FAIL(UMH_E_MEMORY, "make the credit book");
    credit->budget = budget;
    credit->is_over_mark = is_over_mark;
    credit->context = context;
    credit->cost_max = cost_max;
    umh_list_init(&credit->accounts);
    umh_list_init(&credit->turns);
    umh_list_init(&credit->growing);
    *ret_credit = credit;
    return 0;
}

umh_credit *umh_credit_free(umh_credit *credit)
{
    if (!credit)
        return NULL;
    umh_assert(umh_list_is_empty(&credit->accounts));
    umh_guid_table_deinit(&credit->services);
    free(credit);
    return NULL;
}

int umh_credit_account_new(umh_credit *credit, const umh_credit_account_events *events,
                           umh_credit_account **ret_account)
{
    umh_credit_account *account = calloc(1, sizeof(*account));

    if (!account)
        return UMH_FAIL(UMH_E_MEMORY, "open a credit account");
    account->credit = credit;
    account->events = *events;
    umh_list_init(&account->of_credit);
    umh_list_push_back(&credit->accounts, &account->of_credit);
    *ret_account = account;
    return 0;
}

umh_credit_account *umh_credit_account_free(umh_credit_account *account)
{
    if (!account)
        return NULL;
    while (account->reserve_count > 0)
        umh_credit_end_stop(account, account->reserves[0].slot);
    umh_credit_book_close_all(account);
    umh_list_remove(&account->of_credit);
    free(account->reserves);
    free(account);
    return NULL;
}

/* --- what arrives ------------------------------------------------------------------------- */

static int open_entry(umh_credit_account *account, const umh_guid *service,
                      umh_credit_entry **ret_entry, umh_why *ret_why)
{
    int r = umh_credit_book_open(account, service, ret_entry);

    if (r == UMH_CREDIT_BOOK_FULL) {
        umh_why_set(ret_why, "it publishes to more than %u services", UMH_SERVICES_PER_PEER_MAX);
        return UMH_CREDIT_VIOLATION;
    }
    return r ? umh_fold(r) : 0;
}

/* Used as fast as it comes: ask settle to give more, where nobody waits. */
static void note_growth(umh_credit_entry *entry)
{
    if (umh_list_is_empty(&entry->growing) &&
        umh_grant_unused(&entry->grant) * 2 <= entry->grant.level)
        umh_list_push_back(&entry->account->credit->growing, &entry->growing);
}

/*
 * The path of a message: entries of streams have neither a promise nor a want, so the book's sums
 * change by the credited bytes alone.
 */
int umh_credit_use(umh_credit_account *account, const umh_guid *service, uint64_t cost,
                   umh_why *ret_why)
{
    umh_credit_entry *entry = umh_credit_book_find(account, service);
    uint64_t credited = 0;
    int r = 0;

    if (!entry)
        r = open_entry(account, service, &entry, ret_why);
    if (r)
        return r;
    if (umh_grant_promised(&entry->grant) == 0) {
        r = umh_grant_use(&entry->grant, cost, &account->first_count, &credited);
        umh_budget_release(account->credit->budget, credited);
    } else {
        umh_credit_book_take_out(entry);
        r = umh_grant_use(&entry->grant, cost, &account->first_count, &credited);
        umh_credit_book_put_in(entry);
    }
    if (r == UMH_FLOW_VIOLATION) {
        umh_why_set(ret_why, "it sent %llu bytes beyond its credit", (unsigned long long)cost);
        return UMH_CREDIT_VIOLATION;
    }
    note_growth(entry);
    return r ? umh_fold(r) : 0;
}

int umh_credit_on_want(umh_credit_account *account, const umh_guid *service, uint16_t slot,
                       const umh_want *want, umh_why *ret_why)
{
    umh_credit_entry *entry;
    int r = open_entry(account, service, &entry, ret_why);

    if (r)
        return r;
    umh_credit_book_take_out(entry);
    r = umh_grant_set_want(&entry->grant, want, slot, account->credit->cost_max);
    umh_credit_book_put_in(entry);
    if (r == UMH_FLOW_VIOLATION) {
        umh_why_set(ret_why, "it wants more credit than a message can need");
        return UMH_CREDIT_VIOLATION;
    }
    return r ? umh_fold(r) : 0;
}

int umh_credit_on_give_back(umh_credit_account *account, const umh_guid *service, uint64_t bytes,
                            umh_why *ret_why)
{
    umh_credit_entry *entry = umh_credit_book_find(account, service);
    int r = UMH_FLOW_VIOLATION;

    if (entry) {
        umh_credit_book_take_out(entry);
        r = umh_grant_return(&entry->grant, bytes);
        umh_credit_book_put_in(entry);
    }
    if (r == UMH_FLOW_VIOLATION) {
        umh_why_set(ret_why, "it gave back credit that it did not have or was not asked for");
        return UMH_CREDIT_VIOLATION;
    }
    return r ? umh_fold(r) : 0;
}

/* --- stop of a module --------------------------------------------------------------------- */

static umh_stop_reserve *find_reserve(const umh_credit_account *account, uint16_t slot)
{
    uint32_t i;

    for (i = 0; i < account->reserve_count; i++) {
        if (account->reserves[i].slot == slot)
            return &account->reserves[i];
    }
    return NULL;
}

/* What a module can have been accepted for: its allowance, or one message of any size. */
static uint64_t reserve_bytes(const umh_credit *credit)
{
    return credit->cost_max > UMH_ALLOWANCE_BYTES ? credit->cost_max : UMH_ALLOWANCE_BYTES;
}

/*
 * A few at a time, so that what all reserve together leaves room for messages: what is being
 * stopped may be waited for by what is not.
 */
static bool may_open_reserve(const umh_credit *credit)
{
    uint64_t all = (credit->stop_count + 1) * reserve_bytes(credit);

    return credit->stop_count == 0 || all <= credit->budget->capacity / 4 * 3;
}

static umh_stop_reserve *open_reserve(umh_credit_account *account, uint16_t slot)
{
    umh_stop_reserve *reserves;

    if (!may_open_reserve(account->credit))
        return NULL;
    reserves = realloc(account->reserves, (account->reserve_count + 1) * sizeof(*reserves));
    if (!reserves)
        return NULL;
    account->reserves = reserves;
    account->credit->stop_count++;
    account->reserves[account->reserve_count] = (umh_stop_reserve){.slot = slot};
    return &account->reserves[account->reserve_count++];
}

/*
 * Gathered by halves of what is free, turn by turn: waiting for all of it at once could take for
 * ever where others fill what comes free, and taking all that is free would stop the others.
 */
bool umh_credit_reserve_stop(umh_credit_account *account, uint16_t slot)
{
    umh_credit *credit = account->credit;
    umh_stop_reserve *reserve = find_reserve(account, slot);
    uint64_t free_bytes = umh_budget_free(credit->budget);
    uint64_t missing;
    uint64_t part;

    if (!reserve)
        reserve = open_reserve(account, slot);
    if (!reserve || reserve->is_whole)
        return reserve != NULL;
    missing = reserve_bytes(credit) - reserve->bytes;
    part = missing <= free_bytes ? missing : free_bytes / 2;
    umh_budget_charge(credit->budget, part);
    reserve->bytes += part;
    reserve->is_whole = part == missing;
    credit->reserve_missing = missing - part;
    return reserve->is_whole;
}

void umh_credit_end_stop(umh_credit_account *account, uint16_t slot)
{
    umh_stop_reserve *reserve = find_reserve(account, slot);

    if (!reserve)
        return;
    umh_budget_release(account->credit->budget, reserve->bytes);
    account->credit->stop_count--;
    *reserve = account->reserves[--account->reserve_count];
}

/* --- meeting wants ------------------------------------------------------------------------ */

static void give(umh_credit_entry *entry, uint64_t bytes)
{
    umh_credit_book_take_out(entry);
    umh_grant_give(&entry->grant, bytes);
    umh_credit_book_put_in(entry);
    entry->account->events.send_credit(entry->account->events.context, &entry->service->guid,
                                       bytes);
}

typedef enum verdict { MET, WAITS_FOR_MEMORY, WAITS_FOR_QUEUE, WAITS_FOR_ANSWER } verdict;

/* A module that is being stopped has its memory already, whatever marks say. */
static bool meet_from_reserve(umh_credit_entry *entry, uint64_t missing)
{
    umh_stop_reserve *reserve = find_reserve(entry->account, entry->grant.want_slot);

    if (!reserve || !reserve->is_whole || reserve->bytes < missing)
        return false;
    reserve->bytes -= missing;
    umh_budget_release(entry->account->credit->budget, missing);
    give(entry, missing);
    return true;
}

static verdict meet(umh_credit *credit, umh_credit_entry *entry)
{
    umh_credit_service *service = entry->service;
    uint64_t missing = umh_grant_missing(&entry->grant);
    bool is_own_large = umh_grant_promised(&entry->grant) > UMH_LARGE_MESSAGE_BYTES;

    if (entry->grant.is_asked)
        return WAITS_FOR_ANSWER;
    if (meet_from_reserve(entry, missing))
        return MET;
    if (entry->grant.want_cost > UMH_LARGE_MESSAGE_BYTES &&
        service->large_count > (is_own_large ? 1u : 0u))
        return WAITS_FOR_QUEUE;
    if (credit->is_over_mark(credit->context, &service->guid, service->promised))
        return WAITS_FOR_QUEUE;
    if (umh_budget_free(credit->budget) < missing)
        return WAITS_FOR_MEMORY;
    give(entry, missing);
    return MET;
}

/* Behind one that waits, nobody is met but who has its memory already. */
static bool meet_one_from_reserve(umh_credit *credit, umh_list *from, const umh_list *end)
{
    if (credit->stop_count == 0)
        return false;
    for (umh_list *item = from; item != end; item = item->next) {
        umh_credit_entry *entry = umh_container_of(item, umh_credit_entry, wanting);

        if (!entry->grant.is_asked && meet_from_reserve(entry, umh_grant_missing(&entry->grant)))
            return true;
    }
    return false;
}

/*
 * One want of the service whose turn it is: the first that is not waiting for an answer.
 * *ret_hungry: the first found that only memory keeps waiting.
 */
static bool meet_one(umh_credit *credit, umh_credit_service *service, umh_credit_entry **ret_hungry)
{
    umh_list_each (item, &service->wants) {
        umh_credit_entry *entry = umh_container_of(item, umh_credit_entry, wanting);

        switch (meet(credit, entry)) {
        case MET:
            return true;
        case WAITS_FOR_ANSWER:
            break;
        case WAITS_FOR_MEMORY:
            if (!*ret_hungry)
                *ret_hungry = entry;
            return meet_one_from_reserve(credit, item->next, &service->wants);
        case WAITS_FOR_QUEUE:
            return meet_one_from_reserve(credit, item->next, &service->wants);
        }
    }
    return false;
}

static umh_credit_entry *meet_wants(umh_credit *credit)
{
    umh_credit_entry *hungry = NULL;
    bool was_met = true;

    while (was_met && !umh_list_is_empty(&credit->turns)) {
        was_met = false;
        hungry = NULL;
        umh_list_each (item, &credit->turns) {
            umh_credit_service *service = umh_container_of(item, umh_credit_service, turn);

            was_met |= meet_one(credit, service, &hungry);
        }
        /* Who was first begins behind the others next time. */
        if (!umh_list_is_empty(&credit->turns)) {
            umh_list *first = credit->turns.next;

            umh_list_remove(first);
            umh_list_push_back(&credit->turns, first);
        }
    }
    return hungry;
}

/* Credit that others hold and do not use, until enough has been asked for. */
static void ask_back(umh_credit *credit, const umh_credit_entry *hungry, uint64_t missing)
{
    uint64_t asked = umh_budget_free(credit->budget);

    umh_list_each (account_item, &credit->accounts) {
        umh_credit_account *account = umh_container_of(account_item, umh_credit_account, of_credit);
        umh_credit_entry *entry;
        uint32_t at = 0;

        while (asked < missing && (entry = umh_guid_table_next(&account->entries, &at)) != NULL) {
            if (entry == hungry || umh_grant_unused(&entry->grant) == 0)
                continue;
            if (!entry->grant.is_asked && entry->grant.is_fresh) {
                entry->grant.is_asked = true;
                entry->grant.is_fresh = false;
                account->events.send_give_back(account->events.context, &entry->service->guid);
            }
            if (entry->grant.is_asked)
                asked += umh_grant_unused(&entry->grant);
        }
    }
}

/*
 * Twice as much as last time, up to the maximum; as much as last time, or less, where a quarter of
 * what is free is less: growth leaves room for wants.
 */
static void grow(umh_credit *credit, umh_credit_entry *entry)
{
    umh_grant *grant = &entry->grant;
    uint64_t level = grant->level ? grant->level * 2 : UMH_CREDIT_LEVEL_BYTES_MIN;
    uint64_t unused = umh_grant_unused(grant);
    uint64_t room = umh_budget_free(credit->budget) / 4;

    if (level > UMH_CREDIT_BYTES_MAX)
        level = UMH_CREDIT_BYTES_MAX;
    while (level > unused && level - unused > room)
        level /= 2;
    if (grant->is_asked || level <= unused)
        return;
    if (credit->is_over_mark(credit->context, &entry->service->guid, entry->service->promised))
        return;
    grant->level = level;
    give(entry, level - unused);
}

void umh_credit_settle(umh_credit *credit)
{
    umh_credit_entry *hungry = meet_wants(credit);

    if (hungry || credit->reserve_missing > 0) {
        ask_back(credit, hungry,
                 hungry ? umh_grant_missing(&hungry->grant) : credit->reserve_missing);
        credit->reserve_missing = 0;
        return;
    }
    umh_list_each (item, &credit->growing) {
        umh_credit_entry *entry = umh_container_of(item, umh_credit_entry, growing);

        umh_list_remove(&entry->growing);
        grow(credit, entry);
    }
}

umh_credit_numbers umh_credit_count(const umh_credit *credit)
{
    umh_credit_numbers numbers = {.wants_standing = credit->want_count,
                                  .services = credit->services.count};
    umh_credit_service *service;
    uint32_t at = 0;

    while ((service = umh_guid_table_next(&credit->services, &at)) != NULL) {
        numbers.promised_bytes += service->promised;
        umh_list_each (item, &service->entries)
            numbers.unused_bytes +=
                umh_grant_unused(&umh_container_of(item, umh_credit_entry, of_service)->grant);
    }
    return numbers;
}
