/* SPDX-License-Identifier: MIT */
/* The book of upstream credit: entries, services, and the tables that find them. */
#include "broker/credit_book.h"

#include <stdlib.h>
#include <string.h>

/*
 * Both tables are open addressing without deletion of single places: an account only grows,
 * services are rehashed when one leaves.
 */

static umh_credit_entry **entry_place(umh_credit_entry **entries, uint32_t capacity,
                                      const umh_guid *service)
{
    uint32_t at = (uint32_t)umh_guid_hash(service) & (capacity - 1);

    while (entries[at] && !umh_guid_is_equal(&entries[at]->service->guid, service))
        at = (at + 1) & (capacity - 1);
    return &entries[at];
}

static umh_credit_service **service_place(umh_credit_service **services, uint32_t capacity,
                                          const umh_guid *guid)
{
    uint32_t at = (uint32_t)umh_guid_hash(guid) & (capacity - 1);

    while (services[at] && !umh_guid_is_equal(&services[at]->guid, guid))
        at = (at + 1) & (capacity - 1);
    return &services[at];
}

umh_credit_entry *umh_credit_book_find(umh_credit_account *account, const umh_guid *service)
{
    umh_credit_entry *entry = account->last;

    if (entry && umh_guid_is_equal(&entry->service->guid, service))
        return entry;
    if (account->entry_count == 0)
        return NULL;
    entry = *entry_place(account->entries, account->entry_capacity, service);
    if (entry)
        account->last = entry;
    return entry;
}

static int grow_entries(umh_credit_account *account)
{
    uint32_t capacity = account->entry_capacity ? account->entry_capacity * 2 : 8;
    umh_credit_entry **entries;
    uint32_t i;

    if ((account->entry_count + 1) * 2 <= account->entry_capacity)
        return 0;
    entries = calloc(capacity, sizeof(umh_credit_entry *));
    if (!entries)
        return UMH_FAIL(UMH_E_MEMORY, "remember one more service of a connection");
    for (i = 0; i < account->entry_capacity; i++) {
        umh_credit_entry *entry = account->entries[i];

        if (entry)
            *entry_place(entries, capacity, &entry->service->guid) = entry;
    }
    free(account->entries);
    account->entries = entries;
    account->entry_capacity = capacity;
    return 0;
}

static int resize_services(umh_credit *credit, uint32_t capacity)
{
    umh_credit_service **services = calloc(capacity, sizeof(umh_credit_service *));
    uint32_t i;

    if (!services)
        return UMH_FAIL(UMH_E_MEMORY, "remember one more service");
    for (i = 0; i < credit->service_capacity; i++) {
        umh_credit_service *service = credit->services[i];

        if (service)
            *service_place(services, capacity, &service->guid) = service;
    }
    free(credit->services);
    credit->services = services;
    credit->service_capacity = capacity;
    return 0;
}

static int open_service(umh_credit *credit, const umh_guid *guid, umh_credit_service **ret_service)
{
    umh_credit_service **place;
    umh_credit_service *service;
    int r = 0;

    if ((credit->service_count + 1) * 2 > credit->service_capacity)
        r = resize_services(credit, credit->service_capacity ? credit->service_capacity * 2 : 64);
    if (r)
        return r;
    place = service_place(credit->services, credit->service_capacity, guid);
    if (!*place) {
        service = calloc(1, sizeof(*service));
        if (!service)
            return UMH_FAIL(UMH_E_MEMORY, "remember one more service");
        service->guid = *guid;
        umh_list_init(&service->entries);
        umh_list_init(&service->wants);
        umh_list_init(&service->turn);
        *place = service;
        credit->service_count++;
    }
    *ret_service = *place;
    return 0;
}

/* Take `service` out of the table and put those behind it where they belong now. */
static void close_service(umh_credit *credit, umh_credit_service *service)
{
    uint32_t mask = credit->service_capacity - 1;
    uint32_t at =
        (uint32_t)(service_place(credit->services, credit->service_capacity, &service->guid) -
                   credit->services);

    umh_list_remove(&service->turn);
    credit->services[at] = NULL;
    credit->service_count--;
    free(service);
    for (at = (at + 1) & mask; credit->services[at]; at = (at + 1) & mask) {
        umh_credit_service *moved = credit->services[at];

        credit->services[at] = NULL;
        *service_place(credit->services, credit->service_capacity, &moved->guid) = moved;
    }
}

int umh_credit_book_open(umh_credit_account *account, const umh_guid *service,
                         umh_credit_entry **ret_entry)
{
    umh_credit_entry *entry = umh_credit_book_find(account, service);
    int r;

    if (!entry) {
        if (account->entry_count >= UMH_SERVICES_PER_PEER_MAX)
            return UMH_CREDIT_BOOK_FULL;
        r = grow_entries(account);
        if (r)
            return r;
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return UMH_FAIL(UMH_E_MEMORY, "remember one more service of a connection");
        r = open_service(account->credit, service, &entry->service);
        if (r) {
            free(entry);
            return r;
        }
        entry->account = account;
        umh_grant_init(&entry->grant);
        umh_list_init(&entry->of_service);
        umh_list_init(&entry->wanting);
        umh_list_init(&entry->growing);
        umh_list_push_back(&entry->service->entries, &entry->of_service);
        *entry_place(account->entries, account->entry_capacity, service) = entry;
        account->entry_count++;
        account->last = entry;
    }
    *ret_entry = entry;
    return 0;
}

static bool promises_large(const umh_grant *grant)
{
    return umh_grant_promised(grant) > UMH_LARGE_MESSAGE_BYTES;
}

void umh_credit_book_take_out(umh_credit_entry *entry)
{
    umh_credit *credit = entry->account->credit;

    entry->service->promised -= umh_grant_promised(&entry->grant);
    entry->service->large_count -= promises_large(&entry->grant) ? 1 : 0;
    umh_budget_release(credit->budget, umh_grant_unused(&entry->grant));
}

void umh_credit_book_put_in(umh_credit_entry *entry)
{
    umh_credit *credit = entry->account->credit;
    bool wants = umh_grant_missing(&entry->grant) > 0;

    entry->service->promised += umh_grant_promised(&entry->grant);
    entry->service->large_count += promises_large(&entry->grant) ? 1 : 0;
    umh_budget_charge(credit->budget, umh_grant_unused(&entry->grant));
    if (wants && umh_list_is_empty(&entry->wanting)) {
        umh_list_push_back(&entry->service->wants, &entry->wanting);
        if (umh_list_is_empty(&entry->service->turn))
            umh_list_push_back(&credit->turns, &entry->service->turn);
        credit->want_count++;
    } else if (!wants && !umh_list_is_empty(&entry->wanting)) {
        umh_list_remove(&entry->wanting);
        credit->want_count--;
        if (umh_list_is_empty(&entry->service->wants))
            umh_list_remove(&entry->service->turn);
    }
}

void umh_credit_book_close_all(umh_credit_account *account)
{
    uint32_t i;

    for (i = 0; i < account->entry_capacity; i++) {
        umh_credit_entry *entry = account->entries[i];

        if (!entry)
            continue;
        umh_credit_book_take_out(entry);
        if (!umh_list_is_empty(&entry->wanting))
            account->credit->want_count--;
        umh_list_remove(&entry->wanting);
        if (umh_list_is_empty(&entry->service->wants))
            umh_list_remove(&entry->service->turn);
        umh_list_remove(&entry->growing);
        umh_list_remove(&entry->of_service);
        if (umh_list_is_empty(&entry->service->entries))
            close_service(account->credit, entry->service);
        free(entry);
    }
    free(UMH_MOVE(account->entries));
    account->entry_count = 0;
    account->entry_capacity = 0;
    account->last = NULL;
}
