/* SPDX-License-Identifier: MIT */
/*
 * Deep copies of what a configuration says of a host and of a module: by the table of keys, so that
 * a new key is copied by being there.
 */
#include "config/copy.h"

#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

/* A list as the table knows it. */
typedef struct text_list {
    char **items;
    size_t count;
} text_list;

/* NULL stays NULL. */
static bool copy_text(const char *from, char **to)
{
    *to = from ? umh_text_copy(from) : NULL;
    return !from || *to;
}

static bool copy_list(const void *from, void *to)
{
    text_list list;
    text_list copy = {.items = NULL};
    bool is_whole;

    memcpy(&list, from, sizeof list);
    if (list.count > 0)
        copy.items = calloc(list.count, sizeof(*copy.items));
    is_whole = list.count == 0 || copy.items;
    while (is_whole && copy.count < list.count) {
        is_whole = copy_text(list.items[copy.count], &copy.items[copy.count]);
        copy.count += is_whole;
    }
    memcpy(to, &copy, sizeof copy);
    return is_whole;
}

static bool copy_fields(umh_schema_object object, const void *from, void *to);

static bool copy_field(const umh_schema_row *row, const void *from, void *to)
{
    const text_list none = {.items = NULL};
    char *text;
    bool is_whole;

    switch (row->type) {
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
    case SCHEMA_ANY:
        memcpy(&text, from, sizeof text);
        is_whole = copy_text(text, &text);
        memcpy(to, &text, sizeof text);
        return is_whole;
    case SCHEMA_TEXT_LIST:
    case SCHEMA_TEXT_MAP:
        return copy_list(from, to);
    case SCHEMA_OBJECT:
        return copy_fields(row->object, from, to);
    case SCHEMA_OBJECT_LIST:
    case SCHEMA_GUID_MAP:
        memcpy(to, &none, sizeof none); /* those of an entry are its modules */
        return true;
    default:
        return true;
    }
}

/* `to` has the bytes of `from`: every field that owns something is replaced, whatever happens. */
static bool copy_fields(umh_schema_object object, const void *from, void *to)
{
    bool is_whole = true;
    const umh_schema_rows *rows = umh_schema_rows_of(object);

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];

        if (row->offset != UMH_SCHEMA_NOT_STORED)
            is_whole &= copy_field(row, (const char *)from + row->offset, (char *)to + row->offset);
    }
    return is_whole;
}

int umh_host_config_copy(const umh_host_config *from, umh_host_config *ret_copy)
{
    umh_host_config copy = *from;

    if (!copy_fields(OBJECT_HOST, from, &copy)) {
        umh_host_config_release(&copy);
        return UMH_FAIL(UMH_E_MEMORY, "copy the configuration of host '%s'", from->name);
    }
    *ret_copy = copy;
    return 0;
}

int umh_dotnet_config_copy(const umh_dotnet_config *from, umh_dotnet_config *ret_copy)
{
    umh_dotnet_config copy = *from;

    if (!copy_fields(OBJECT_DOTNET, from, &copy)) {
        umh_reader_release(OBJECT_DOTNET, &copy);
        return UMH_FAIL(UMH_E_MEMORY, "copy what a configuration says of .NET");
    }
    *ret_copy = copy;
    return 0;
}

int umh_host_config_copy_whole(const umh_host_config *from, umh_host_config *ret_copy)
{
    umh_host_config copy;
    int r = umh_host_config_copy(from, &copy);

    if (r)
        return r;
    if (from->module_count > 0) {
        copy.modules = calloc(from->module_count, sizeof(*copy.modules));
        r = copy.modules ? 0 : UMH_FAIL(UMH_E_MEMORY, "copy the modules of host '%s'", from->name);
    }
    for (size_t i = 0; r == 0 && i < from->module_count; i++) {
        r = umh_module_config_copy(&from->modules[i], &copy.modules[i]);
        copy.module_count += r == 0;
    }
    if (r)
        umh_host_config_release(&copy);
    else
        *ret_copy = copy;
    return r;
}

void umh_host_config_release(umh_host_config *copy)
{
    umh_reader_release(OBJECT_HOST, copy);
    *copy = (umh_host_config){.name = NULL};
}

int umh_module_config_copy(const umh_module_config *from, umh_module_config *ret_copy)
{
    static char nothing[] = "{}";
    umh_module_config whole = *from;
    umh_module_config copy;

    if (!whole.config)
        whole.config = nothing;
    copy = whole;
    if (!copy_fields(OBJECT_MODULE, &whole, &copy)) {
        umh_module_config_release(&copy);
        return UMH_FAIL(UMH_E_MEMORY, "copy the configuration of module '%s'", from->name);
    }
    *ret_copy = copy;
    return 0;
}

void umh_module_config_release(umh_module_config *copy)
{
    umh_reader_release(OBJECT_MODULE, copy);
    *copy = (umh_module_config){.name = NULL};
}
