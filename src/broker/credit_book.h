/* SPDX-License-Identifier: MIT */
/*
 * The book of upstream credit: an entry per (connection, service), and a service per GUID that has
 * entries. Only bookkeeping; who gets what is credit.c.
 */
#pragma once

#include "base/list.h"
#include "broker/credit.h"
#include "broker/guid_table.h"

typedef struct umh_credit_entry {
    umh_guid guid; /* of the service; the table's key */
    umh_credit_account *account;
    umh_credit_service *service;
    umh_grant grant;
    umh_list of_service; /* in the service's `entries` */
    umh_list wanting;    /* in the service's `wants` while its want stands */
    umh_list growing;    /* in the credit's `growing`: less than half of its level is left */
} umh_credit_entry;

struct umh_credit_service {
    umh_guid guid; /* the table's key */
    umh_list entries;
    umh_list wants;       /* standing, in the order they came */
    umh_list turn;        /* in the credit's `turns`, while it has wants */
    uint64_t promised;    /* sum over its entries */
    uint32_t large_count; /* entries whose promise is of a large message */
};

typedef struct umh_stop_reserve {
    uint16_t slot;
    bool is_whole;  /* enough was gathered: the stop may be sent */
    uint64_t bytes; /* left; charged */
} umh_stop_reserve;

struct umh_credit_account {
    umh_credit *credit;
    umh_credit_account_events events;
    umh_list of_credit;
    umh_guid_table entries; /* of umh_credit_entry, owned */
    umh_credit_entry *last; /* most messages go where the one before went */
    unsigned first_count;
    umh_stop_reserve *reserves; /* owned */
    uint32_t reserve_count;
};

struct umh_credit {
    umh_budget *budget;
    umh_credit_is_over_mark is_over_mark;
    void *context;
    uint64_t cost_max;
    umh_list accounts;
    umh_guid_table services; /* of umh_credit_service, owned */
    umh_list turns;
    umh_list growing;
    uint32_t want_count;      /* standing */
    uint32_t stop_count;      /* reserves of all accounts */
    uint64_t reserve_missing; /* a stop waits for that much memory; said anew every turn */
};

/* NULL: none. */
umh_credit_entry *umh_credit_book_find(umh_credit_account *account, const umh_guid *service);
enum { UMH_CREDIT_BOOK_FULL = 1 }; /* UMH_SERVICES_PER_PEER_MAX of the account */
UMH_MUST_USE int umh_credit_book_open(umh_credit_account *account, const umh_guid *service,
                                      umh_credit_entry **ret_entry);
/* Uncharges what is unused; removes services that have no entry any more. */
void umh_credit_book_close_all(umh_credit_account *account);

/*
 * Apply a change of the entry's grant: what the service counts is taken out before and put in
 * after.
 */
void umh_credit_book_take_out(umh_credit_entry *entry);
void umh_credit_book_put_in(umh_credit_entry *entry);
