/* SPDX-License-Identifier: MIT */
/* Two structs of the configuration, key by key. */
#include "config/change.h"

#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* Values are copied out: the table knows a field by its offset only. */
static bool texts_are_equal(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

typedef struct text_list {
    char **items;
    size_t count;
} text_list;

static bool has_text(const text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return true;
    }
    return false;
}

static bool lists_are_equal(const text_list *one, const text_list *other)
{
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        if (strcmp(one->items[i], other->items[i]) != 0)
            return false;
    }
    return true;
}

/* Keys of an object have no order, and none of them is there twice. */
static bool maps_are_equal(const text_list *one, const text_list *other)
{
    if (lists_are_equal(one, other))
        return true;
    if (one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        if (!has_text(other, one->items[i]))
            return false;
    }
    return true;
}

static bool guids_are_equal(const void *one_field, const void *other_field)
{
    struct {
        umh_named_service *items;
        size_t count;
    } one, other;

    memcpy(&one, one_field, sizeof one);
    memcpy(&other, other_field, sizeof other);
    if (one.count != other.count)
        return false;
    for (size_t i = 0; i < one.count; i++) {
        if (strcmp(one.items[i].name, other.items[i].name) != 0 ||
            !umh_guid_is_equal(&one.items[i].guid, &other.items[i].guid))
            return false;
    }
    return true;
}

static bool fields_are_equal(const umh_schema_row *row, const void *one, const void *other)
{
    text_list lists[2];
    const char *texts[2];

    switch (row->type) {
    case SCHEMA_BOOL:
        return memcmp(one, other, sizeof(bool)) == 0;
    case SCHEMA_INTEGER:
    case SCHEMA_SWITCH:
    case SCHEMA_ENUM:
    case SCHEMA_SESSION:
        return memcmp(one, other, sizeof(int64_t)) == 0;
    case SCHEMA_NUMBER:
        return memcmp(one, other, sizeof(double)) == 0;
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
    case SCHEMA_ANY:
        memcpy(&texts[0], one, sizeof texts[0]);
        memcpy(&texts[1], other, sizeof texts[1]);
        return texts_are_equal(texts[0], texts[1]);
    case SCHEMA_TEXT_LIST:
    case SCHEMA_TEXT_MAP:
        memcpy(&lists[0], one, sizeof lists[0]);
        memcpy(&lists[1], other, sizeof lists[1]);
        return row->type == SCHEMA_TEXT_MAP ? maps_are_equal(&lists[0], &lists[1])
                                            : lists_are_equal(&lists[0], &lists[1]);
    case SCHEMA_GUID_MAP:
        return guids_are_equal(one, other);
    case SCHEMA_OBJECT:
        return umh_changes_find(row->object, one, other) == 0;
    case SCHEMA_OBJECT_LIST:
        break;
    }
    return true;
}

umh_changes umh_changes_find(umh_schema_object object, const void *one, const void *other)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);
    umh_changes changes = 0;

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];

        if (row->change != CHANGE_IS_ELSEWHERE &&
            !fields_are_equal(row, (const char *)one + row->offset,
                              (const char *)other + row->offset))
            changes |= UINT64_C(1) << i;
    }
    return changes;
}

umh_changes umh_changes_that(umh_schema_object object, umh_changes changes, umh_schema_change what)
{
    umh_changes left = changes;
    umh_changes found = 0;
    const umh_schema_row *row;

    while ((row = umh_changes_next(object, &left)) != NULL) {
        if (row->change == what)
            found |= changes & ~left;
        changes = left;
    }
    return found;
}

const umh_schema_row *umh_changes_next(umh_schema_object object, umh_changes *changes)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);

    for (size_t i = 0; i < rows->count && *changes; i++) {
        if (*changes & (UINT64_C(1) << i)) {
            *changes &= *changes - 1;
            return &rows->items[i];
        }
    }
    return NULL;
}

void umh_changes_describe(umh_schema_object object, umh_changes changes, char *buffer,
                          size_t capacity)
{
    const umh_schema_row *row;
    size_t size = 0;

    buffer[0] = '\0';
    while ((row = umh_changes_next(object, &changes)) != NULL && size + 1 < capacity) {
        int length = snprintf(buffer + size, capacity - size, "%s%s", size ? ", " : "", row->key);

        size += length > 0 ? (size_t)length : 0;
    }
}
