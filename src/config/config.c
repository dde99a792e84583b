/* SPDX-License-Identifier: MIT */
/*
 * A broker.json from its file to hosts: the whole first, then each entry by itself, so that a wrong
 * entry spoils no other.
 */
#include "config/config.h"

#include "config/copy.h"
#include "config/legacy.h"
#include "config/names.h"
#include "config/reader.h"
#include "config/runtime.h"
#include "ipc/services.h"
#include "platform/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_MIB (1024LL * 1024)
#define MESSAGE_SHARE 4   /* MaxMessageBytes must fit so many times into MemoryMiB */
#define OPEN_FILES_MIN 64 /* of a host's Limits: it needs some itself */
#define OWN_FOLDERS_MAX 3 /* module folders behind those of the file */

/* What reading one file works with. */
typedef struct config_load {
    umh_report report;
    umh_legacy_sections sections;
    umh_config *config;
} config_load;

static void report_alone(umh_why_list *problems, const char *path, const umh_why *why)
{
    umh_why placed = *why;

    umh_why_place(&placed, path, 0, 0, NULL);
    umh_why_list_add(problems, &placed);
}

/* The section in which a key of the whole stands; NULL: in none. */
static const umh_legacy_section *find_section(const config_load *load, const char *key)
{
    for (size_t i = 0; i < load->sections.count; i++) {
        if (json_object_get(load->sections.items[i].json, key))
            return &load->sections.items[i];
    }
    return NULL;
}

/* Report at a key of the whole that may not be there. */
static void report_key(config_load *load, const char *key, const char *text)
{
    const umh_legacy_section *section = find_section(load, key);
    char path[UMH_REPORT_PATH_BYTES];

    snprintf(path, sizeof path, "%s%s%s", section ? section->path : "",
             section && section->path[0] ? "." : "", key);
    umh_report_add(&load->report, path, PLACE_OF_VALUE, "%s", text);
}

/* Limits that depend on each other. What the file does not say gives way to what it says. */
static void check_memory(config_load *load)
{
    umh_config *config = load->config;
    int64_t share = config->memory_mib * BYTES_PER_MIB / MESSAGE_SHARE;
    char text[200];

    if (config->max_message_bytes > share && !find_section(load, "MaxMessageBytes"))
        config->max_message_bytes = share;
    if (config->queue_mib > config->memory_mib && !find_section(load, "QueueMiB"))
        config->queue_mib = config->memory_mib;

    if (config->max_message_bytes > share) {
        snprintf(text, sizeof text,
                 "%lld bytes do not fit into a quarter of MemoryMiB (%lld MiB: %lld bytes); lower "
                 "this or raise MemoryMiB to %lld",
                 (long long)config->max_message_bytes, (long long)config->memory_mib,
                 (long long)share,
                 (long long)((config->max_message_bytes * MESSAGE_SHARE + BYTES_PER_MIB - 1) /
                             BYTES_PER_MIB));
        report_key(load, "MaxMessageBytes", text);
    }
    if (config->queue_mib > config->memory_mib) {
        snprintf(text, sizeof text, "%lld is more than MemoryMiB, which is %lld",
                 (long long)config->queue_mib, (long long)config->memory_mib);
        report_key(load, "QueueMiB", text);
    }
}

static int check_services(config_load *load)
{
    umh_config *config = load->config;
    umh_name *names = calloc(config->service_count ? config->service_count : 1, sizeof *names);

    if (!names)
        return UMH_FAIL(UMH_E_MEMORY, "names of services");
    for (size_t i = 0; i < config->service_count; i++)
        names[i] = (umh_name){.text = config->services[i].name, .index = i};
    umh_names_mark_repeated(names, config->service_count);
    for (size_t i = 0; i < config->service_count; i++) {
        char text[UMH_NAME_BYTES_MAX + 80];

        snprintf(text, sizeof text, "'%s' differs from another name only in the case of letters",
                 names[i].text);
        if (names[i].is_repeated)
            report_key(load, "Services", text);
    }
    free(names);
    return 0;
}

/* Whether each of them is a name, or a name and a version, as paths have them. */
static void check_frameworks(umh_report *report, const char *path, const umh_dotnet_config *dotnet)
{
    char key[UMH_REPORT_PATH_BYTES + 40];
    umh_framework framework;

    for (size_t i = 0; i < dotnet->framework_count; i++) {
        if (umh_framework_decode(dotnet->frameworks[i], &framework) == 0)
            continue;
        snprintf(key, sizeof key, "%s%sDotNet.Frameworks[%u]", path, path[0] ? "." : "",
                 (unsigned)i);
        umh_report_add(report, key, PLACE_OF_VALUE,
                       "expected the name of a framework, and a version behind it if that matters "
                       "(\"Microsoft.AspNetCore.App 10.0.3\"), found \"%s\"",
                       umh_report_show(dotnet->frameworks[i]).text);
    }
}

/* Keys of the whole, without the entries. Outcomes: UMH_CONFIG_UNUSABLE. */
static int read_whole(config_load *load)
{
    int r = umh_reader_set_defaults(OBJECT_ROOT, load->config);

    if (r)
        return r;
    for (size_t i = 0; i < load->sections.count; i++) {
        const umh_legacy_section *section = &load->sections.items[i];

        r = umh_reader_read(&load->report, OBJECT_ROOT, section->json, section->path, load->config);
        if (r < 0)
            return r;
    }
    check_memory(load);
    if (find_section(load, "DotNet"))
        check_frameworks(&load->report, find_section(load, "DotNet")->path, &load->config->dotnet);
    r = check_services(load);
    if (r)
        return r;
    if (json_array_size(load->sections.entries) > UMH_HOSTS_MAX)
        umh_report_add(&load->report, load->sections.entries_path, PLACE_OF_VALUE,
                       "%llu hosts are more than the %u that a broker can have",
                       (unsigned long long)json_array_size(load->sections.entries), UMH_HOSTS_MAX);
    return load->report.bad_count > 0 ? UMH_CONFIG_UNUSABLE : 0;
}

/* A module without a name is called as its file, without the ending. */
static int name_module(umh_report *report, const char *path, umh_module_config *module)
{
    const char *file;
    const char *dot;
    char *name;

    if (module->name)
        return 0;
    if (!module->path) {
        umh_report_add(report, path, PLACE_OF_VALUE, "a module needs a Name or a Path");
        return 0;
    }
    file = umh_file_name(module->path);
    dot = strrchr(file, '.');
    name =
        dot && dot != file ? umh_text_copy_bytes(file, (size_t)(dot - file)) : umh_text_copy(file);
    if (!name)
        return UMH_E_MEMORY;
    if (umh_schema_is_name(name)) {
        module->name = name;
        return 0;
    }
    umh_text_free(name);
    umh_report_add(report, path, PLACE_OF_VALUE,
                   "the file's name, '%s', cannot be the module's; give it a Name",
                   umh_report_show(file).text);
    return 0;
}

static int check_modules(umh_report *report, const char *path, umh_host_config *host)
{
    umh_name names[UMH_MODULES_PER_HOST_MAX];
    char module_path[UMH_REPORT_PATH_BYTES];
    size_t count = 0;

    for (size_t i = 0; i < host->module_count; i++) {
        int r;

        snprintf(module_path, sizeof module_path, "%.64s.Modules[%u]", path, (unsigned)i);
        r = name_module(report, module_path, &host->modules[i]);
        if (r)
            return r;
        if (host->modules[i].name)
            names[count++] = (umh_name){.text = host->modules[i].name, .index = i};
    }
    umh_names_mark_repeated(names, count);
    for (size_t i = 0; i < count; i++) {
        snprintf(module_path, sizeof module_path, "%.64s.Modules[%u]", path,
                 (unsigned)names[i].index);
        if (names[i].is_repeated)
            umh_report_add(report, module_path, PLACE_OF_VALUE,
                           "this host already has a module '%s'; give one of them another Name",
                           names[i].text);
    }
    return 0;
}

static bool is_given(const json_t *entry, const char *object, const char *key)
{
    return json_object_get(json_object_get(entry, object), key) != NULL;
}

/* The same for limits of a host. */
static void check_limits(config_load *load, const json_t *entry, const char *path,
                         umh_host_config *host)
{
    umh_restart_config *restart = &host->restart;
    int64_t memory_bytes = load->config->memory_mib * BYTES_PER_MIB;
    char key[UMH_REPORT_PATH_BYTES + 32];

    /* A window that the user closed is not to come back. */
    if (host->ui && !is_given(entry, "Restart", "When"))
        restart->when = RESTART_ON_FAILURE;
    if (restart->max_delay_ms < restart->first_delay_ms &&
        !is_given(entry, "Restart", "MaxDelayMs"))
        restart->max_delay_ms = restart->first_delay_ms;
    if (host->hold.bytes > memory_bytes && !is_given(entry, "Hold", "Bytes"))
        host->hold.bytes = memory_bytes;

    if (restart->max_delay_ms < restart->first_delay_ms) {
        snprintf(key, sizeof key, "%s.Restart.MaxDelayMs", path);
        umh_report_add(&load->report, key, PLACE_OF_VALUE,
                       "%lld is less than FirstDelayMs, which is %lld",
                       (long long)restart->max_delay_ms, (long long)restart->first_delay_ms);
    }
    if (host->hold.bytes > memory_bytes) {
        snprintf(key, sizeof key, "%s.Hold.Bytes", path);
        umh_report_add(&load->report, key, PLACE_OF_VALUE,
                       "%lld bytes are more than MemoryMiB, which is %lld MiB",
                       (long long)host->hold.bytes, (long long)load->config->memory_mib);
    }
    if (host->limits.open_files > 0 && host->limits.open_files < OPEN_FILES_MIN) {
        snprintf(key, sizeof key, "%s.Limits.OpenFiles", path);
        umh_report_add(&load->report, key, PLACE_OF_VALUE,
                       "%lld are too few: a host needs %d; 0 is no limit",
                       (long long)host->limits.open_files, OPEN_FILES_MIN);
    }
}

/* What is known of an entry before it is read. */
typedef struct entry {
    int line;
    int first_line; /* of the entry that has the same GroupName; 0: none before this one */
} entry;

/* Outcomes: UMH_READER_BAD; `ret_host` is to be released in any case. */
static int read_entry(config_load *load, size_t index, const entry *known,
                      umh_host_config *ret_host)
{
    umh_report *report = &load->report;
    json_t *json = json_array_get(load->sections.entries, index);
    size_t bad_before = report->bad_count;
    char path[UMH_REPORT_PATH_BYTES];
    char key[UMH_REPORT_PATH_BYTES + 16];
    int r = umh_reader_set_defaults(OBJECT_HOST, ret_host);

    if (r == 0) {
        umh_reader_release(OBJECT_DOTNET, &ret_host->dotnet);
        r = umh_dotnet_config_copy(&load->config->dotnet, &ret_host->dotnet);
    }
    if (r)
        return r;
    snprintf(path, sizeof path, "%s[%u]", load->sections.entries_path, (unsigned)index);
    ret_host->line = known->line;
    r = umh_reader_read(report, OBJECT_HOST, json, path, ret_host);
    if (r < 0)
        return r;
    if (known->first_line > 0) {
        snprintf(key, sizeof key, "%s.GroupName", path);
        umh_report_add(report, key, PLACE_OF_VALUE,
                       "the entry in line %d has this name already (the case of letters is no "
                       "difference)",
                       known->first_line);
    }
    /* What depends on several keys is worth saying once each is right by itself. */
    if (report->bad_count == bad_before) {
        if (is_given(json, "DotNet", "Frameworks"))
            check_frameworks(report, path, &ret_host->dotnet);
        check_limits(load, json, path, ret_host);
        r = check_modules(report, path, ret_host);
        if (r)
            return r;
    }
    return report->bad_count > bad_before ? UMH_READER_BAD : 0;
}

/*
 * The first of several entries with one name stands, even if it is wrong otherwise: which was
 * meant, nobody knows.
 */
static int find_repeated_entries(const config_load *load, entry *entries)
{
    size_t count = json_array_size(load->sections.entries);
    umh_name *names = calloc(count, sizeof *names);
    size_t name_count = 0;
    size_t first = 0;

    if (!names)
        return UMH_FAIL(UMH_E_MEMORY, "names of %u hosts", (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        json_t *json = json_array_get(load->sections.entries, i);
        const char *name = umh_jsonc_get_text(json, "GroupName", NULL);

        if (name)
            names[name_count++] = (umh_name){.text = name, .index = i};
    }
    umh_names_mark_repeated(names, name_count);
    for (size_t i = 0; i < name_count; i++) {
        if (names[i].is_repeated)
            entries[names[i].index].first_line = entries[names[first].index].line;
        else
            first = i;
    }
    free(names);
    return 0;
}

static int find_entry_lines(const config_load *load, entry *entries)
{
    size_t count = json_array_size(load->sections.entries);
    int *lines = calloc(count, sizeof *lines);

    if (!lines)
        return UMH_FAIL(UMH_E_MEMORY, "lines of %u hosts", (unsigned)count);
    umh_report_find_lines(&load->report, load->sections.entries_path, lines, count);
    for (size_t i = 0; i < count; i++)
        entries[i].line = lines[i];
    free(lines);
    return 0;
}

/* What is wrong stays as it was at a change: under the name that it still has. */
static int remember_wrong(config_load *load, const json_t *json)
{
    const char *name = umh_jsonc_get_text(json, "GroupName", NULL);
    umh_config *config = load->config;

    if (!name || !umh_schema_is_name(name))
        return 0;
    config->wrong_hosts[config->wrong_host_count] = umh_text_copy(name);
    if (!config->wrong_hosts[config->wrong_host_count])
        return UMH_E_MEMORY;
    config->wrong_host_count++;
    return 0;
}

static int read_hosts(config_load *load, const entry *entries, size_t count)
{
    umh_config *config = load->config;

    config->hosts = calloc(count, sizeof *config->hosts);
    config->wrong_hosts = calloc(count, sizeof(*config->wrong_hosts));
    if (!config->hosts || !config->wrong_hosts)
        return UMH_FAIL(UMH_E_MEMORY, "%u hosts", (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        umh_host_config *host = &config->hosts[config->host_count];
        int r = read_entry(load, i, &entries[i], host);

        if (r == 0) {
            config->host_count++;
            continue;
        }
        umh_reader_release(OBJECT_HOST, host);
        *host = (umh_host_config){.name = NULL};
        if (r == UMH_READER_BAD)
            r = remember_wrong(load, json_array_get(load->sections.entries, i));
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_entries(config_load *load)
{
    size_t count = json_array_size(load->sections.entries);
    entry *entries;
    int r;

    if (count == 0)
        return 0;
    entries = calloc(count, sizeof *entries);
    if (!entries)
        return UMH_FAIL(UMH_E_MEMORY, "%u entries", (unsigned)count);
    r = find_entry_lines(load, entries);
    if (r == 0)
        r = find_repeated_entries(load, entries);
    if (r == 0)
        r = read_hosts(load, entries, count);
    free(entries);
    return r;
}

static int set_path(umh_config *config, const char *path)
{
    char absolute[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];
    int r = umh_file_absolute(path, absolute);

    if (r)
        return umh_fold(r);
    umh_file_parent(absolute, folder);
    config->path = umh_text_copy(absolute);
    config->folder = umh_text_copy(folder);
    return config->path && config->folder ? 0 : UMH_E_MEMORY;
}

/* Put `folder`/`name`, or `folder` itself, at `*place` instead of the text that is there. */
static int put_joined(char **place, const char *folder, const char *name)
{
    char path[UMH_PATH_BYTES];
    int r = name[0] ? umh_file_join(folder, name, path) : 0;
    char *copy;

    if (r)
        return umh_fold(r);
    copy = umh_text_copy(name[0] ? path : folder);
    if (!copy)
        return UMH_E_MEMORY;
    umh_text_free(*place);
    *place = copy;
    return 0;
}

/* The folders of the file become absolute; the usual ones follow them. */
static int complete_module_folders(umh_config *config, const char *installation)
{
    const char *const usual[OWN_FOLDERS_MAX][2] = {
        {config->folder, "modules"},
        {config->folder, ""},
        {installation, "lib/umh/modules"},
    };
    char **folders = calloc(config->module_folder_count + OWN_FOLDERS_MAX, sizeof *folders);
    int r = 0;

    if (!folders)
        return UMH_FAIL(UMH_E_MEMORY, "module folders");
    if (config->module_folder_count > 0)
        memcpy(folders, config->module_folders, config->module_folder_count * sizeof *folders);
    free(config->module_folders);
    config->module_folders = folders;

    for (size_t i = 0; r == 0 && i < config->module_folder_count; i++)
        r = put_joined(&folders[i], config->folder, folders[i]);
    for (size_t i = 0; r == 0 && i < OWN_FOLDERS_MAX; i++) {
        if (usual[i][0])
            r = put_joined(&folders[config->module_folder_count++], usual[i][0], usual[i][1]);
    }
    return r;
}

static int complete_module_path(const umh_config *config, umh_module_config *module)
{
    size_t folder_bytes = strlen(config->folder);

    /* Together too long: whoever looks for the module says so, of this module alone. */
    if (!module->path || folder_bytes + strlen(module->path) + 2 > UMH_PATH_BYTES)
        return 0;
    return put_joined(&module->path, config->folder, module->path);
}

/* So that the same text in a file elsewhere is another path. */
static int complete_module_paths(umh_config *config)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < config->host_count; i++) {
        umh_host_config *host = &config->hosts[i];

        for (size_t j = 0; r == 0 && j < host->module_count; j++)
            r = complete_module_path(config, &host->modules[j]);
    }
    return r;
}

/* Paths of the file that nobody else can join: whoever looks for .NET knows no folder. */
static int complete_dotnet_roots(umh_config *config)
{
    int r = 0;

    if (config->dotnet.root)
        r = put_joined(&config->dotnet.root, config->folder, config->dotnet.root);
    for (size_t i = 0; r == 0 && i < config->host_count; i++) {
        char **root = &config->hosts[i].dotnet.root;

        if (*root)
            r = put_joined(root, config->folder, *root);
    }
    return r;
}

/* Outcomes: UMH_CONFIG_UNUSABLE. */
static int read_document(config_load *load, json_t *root)
{
    int r = umh_legacy_find_sections(&load->report, root, &load->sections);

    if (r == UMH_READER_BAD)
        return UMH_CONFIG_UNUSABLE;
    if (r)
        return umh_fold(r);
    r = read_whole(load);
    if (r == UMH_CONFIG_UNUSABLE)
        return UMH_CONFIG_UNUSABLE;
    if (r)
        return r;
    return read_entries(load);
}

int umh_config_parse(umh_bytes text, const char *path, const char *installation,
                     umh_config *ret_config, umh_why_list *problems)
{
    UMH_AUTO(umh_config) config = UMH_CONFIG_INIT;
    UMH_AUTO_PTR(umh_json) root = NULL;
    config_load load = {.report = {.text = text, .file = path, .problems = problems},
                        .config = &config};
    umh_why why = UMH_WHY_INIT;
    int r = umh_jsonc_parse(text, &root, &why);

    if (r == UMH_JSONC_BAD) {
        report_alone(problems, path, &why);
        return UMH_CONFIG_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    r = read_document(&load, root);
    if (r == UMH_CONFIG_UNUSABLE)
        return UMH_CONFIG_UNUSABLE;
    if (r == 0)
        r = set_path(&config, path);
    if (r == 0)
        r = complete_module_folders(&config, installation);
    if (r == 0)
        r = complete_module_paths(&config);
    if (r == 0)
        r = complete_dotnet_roots(&config);
    if (r)
        return r;
    *ret_config = config;
    config = (umh_config)UMH_CONFIG_INIT;
    return 0;
}

int umh_config_load(const char *path, const char *installation, umh_config *ret_config,
                    umh_why_list *problems)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    umh_why why = UMH_WHY_INIT;
    int r = umh_file_read(path, UMH_JSONC_FILE_BYTES_MAX, &text);

    if (r == UMH_FILE_NONE)
        umh_why_set(&why, "there is no such file");
    else if (r == UMH_FILE_TOO_LARGE)
        umh_why_set(&why, "larger than %u bytes", UMH_JSONC_FILE_BYTES_MAX);
    else if (r < 0)
        umh_why_set_failure(&why); /* a file that cannot be read stops nothing that runs */
    if (r) {
        report_alone(problems, path, &why);
        return UMH_CONFIG_UNUSABLE;
    }
    r = umh_config_parse(umh_bytes_of(text.data, text.size), path, installation, ret_config,
                         problems);
    if (r == UMH_CONFIG_UNUSABLE)
        return UMH_CONFIG_UNUSABLE;
    return r;
}

int umh_config_find_service(const umh_config *config, const char *text, umh_guid *ret_guid)
{
    int r;

    for (size_t i = 0; i < config->service_count; i++) {
        if (umh_names_are_equal(config->services[i].name, text)) {
            *ret_guid = config->services[i].guid;
            return 0;
        }
    }
    for (int id = 0; id < SERVICE_ID_COUNT; id++) {
        if (umh_names_are_equal(umh_service_name((umh_service_id)id), text)) {
            *ret_guid = *umh_service_guid((umh_service_id)id);
            return 0;
        }
    }
    r = umh_guid_decode(umh_bytes_of_text(text), ret_guid);
    if (r == UMH_GUID_BAD_TEXT)
        return UMH_GUID_BAD_TEXT;
    return umh_fold(r);
}

void umh_config_deinit(umh_config *config)
{
    if (!config)
        return;
    umh_reader_release(OBJECT_ROOT, config);
    for (size_t i = 0; i < config->wrong_host_count; i++)
        umh_text_free(config->wrong_hosts[i]);
    free(config->wrong_hosts);
    config->path = umh_text_free(config->path);
    config->folder = umh_text_free(config->folder);
    *config = (umh_config)UMH_CONFIG_INIT;
}
