/* SPDX-License-Identifier: MIT */
/* The table of keys as a page for people and as a JSON Schema for editors. */
#include "config/schema.h"

#include "formats/jsonc.h"

#include <stdlib.h>
#include <string.h>

#define NAME_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
#define GUID_DIGITS "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
#define GUID_PATTERN "^(" GUID_DIGITS "|\\{" GUID_DIGITS "\\})$"
#define INDENT 2
/* a default such as 0.1 as the table has it */
#define NUMBER_DIGITS JSON_REAL_PRECISION(6)

static const char *const object_titles[OBJECT_COUNT] = {
    [OBJECT_ROOT] = "Broker",     [OBJECT_HOST] = "ChildProcess", [OBJECT_MODULE] = "Module",
    [OBJECT_RESTART] = "Restart", [OBJECT_TIMEOUTS] = "Timeouts", [OBJECT_HOLD] = "Hold",
    [OBJECT_LIMITS] = "Limits",   [OBJECT_DOTNET] = "DotNet",     [OBJECT_GC] = "Gc",
};

static const char *const object_headings[OBJECT_COUNT] = {
    [OBJECT_ROOT] = "The file, or its `Broker`",
    [OBJECT_HOST] = "A host: an entry of `ChildProcesses`",
    [OBJECT_MODULE] = "A module: an object in `Modules`",
    [OBJECT_RESTART] = "`Restart` of a host",
    [OBJECT_TIMEOUTS] = "`Timeouts` of a host",
    [OBJECT_HOLD] = "`Hold` of a host",
    [OBJECT_LIMITS] = "`Limits` of a host",
    [OBJECT_DOTNET] = "`DotNet` of the file or of a host",
    [OBJECT_GC] = "`Gc` of a `DotNet`",
};

static const char introduction[] =
    "# Configuration: `broker.json`\n"
    "\n"
    "<!-- Written from the tables of keys in src/config by the target `reference`. -->\n"
    "\n"
    "One file says which modules run, in which processes. It is JSON in which comments (`//` and\n"
    "`/* */`) and a comma before a closing bracket are allowed.\n"
    "\n"
    "```jsonc\n"
    "{\n"
    "    \"$schema\": \"../share/umh/broker.schema.json\", // editors then complete and check\n"
    "    \"Services\": {\"Readings\": \"8f3c1c52-0f0e-4d5c-9d0c-6f3f5b1f8a01\"},\n"
    "    \"ChildProcesses\": [\n"
    "        {\"GroupName\": \"Sensors\", \"Modules\": [\"sysload\"]},\n"
    "        {\n"
    "            \"GroupName\": \"Logic\",\n"
    "            \"Modules\": [\n"
    "                {\"Name\": \"Alerts\", \"Config\": {\"CpuPercent\": 90}},\n"
    "                {\"Name\": \"journal\", \"Overflow\": \"DropOldest\"}\n"
    "            ],\n"
    "            \"Restart\": {\"MaxDelayMs\": 5000}\n"
    "        }\n"
    "    ]\n"
    "}\n"
    "```\n"
    "\n"
    "`umh check FILE` reads a file and reports what is wrong with it: file, line, column and key "
    "of\n"
    "each mistake. A file that cannot be parsed, or has a mistake outside the entries of\n"
    "`ChildProcesses`, is not used at all. A mistake in an entry leaves out that host; the others\n"
    "run. There is no key that is silently ignored: an unknown one is a mistake, and the nearest "
    "that\n"
    "exists is suggested.\n"
    "\n"
    "A change of the file is performed by `umh apply`, by SIGHUP to the broker, or by itself with\n"
    "`Watch`. What did not change goes on untouched; what a changed key takes stands at that key, "
    "and\n"
    "where nothing stands the new value holds from then on. A file that cannot be used changes\n"
    "nothing, and an entry that is wrong leaves that host as it last was.\n"
    "\n"
    "**Names** of hosts, modules and services are at most 64 letters, digits, `_`, `.` and `-`, "
    "the\n"
    "last two not first; names that differ only in the case of letters are the same.\n"
    "\n"
    "**Modules** are found by name: `X` is the first of `X/X64.so` (`X/X32.so` with `Wow64`),\n"
    "`X/X.so` and `X/X.dll` in the folders of `ModuleFolders`, then in `modules` beside this "
    "file,\n"
    "beside this file itself, and in the installation's `lib/umh/modules`. With `Path`, it is "
    "that\n"
    "file.\n"
    "\n"
    "**.NET** 10 is looked for where `/etc/dotnet/install_location` says, in `/usr/share/dotnet`,\n"
    "`/usr/lib/dotnet`, `/usr/lib64/dotnet`, `/usr/local/share/dotnet`, `/opt/dotnet` and "
    "`~/.dotnet`,\n"
    "unless `DotNet` has a `Root`.\n";

static int append_choices(const char *choices, umh_buffer *markdown)
{
    int r = 0;

    while (r == 0 && *choices) {
        size_t size = strcspn(choices, "|");
        bool is_last = choices[size] == '\0';

        r = umh_buffer_append_format(markdown, "`\"%.*s\"`%s", (int)size, choices,
                                     is_last ? "" : ", ");
        choices += size + !is_last;
    }
    return umh_fold(r);
}

/* What may stand behind the key. */
static int append_type(const umh_schema_row *row, umh_buffer *markdown)
{
    long long lowest = row->lowest;
    long long highest = row->highest;

    switch (row->type) {
    case SCHEMA_BOOL:
    case SCHEMA_SWITCH:
        return umh_fold(umh_buffer_append_text(markdown, "`true` or `false`"));
    case SCHEMA_INTEGER:
        return umh_fold(umh_buffer_append_format(markdown, "%lld to %lld", lowest, highest));
    case SCHEMA_NUMBER:
        return umh_fold(umh_buffer_append_format(
            markdown, "%lld to %lld, with or without a fraction", lowest, highest));
    case SCHEMA_TEXT:
        return umh_fold(umh_buffer_append_text(markdown, "text"));
    case SCHEMA_NAME:
        return umh_fold(umh_buffer_append_text(markdown, "name"));
    case SCHEMA_ENUM:
        return append_choices(row->choices, markdown);
    case SCHEMA_SESSION:
        return umh_fold(
            umh_buffer_append_text(markdown, "`\"Broker\"`, `\"AllUsers\"`, `0`, `-1`"));
    case SCHEMA_OBJECT:
        return umh_fold(umh_buffer_append_text(markdown, "object, see below"));
    case SCHEMA_OBJECT_LIST:
        return umh_fold(umh_buffer_append_format(
            markdown, "list of at most %lld%s", highest,
            row->object == OBJECT_MODULE ? " names or objects, see below" : " objects, see below"));
    case SCHEMA_TEXT_LIST:
        return umh_fold(umh_buffer_append_format(markdown, "list of at most %lld texts", highest));
    case SCHEMA_TEXT_MAP:
        return umh_fold(
            umh_buffer_append_format(markdown, "object of at most %lld texts", highest));
    case SCHEMA_GUID_MAP:
        return umh_fold(
            umh_buffer_append_format(markdown, "object of at most %lld names and GUIDs", highest));
    case SCHEMA_ANY:
        return umh_fold(
            umh_buffer_append_format(markdown, "any object of at most %lld bytes", highest));
    }
    return UMH_FAIL(UMH_E_BUG, "type of key '%s'", row->key);
}

static int append_fallback(const umh_schema_row *row, umh_buffer *markdown)
{
    if (!row->fallback)
        return umh_fold(umh_buffer_append_text(markdown, "*required*"));
    if (strcmp(row->fallback, "null") == 0 || row->type == SCHEMA_OBJECT)
        return 0;
    return umh_fold(umh_buffer_append_format(markdown, "`%s`", row->fallback));
}

static const char *describe_change(umh_schema_change change)
{
    switch (change) {
    case CHANGE_NEEDS_BROKER:
        return " A change takes a new broker.";
    case CHANGE_NEEDS_PROCESS:
        return " A change replaces the process.";
    case CHANGE_NEEDS_RELOAD:
        return " A change reloads the module.";
    case CHANGE_IS_TOLD:
        return " A change is told to the module, which goes on.";
    case CHANGE_IS_TAKEN:
    case CHANGE_IS_ELSEWHERE:
        break;
    }
    return "";
}

static int append_row(const umh_schema_row *row, umh_buffer *markdown)
{
    int r = umh_buffer_append_format(markdown, "| `%s` | ", row->key);

    if (r == 0)
        r = append_type(row, markdown);
    if (r == 0)
        r = umh_buffer_append_text(markdown, " | ");
    if (r == 0)
        r = append_fallback(row, markdown);
    if (r == 0)
        r = umh_buffer_append_format(markdown, " | %s%s |\n", row->text,
                                     describe_change(row->change));
    return umh_fold(r);
}

int umh_schema_write_reference(umh_buffer *markdown)
{
    const umh_schema_rows *rows;
    int r = umh_buffer_append_text(markdown, introduction);

    for (umh_schema_object object = OBJECT_ROOT; r == 0 && object < OBJECT_COUNT; object++) {
        r = umh_buffer_append_format(markdown,
                                     "\n## %s\n\n| Key | Value | Default | |\n|---|---|---|---|\n",
                                     object_headings[object]);
        rows = umh_schema_rows_of(object);
        for (size_t i = 0; r == 0 && i < rows->count; i++)
            r = append_row(&rows->items[i], markdown);
    }
    return umh_fold(r);
}

/* Refuses a value that could not be made. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *reference_to(umh_schema_object object)
{
    return json_pack("{s:s+}", "$ref", "#/$defs/", object_titles[object]);
}

static json_t *make_enum(const umh_schema_row *row)
{
    json_t *choices = json_array();
    bool is_right = true;

    for (const char *at = row->choices; *at;) {
        size_t size = strcspn(at, "|");

        is_right = is_right && json_array_append_new(choices, json_stringn(at, size)) == 0;
        at += size + (at[size] == '|');
    }
    for (int64_t number = row->lowest; row->highest > 0 && number <= row->highest; number++)
        is_right = is_right && json_array_append_new(choices, json_integer(number)) == 0;
    if (is_right)
        return json_pack("{s:o}", "enum", choices);
    json_decref(choices);
    return NULL;
}

static json_t *make_list(const umh_schema_row *row)
{
    json_t *items = reference_to(row->object);

    if (row->object == OBJECT_MODULE)
        items = json_pack("{s:[{s:s, s:s, s:i}, o]}", "anyOf", "type", "string", "pattern",
                          NAME_PATTERN, "maxLength", (int)row->highest, items);
    return json_pack("{s:s, s:o, s:I}", "type", "array", "items", items, "maxItems",
                     (json_int_t)row->highest);
}

/* What `type` says; "description" and "default" are the same for all. */
static json_t *make_type(const umh_schema_row *row)
{
    json_int_t lowest = row->lowest;
    json_int_t highest = row->highest;

    switch (row->type) {
    case SCHEMA_BOOL:
    case SCHEMA_SWITCH:
        return json_pack("{s:s}", "type", "boolean");
    case SCHEMA_INTEGER:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", lowest, "maximum",
                         highest);
    case SCHEMA_NUMBER:
        return json_pack("{s:s, s:I, s:I}", "type", "number", "minimum", lowest, "maximum",
                         highest);
    case SCHEMA_TEXT:
        return json_pack("{s:s, s:I, s:I}", "type", "string", "minLength", lowest, "maxLength",
                         highest);
    case SCHEMA_NAME:
        return json_pack("{s:s, s:s, s:I}", "type", "string", "pattern", NAME_PATTERN, "maxLength",
                         highest);
    case SCHEMA_ENUM:
        return make_enum(row);
    case SCHEMA_SESSION:
        return json_pack("{s:[s, s, i, i]}", "enum", "Broker", "AllUsers", 0, -1);
    case SCHEMA_OBJECT:
        return reference_to(row->object);
    case SCHEMA_OBJECT_LIST:
        return make_list(row);
    case SCHEMA_TEXT_LIST:
        return json_pack("{s:s, s:{s:s, s:i}, s:I}", "type", "array", "items", "type", "string",
                         "minLength", 1, "maxItems", highest);
    case SCHEMA_TEXT_MAP:
        return json_pack("{s:s, s:{s:s}, s:{s:s}, s:I}", "type", "object", "propertyNames",
                         "pattern", "^[^=]+$", "additionalProperties", "type", "string",
                         "maxProperties", highest);
    case SCHEMA_GUID_MAP:
        return json_pack("{s:s, s:{s:s}, s:{s:s, s:s}, s:I}", "type", "object", "propertyNames",
                         "pattern", NAME_PATTERN, "additionalProperties", "type", "string",
                         "pattern", GUID_PATTERN, "maxProperties", highest);
    case SCHEMA_ANY:
        return json_pack("{s:s}", "type", "object");
    }
    return NULL;
}

static json_t *make_property(const umh_schema_row *row)
{
    json_t *property = make_type(row);
    bool has_default =
        row->fallback && row->type != SCHEMA_OBJECT && strcmp(row->fallback, "null") != 0;

    set(property, "description", json_string(row->text));
    if (has_default)
        set(property, "default", json_loads(row->fallback, JSON_DECODE_ANY, NULL));
    return property;
}

/* The object `Broker` is the root without a further `Broker`. */
static json_t *make_object(umh_schema_object object, bool is_nested)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);
    json_t *properties = json_object();
    json_t *required = json_array();
    bool is_right = properties && required;

    for (size_t i = 0; is_right && i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];

        if (is_nested && row->offset == UMH_SCHEMA_NOT_STORED)
            continue;
        is_right = set(properties, row->key, make_property(row));
        if (is_right && !row->fallback)
            is_right = json_array_append_new(required, json_string(row->key)) == 0;
    }
    if (is_right)
        return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
                         "required", required, "additionalProperties", 0);
    json_decref(properties);
    json_decref(required);
    return NULL;
}

static json_t *make_schema(void)
{
    json_t *schema = json_pack(
        "{s:s, s:s, s:s, s:b, s:b}", "$schema", "https://json-schema.org/draft/2020-12/schema",
        "title", "broker.json of the Universal Module Host", "description",
        "Which modules run, in which processes.", "allowComments", 1, "allowTrailingCommas", 1);
    json_t *root = make_object(OBJECT_ROOT, false);
    json_t *definitions = json_object();
    bool is_right = schema && json_object_update(schema, root) == 0;

    for (umh_schema_object object = OBJECT_ROOT; is_right && object < OBJECT_COUNT; object++)
        is_right =
            set(definitions, object_titles[object], make_object(object, object == OBJECT_ROOT));
    is_right = is_right && set(schema, "$defs", json_incref(definitions));
    json_decref(definitions);
    json_decref(root);
    if (is_right)
        return schema;
    json_decref(schema);
    return NULL;
}

int umh_schema_write_json_schema(umh_buffer *json)
{
    UMH_AUTO_PTR(umh_json) schema = make_schema();
    char *text = schema ? json_dumps(schema, JSON_INDENT(INDENT) | NUMBER_DIGITS) : NULL;
    int r;

    if (!text)
        return UMH_FAIL(UMH_E_MEMORY, "JSON Schema");
    r = umh_buffer_append_format(json, "%s\n", text);
    free(text);
    return umh_fold(r);
}
