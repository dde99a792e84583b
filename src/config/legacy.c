/* SPDX-License-Identifier: MIT */
/* The first implementation's vocabulary in terms of the table of keys. */
#include "config/legacy.h"

#include "config/config.h"
#include "config/names.h"

#include <stdio.h>

#define SECTION_KEY "Broker"
#define ENTRIES_KEY "ChildProcesses"

typedef struct session_row {
    const char *name;
    int64_t session;
} session_row;

static const session_row sessions[] = {
    {"Broker", UMH_CONFIG_SESSION_BROKER},
    {"AllUsers", UMH_CONFIG_SESSION_ALL_USERS},
};

bool umh_legacy_find_session(const json_t *json, int64_t *ret_session)
{
    for (size_t i = 0; i < UMH_COUNT_OF(sessions); i++) {
        const session_row *row = &sessions[i];

        if ((json_is_integer(json) && json_integer_value(json) == row->session) ||
            (json_is_string(json) && umh_names_are_equal(json_string_value(json), row->name))) {
            *ret_session = row->session;
            return true;
        }
    }
    return false;
}

static void report_repeated_keys(umh_report *report, json_t *root, json_t *section)
{
    const char *key;
    json_t *member;

    json_object_foreach(section, key, member)
    {
        char path[UMH_REPORT_PATH_BYTES];

        if (!json_object_get(root, key))
            continue;
        snprintf(path, sizeof path, SECTION_KEY ".%s", key);
        /* Its own name is at the top by definition. */
        umh_report_add(report, path, PLACE_OF_KEY, "this key also stands at the top of the file%s",
                       umh_names_are_equal(key, SECTION_KEY) ? "; it cannot be nested" : "");
    }
}

int umh_legacy_find_sections(umh_report *report, json_t *root, umh_legacy_sections *ret_sections)
{
    umh_legacy_sections found = {.items = {{root, ""}}, .count = 1, .entries_path = ENTRIES_KEY};
    size_t bad_before = report->bad_count;
    json_t *section = json_object_get(root, SECTION_KEY);

    if (!json_is_object(root))
        umh_report_add(report, "", PLACE_OF_VALUE, "expected an object at the top of the file");
    found.entries = json_object_get(root, ENTRIES_KEY);
    if (json_is_object(section)) {
        report_repeated_keys(report, root, section);
        found.items[found.count++] = (umh_legacy_section){section, SECTION_KEY};
        if (!found.entries) {
            found.entries = json_object_get(section, ENTRIES_KEY);
            found.entries_path = SECTION_KEY "." ENTRIES_KEY;
        }
    } else if (section) {
        umh_report_add(report, SECTION_KEY, PLACE_OF_VALUE, "expected an object");
    }
    if (found.entries && !json_is_array(found.entries))
        umh_report_add(report, found.entries_path, PLACE_OF_VALUE, "expected a list of objects");

    if (report->bad_count > bad_before)
        return UMH_READER_BAD;
    *ret_sections = found;
    return 0;
}
