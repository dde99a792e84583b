/* SPDX-License-Identifier: MIT */
/*
 * Reading broker.json: both shapes, what a mistake costs, where it is said to be, and 10,000 files
 * that nobody wrote.
 */
#include "config/config.h"
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "/etc/umh/broker.json"
#define VALID_COUNT 3000
#define SPOILED_COUNT 4000
#define DAMAGE_COUNT 10000

typedef struct parsed {
    umh_config config;
    umh_why_list problems;
    int result;
} parsed;

static parsed parse_bytes(umh_bytes text)
{
    parsed file = {.config = UMH_CONFIG_INIT, .problems = UMH_WHY_LIST_INIT};

    file.result = umh_config_parse(text, FILE_NAME, "/opt/umh", &file.config, &file.problems);
    return file;
}

static parsed parse(const char *text)
{
    return parse_bytes(umh_bytes_of_text(text));
}

static void parsed_deinit(parsed *file)
{
    umh_config_deinit(&file->config);
    umh_why_list_deinit(&file->problems);
}
UMH_DEFINE_AUTO(parsed);

/* The only problem, as a person sees it. */
static void assert_problem(const parsed *file, const char *line)
{
    char text[1024];

    for (size_t i = 1; i < file->problems.count; i++) {
        umh_why_format(&file->problems.items[i], text, sizeof text);
        print_message("also: %s\n", text);
    }
    assert_int_equal(file->problems.count, 1);
    umh_why_format(&file->problems.items[0], text, sizeof text);
    assert_string_equal(text, line);
}

static void test_reads_an_empty_object(void **state)
{
    UMH_AUTO(parsed) file = parse("{}");

    (void)state;
    assert_int_equal(file.result, 0);
    assert_int_equal(file.problems.count, 0);
    assert_int_equal(file.config.host_count, 0);
    assert_int_equal(file.config.max_message_bytes, 16 * 1024 * 1024);
    assert_int_equal(file.config.memory_mib, 64);
    assert_int_equal(file.config.queue_mib, 8);
    assert_int_equal(file.config.stall_seconds, 60);
    assert_int_equal(file.config.start_together_ms, 1000);
    assert_int_equal(file.config.log_level, 2);
    assert_true(file.config.control);
    assert_null(file.config.dotnet.root);
    assert_string_equal(file.config.path, FILE_NAME);
    assert_string_equal(file.config.folder, "/etc/umh");
    assert_int_equal(file.config.module_folder_count, 3);
    assert_string_equal(file.config.module_folders[0], "/etc/umh/modules");
    assert_string_equal(file.config.module_folders[1], "/etc/umh");
    assert_string_equal(file.config.module_folders[2], "/opt/umh/lib/umh/modules");
}

static const char whole_file[] =
    "{\n"
    "  // the first implementation wrote it so\n"
    "  \"Broker\": {\n"
    "    \"Services\": {\"Readings\": \"{8F3C1C52-0F0E-4D5C-9D0C-6F3F5B1F8A01}\"},\n"
    "    \"ModuleFolders\": [\"plugins\", \"/srv/modules\"],\n"
    "    \"LogLevel\": \"debug\",\n"
    "    \"ChildProcesses\": [\n"
    "      {\"GroupName\": \"One\", \"Session\": \"Broker\", \"Modules\": [\"a\", \"b\"]},\n"
    "      /* two\n"
    "         lines */\n"
    "      {\n"
    "        \"GroupName\": \"Two\", \"Session\": -1, \"Wow64\": true, \"Ui\": true, "
    "\"IntegrityLevel\": \"Higher\",\n"
    "        \"Stage\": 3,\n"
    "        \"Modules\": [\n"
    "          {\"Name\": \"c\", \"Path\": \"/x/c.so\", \"Config\": {\"k\": [1, 2]}, \"Overflow\": "
    "\"DropNewest\"},\n"
    "          {\"Path\": \"lib/d.so\"},\n"
    "        ],\n"
    "        \"Environment\": {\"A\": \"1\", \"B\": \"x=y\"},\n"
    "        \"Restart\": {\"When\": \"Never\", \"FirstDelayMs\": 60000, \"Jitter\": 0.25, "
    "\"MaxRestarts\": 100, \"PerMs\": 1},\n"
    "        \"Timeouts\": {\"HelloMs\": 10, \"PingMs\": 77},\n"
    "        \"Hold\": {\"Bytes\": 0},\n"
    "        \"DotNet\": {\"Diagnostics\": false}\n"
    "      },\n"
    "    ],\n"
    "  },\n"
    "  \"DotNet\": {\"Root\": \"net\", \"Diagnostics\": true},\n"
    "  \"MemoryMiB\": 8\n"
    "}\n";

static void test_reads_every_kind_of_value(void **state)
{
    UMH_AUTO(parsed) file = parse(whole_file);
    const umh_host_config *two;
    umh_guid guid;

    (void)state;
    assert_int_equal(file.problems.count, 0);
    assert_int_equal(file.result, 0);
    assert_int_equal(file.config.memory_mib, 8);
    assert_int_equal(file.config.max_message_bytes, 2 * 1024 * 1024); /* gives way */
    assert_int_equal(file.config.queue_mib, 8);
    assert_int_equal(file.config.log_level, 1);
    assert_string_equal(file.config.dotnet.root, "/etc/umh/net");
    assert_int_equal(file.config.module_folder_count, 5);
    assert_string_equal(file.config.module_folders[0], "/etc/umh/plugins");
    assert_string_equal(file.config.module_folders[1], "/srv/modules");
    assert_string_equal(file.config.module_folders[2], "/etc/umh/modules");
    assert_int_equal(umh_config_find_service(&file.config, "readings", &guid), 0);
    assert_int_equal(guid.bytes[0], 0x8F);

    assert_int_equal(file.config.host_count, 2);
    assert_string_equal(file.config.hosts[0].name, "One");
    assert_int_equal(file.config.hosts[0].line, 8);
    assert_int_equal(file.config.hosts[0].module_count, 2);
    assert_string_equal(file.config.hosts[0].modules[1].name, "b");
    assert_string_equal(file.config.hosts[0].modules[1].config, "{}");
    assert_int_equal(file.config.hosts[0].restart.max_delay_ms, 30000);
    assert_true(file.config.hosts[0].restart.jitter == 0.1);
    assert_int_equal(file.config.hosts[0].restart.max_restarts, 0);
    assert_int_equal(file.config.hosts[0].restart.per_ms, 60000);
    assert_int_equal(file.config.hosts[0].timeouts.load_ms, 30000);
    assert_int_equal(file.config.hosts[0].hold.bytes, 4 * 1024 * 1024);
    assert_string_equal(file.config.hosts[0].dotnet.root, "/etc/umh/net");
    assert_true(file.config.hosts[0].dotnet.diagnostics);

    assert_int_equal(file.config.host_count, 2);
    two = &file.config.hosts[1];
    assert_int_equal(two->line, 11);
    assert_int_equal(two->session, UMH_CONFIG_SESSION_ALL_USERS);
    assert_true(two->wow64 && two->ui);
    assert_int_equal(two->integrity_level, 1);
    assert_int_equal(two->stage, 3);
    assert_string_equal(two->modules[0].config, "{\"k\":[1,2]}");
    assert_int_equal(two->modules[0].overflow, OVERFLOW_DROP_NEWEST);
    assert_string_equal(two->modules[1].name, "d");
    assert_string_equal(two->modules[1].path, "/etc/umh/lib/d.so");
    assert_int_equal(two->environment_count, 2);
    assert_string_equal(two->environment[1], "B=x=y");
    assert_int_equal(two->restart.when, RESTART_NEVER);
    assert_int_equal(two->restart.max_delay_ms, 60000); /* gives way */
    assert_true(two->restart.jitter == 0.25);
    assert_int_equal(two->restart.max_restarts, UMH_RESTARTS_MAX);
    assert_int_equal(two->restart.per_ms, 1);
    assert_int_equal(two->timeouts.hello_ms, 10);
    assert_int_equal(two->timeouts.ping_ms, 77);
    assert_int_equal(two->hold.bytes, 0);
    assert_int_equal(two->hold.seconds, 60);
    assert_string_equal(two->dotnet.root, "/etc/umh/net");
    assert_false(two->dotnet.diagnostics);
}

static void test_finds_services_by_any_name(void **state)
{
    UMH_AUTO(parsed)
    file = parse("{\"Services\": {\"ShellExec\": \"11111111-2222-3333-4444-555555555555\"}}");
    umh_guid guid = {{0}};

    (void)state;
    assert_int_equal(umh_config_find_service(&file.config, "ShellExec", &guid), 0);
    assert_int_equal(guid.bytes[0], 0x11);
    assert_int_equal(umh_config_find_service(&file.config, "broker", &guid), 0);
    assert_int_equal(guid.bytes[0], 0x92);
    assert_int_equal(
        umh_config_find_service(&file.config, "{6BA7B810-9dad-11d1-80b4-00c04fd430c8}", &guid), 0);
    assert_int_equal(guid.bytes[0], 0x6B);
    assert_int_equal(umh_config_find_service(&file.config, "nobody", &guid), UMH_GUID_BAD_TEXT);
}

typedef struct case_row {
    const char *text;
    const char *problem; /* behind the file's name */
} case_row;

/* Outside the entries: nothing runs. */
static const case_row unusable[] = {
    {"[]", ":1:1: expected an object at the top of the file"},
    {"{\n  \"ChildProceses\": []\n}",
     ":2:3: ChildProceses: there is no such key; did you mean ChildProcesses?"},
    {"{\"Wibble\": 1}", ":1:2: Wibble: there is no such key in the file"},
    {"{\"Broker\": {\"loglevel\": 1}}",
     ":1:13: Broker.loglevel: there is no such key; did you mean LogLevel?"},
    {"{\"LogLevel\": \"Warn\"}", ":1:14: LogLevel: expected one of Trace, Debug, Info, Warning, "
                                 "Error, Critical, found \"Warn\""},
    {"{\"LogLevel\": \"Infos\"}",
     ":1:14: LogLevel: expected one of Trace, Debug, Info, Warning, Error, Critical (did you mean "
     "Info?), found \"Infos\""},
    {"{\"Broker\": []}", ":1:12: Broker: expected an object"},
    {"{\"Broker\": {\"Broker\": {}}}",
     ":1:13: Broker.Broker: this key also stands at the top of the file; it cannot be nested"},
    {"{\"MemoryMiB\": 64,\n\"Broker\": {\"MemoryMiB\": 64}}",
     ":2:12: Broker.MemoryMiB: this key also stands at the top of the file"},
    {"{\"ChildProcesses\": {}}", ":1:20: ChildProcesses: expected a list of objects"},
    {"{\"StallSeconds\": 0}",
     ":1:18: StallSeconds: expected a whole number from 1 to 86400, found 0"},
    {"{\"StallSeconds\": 1.5}",
     ":1:18: StallSeconds: expected a whole number from 1 to 86400, found 1.5"},
    {"{\"Control\": \"yes\"}", ":1:13: Control: expected true or false, found \"yes\""},
    {"{\"Control\": null}", ":1:13: Control: expected true or false, found null"},
    {"{\"MaxMessageBytes\": 16777217}",
     ":1:21: MaxMessageBytes: 16777217 bytes do not fit into a quarter of MemoryMiB (64 MiB: "
     "16777216 bytes); lower this or raise MemoryMiB to 65"},
    {"{\"Broker\": {\"MemoryMiB\": 4}, \"QueueMiB\": 5}",
     ":1:42: QueueMiB: 5 is more than MemoryMiB, which is 4"},
    {"{\"Services\": {\"a b\": \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"}}",
     ":1:15: Services.a b: the name of a service is at most 64 letters, digits, '_', '.' and '-', "
     "the last two not first"},
    {"{\"Services\": {\"a\": \"6ba7b810\"}}",
     ":1:20: Services.a: expected a GUID such as \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\", found "
     "\"6ba7b810\""},
    {"{\"Services\": {\"a\": \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\", \"A\": "
     "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"}}",
     ":1:14: Services: 'A' differs from another name only in the case of letters"},
    {"{\"ModuleFolders\": [\"a\", 7]}", ":1:25: ModuleFolders[1]: expected a text, found 7"},
    {"{\"ModuleFolders\": \"a\"}", ":1:19: ModuleFolders: expected a list of texts, found \"a\""},
    {"{\"DotNet\": {\"root\": \"/x\"}}",
     ":1:13: DotNet.root: there is no such key; did you mean Root?"},
};

static void test_mistakes_outside_the_entries(void **state)
{
    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(unusable); i++) {
        UMH_AUTO(parsed) file = parse(unusable[i].text);
        char line[1024];

        snprintf(line, sizeof line, FILE_NAME "%s", unusable[i].problem);
        assert_problem(&file, line);
        assert_int_equal(file.result, UMH_CONFIG_UNUSABLE);
        assert_null(file.config.path);
    }
}

/* Between two entries that are right. */
static const case_row entries[] = {
    {"7", ":3:1: ChildProcesses[1]: expected an object, found 7"},
    {"{}", ":3:1: ChildProcesses[1].GroupName: this key is missing"},
    {"{\"GroupName\": \"first\"}",
     ":3:15: ChildProcesses[1].GroupName: the entry in line 2 has this name already (the case of "
     "letters is no difference)"},
    {"{\"GroupName\": \"a b\"}",
     ":3:15: ChildProcesses[1].GroupName: expected a name of at most 64 letters, digits, '_', '.' "
     "and '-', the last two not first, found \"a b\""},
    {"{\"GroupName\": \"x\", \"Sesion\": 0}",
     ":3:20: ChildProcesses[1].Sesion: there is no such key; did you mean Session?"},
    {"{\"GroupName\": \"x\", \"Session\": 1}",
     ":3:31: ChildProcesses[1].Session: expected \"Broker\" or 0, \"AllUsers\" or -1, found 1"},
    {"{\"GroupName\": \"x\",\n \"Modules\": [\"m\",\n  \"M\"]}",
     ":5:3: ChildProcesses[1].Modules[1]: this host already has a module 'M'; give one of them "
     "another Name"},
    {"{\"GroupName\": \"x\", \"Modules\": [{}]}",
     ":3:32: ChildProcesses[1].Modules[0]: a module needs a Name or a Path"},
    {"{\"GroupName\": \"x\", \"Modules\": [{\"Path\": \"/a/b c.so\"}]}",
     ":3:32: ChildProcesses[1].Modules[0]: the file's name, 'b c.so', cannot be the module's; give "
     "it a Name"},
    {"{\"GroupName\": \"x\", \"Modules\": [{\"Name\": \"m\", \"Config\": 7}]}",
     ":3:56: ChildProcesses[1].Modules[0].Config: expected an object, found 7"},
    {"{\"GroupName\": \"x\", \"Modules\": [7]}",
     ":3:32: ChildProcesses[1].Modules[0]: expected a name or an object, found 7"},
    {"{\"GroupName\": \"x\", \"Modules\": \"m\"}",
     ":3:31: ChildProcesses[1].Modules: expected a list, found \"m\""},
    {"{\"GroupName\": \"x\", \"Environment\": {\"A=B\": \"1\"}}",
     ":3:36: ChildProcesses[1].Environment.A=B: the name of a variable is not empty and has no "
     "'='"},
    {"{\"GroupName\": \"x\", \"Environment\": {\"A\": 1}}",
     ":3:41: ChildProcesses[1].Environment.A: expected a text, found 1"},
    {"{\"GroupName\": \"x\", \"Restart\": {\"FirstDelayMs\": 9, \"MaxDelayMs\": 8}}",
     ":3:65: ChildProcesses[1].Restart.MaxDelayMs: 8 is less than FirstDelayMs, which is 9"},
    {"{\"GroupName\": \"x\", \"Restart\": {\"Jitter\": 1.001}}",
     ":3:42: ChildProcesses[1].Restart.Jitter: expected a number from 0 to 1, found 1.001"},
    {"{\"GroupName\": \"x\", \"Restart\": {\"Jitter\": -0.001}}",
     ":3:42: ChildProcesses[1].Restart.Jitter: expected a number from 0 to 1, found -0.001"},
    {"{\"GroupName\": \"x\", \"Restart\": {\"Jitter\": \"0.1\"}}",
     ":3:42: ChildProcesses[1].Restart.Jitter: expected a number from 0 to 1, found \"0.1\""},
    {"{\"GroupName\": \"x\", \"Restart\": {\"MaxRestarts\": 101}}",
     ":3:47: ChildProcesses[1].Restart.MaxRestarts: expected a whole number from 0 to 100, found "
     "101"},
    {"{\"GroupName\": \"x\", \"Restart\": {\"PerMs\": 0}}",
     ":3:41: ChildProcesses[1].Restart.PerMs: expected a whole number from 1 to 86400000, found 0"},
    {"{\"GroupName\": \"x\", \"Hold\": {\"Bytes\": 67108865}}",
     ":3:38: ChildProcesses[1].Hold.Bytes: 67108865 bytes are more than MemoryMiB, which is 64 "
     "MiB"},
    {"{\"GroupName\": \"x\", \"Timeouts\": {\"HelloMs\": 9}}",
     ":3:44: ChildProcesses[1].Timeouts.HelloMs: expected a whole number from 10 to 86400000, "
     "found 9"},
    {"{\"GroupName\": \"x\", \"Limits\": {\"OpenFiles\": 63}}",
     ":3:44: ChildProcesses[1].Limits.OpenFiles: 63 are too few: a host needs 64; 0 is no limit"},
    {"{\"GroupName\": \"x\", \"Limits\": {\"MemoryMiB\": -1}}",
     ":3:44: ChildProcesses[1].Limits.MemoryMiB: expected a whole number from 0 to 65536, found "
     "-1"},
};

static void test_mistakes_in_an_entry_spoil_only_that(void **state)
{
    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(entries); i++) {
        char *text = umh_text_format("{\"ChildProcesses\": [\n{\"GroupName\": \"First\"},\n%s,\n"
                                     "{\"GroupName\": \"Last\"}]}",
                                     entries[i].text);
        UMH_AUTO(parsed) file = parse(text);
        char line[1024];

        snprintf(line, sizeof line, FILE_NAME "%s", entries[i].problem);
        assert_problem(&file, line);
        assert_int_equal(file.result, 0);
        assert_int_equal(file.config.host_count, 2);
        assert_string_equal(file.config.hosts[0].name, "First");
        assert_string_equal(file.config.hosts[1].name, "Last");
        umh_text_free(text);
    }
}

static void test_reports_all_mistakes(void **state)
{
    UMH_AUTO(parsed)
    file = parse("{\"ChildProcesses\": [{\"A\": 1, \"B\": 2, \"Ui\": 3}, {\"C\": 4}]}");

    (void)state;
    assert_int_equal(file.result, 0);
    assert_int_equal(file.config.host_count, 0);
    assert_int_equal(file.problems.count, 6);
}

static void test_bounds_what_it_reports(void **state)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    UMH_AUTO(parsed) file = {.result = 0};

    (void)state;
    assert_int_equal(umh_buffer_append_text(&text, "{\"ChildProcesses\": [{}"), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(umh_buffer_append_text(&text, ",{\"GroupNam\": 1}"), 0);
    assert_int_equal(umh_buffer_append_text(&text, "]}"), 0);
    file = parse_bytes(umh_bytes_of(text.data, text.size));
    assert_int_equal(file.result, 0);
    assert_int_equal(file.problems.count, UMH_WHY_LIST_MAX);
    assert_int_equal(file.problems.dropped_count, 6001 - UMH_WHY_LIST_MAX);
}

static void test_accepts_many_hosts_and_no_more(void **state)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;

    (void)state;
    assert_int_equal(umh_buffer_append_text(&text, "{\"ChildProcesses\": [\n"), 0);
    for (unsigned i = 0; i < UMH_HOSTS_MAX; i++)
        assert_int_equal(
            umh_buffer_append_format(&text, "%s{\"GroupName\": \"h%u\"}\n", i ? "," : "", i), 0);
    {
        size_t size = text.size;
        UMH_AUTO(parsed) most = {.result = 0};

        assert_int_equal(umh_buffer_append_text(&text, "]}"), 0);
        most = parse_bytes(umh_bytes_of(text.data, text.size));
        assert_int_equal(most.result, 0);
        assert_int_equal(most.problems.count, 0);
        assert_int_equal(most.config.host_count, UMH_HOSTS_MAX);
        assert_int_equal(most.config.hosts[UMH_HOSTS_MAX - 1].line, UMH_HOSTS_MAX + 1);
        text.size = size;
    }
    assert_int_equal(umh_buffer_append_text(&text, ",{\"GroupName\": \"more\"}]}"), 0);
    {
        UMH_AUTO(parsed) more = parse_bytes(umh_bytes_of(text.data, text.size));

        assert_int_equal(more.result, UMH_CONFIG_UNUSABLE);
        assert_problem(&more, FILE_NAME ":1:20: ChildProcesses: 4097 hosts are more than the 4096 "
                                        "that a broker can have");
    }
}

static void test_reports_what_is_no_json(void **state)
{
    static const char *const texts[] = {
        "",      "{",   "{\"a\"", "nonsense", "{\"a\": 1, \"a\": 2}", "{\"a\": \"\\u0000\"}",
        "{} {}", "\xFF"};

    (void)state;
    for (size_t i = 0; i < UMH_COUNT_OF(texts); i++) {
        UMH_AUTO(parsed) file = parse(texts[i]);

        assert_int_equal(file.result, UMH_CONFIG_UNUSABLE);
        assert_int_equal(file.problems.count, 1);
        assert_true(file.problems.items[0].text[0]);
        assert_int_equal(file.problems.items[0].line, 1);
        assert_string_equal(file.problems.items[0].file, FILE_NAME);
    }
}

static void test_reports_a_missing_file(void **state)
{
    umh_config config = UMH_CONFIG_INIT;
    umh_why_list problems = UMH_WHY_LIST_INIT;

    (void)state;
    assert_int_equal(umh_config_load("/nowhere/broker.json", NULL, &config, &problems),
                     UMH_CONFIG_UNUSABLE);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].text, "there is no such file");
    assert_int_equal(umh_config_load("/", NULL, &config, &problems), UMH_CONFIG_UNUSABLE);
    assert_int_equal(problems.count, 2);
    assert_true(problems.items[1].text[0]);
    umh_why_list_deinit(&problems);
}

/*
 * What is in the file is in the struct, by a second reading of the table; what is not is the
 * default.
 */
static void check_values(umh_schema_object owner, const json_t *object, const void *value);

static void check_value(const umh_schema_row *row, const json_t *json, const char *field)
{
    char *const *text = (char *const *)(const void *)field;

    switch (row->type) {
    case SCHEMA_BOOL:
        assert_int_equal(*(const bool *)field, json_is_true(json));
        break;
    case SCHEMA_SWITCH:
        assert_int_equal(*(const int64_t *)(const void *)field,
                         json_is_true(json) ? SWITCH_ON : SWITCH_OFF);
        break;
    case SCHEMA_INTEGER:
        assert_int_equal(*(const int64_t *)(const void *)field, json_integer_value(json));
        break;
    case SCHEMA_NUMBER:
        assert_true(*(const double *)(const void *)field == json_number_value(json));
        break;
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
        if (json_is_string(json))
            assert_string_equal(*text, json_string_value(json));
        break;
    case SCHEMA_OBJECT:
        check_values(row->object, json, field);
        break;
    case SCHEMA_OBJECT_LIST:
    case SCHEMA_TEXT_LIST:
    case SCHEMA_TEXT_MAP:
    case SCHEMA_GUID_MAP:
        assert_true(*(const size_t *)(const void *)(field + sizeof(void *)) >=
                    (json_is_array(json) ? json_array_size(json) : json_object_size(json)));
        break;
    default:
        break;
    }
}

static void check_values(umh_schema_object owner, const json_t *object, const void *value)
{
    const umh_schema_rows *rows = umh_schema_rows_of(owner);

    for (size_t i = 0; i < rows->count; i++) {
        const umh_schema_row *row = &rows->items[i];
        const json_t *json = json_object_get(object, row->key);

        if (row->offset == UMH_SCHEMA_NOT_STORED || !json || strcmp(row->key, "Root") == 0)
            continue;
        check_value(row, json, (const char *)value + row->offset);
    }
}

static void show_problems(const parsed *file, const char *text)
{
    char line[1024];

    for (size_t i = 0; i < file->problems.count; i++) {
        umh_why_format(&file->problems.items[i], line, sizeof line);
        print_error("%s\n", line);
    }
    print_error("%s\n", text);
}

static void test_right_files_load_without_problems(void **state)
{
    random_source random = {.state = 20240607};

    (void)state;
    for (int i = 0; i < VALID_COUNT; i++) {
        json_t *config = generate_config(&random);
        json_t *list = generated_entries(config);
        char *text = generate_text(&random, config);
        UMH_AUTO(parsed) file = parse(text);

        if (file.result || file.problems.count)
            show_problems(&file, text);
        assert_int_equal(file.result, 0);
        assert_int_equal(file.problems.count, 0);
        assert_int_equal(file.config.host_count, json_array_size(list));
        check_values(OBJECT_ROOT, config, &file.config);
        check_values(OBJECT_ROOT, json_object_get(config, "Broker"), &file.config);
        for (size_t j = 0; j < file.config.host_count; j++)
            check_values(OBJECT_HOST, json_array_get(list, j), &file.config.hosts[j]);
        free(text);
        json_decref(config);
    }
}

/* What holds for whatever was read from whatever text. */
static void check_outcome(const parsed *file, const char *text)
{
    bool is_right = file->result == 0 || file->result == UMH_CONFIG_UNUSABLE;

    is_right = is_right && (file->result == 0 || file->problems.count > 0);
    for (size_t i = 0; i < file->problems.count; i++) {
        const umh_why *why = &file->problems.items[i];

        is_right = is_right && why->text[0] && why->line > 0 && why->column > 0;
    }
    for (size_t i = 0; i < file->config.host_count; i++) {
        const umh_host_config *host = &file->config.hosts[i];

        is_right = is_right && umh_schema_is_name(host->name) && host->line > 0;
        for (size_t j = 0; j < host->module_count; j++)
            is_right = is_right && umh_schema_is_name(host->modules[j].name) &&
                       host->modules[j].config[0] == '{';
    }
    if (!is_right)
        show_problems(file, text);
    assert_true(is_right);
}

static void test_every_mistake_is_found(void **state)
{
    random_source random = {.state = 77};
    int found = 0;

    (void)state;
    for (int i = 0; found < SPOILED_COUNT; i++) {
        json_t *config = generate_config(&random);
        json_t *list = generated_entries(config);
        size_t count = json_array_size(list);
        bool in_entry = count > 0 && random_chance(&random, 60);
        json_t *entry = in_entry ? json_array_get(list, random_below(&random, count)) : NULL;

        assert_true(i < 4 * SPOILED_COUNT);
        if (generate_mistake(&random, config, entry,
                             (mistake)random_below(&random, MISTAKE_COUNT))) {
            char *text = generate_text(&random, config);
            UMH_AUTO(parsed) file = parse(text);

            check_outcome(&file, text);
            if (file.problems.count == 0 || (in_entry && file.result))
                show_problems(&file, text);
            assert_true(file.problems.count > 0);
            if (in_entry) {
                assert_int_equal(file.result, 0);
                assert_int_equal(file.config.host_count, count - 1);
            }
            free(text);
            found++;
        }
        json_decref(config);
    }
}

static void test_survives_damaged_files(void **state)
{
    random_source random = {.state = 4711};

    (void)state;
    for (int i = 0; i < DAMAGE_COUNT; i++) {
        json_t *config = generate_config(&random);
        char *text = generate_text(&random, config);
        UMH_AUTO(umh_buffer) damaged = UMH_BUFFER_INIT;

        assert_int_equal(umh_buffer_append_text(&damaged, text), 0);
        for (size_t more = random_below(&random, 4) + 1; more > 0; more--)
            damage_text(&random, &damaged);
        {
            /* Exactly as long as the text: the sanitizer sees what reads behind it. */
            char *exact = malloc(damaged.size + (damaged.size == 0));
            UMH_AUTO(parsed) file = {.result = 0};

            assert_non_null(exact);
            memcpy(exact, damaged.data, damaged.size);
            file = parse_bytes(umh_bytes_of(exact, damaged.size));
            check_outcome(&file, text);
            free(exact);
        }
        free(text);
        json_decref(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_an_empty_object),
        cmocka_unit_test(test_reads_every_kind_of_value),
        cmocka_unit_test(test_finds_services_by_any_name),
        cmocka_unit_test(test_mistakes_outside_the_entries),
        cmocka_unit_test(test_mistakes_in_an_entry_spoil_only_that),
        cmocka_unit_test(test_reports_all_mistakes),
        cmocka_unit_test(test_bounds_what_it_reports),
        cmocka_unit_test(test_accepts_many_hosts_and_no_more),
        cmocka_unit_test(test_reports_what_is_no_json),
        cmocka_unit_test(test_reports_a_missing_file),
        cmocka_unit_test(test_right_files_load_without_problems),
        cmocka_unit_test(test_every_mistake_is_found),
        cmocka_unit_test(test_survives_damaged_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
