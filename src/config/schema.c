/* SPDX-License-Identifier: MIT */
/* The tables of keys, and what is looked up in them. */
#include "config/schema.h"

#include "config/nearest.h"
#include "config/schema_rows.h"
#include "ipc/limits.h"

#include <string.h>

static const umh_schema_rows *const tables[OBJECT_COUNT] = {
    [OBJECT_ROOT] = &umh_schema_root,
    [OBJECT_HOST] = &umh_schema_host,
    [OBJECT_MODULE] = &umh_schema_module,
    [OBJECT_RESTART] = &umh_schema_restart,
    [OBJECT_TIMEOUTS] = &umh_schema_timeouts,
    [OBJECT_HOLD] = &umh_schema_hold,
    [OBJECT_LIMITS] = &umh_schema_limits,
    [OBJECT_DOTNET] = &umh_schema_dotnet,
    [OBJECT_GC] = &umh_schema_gc,
};

static const char *const object_names[OBJECT_COUNT] = {
    [OBJECT_ROOT] = "the file",
    [OBJECT_HOST] = "ChildProcesses[]",
    [OBJECT_MODULE] = "ChildProcesses[].Modules[]",
    [OBJECT_RESTART] = "ChildProcesses[].Restart",
    [OBJECT_TIMEOUTS] = "ChildProcesses[].Timeouts",
    [OBJECT_HOLD] = "ChildProcesses[].Hold",
    [OBJECT_LIMITS] = "ChildProcesses[].Limits",
    [OBJECT_DOTNET] = "DotNet",
    [OBJECT_GC] = "DotNet.Gc",
};

const char *umh_schema_object_name(umh_schema_object object)
{
    umh_assert(object < OBJECT_COUNT);
    return object_names[object];
}

const umh_schema_rows *umh_schema_rows_of(umh_schema_object object)
{
    umh_assert(object < OBJECT_COUNT);
    return tables[object];
}

const umh_schema_row *umh_schema_find(umh_schema_object owner, const char *key)
{
    const umh_schema_rows *rows = umh_schema_rows_of(owner);

    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->items[i].key, key) == 0)
            return &rows->items[i];
    }
    return NULL;
}

bool umh_schema_is_name(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t size = strlen(text);

    /* A leading '.' would be a hidden or a parent folder, a leading '-' an option of a command. */
    return size > 0 && size <= UMH_NAME_BYTES_MAX && strspn(text, letters) == size &&
           text[0] != '.' && text[0] != '-';
}

const char *umh_schema_nearest(umh_schema_object owner, const char *key)
{
    const umh_schema_rows *rows = umh_schema_rows_of(owner);
    umh_nearest nearest = UMH_NEAREST_OF(key);

    for (size_t i = 0; i < rows->count; i++)
        umh_nearest_offer(&nearest, rows->items[i].key);
    return nearest.best;
}
