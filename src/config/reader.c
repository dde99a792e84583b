/* SPDX-License-Identifier: MIT */
/*
 * JSON into structs by the table of keys. Defaults are JSON texts of the table and go through the
 * same functions as the values of a file: a default cannot be what a file could not say.
 */
#include "config/reader.h"

#include "config/config.h"
#include "config/legacy.h"
#include "config/names.h"
#include "config/nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHOICES_MAX 8
#define CHOICE_BYTES_MAX 32
#define VARIABLE_BYTES_MAX 32768 /* of Environment: name and value */

static const size_t object_bytes[OBJECT_COUNT] = {
    [OBJECT_ROOT] = sizeof(umh_config),
    [OBJECT_HOST] = sizeof(umh_host_config),
    [OBJECT_MODULE] = sizeof(umh_module_config),
    [OBJECT_RESTART] = sizeof(umh_restart_config),
    [OBJECT_TIMEOUTS] = sizeof(umh_timeouts_config),
    [OBJECT_HOLD] = sizeof(umh_hold_config),
    [OBJECT_LIMITS] = sizeof(umh_limits_config),
    [OBJECT_DOTNET] = sizeof(umh_dotnet_config),
    [OBJECT_GC] = sizeof(umh_gc_config),
};

/* One value on its way from the file or, where there is no report, from the table. */
typedef struct reading {
    umh_report *report;
    const umh_schema_row *row;
    json_t *json;
    const char *path;
} reading;

/*
 * Key below an object, index below a list. Too long a path is cut; its place is then that of the
 * object.
 */
static void join_key(char *path, const char *owner, const char *key)
{
    snprintf(path, UMH_REPORT_PATH_BYTES, "%s%s%s", owner, owner[0] ? "." : "", key);
}

static void join_index(char *path, const char *owner, size_t index)
{
    snprintf(path, UMH_REPORT_PATH_BYTES, "%s[%llu]", owner, (unsigned long long)index);
}

static void describe(const json_t *json, char *buffer, size_t capacity)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",    [JSON_STRING] = "",
        [JSON_INTEGER] = "",         [JSON_REAL] = "",
    };

    if (json_is_string(json))
        snprintf(buffer, capacity, "\"%s\"", umh_report_show(json_string_value(json)).text);
    else if (json_is_integer(json))
        snprintf(buffer, capacity, "%lld", (long long)json_integer_value(json));
    else if (json_is_real(json))
        snprintf(buffer, capacity, "%g", json_real_value(json));
    else
        snprintf(buffer, capacity, "%s", words[json_typeof(json)]);
}

static int complain(const reading *from, const char *expected)
{
    char found[sizeof(umh_report_shown) + 16];

    if (!from->report)
        return UMH_FAIL(UMH_E_BUG, "default of key '%s'", from->row->key);
    describe(from->json, found, sizeof found);
    umh_report_add(from->report, from->path, PLACE_OF_VALUE, "expected %s, found %s", expected,
                   found);
    return UMH_READER_BAD;
}

/* Lengths of texts, lists and maps. */
static int check_size(const reading *from, size_t size, const char *unit)
{
    const umh_schema_row *row = from->row;

    if ((int64_t)size >= row->lowest && (int64_t)size <= row->highest)
        return 0;
    if (!from->report)
        return UMH_FAIL(UMH_E_BUG, "default of key '%s'", row->key);
    umh_report_add(from->report, from->path, PLACE_OF_VALUE, "expected %lld to %lld %s, found %llu",
                   (long long)row->lowest, (long long)row->highest, unit, (unsigned long long)size);
    return UMH_READER_BAD;
}

/*
 * Pointers go through memcpy: here a list is "a pointer and a count", whatever type the struct's
 * member points to.
 */
static void *get_pointer(const void *field)
{
    void *pointer;

    memcpy(&pointer, field, sizeof pointer);
    return pointer;
}

static void put_pointer(void *field, const void *pointer)
{
    memcpy(field, &pointer, sizeof pointer);
}

static size_t *count_of(void *field)
{
    return (size_t *)(void *)((char *)field + sizeof(void *));
}

/*
 * Zeroed room; the list's count grows with what is read into it, so that a release is right at any
 * time.
 */
static int make_list(void *field, size_t count, size_t item_bytes, void **ret_items)
{
    void *items = count ? calloc(count, item_bytes) : NULL;

    if (count && !items)
        return UMH_FAIL(UMH_E_MEMORY, "%llu items of a list", (unsigned long long)count);
    put_pointer(field, items);
    *count_of(field) = 0;
    *ret_items = items;
    return 0;
}

static int read_bool(const reading *from, bool *field)
{
    if (!json_is_boolean(from->json))
        return complain(from, "true or false");
    *field = json_is_true(from->json);
    return 0;
}

static int read_switch(const reading *from, int64_t *field)
{
    bool is_on = false;
    int r;

    /* "null" is how the table says that it is not set. */
    if (!from->report && json_is_null(from->json)) {
        *field = SWITCH_NOT_SET;
        return 0;
    }
    r = read_bool(from, &is_on);
    if (r == 0)
        *field = is_on ? SWITCH_ON : SWITCH_OFF;
    return r;
}

static int read_integer(const reading *from, int64_t *field)
{
    const umh_schema_row *row = from->row;
    char expected[80];

    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)row->lowest,
             (long long)row->highest);
    if (!json_is_integer(from->json) || json_integer_value(from->json) < row->lowest ||
        json_integer_value(from->json) > row->highest)
        return complain(from, expected);
    *field = json_integer_value(from->json);
    return 0;
}

static int read_number(const reading *from, double *field)
{
    const umh_schema_row *row = from->row;
    double value = json_number_value(from->json);
    char expected[80];

    snprintf(expected, sizeof expected, "a number from %lld to %lld", (long long)row->lowest,
             (long long)row->highest);
    if (!json_is_number(from->json) || value < (double)row->lowest || value > (double)row->highest)
        return complain(from, expected);
    *field = value;
    return 0;
}

static bool is_plain_text(const json_t *json)
{
    return json_is_string(json) && strlen(json_string_value(json)) == json_string_length(json);
}

static int read_text(const reading *from, void *field)
{
    const char *text = json_string_value(from->json);
    char *copy;
    int r;

    /* "null" is how the table says that there is none. */
    if (!from->report && json_is_null(from->json))
        return 0;
    if (!is_plain_text(from->json))
        return complain(from, "a text");
    if (from->row->type == SCHEMA_NAME && !umh_schema_is_name(text))
        return complain(from,
                        "a name of at most 64 letters, digits, '_', '.' and '-', the last two not "
                        "first");
    r = check_size(from, strlen(text), "bytes of text");
    if (r)
        return r;
    if (from->row->offset == UMH_SCHEMA_NOT_STORED)
        return 0;
    copy = umh_text_copy(text);
    if (!copy)
        return UMH_E_MEMORY;
    put_pointer(field, copy);
    return 0;
}

/* The choice at `*at`, which moves behind it. False: there is none left. */
static bool next_choice(const char **at, char choice[CHOICE_BYTES_MAX])
{
    size_t size = strcspn(*at, "|");

    if (size == 0)
        return false;
    umh_assert(size < CHOICE_BYTES_MAX);
    memcpy(choice, *at, size);
    choice[size] = '\0';
    *at += size + ((*at)[size] == '|');
    return true;
}

static int complain_of_choice(const reading *from)
{
    const char *text = json_string_value(from->json);
    umh_nearest nearest = UMH_NEAREST_OF(text ? text : "");
    char choices[CHOICES_MAX][CHOICE_BYTES_MAX];
    char expected[CHOICES_MAX * CHOICE_BYTES_MAX + 64] = "";
    const char *at = from->row->choices;
    size_t size = 0;

    for (size_t i = 0; i < CHOICES_MAX && next_choice(&at, choices[i]); i++) {
        size += (size_t)snprintf(expected + size, sizeof expected - size, "%s%s",
                                 i ? ", " : "one of ", choices[i]);
        umh_nearest_offer(&nearest, choices[i]);
    }
    if (nearest.best)
        snprintf(expected + size, sizeof expected - size, " (did you mean %s?)", nearest.best);
    return complain(from, expected);
}

static int read_enum(const reading *from, int64_t *field)
{
    const umh_schema_row *row = from->row;
    const char *at = row->choices;
    char choice[CHOICE_BYTES_MAX];

    if (json_is_integer(from->json) && row->highest > 0 &&
        json_integer_value(from->json) >= row->lowest &&
        json_integer_value(from->json) <= row->highest) {
        *field = json_integer_value(from->json);
        return 0;
    }
    for (int64_t i = 0; is_plain_text(from->json) && next_choice(&at, choice); i++) {
        if (umh_names_are_equal(choice, json_string_value(from->json))) {
            *field = i;
            return 0;
        }
    }
    return complain_of_choice(from);
}

static int read_session(const reading *from, int64_t *field)
{
    if (!umh_legacy_find_session(from->json, field))
        return complain(from, "\"Broker\" or 0, \"AllUsers\" or -1");
    return 0;
}

static int read_any(const reading *from, void *field)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    char *copy;
    int r;

    if (!json_is_object(from->json))
        return complain(from, "an object");
    r = umh_jsonc_print(from->json, &text);
    if (r)
        return umh_fold(r);
    r = check_size(from, text.size, "bytes");
    if (r)
        return r;
    copy = umh_text_copy_bytes(text.data, text.size);
    if (!copy)
        return UMH_E_MEMORY;
    put_pointer(field, copy);
    return 0;
}

static int read_text_list(const reading *from, void *field)
{
    size_t count = json_array_size(from->json);
    void *room = NULL;
    int r;

    if (!json_is_array(from->json))
        return complain(from, "a list of texts");
    r = check_size(from, count, "texts");
    if (r)
        return r;
    r = make_list(field, count, sizeof(char *), &room);
    if (r)
        return r;

    for (size_t i = 0; i < count; i++) {
        json_t *json = json_array_get(from->json, i);
        char path[UMH_REPORT_PATH_BYTES];
        char **items = room;

        join_index(path, from->path, i);
        if (!is_plain_text(json) || json_string_length(json) == 0) {
            r = complain(&(reading){from->report, from->row, json, path}, "a text");
            continue;
        }
        items[*count_of(field)] = umh_text_copy(json_string_value(json));
        if (!items[*count_of(field)])
            return UMH_E_MEMORY;
        ++*count_of(field);
    }
    return r;
}

static int read_variable(const reading *from, const char *name, char **ret_entry)
{
    if (name[0] == '\0' || strchr(name, '=')) {
        umh_report_add(from->report, from->path, PLACE_OF_KEY,
                       "the name of a variable is not empty and has no '='");
        return UMH_READER_BAD;
    }
    if (!is_plain_text(from->json))
        return complain(from, "a text");
    if (strlen(name) + json_string_length(from->json) > VARIABLE_BYTES_MAX) {
        umh_report_add(from->report, from->path, PLACE_OF_KEY, "longer than %d bytes",
                       VARIABLE_BYTES_MAX);
        return UMH_READER_BAD;
    }
    *ret_entry = umh_text_format("%s=%s", name, json_string_value(from->json));
    return *ret_entry ? 0 : UMH_E_MEMORY;
}

static int read_service(const reading *from, const char *name, umh_named_service *ret_service)
{
    umh_guid guid;

    if (!umh_schema_is_name(name)) {
        umh_report_add(from->report, from->path, PLACE_OF_KEY,
                       "the name of a service is at most 64 letters, digits, '_', '.' and '-', the "
                       "last two not first");
        return UMH_READER_BAD;
    }
    if (umh_guid_decode(umh_bytes_of_text(name), &guid) == 0) {
        umh_report_add(from->report, from->path, PLACE_OF_KEY,
                       "this name of a service is itself a GUID");
        return UMH_READER_BAD;
    }
    if (!is_plain_text(from->json) ||
        umh_guid_decode(umh_bytes_of_text(json_string_value(from->json)), &guid))
        return complain(from, "a GUID such as \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"");
    ret_service->name = umh_text_copy(name);
    ret_service->guid = guid;
    return ret_service->name ? 0 : UMH_E_MEMORY;
}

static int read_map(const reading *from, void *field)
{
    bool is_guids = from->row->type == SCHEMA_GUID_MAP;
    const char *name;
    json_t *member;
    void *room = NULL;
    int r;

    if (!json_is_object(from->json))
        return complain(from, is_guids ? "an object of names and GUIDs" : "an object of texts");
    r = check_size(from, json_object_size(from->json), "entries");
    if (r)
        return r;
    r = make_list(field, json_object_size(from->json),
                  is_guids ? sizeof(umh_named_service) : sizeof(char *), &room);
    if (r)
        return r;

    json_object_foreach(from->json, name, member)
    {
        size_t *count = count_of(field);
        char path[UMH_REPORT_PATH_BYTES];
        reading item = {from->report, from->row, member, path};
        int item_result;

        join_key(path, from->path, name);
        item_result = is_guids ? read_service(&item, name, (umh_named_service *)room + *count)
                               : read_variable(&item, name, (char **)room + *count);
        if (item_result < 0)
            return item_result;
        if (item_result == 0)
            ++*count;
        else
            r = item_result;
    }
    return r;
}

static int read_item(const reading *from, void *item)
{
    const umh_schema_row *name = umh_schema_find(from->row->object, "Name");
    int r = umh_reader_set_defaults(from->row->object, item);

    if (r)
        return r;
    /* A text stands for an object with nothing but this name. */
    if (json_is_string(from->json) && name)
        r = read_text(&(reading){from->report, name, from->json, from->path},
                      (char *)item + name->offset);
    else if (json_is_object(from->json))
        r = umh_reader_read(from->report, from->row->object, from->json, from->path, item);
    else
        r = complain(from, "a name or an object");
    return r;
}

static int read_object_list(const reading *from, void *field)
{
    size_t count = json_array_size(from->json);
    size_t item_bytes = object_bytes[from->row->object];
    void *room = NULL;
    int r;

    if (!json_is_array(from->json))
        return complain(from, "a list");
    r = check_size(from, count, "entries");
    if (r)
        return r;
    r = make_list(field, count, item_bytes, &room);
    if (r)
        return r;

    for (size_t i = 0; i < count; i++) {
        char path[UMH_REPORT_PATH_BYTES];
        reading item = {from->report, from->row, json_array_get(from->json, i), path};
        int item_result;

        join_index(path, from->path, i);
        ++*count_of(field);
        item_result = read_item(&item, (char *)room + i * item_bytes);
        if (item_result < 0)
            return item_result;
        if (item_result > 0)
            r = item_result;
    }
    return r;
}

/* Outcomes: UMH_READER_BAD. */
static int read_object(const reading *from, void *field)
{
    if (!from->report)
        return umh_reader_set_defaults(from->row->object, field);
    return umh_reader_read(from->report, from->row->object, from->json, from->path, field);
}

static bool is_list(umh_schema_type type)
{
    return type == SCHEMA_OBJECT_LIST || type == SCHEMA_TEXT_LIST || type == SCHEMA_TEXT_MAP ||
           type == SCHEMA_GUID_MAP;
}

static void release_item(const umh_schema_row *row, void *items, size_t index)
{
    char **texts = items;
    umh_named_service *services = items;

    switch (row->type) {
    case SCHEMA_OBJECT_LIST:
        umh_reader_release(row->object, (char *)items + index * object_bytes[row->object]);
        break;
    case SCHEMA_GUID_MAP:
        services[index].name = umh_text_free(services[index].name);
        break;
    default:
        texts[index] = umh_text_free(texts[index]);
    }
}

static void release_field(const umh_schema_row *row, void *field)
{
    if (row->type == SCHEMA_TEXT || row->type == SCHEMA_NAME || row->type == SCHEMA_ANY) {
        put_pointer(field, umh_text_free(get_pointer(field)));
    } else if (row->type == SCHEMA_OBJECT) {
        umh_reader_release(row->object, field);
    } else if (is_list(row->type)) {
        for (size_t i = 0; i < *count_of(field); i++)
            release_item(row, get_pointer(field), i);
        free(get_pointer(field));
        put_pointer(field, NULL);
        *count_of(field) = 0;
    }
}

/* Outcomes: UMH_READER_BAD. */
static int read_field(const reading *from, void *field)
{
    /* An object's keys are read into what is there already; everything else is replaced. */
    if (from->row->type != SCHEMA_OBJECT && from->row->offset != UMH_SCHEMA_NOT_STORED)
        release_field(from->row, field);
    switch (from->row->type) {
    case SCHEMA_BOOL:
        return read_bool(from, field);
    case SCHEMA_SWITCH:
        return read_switch(from, field);
    case SCHEMA_INTEGER:
        return read_integer(from, field);
    case SCHEMA_NUMBER:
        return read_number(from, field);
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
        return read_text(from, field);
    case SCHEMA_ENUM:
        return read_enum(from, field);
    case SCHEMA_SESSION:
        return read_session(from, field);
    case SCHEMA_OBJECT:
        return read_object(from, field);
    case SCHEMA_OBJECT_LIST:
        return read_object_list(from, field);
    case SCHEMA_TEXT_LIST:
        return read_text_list(from, field);
    case SCHEMA_TEXT_MAP:
    case SCHEMA_GUID_MAP:
        return read_map(from, field);
    case SCHEMA_ANY:
        return read_any(from, field);
    }
    return UMH_FAIL(UMH_E_BUG, "type of key '%s'", from->row->key);
}

static void *field_of(const umh_schema_row *row, void *value)
{
    return row->offset == UMH_SCHEMA_NOT_STORED ? NULL : (char *)value + row->offset;
}

/* A `Broker` in the file has no field; one in itself would have no end. */
static bool is_section(const umh_schema_row *row)
{
    return row->type == SCHEMA_OBJECT && row->object == row->owner;
}

int umh_reader_set_defaults(umh_schema_object object, void *value)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];
        UMH_AUTO_PTR(umh_json) fallback = NULL;
        void *field = field_of(row, value);
        int r;

        if (is_section(row) || !field)
            continue;
        if (!row->fallback) {
            release_field(row, field);
            continue;
        }
        fallback = json_loads(row->fallback, JSON_DECODE_ANY, NULL);
        if (!fallback)
            return UMH_FAIL(UMH_E_MEMORY, "default of key '%s'", row->key);
        r = read_field(&(reading){NULL, row, fallback, ""}, field);
        if (r)
            return umh_fold(r);
    }
    return 0;
}

static void report_unknown_keys(umh_report *report, umh_schema_object object, json_t *json,
                                const char *path)
{
    const char *key;
    json_t *member;

    json_object_foreach(json, key, member)
    {
        char key_path[UMH_REPORT_PATH_BYTES];
        const char *meant;

        if (umh_schema_find(object, key))
            continue;
        join_key(key_path, path, key);
        meant = umh_report_is_full(report) ? NULL : umh_schema_nearest(object, key);
        if (meant)
            umh_report_add(report, key_path, PLACE_OF_KEY, "there is no such key; did you mean %s?",
                           meant);
        else
            umh_report_add(report, key_path, PLACE_OF_KEY, "there is no such key in %s",
                           umh_schema_object_name(object));
    }
}

int umh_reader_read(umh_report *report, umh_schema_object object, json_t *json, const char *path,
                    void *value)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);
    size_t bad_before = report->bad_count;

    if (!json_is_object(json)) {
        char found[sizeof(umh_report_shown) + 16];

        describe(json, found, sizeof found);
        umh_report_add(report, path, PLACE_OF_VALUE, "expected an object, found %s", found);
        return UMH_READER_BAD;
    }
    report_unknown_keys(report, object, json, path);

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];
        bool is_entries = row->type == SCHEMA_OBJECT_LIST && row->object == OBJECT_HOST;
        char key_path[UMH_REPORT_PATH_BYTES];
        json_t *member;

        if (is_section(row) || is_entries)
            continue;
        member = json_object_get(json, row->key);
        join_key(key_path, path, row->key);
        if (member) {
            int r = read_field(&(reading){report, row, member, key_path}, field_of(row, value));

            if (r < 0)
                return r;
        } else if (!row->fallback) {
            umh_report_add(report, key_path, PLACE_OF_VALUE, "this key is missing");
        }
    }
    return report->bad_count > bad_before ? UMH_READER_BAD : 0;
}

void umh_reader_release(umh_schema_object object, void *value)
{
    const umh_schema_rows *rows = umh_schema_rows_of(object);

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];

        if (row->offset != UMH_SCHEMA_NOT_STORED)
            release_field(row, field_of(row, value));
    }
}
