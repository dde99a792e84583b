/* SPDX-License-Identifier: MIT */
/* The text of a systemd unit. */
#include "platform/linux/service_unit.h"

#include "platform/file.h"

#include <stdio.h>
#include <string.h>

#define INSTANCE_DEFAULT "default"

/* How a value is written: which of its characters would mean something there. */
typedef enum unit_place {
    PLACE_TEXT,    /* in a setting: specifiers */
    PLACE_PROGRAM, /* first word of a command: quotes and specifiers */
    PLACE_ARGUMENT /* a further word: variables as well */
} unit_place;

void umh_service_unit_name(const char *instance, char ret_name[UMH_SERVICE_NAME_BYTES])
{
    if (strcmp(instance, INSTANCE_DEFAULT) == 0)
        snprintf(ret_name, UMH_SERVICE_NAME_BYTES, "umh.service");
    else
        snprintf(ret_name, UMH_SERVICE_NAME_BYTES, "umh@%.100s.service", instance);
}

static const char *escape_of(char letter, unit_place place)
{
    if (letter == '%')
        return "%%";
    if (place == PLACE_TEXT)
        return NULL;
    if (letter == '"')
        return "\\\"";
    if (letter == '\\')
        return "\\\\";
    return letter == '$' && place == PLACE_ARGUMENT ? "$$" : NULL;
}

/* systemd has no way to write these; a variable in the program's own path neither. */
static bool is_writable(const char *value, unit_place place)
{
    for (; *value; value++) {
        if ((unsigned char)*value < ' ' || *value == 0x7F ||
            (*value == '$' && place == PLACE_PROGRAM) || (*value == '\\' && place == PLACE_TEXT))
            return false;
    }
    return true;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int append_value(const char *value, unit_place place, umh_buffer *unit)
{
    int r = place == PLACE_TEXT ? 0 : umh_buffer_append_text(unit, "\"");

    for (; *value && r == 0; value++) {
        const char *escape = escape_of(*value, place);

        if (escape)
            r = umh_buffer_append_text(unit, escape);
        else
            r = umh_buffer_append(unit, value, 1);
    }
    if (r == 0 && place != PLACE_TEXT)
        r = umh_buffer_append_text(unit, "\"");
    return r;
}

typedef struct unit_value {
    const char *name;
    const char *value;
    unit_place place;
} unit_value;

#define VALUE_COUNT 6

typedef struct unit_values {
    unit_value rows[VALUE_COUNT];
    char name[UMH_SERVICE_NAME_BYTES];
    char broker[UMH_PATH_BYTES];
    char umh[UMH_PATH_BYTES];
} unit_values;

static int find_values(const umh_service_spec *spec, unit_values *values)
{
    int r = umh_file_join(spec->installation, "libexec/umh/umh-broker", values->broker);

    if (r == 0)
        r = umh_file_join(spec->installation, "bin/umh", values->umh);
    umh_service_unit_name(spec->instance, values->name);
    values->rows[0] = (unit_value){"UNIT", values->name, PLACE_TEXT};
    values->rows[1] = (unit_value){"INSTANCE", spec->instance, PLACE_TEXT};
    values->rows[2] = (unit_value){"INSTALLATION", spec->installation, PLACE_TEXT};
    values->rows[3] = (unit_value){"BROKER", values->broker, PLACE_PROGRAM};
    values->rows[4] = (unit_value){"UMH", values->umh, PLACE_PROGRAM};
    values->rows[5] = (unit_value){"CONFIG_ARGUMENT", spec->config, PLACE_ARGUMENT};
    return r;
}

/* The value whose "@NAME@" the text begins with; NULL: none. */
static const unit_value *match(const unit_values *values, umh_bytes text, size_t *ret_size)
{
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        size_t size = strlen(values->rows[i].name);

        if (text.size >= size + 2 && text.data[0] == '@' && text.data[size + 1] == '@' &&
            memcmp(text.data + 1, values->rows[i].name, size) == 0) {
            *ret_size = size + 2;
            return &values->rows[i];
        }
    }
    return NULL;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int fill(const unit_values *values, umh_bytes text, umh_buffer *unit)
{
    int r = 0;

    for (size_t at = 0; at < text.size && r == 0;) {
        umh_bytes rest = umh_bytes_of(text.data + at, text.size - at);
        size_t size = 1;
        const unit_value *value = match(values, rest, &size);

        if (value)
            r = append_value(value->value, value->place, unit);
        else
            r = umh_buffer_append(unit, rest.data, 1);
        at += size;
    }
    return r;
}

int umh_service_unit_write(const umh_service_spec *spec, umh_bytes unit_template, umh_buffer *unit,
                           umh_why *ret_why)
{
    unit_values values;
    int r = find_values(spec, &values);

    if (r)
        return umh_fold(r);
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        if (!is_writable(values.rows[i].value, values.rows[i].place)) {
            umh_why_set(ret_why, "the path '%s' cannot be written into a unit of systemd",
                        values.rows[i].value);
            return UMH_SERVICE_UNIT_BAD;
        }
    }
    if (unit_template.size < sizeof UMH_SERVICE_UNIT_MARK - 1 ||
        memcmp(unit_template.data, UMH_SERVICE_UNIT_MARK, sizeof UMH_SERVICE_UNIT_MARK - 1) != 0) {
        umh_why_set(ret_why, "the unit's template is not that of this version");
        return UMH_SERVICE_UNIT_BAD;
    }
    return umh_fold(fill(&values, unit_template, unit));
}
