/* SPDX-License-Identifier: MIT */
/* An outcome explained to a person, and a bounded list of them. */
#include "base/why.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUT_BYTES 4
#define ELLIPSIS "..."
#define FIRST_LIST_COUNT 4

void umh_why_set(umh_why *why, const char *format, ...)
{
    /* Formatted beside `why`: the arguments may point into it. */
    char text[sizeof why->text + CUT_BYTES];
    va_list arguments;

    if (!why)
        return;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    umh_text_put(why->text, sizeof why->text, text);
}

/* The end of a path says more than its beginning. */
static void put_end(char *buffer, size_t capacity, const char *path)
{
    size_t size = strlen(path);
    const char *end = path + size;

    if (size < capacity) {
        memmove(buffer, path, size + 1);
        return;
    }
    path = end - (capacity - sizeof ELLIPSIS);
    while (((unsigned char)*path & 0xC0) == 0x80)
        path++;
    memmove(buffer + sizeof ELLIPSIS - 1, path, (size_t)(end - path) + 1);
    memcpy(buffer, ELLIPSIS, sizeof ELLIPSIS - 1);
}

void umh_why_place(umh_why *why, const char *file, int line, int column, const char *key)
{
    if (!why)
        return;
    if (file)
        put_end(why->file, sizeof why->file, file);
    if (line > 0)
        why->line = line;
    if (column > 0)
        why->column = column;
    if (key)
        umh_text_put(why->key, sizeof why->key, key);
}

void umh_why_set_failure(umh_why *why)
{
    umh_failure failure = umh_failure_take();

    if (why)
        umh_failure_format(&failure, why->text, sizeof why->text);
}

void umh_why_format(const umh_why *why, char *buffer, size_t capacity)
{
    char place[sizeof why->file + 64] = "";
    char line[sizeof place + sizeof why->key + sizeof why->text + 8];
    char column[32] = "";

    if (why->line > 0 && why->column > 0)
        snprintf(column, sizeof column, why->file[0] ? ":%d" : ", column %d", why->column);
    if (why->line > 0)
        snprintf(place, sizeof place, why->file[0] ? "%s:%d%s: " : "%sline %d%s: ", why->file,
                 why->line, column);
    else if (why->file[0])
        snprintf(place, sizeof place, "%s: ", why->file);
    snprintf(line, sizeof line, "%s%s%s%s", place, why->key, why->key[0] ? ": " : "", why->text);
    umh_text_put(buffer, capacity, line);
}

static bool grow(umh_why_list *list)
{
    /* Doubled whenever the count is a power of two, so no capacity is stored. */
    size_t capacity = list->count ? list->count * 2 : FIRST_LIST_COUNT;
    umh_why *items;

    if (list->count && (list->count < FIRST_LIST_COUNT || (list->count & (list->count - 1))))
        return true;
    items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return false;
    list->items = items;
    return true;
}

void umh_why_list_add(umh_why_list *list, const umh_why *why)
{
    umh_why copy = *why; /* it may be an item of the list itself */

    if (list->count >= UMH_WHY_LIST_MAX || !grow(list)) {
        list->dropped_count++;
        return;
    }
    list->items[list->count++] = copy;
}

void umh_why_list_deinit(umh_why_list *list)
{
    if (!list)
        return;
    free(list->items);
    *list = (umh_why_list)UMH_WHY_LIST_INIT;
}
