/* SPDX-License-Identifier: MIT */
/*
 * An intrusive doubly linked list with a head; O(1) everywhere; an entry in no list points at
 * itself.
 */
#pragma once

#include <stdbool.h>

typedef struct umh_list {
    struct umh_list *previous;
    struct umh_list *next;
} umh_list;

static inline void umh_list_init(umh_list *head)
{
    head->previous = head;
    head->next = head;
}

static inline bool umh_list_is_empty(const umh_list *head)
{
    return head->next == head;
}

/* `entry` must be initialised and in no list. */
static inline void umh_list_push_back(umh_list *head, umh_list *entry)
{
    entry->previous = head->previous;
    entry->next = head;
    head->previous->next = entry;
    head->previous = entry;
}

/* Leaves `entry` initialised, so removing twice is harmless. */
static inline void umh_list_remove(umh_list *entry)
{
    entry->previous->next = entry->next;
    entry->next->previous = entry->previous;
    entry->previous = entry;
    entry->next = entry;
}

/* The body may remove the current entry, no other. */
#define umh_list_each(cursor, head)                                                                \
    for (umh_list *cursor = (head)->next, *cursor##_next = cursor->next; cursor != (head);         \
         cursor = cursor##_next, cursor##_next = cursor->next)
