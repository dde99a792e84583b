/* SPDX-License-Identifier: MIT */
/* Random configurations from the table of keys: a new row is generated without a change here. */
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES_PER_MIB (1024LL * 1024)
#define DEFAULT_MEMORY 64

uint64_t random_number(random_source *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state * 0x2545F4914F6CDD1DULL;
}

size_t random_below(random_source *random, size_t count)
{
    return count ? (size_t)((random_number(random) >> 16) % count) : 0;
}

bool random_chance(random_source *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}

static json_t *random_name(random_source *random)
{
    static const char letters[] = "abcXYZ019_.-";
    char name[40];
    int size = snprintf(name, sizeof name, "N%llx",
                        (unsigned long long)(random_number(random) & 0xFFFFFFFFFFFFULL));

    for (size_t more = random_below(random, 12); more > 0; more--)
        name[size++] = letters[random_below(random, sizeof letters - 1)];
    name[size] = '\0';
    return json_string(name);
}

static json_t *random_guid(random_source *random)
{
    uint64_t a = random_number(random);
    uint64_t b = random_number(random);
    bool has_braces = random_chance(random, 50);

    return json_sprintf("%s%08x-%04x-%04x-%04x-%012llx%s", has_braces ? "{" : "", (unsigned)a,
                        (unsigned)(a >> 32) & 0xFFFF, (unsigned)(a >> 48), (unsigned)b & 0xFFFF,
                        (unsigned long long)(b >> 16), has_braces ? "}" : "");
}

static json_t *random_text(random_source *random)
{
    static const char *const pieces[] = {"a", "/",  "path.so", "\xC3\xA4", "\xF0\x9F\x98\x80",
                                         " ", "\"", "\\",      "//",       "/*",
                                         "]", "}",  "=",       "\n",       "${X}"};
    char text[128] = "t";
    size_t size = 1;

    for (size_t more = random_below(random, 8); more > 0; more--) {
        const char *piece = pieces[random_below(random, UMH_COUNT_OF(pieces))];

        size += (size_t)snprintf(text + size, sizeof text - size, "%s", piece);
    }
    return json_string(text);
}

static json_t *random_json(random_source *random, unsigned depth)
{
    json_t *value;

    switch (random_below(random, depth > 0 ? 7 : 5)) {
    case 0:
        return json_integer((json_int_t)random_number(random));
    case 1:
        return json_boolean(random_chance(random, 50));
    case 2:
        return json_null();
    case 3:
        return json_real(0.25);
    case 4:
        return random_text(random);
    case 5:
        value = json_array();
        for (size_t more = random_below(random, 4); more > 0; more--)
            json_array_append_new(value, random_json(random, depth - 1));
        return value;
    default:
        value = json_object();
        for (size_t more = random_below(random, 4); more > 0; more--) {
            json_t *key = random_text(random);

            json_object_set_new(value, json_string_value(key), random_json(random, depth - 1));
            json_decref(key);
        }
        return value;
    }
}

static json_t *random_integer(random_source *random, int64_t lowest, int64_t highest)
{
    uint64_t span = (uint64_t)(highest - lowest) + 1;

    switch (random_below(random, 4)) {
    case 0:
        return json_integer(lowest);
    case 1:
        return json_integer(highest);
    default:
        return json_integer(lowest + (int64_t)(random_number(random) % span));
    }
}

static json_t *random_real(random_source *random, int64_t lowest, int64_t highest)
{
    double share = (double)random_below(random, 1001) / 1000;

    if (random_chance(random, 30))
        return random_integer(random, lowest, highest);
    return json_real((double)lowest + share * (double)(highest - lowest));
}

static json_t *random_choice(random_source *random, const umh_schema_row *row)
{
    size_t count = 1;
    const char *at = row->choices;

    if (row->highest > 0 && random_chance(random, 30))
        return random_integer(random, row->lowest, row->highest);
    for (const char *bar = row->choices; (bar = strchr(bar, '|')) != NULL; bar++)
        count++;
    for (size_t skip = random_below(random, count); skip > 0; skip--)
        at = strchr(at, '|') + 1;
    return json_stringn(at, strcspn(at, "|"));
}

static json_t *random_session(random_source *random)
{
    switch (random_below(random, 4)) {
    case 0:
        return json_string("Broker");
    case 1:
        return json_string("allusers");
    case 2:
        return json_integer(0);
    default:
        return json_integer(-1);
    }
}

static json_t *random_map(random_source *random, const umh_schema_row *row)
{
    json_t *map = json_object();

    for (size_t more = random_below(random, 4); more > 0; more--) {
        json_t *name = random_name(random);

        json_object_set_new(map, json_string_value(name),
                            row->type == SCHEMA_GUID_MAP ? random_guid(random)
                                                         : random_text(random));
        json_decref(name);
    }
    return map;
}

static json_t *generate_object(random_source *random, umh_schema_object owner);

static json_t *random_list(random_source *random, const umh_schema_row *row)
{
    json_t *list = json_array();

    for (size_t more = random_below(random, 5); more > 0; more--) {
        json_t *item;

        if (row->type == SCHEMA_TEXT_LIST)
            item = random_text(random);
        else if (row->object == OBJECT_MODULE && random_chance(random, 50))
            item = random_name(random);
        else
            item = generate_object(random, row->object);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *random_value(random_source *random, const umh_schema_row *row)
{
    json_t *value;

    switch (row->type) {
    case SCHEMA_BOOL:
    case SCHEMA_SWITCH:
        return json_boolean(random_chance(random, 50));
    case SCHEMA_INTEGER:
        return random_integer(random, row->lowest, row->highest);
    case SCHEMA_NUMBER:
        return random_real(random, row->lowest, row->highest);
    case SCHEMA_TEXT:
        return random_text(random);
    case SCHEMA_NAME:
        return random_name(random);
    case SCHEMA_ENUM:
        return random_choice(random, row);
    case SCHEMA_SESSION:
        return random_session(random);
    case SCHEMA_OBJECT:
        return generate_object(random, row->object);
    case SCHEMA_OBJECT_LIST:
    case SCHEMA_TEXT_LIST:
        return random_list(random, row);
    case SCHEMA_TEXT_MAP:
    case SCHEMA_GUID_MAP:
        return random_map(random, row);
    case SCHEMA_ANY:
        value = json_object();
        json_object_set_new(value, "x", random_json(random, 3));
        return value;
    }
    fail_msg("no generator for the type of '%s'", row->key);
    return NULL;
}

static int64_t number_at(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* Keys that must fit each other: one of them goes. */
static void make_fit(random_source *random, umh_schema_object owner, json_t *object)
{
    if (owner == OBJECT_RESTART &&
        number_at(object, "FirstDelayMs", 0) > number_at(object, "MaxDelayMs", INT64_MAX))
        json_object_del(object, "MaxDelayMs");
    if (owner == OBJECT_DOTNET && json_object_get(object, "Frameworks"))
        json_object_set_new(object, "Frameworks",
                            json_pack("[s, s]", "Some.Framework", "Microsoft.NETCore.App 10.0.1"));
    if (owner == OBJECT_MODULE && json_object_get(object, "Path") &&
        !json_object_get(object, "Name")) {
        json_t *name = random_name(random);

        json_object_set_new(object, "Path", json_sprintf("some/%s", json_string_value(name)));
        json_decref(name);
    } else if (owner == OBJECT_MODULE && !json_object_get(object, "Name")) {
        json_object_set_new(object, "Name", random_name(random));
    }
}

static void make_memory_fit(json_t *config)
{
    int64_t memory = number_at(config, "MemoryMiB", DEFAULT_MEMORY);
    json_t *entry;
    size_t i;

    if (number_at(config, "MaxMessageBytes", 0) > memory * BYTES_PER_MIB / 4)
        json_object_del(config, "MaxMessageBytes");
    if (number_at(config, "QueueMiB", 0) > memory)
        json_object_del(config, "QueueMiB");
    json_array_foreach(json_object_get(config, "ChildProcesses"), i, entry)
    {
        json_t *hold = json_object_get(entry, "Hold");

        if (number_at(hold, "Bytes", 0) > memory * BYTES_PER_MIB)
            json_object_del(hold, "Bytes");
    }
}

static json_t *generate_object(random_source *random, umh_schema_object owner)
{
    const umh_schema_rows *rows = umh_schema_rows_of(owner);
    json_t *object = json_object();

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];
        bool is_section = row->type == SCHEMA_OBJECT && row->object == owner;

        if (!is_section && (!row->fallback || random_chance(random, 50)))
            json_object_set_new(object, row->key, random_value(random, row));
    }
    make_fit(random, owner, object);
    return object;
}

json_t *generate_config(random_source *random)
{
    unsigned percent = (unsigned)random_below(random, 3) * 50;
    json_t *config = generate_object(random, OBJECT_ROOT);
    json_t *section = json_object();
    const char *key;
    json_t *value;
    void *next;

    make_memory_fit(config);
    json_object_foreach_safe(config, next, key, value)
    {
        if (random_chance(random, percent)) {
            json_object_set(section, key, value);
            json_object_del(config, key);
        }
    }
    if (json_object_size(section) > 0)
        json_object_set(config, "Broker", section);
    json_decref(section);
    return config;
}

json_t *generated_entries(json_t *config)
{
    json_t *entries = json_object_get(config, "ChildProcesses");

    return entries ? entries : json_object_get(json_object_get(config, "Broker"), "ChildProcesses");
}

char *generate_text(random_source *random, const json_t *config)
{
    static const char *const heads[] = {"", "\xEF\xBB\xBF", "// first\n", "/* a\n * b */\n\n"};
    static const char *const tails[] = {"", "\n", " // end", "\n/* [ { \" */\n"};
    char *text = json_dumps(config, JSON_INDENT(random_below(random, 5)));
    char *whole;

    assert_non_null(text);
    whole = umh_text_format("%s%s%s", heads[random_below(random, UMH_COUNT_OF(heads))], text,
                            tails[random_below(random, UMH_COUNT_OF(tails))]);
    free(text);
    assert_non_null(whole);
    return whole;
}

/* No key takes this. */
static json_t *wrong_value(random_source *random, const umh_schema_row *row)
{
    switch (row->type) {
    case SCHEMA_INTEGER:
        return random_chance(random, 50) ? json_integer(row->highest + 1) : json_string("7");
    case SCHEMA_NUMBER:
        return random_chance(random, 50) ? json_real((double)row->highest + 0.001)
                                         : json_string("0.5");
    case SCHEMA_NAME:
        return random_chance(random, 50) ? json_string("no name") : json_string("");
    case SCHEMA_ENUM:
        return random_chance(random, 50) ? json_string("Sometimes") : json_integer(99);
    case SCHEMA_OBJECT_LIST:
        return random_chance(random, 50) ? json_pack("[[]]") : json_object();
    case SCHEMA_TEXT_LIST:
    case SCHEMA_ANY:
        return random_chance(random, 50) ? json_pack("[i]", 7) : json_true();
    case SCHEMA_TEXT_MAP:
    case SCHEMA_GUID_MAP:
        return random_chance(random, 50) ? json_pack("{s:i}", "A", 1) : json_array();
    default:
        return random_chance(random, 50) ? json_integer(7) : json_null();
    }
}

static json_t *rename_key(json_t *object, const char *key)
{
    json_t *renamed = json_object();
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        json_t *other = json_sprintf("%s%s", name, strcmp(name, key) == 0 ? "Z" : "");

        json_object_set(renamed, json_string_value(other), value);
        json_decref(other);
    }
    return renamed;
}

static bool spoil(random_source *random, json_t *object, umh_schema_object owner, mistake kind)
{
    size_t skip = random_below(random, json_object_size(object));
    const umh_schema_row *row;
    const char *key;
    json_t *value;
    json_t *renamed;

    json_object_foreach(object, key, value)
    {
        if (skip-- > 0)
            continue;
        row = umh_schema_find(owner, key);
        assert_non_null(row);
        /* Further down, where there is something. */
        if (row->type == SCHEMA_OBJECT && row->object != owner && random_chance(random, 70) &&
            spoil(random, value, row->object, kind))
            return true;
        if (row->type == SCHEMA_OBJECT_LIST && row->object == OBJECT_MODULE &&
            random_chance(random, 70)) {
            json_t *item = json_array_get(value, random_below(random, json_array_size(value)));

            if (json_is_object(item))
                return spoil(random, item, OBJECT_MODULE, kind);
        }
        if (kind == MISTAKE_TYPE) {
            json_object_set_new(object, key, wrong_value(random, row));
            return true;
        }
        renamed = rename_key(object, key);
        json_object_clear(object);
        json_object_update(object, renamed);
        json_decref(renamed);
        return true;
    }
    return false;
}

bool generate_mistake(random_source *random, json_t *config, json_t *entry, mistake kind)
{
    json_t *section = json_object_get(config, "Broker");

    if (entry)
        return spoil(random, entry, OBJECT_HOST, kind);
    return spoil(random, json_is_object(section) && random_chance(random, 50) ? section : config,
                 OBJECT_ROOT, kind);
}

static size_t random_range(random_source *random, const umh_buffer *text, size_t *ret_at)
{
    size_t at = random_below(random, text->size);
    size_t rest = text->size - at;

    *ret_at = at;
    return random_below(random, rest < 40 ? rest : 40);
}

void damage_text(random_source *random, umh_buffer *text)
{
    static const char marks[] = "{}[],:\"\\/*-0 \n";
    char copy[64];
    size_t at;
    size_t size;

    if (text->size == 0)
        return;
    size = random_range(random, text, &at);
    switch (random_below(random, 6)) {
    case 0:
        text->data[at] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 1:
        text->data[at] = (uint8_t)random_number(random);
        break;
    case 2:
        text->data[at] = (uint8_t)marks[random_below(random, sizeof marks - 1)];
        break;
    case 3:
        text->size = at;
        break;
    case 4:
        memmove(text->data + at, text->data + at + size, text->size - at - size);
        text->size -= size;
        break;
    default:
        /* A repetition, which makes keys occur twice. */
        memcpy(copy, text->data + at, size);
        assert_int_equal(umh_buffer_append(text, copy, size), 0);
        memmove(text->data + at + size, text->data + at, text->size - size - at);
        memcpy(text->data + at, copy, size);
    }
}
