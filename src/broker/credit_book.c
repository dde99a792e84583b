/* SPDX-License-Identifier: MIT */
/* The book of upstream credit: entries and services. */
#include "broker/credit_book.h"

#include <stdlib.h>

umh_credit_entry *umh_credit_book_find(umh_credit_account *account, const umh_guid *service)
{
    umh_credit_entry *entry = account->last;

    if (entry && umh_guid_is_equal(&entry->guid, service))
        return entry;
    entry = umh_guid_table_find(&account->entries, service);
    if (entry)
        account->last = entry;
    return entry;
}

static int open_service(umh_credit *credit, const umh_guid *guid, umh_credit_service **ret_service)
{
    umh_credit_service *service = umh_guid_table_find(&credit->services, guid);
    int r;

    if (!service) {
        service = calloc(1, sizeof(*service));
        if (!service)
            return UMH_FAIL(UMH_E_MEMORY, "remember one more service");
        service->guid = *guid;
        umh_list_init(&service->entries);
        umh_list_init(&service->wants);
        umh_list_init(&service->turn);
        r = umh_guid_table_add(&credit->services, service);
        if (r) {
            free(service);
            return r;
        }
    }
    *ret_service = service;
    return 0;
}

static void close_if_unused(umh_credit *credit, umh_credit_service *service)
{
    if (!umh_list_is_empty(&service->entries))
        return;
    umh_list_remove(&service->turn);
    umh_guid_table_remove(&credit->services, service);
    free(service);
}

static int make_entry(umh_credit_account *account, const umh_guid *service,
                      umh_credit_entry **ret_entry)
{
    umh_credit_entry *entry = calloc(1, sizeof(*entry));
    int r;

    if (!entry)
        return UMH_FAIL(UMH_E_MEMORY, "remember one more service of a connection");
    entry->guid = *service;
    entry->account = account;
    umh_grant_init(&entry->grant);
    umh_list_init(&entry->of_service);
    umh_list_init(&entry->wanting);
    umh_list_init(&entry->growing);
    r = umh_guid_table_add(&account->entries, entry);
    if (r) {
        free(entry);
        return r;
    }
    r = open_service(account->credit, service, &entry->service);
    if (r) {
        umh_guid_table_remove(&account->entries, entry);
        free(entry);
        return r;
    }
    umh_list_push_back(&entry->service->entries, &entry->of_service);
    *ret_entry = entry;
    return 0;
}

int umh_credit_book_open(umh_credit_account *account, const umh_guid *service,
                         umh_credit_entry **ret_entry)
{
    umh_credit_entry *entry = umh_credit_book_find(account, service);
    int r;

    if (!entry) {
        if (account->entries.count >= UMH_SERVICES_PER_PEER_MAX)
            return UMH_CREDIT_BOOK_FULL;
        r = make_entry(account, service, &entry);
        if (r)
            return r;
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

static void close_entry(umh_credit_entry *entry)
{
    umh_credit *credit = entry->account->credit;

    umh_credit_book_take_out(entry);
    if (!umh_list_is_empty(&entry->wanting))
        credit->want_count--;
    umh_list_remove(&entry->wanting);
    if (umh_list_is_empty(&entry->service->wants))
        umh_list_remove(&entry->service->turn);
    umh_list_remove(&entry->growing);
    umh_list_remove(&entry->of_service);
    close_if_unused(credit, entry->service);
    free(entry);
}

void umh_credit_book_close_all(umh_credit_account *account)
{
    umh_credit_entry *entry;
    uint32_t at = 0;

    while ((entry = umh_guid_table_next(&account->entries, &at)) != NULL)
        close_entry(entry);
    umh_guid_table_deinit(&account->entries);
    account->last = NULL;
}
