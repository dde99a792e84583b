/* SPDX-License-Identifier: MIT */
/* umh status: what the running broker says of itself, as a table or as it is. */
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/status_sessions.h"
#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

enum {
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_PID,
    COLUMN_RESTARTS,
    COLUMN_VERSION,
    COLUMN_WAITING,
    COLUMN_DROPPED,
    COLUMN_COUNT
};

#define NUMBER_BYTES 24
#define NAME_BYTES 96
#define NOTE_BYTES 256
#define ACTIVITY_MS_MIN 100
#define HELD_BY "held by "
#define KIB 1024
#define MIB (1024 * 1024)

/* A number, or nothing where there is none. */
static const char *number_of(const json_t *object, const char *key, char text[NUMBER_BYTES])
{
    const json_t *value = json_object_get(object, key);

    text[0] = '\0';
    if (json_is_integer(value))
        snprintf(text, NUMBER_BYTES, "%lld", (long long)json_integer_value(value));
    return text;
}

static int add_note(umh_table *table, const char *what, const json_t *object, const char *key)
{
    const char *text = umh_jsonc_get_text(object, key, "");

    return text[0] ? umh_table_note(table, "%s%s", what, text) : 0;
}

/* "ends so far: 498 signal, 2 deadline", when there was more than one. */
static int add_end_counts(umh_table *table, const json_t *ends)
{
    char text[NOTE_BYTES] = "";
    size_t used = 0;
    json_int_t sum = 0;
    const char *kind;
    const json_t *count;

    json_object_foreach((json_t *)(uintptr_t)ends, kind, count)
    {
        sum += json_integer_value(count);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld %.20s", used ? ", " : "",
                                 (long long)json_integer_value(count), kind);
        if (used >= sizeof text)
            used = sizeof text - 1;
    }
    return sum > 1 ? umh_table_note(table, "  ends so far: %s", text) : 0;
}

static int add_last_end(umh_table *table, const json_t *host)
{
    const json_t *last = json_array_get(umh_jsonc_get_array(host, "deaths"), 0);
    int r;

    if (!last)
        return 0;
    r = add_end_counts(table, umh_jsonc_get_object(host, "ends"));
    if (r)
        return r;
    return umh_table_note(table, "  last end: %s, at %s", umh_jsonc_get_text(last, "text", "?"),
                          umh_jsonc_get_text(last, "at", "?"));
}

/* What it has been in for longer than a moment. */
static int add_activity(umh_table *table, const json_t *module)
{
    const char *activity = umh_jsonc_get_text(module, "activity", "");
    int64_t for_ms = umh_jsonc_get_integer(module, "for_ms", 0);

    if (!activity[0] || for_ms < ACTIVITY_MS_MIN)
        return 0;
    return umh_table_note(table, "    in %s for %.1f s", activity, (double)for_ms / 1000);
}

/* Behind "DROPPED" stand two things of different weight. */
static int add_losses(umh_table *table, const json_t *module)
{
    int64_t lost = umh_jsonc_get_integer(module, "lost", 0);
    int64_t dropped = umh_jsonc_get_integer(module, "dropped", 0);

    if (lost == 0)
        return 0;
    if (dropped == lost)
        return umh_table_note(table, "    dropped: %lld lost with a process that ended",
                              (long long)lost);
    return umh_table_note(
        table, "    dropped: %lld lost with a process that ended, %lld by Hold or Overflow",
        (long long)lost, (long long)(dropped - lost));
}

static int add_exceptions(umh_table *table, const json_t *module)
{
    int64_t count = umh_jsonc_get_integer(module, "exceptions", 0);

    return count > 0 ? umh_table_note(table, "    %lld exception%s; see the log", (long long)count,
                                      count == 1 ? "" : "s")
                     : 0;
}

/* The words of most holders begin with "held by". */
static int add_holder(umh_table *table, const json_t *module)
{
    const char *text = umh_jsonc_get_text(module, "held_by", "");
    bool is_said = strncmp(text, HELD_BY, sizeof HELD_BY - 1) == 0;

    if (!text[0])
        return 0;
    return umh_table_note(table, "    replaced; it was %s%s", is_said ? "" : "held: ", text);
}

static int add_module(umh_table *table, const json_t *module)
{
    char name[NAME_BYTES];
    char waiting[NUMBER_BYTES];
    char dropped[NUMBER_BYTES];
    const char *cells[COLUMN_COUNT] = {
        [COLUMN_NAME] = name,
        [COLUMN_STATE] = umh_jsonc_get_text(module, "state", ""),
        [COLUMN_PID] = "",
        [COLUMN_RESTARTS] = "",
        [COLUMN_VERSION] = umh_jsonc_get_text(module, "version", ""),
        [COLUMN_WAITING] = number_of(module, "waiting", waiting),
        [COLUMN_DROPPED] = number_of(module, "dropped", dropped),
    };
    int r;

    snprintf(name, sizeof name, "  %.80s", umh_jsonc_get_text(module, "name", "?"));
    r = umh_table_add(table, cells);
    if (r == 0)
        r = add_activity(table, module);
    if (r == 0)
        r = add_losses(table, module);
    if (r == 0)
        r = add_note(table, "    why: ", module, "why");
    if (r == 0)
        r = add_exceptions(table, module);
    return r ? r : add_holder(table, module);
}

static int add_refused(umh_table *table, const json_t *host)
{
    int64_t count = umh_jsonc_get_integer(host, "refused", 0);

    return count > 0 ? umh_table_note(table, "  refused: %lld messages to other users' sessions",
                                      (long long)count)
                     : 0;
}

/* "2 left over: Clinger, held by ...": one line each, the count in front of the first. */
static int add_leftovers(umh_table *table, const json_t *leftovers)
{
    const json_t *row;
    size_t index;
    int r = 0;

    json_array_foreach(leftovers, index, row)
    {
        char count[NUMBER_BYTES] = "";

        if (index == 0)
            snprintf(count, sizeof count, "%zu ", json_array_size(leftovers));
        r = r ? r
              : umh_table_note(table, "  %sleft over: %s for %.0f s: %s", count,
                               umh_jsonc_get_text(row, "module", "?"),
                               (double)umh_jsonc_get_integer(row, "for_ms", 0) / 1000,
                               umh_jsonc_get_text(row, "held_by", "?"));
    }
    return r;
}

/* The configuration has them, and `umh unload` has taken them away. */
static int add_unloaded(umh_table *table, const json_t *host)
{
    const char *name = umh_jsonc_get_text(host, "name", "?");
    const json_t *module;
    size_t index;
    int r = 0;

    json_array_foreach(umh_jsonc_get_array(host, "unloaded"), index, module)
    {
        const char *text = json_string_value(module);

        r = r ? r
              : umh_table_note(table, "  unloaded: %s; umh load %s %s brings it back", text, name,
                               text);
    }
    return r;
}

static int add_host(umh_table *table, const json_t *host)
{
    char pid[NUMBER_BYTES];
    char restarts[NUMBER_BYTES];
    const char *cells[COLUMN_COUNT] = {
        [COLUMN_NAME] = umh_jsonc_get_text(host, "name", "?"),
        [COLUMN_STATE] = umh_jsonc_get_text(host, "state", ""),
        [COLUMN_PID] = number_of(host, "pid", pid),
        [COLUMN_RESTARTS] = number_of(host, "restarts", restarts),
        [COLUMN_VERSION] = umh_jsonc_get_integer(host, "bits", 64) == 32 ? "32-bit" : "",
        [COLUMN_WAITING] = "",
        [COLUMN_DROPPED] = "",
    };
    const json_t *modules = umh_jsonc_get_array(host, "modules");
    const json_t *starts_in = json_object_get(host, "starts_in_ms");
    const json_t *module;
    size_t index;
    int r = umh_table_add(table, cells);

    if (r == 0)
        r = add_last_end(table, host);
    if (r == 0 && json_is_integer(starts_in))
        r = umh_table_note(table, "  starts again in %.1f s",
                           (double)json_integer_value(starts_in) / 1000);
    if (r == 0)
        r = add_note(table, "  not started again: ", host, "why");
    if (r == 0)
        r = add_refused(table, host);
    if (r == 0)
        r = add_note(table, "  diagnostics: ", host, "diagnostics");
    if (r == 0 && umh_jsonc_get_bool(host, "debugged", false))
        r = umh_table_note(table, "  debugged: nothing of it is late until the debugger has gone");
    if (r == 0)
        r = add_leftovers(table, umh_jsonc_get_array(host, "left_over"));
    if (r == 0)
        r = add_unloaded(table, host);
    json_array_foreach(modules, index, module) r = r ? r : add_module(table, module);
    return r;
}

static void put_span(int64_t ms)
{
    long long seconds = ms / 1000;

    if (seconds >= 86400)
        printf("%lld d %lld h", seconds / 86400, seconds % 86400 / 3600);
    else if (seconds >= 3600)
        printf("%lld h %lld min", seconds / 3600, seconds % 3600 / 60);
    else if (seconds >= 60)
        printf("%lld min %lld s", seconds / 60, seconds % 60);
    else
        printf("%lld s", seconds);
}

static void put_bytes(int64_t bytes)
{
    if (bytes >= MIB)
        printf("%.1f MiB", (double)bytes / MIB);
    else
        printf("%lld KiB", (long long)((bytes + KIB - 1) / KIB));
}

/* The one line for many hosts. */
static void print_sum(const json_t *hosts)
{
    const json_t *host;
    size_t index;
    long long running = 0;
    long long restarts = 0;

    json_array_foreach(hosts, index, host)
    {
        running += strcmp(umh_jsonc_get_text(host, "state", ""), "running") == 0;
        restarts += umh_jsonc_get_integer(host, "restarts", 0);
    }
    printf("%lld of %zu host%s running, %lld restart%s so far\n\n", running, json_array_size(hosts),
           json_array_size(hosts) == 1 ? "" : "s", restarts, restarts == 1 ? "" : "s");
}

static void print_broker(const json_t *broker)
{
    const json_t *memory = umh_jsonc_get_object(broker, "memory");

    printf("broker %s, instance %s, pid %lld, %s for ", umh_jsonc_get_text(broker, "version", "?"),
           umh_jsonc_get_text(broker, "instance", "?"),
           (long long)umh_jsonc_get_integer(broker, "pid", 0),
           umh_jsonc_get_text(broker, "state", "running"));
    put_span(umh_jsonc_get_integer(broker, "uptime_ms", 0));
    printf("\n%s\nmemory for messages: ", umh_jsonc_get_text(broker, "config", ""));
    put_bytes(umh_jsonc_get_integer(memory, "charged", 0));
    fputs(" of ", stdout);
    put_bytes(umh_jsonc_get_integer(memory, "capacity", 0));
    fputs(", highest ", stdout);
    put_bytes(umh_jsonc_get_integer(memory, "highest", 0));
    putchar('\n');
}

static int print_table(const json_t *status)
{
    static const char *const heads[COLUMN_COUNT] = {"HOST",    "STATE",   "PID",    "RESTARTS",
                                                    "VERSION", "WAITING", "DROPPED"};
    UMH_AUTO(umh_table)
    table = {.column_count = COLUMN_COUNT,
             .right_columns = 1u << COLUMN_PID | 1u << COLUMN_RESTARTS | 1u << COLUMN_WAITING |
                              1u << COLUMN_DROPPED};
    const json_t *host;
    size_t index;
    int r = umh_table_add(&table, heads);

    json_array_foreach(umh_jsonc_get_array(status, "hosts"), index, host) r =
        r ? r : add_host(&table, host);
    if (r)
        return umh_fold(r);
    print_broker(umh_jsonc_get_object(status, "broker"));
    print_sum(umh_jsonc_get_array(status, "hosts"));
    r = umh_cli_print_sessions(status);
    if (r)
        return umh_fold(r);
    umh_table_print(&table, stdout);
    return 0;
}

/* What belongs to the answer and not to the status goes. */
static int print_json(umh_json *status)
{
    json_object_del(status, "id");
    json_object_del(status, "ok");
    if (json_dumpf(status, stdout, JSON_INDENT(2)) != 0)
        return umh_cli_refuse("the status could not be written to stdout");
    putchar('\n');
    return CLI_DONE;
}

int umh_cli_status(const umh_cli *cli)
{
    UMH_AUTO_PTR(umh_client) client = NULL;
    UMH_AUTO(umh_answer) answer = UMH_ANSWER_INIT;
    bool as_json = false;
    const umh_option options[] = {{.name = "json", .kind = OPTION_FLAG, .to = &as_json}};
    const umh_arguments_spec spec = {.options = options, .option_count = UMH_COUNT_OF(options)};
    umh_why why = UMH_WHY_INIT;
    const char *none;
    size_t count;
    int code;
    int r;

    if (!umh_arguments_read(cli, &spec, &none, &count, &code))
        return code;
    r = umh_client_connect(cli, &client, &why);
    if (r == 0)
        r = umh_client_ask_take(
            client,
            &(umh_client_question){"status", NULL, umh_clock_deadline_ns(UMH_CLIENT_ANSWER_MS)},
            &answer, &why);
    if (r)
        return umh_client_explain(r, &why);
    if (as_json)
        return print_json(answer.body);
    return print_table(answer.body) ? umh_cli_fail() : CLI_DONE;
}
