/* SPDX-License-Identifier: MIT */
/*
 * One table with a row per key of broker.json: object it belongs to, type, default, range, text.
 * From it come the reader, the JSON Schema, the nearest-key suggestion and docs/configuration.md. A
 * new key is a row here. Pure, static data.
 */
#pragma once

#include "base/bytes.h"

typedef enum umh_schema_object {
    OBJECT_ROOT,   /* the file, or its `Broker` */
    OBJECT_HOST,   /* an entry of ChildProcesses */
    OBJECT_MODULE, /* an entry of Modules in its object form */
    OBJECT_RESTART,
    OBJECT_TIMEOUTS,
    OBJECT_HOLD,
    OBJECT_LIMITS,
    OBJECT_DOTNET,
    OBJECT_GC,
    OBJECT_COUNT
} umh_schema_object;

#define UMH_SCHEMA_NOT_STORED SIZE_MAX /* offset of a key that has no field */

typedef enum umh_schema_type {
    SCHEMA_BOOL,
    SCHEMA_SWITCH, /* true, false, or left out: its field is an umh_switch */
    SCHEMA_INTEGER,
    SCHEMA_NUMBER, /* with or without a fraction; its field is a double */
    SCHEMA_TEXT,
    SCHEMA_NAME, /* of a host, module or service: see umh_schema_is_name */
    /* one of `choices`, separated by '|', in any case; or its number where `highest` is not 0 */
    SCHEMA_ENUM,
    SCHEMA_SESSION,     /* "Broker" or 0, "AllUsers" or -1 */
    SCHEMA_OBJECT,      /* of `object` */
    SCHEMA_OBJECT_LIST, /* list of `object`; modules also accept a text */
    SCHEMA_TEXT_LIST,
    SCHEMA_TEXT_MAP, /* any keys, text values: a list of "KEY=value" */
    SCHEMA_GUID_MAP, /* names as keys, GUIDs as values: a list of umh_named_service */
    SCHEMA_ANY       /* a module's Config: any JSON object */
} umh_schema_type;

/* What another value takes while hosts run. */
typedef enum umh_schema_change {
    CHANGE_IS_TAKEN,      /* nothing: it holds from then on */
    CHANGE_NEEDS_BROKER,  /* a new broker */
    CHANGE_NEEDS_PROCESS, /* another process of the host */
    CHANGE_NEEDS_RELOAD,  /* the module is reloaded */
    CHANGE_IS_TOLD,       /* the module is told */
    CHANGE_IS_ELSEWHERE   /* it is no property but what is compared, or nobody looks at it */
} umh_schema_change;

typedef struct umh_schema_row {
    umh_schema_object owner;
    const char *key;
    umh_schema_type type;
    umh_schema_object object; /* of SCHEMA_OBJECT and SCHEMA_OBJECT_LIST */
    const char *choices;      /* of SCHEMA_ENUM */
    const char *fallback;     /* default as JSON text; NULL: none, the key is required */
    int64_t lowest, highest;  /* numbers; lengths of texts and lists */
    /* of the field in the owner's struct; the reader stores there; a list's count follows it */
    size_t offset;
    umh_schema_change change;
    const char *text; /* one or two sentences for the reference page */
} umh_schema_row;

typedef struct umh_schema_rows {
    const umh_schema_row *items;
    size_t count;
} umh_schema_rows;

/* The keys of one object, in the order of the reference page. */
const umh_schema_rows *umh_schema_rows_of(umh_schema_object object);

const char *umh_schema_object_name(umh_schema_object object); /* "ChildProcesses[]" */
/* NULL: no such key; case matters */
const umh_schema_row *umh_schema_find(umh_schema_object owner, const char *key);
/* Letters, digits, '_', '.' and '-', the last two not first, 1 to UMH_NAME_BYTES_MAX bytes. */
bool umh_schema_is_name(const char *text);
/*
 * The key of `owner` that was probably meant (other case, edit distance <= 2 or a third of its
 * length), else NULL.
 */
const char *umh_schema_nearest(umh_schema_object owner, const char *key);

/* The whole reference page (Markdown) and the JSON Schema (draft 2020-12), appended. */
UMH_MUST_USE int umh_schema_write_reference(umh_buffer *markdown);
UMH_MUST_USE int umh_schema_write_json_schema(umh_buffer *json);
