/* SPDX-License-Identifier: MIT */
/* Users' sessions as a table. */
#include "cli/status_sessions.h"

#include "cli/output.h"

#include <stdio.h>

enum { COLUMN_NUMBER, COLUMN_ID, COLUMN_USER, COLUMN_SEAT, COLUMN_TYPE, COLUMN_COUNT };

#define NUMBER_BYTES 24

static int add_session(umh_table *table, const json_t *session)
{
    char number[NUMBER_BYTES];
    const char *cells[COLUMN_COUNT] = {
        [COLUMN_NUMBER] = number,
        [COLUMN_ID] = umh_jsonc_get_text(session, "id", "?"),
        [COLUMN_USER] = umh_jsonc_get_text(session, "user", "?"),
        [COLUMN_SEAT] = umh_jsonc_get_text(session, "seat", "-"),
        [COLUMN_TYPE] = umh_jsonc_get_text(session, "type", "-"),
    };

    snprintf(number, sizeof(number), "%lld",
             (long long)umh_jsonc_get_integer(session, "number", 0));
    return umh_table_add(table, cells);
}

static int print_table(const json_t *sessions)
{
    static const char *const heads[COLUMN_COUNT] = {"SESSION", "ID", "USER", "SEAT", "TYPE"};
    UMH_AUTO(umh_table)
    table = {.column_count = COLUMN_COUNT, .right_columns = 1u << COLUMN_NUMBER};
    const json_t *session;
    size_t index;
    int r = umh_table_add(&table, heads);

    json_array_foreach(sessions, index, session) r = r ? r : add_session(&table, session);
    if (r)
        return umh_fold(r);
    umh_table_print(&table, stdout);
    putchar('\n');
    return 0;
}

int umh_cli_print_sessions(const umh_json *status)
{
    const json_t *sessions = umh_jsonc_get_array(status, "sessions");
    const char *why = umh_jsonc_get_text(status, "sessions_unknown", "");

    if (why[0]) {
        fputs("no sessions known: ", stdout);
        umh_output_text(stdout, umh_bytes_of_text(why));
        fputs("\n\n", stdout);
    }
    return json_array_size(sessions) > 0 ? print_table(sessions) : 0;
}
