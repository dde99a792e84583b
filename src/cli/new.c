/* SPDX-License-Identifier: MIT */
/* umh new: a small project that builds, has a test and runs, from the installation's template. */
#include "cli/arguments.h"
#include "cli/project.h"
#include "config/schema.h"
#include "formats/guid.h"
#include "ipc/limits.h"
#include "platform/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TEMPLATES "share/umh/templates"
#define FEED "share/umh/nuget"
#define PACKAGES_MAX 1000 /* in the feed */
#define GUID_COUNT 2
#define SOURCE_TEXT_BYTES 64
#define WORDS_MAX (2 + 2 * GUID_COUNT)

/* What stands in the templates for what differs from project to project. */
static const char *const guid_texts[GUID_COUNT] = {"7c1e3b5a-2d4f-4a6b-8c0d-1e2f3a4b5c6d",
                                                   "b5d2f7e9-6a1c-4e3d-9f80-2c4b6d8e0a1f"};
static const char template_feed[] = "/usr/local/share/umh/nuget";

typedef struct new_language {
    const char *name; /* of its template's folder too */
    const char *placeholder;
    const char *test; /* builds as well */
    bool is_managed;
} new_language;

static const new_language languages[] = {
    {"c", "my_module", "make test", false},
    {"c++", "my_module", "make test", false},
    {"csharp", "MyModule", "dotnet test", true},
};

typedef struct new_project {
    const new_language *language;
    const char *name;
    const char *folder_text; /* as it was given */
    char folder[UMH_PATH_BYTES];
    char template_folder[UMH_PATH_BYTES];
    char feed[UMH_PATH_BYTES];
    char guids[GUID_COUNT][UMH_GUID_TEXT_BYTES]; /* questions, answers */
} new_project;

/* ------------------------- what is right */

static const new_language *find_language(const char *name)
{
    for (size_t i = 0; i < UMH_COUNT_OF(languages); i++) {
        if (strcmp(languages[i].name, name) == 0)
            return &languages[i];
    }
    return NULL;
}

static bool is_equal_in_any_case(const char *one, const char *other)
{
    while (*one && tolower((unsigned char)*one) == tolower((unsigned char)*other)) {
        one++;
        other++;
    }
    return *one == *other;
}

/* An upper-case letter in front: so it is no keyword of any version of the language. */
static bool is_class_name(const char *name)
{
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_')
            return false;
    }
    return isupper((unsigned char)name[0]) != 0;
}

/* What the template's sources mean something else by; packages are told apart in any case. */
static bool is_taken(const char *name)
{
    static const char *const taken[] = {
        "Answers",
        "Assert",
        "Fact",
        "Guid",
        "Message",
        "Microsoft",
        "Module",
        "Fact",
        "System",
        "ModuleTestHost",
        "OnMessage",
        "Questions",
        "Send",
        "Task",
        "Subscribe",
        "SentMessage",
        "Single",
        "Xunit",
        "Logger",
        "UniversalModuleHost",
        "SubscribeAttribute",
    };

    for (size_t i = 0; i < UMH_COUNT_OF(taken); i++) {
        if (is_equal_in_any_case(taken[i], name))
            return true;
    }
    return false;
}

/* CLI_DONE, or the code after saying what is wrong. */
static int check_name(const umh_cli *cli, const new_project *project)
{
    const char *name = project->name;

    if (!umh_schema_is_name(name))
        return umh_cli_misuse(
            cli,
            "NAME is at most %u letters, digits, '.', '_' and '-', and begins with none of "
            "'.' and '-'; not '%s'",
            UMH_NAME_BYTES_MAX, name);
    if (project->language->is_managed && !is_class_name(name))
        return umh_cli_misuse(cli,
                              "in C# NAME is that of a class: an upper-case letter, then letters, "
                              "digits and '_'; not '%s'",
                              name);
    if (project->language->is_managed && is_taken(name))
        return umh_cli_misuse(cli, "'%s' means something else in a C# module", name);
    return CLI_DONE;
}

static bool has_packages(const char *feed)
{
    static const char contract[] = "UniversalModuleHost.Abstractions.";
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    int r = umh_file_list(feed, PACKAGES_MAX, &names);

    if (r < 0)
        umh_failure_take();
    for (size_t i = 0; i < names.count; i++) {
        if (strncmp(names.names[i], contract, sizeof contract - 1) == 0)
            return true;
    }
    return false;
}

/* ------------------------- what is written */

/* "7c1e3b5a-2d4f-..." as the arguments of UMH_GUID_V1. */
static void put_source_text(const char *text, char ret_source[SOURCE_TEXT_BYTES])
{
    snprintf(ret_source, SOURCE_TEXT_BYTES, "0x%.8s, 0x%.4s, 0x%.4s, 0x%.4s, 0x%.12s", text,
             text + 9, text + 14, text + 19, text + 24);
}

/* Outcomes: UMH_PROJECT_REFUSED. */
static int write_project(const new_project *project, json_t *files, umh_why *ret_why)
{
    char sources[GUID_COUNT][2][SOURCE_TEXT_BYTES];
    umh_project_word words[WORDS_MAX] = {
        {project->language->placeholder, project->name},
        {template_feed, project->feed},
    };
    size_t count = 2;

    for (size_t i = 0; i < GUID_COUNT; i++) {
        put_source_text(guid_texts[i], sources[i][0]);
        put_source_text(project->guids[i], sources[i][1]);
        words[count++] = (umh_project_word){guid_texts[i], project->guids[i]};
        words[count++] = (umh_project_word){sources[i][0], sources[i][1]};
    }
    return umh_project_write(&(umh_project_spec){.template_folder = project->template_folder,
                                                 .folder = project->folder,
                                                 .words = words,
                                                 .word_count = count},
                             files, ret_why);
}

static int fill(new_project *project)
{
    char installation[UMH_PATH_BYTES];
    char templates[UMH_PATH_BYTES];
    int r = umh_file_installation(installation);

    if (r == 0)
        r = umh_file_join(installation, TEMPLATES, templates);
    if (r == 0)
        r = umh_file_join(templates, project->language->name, project->template_folder);
    if (r == 0)
        r = umh_file_join(installation, FEED, project->feed);
    if (r == 0)
        r = umh_file_absolute(project->folder_text, project->folder);
    for (size_t i = 0; i < GUID_COUNT; i++) {
        umh_guid guid;

        umh_guid_make(&guid);
        umh_guid_encode(&guid, project->guids[i]);
    }
    return umh_fold(r);
}

/* ------------------------- what is said */

static umh_json *describe(const new_project *project, umh_json *files)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:O}", "name", project->name, "language",
                     project->language->name, "folder", project->folder, "services", "questions",
                     project->guids[0], "answers", project->guids[1], "files", files);
}

static int print_json(const new_project *project, umh_json *files)
{
    UMH_AUTO_PTR(umh_json) object = describe(project, files);
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    int r;

    if (!object)
        return umh_cli_refuse("the name of the folder is no text");
    r = umh_jsonc_print(object, &text);
    if (r) {
        umh_ignore(umh_fold(r));
        return umh_cli_fail();
    }
    printf("%s\n", (const char *)text.data);
    return CLI_DONE;
}

static int print_next(const new_project *project)
{
    printf("%s is in %s. Next:\n\n  cd '%s'\n  %s\n  echo '%s hello' | umh try\n", project->name,
           project->folder, project->folder_text, project->language->test, project->guids[0]);
    return CLI_DONE;
}

static int make_module(const new_project *project, bool as_json)
{
    UMH_AUTO_PTR(umh_json) files = json_array();
    umh_why why = UMH_WHY_INIT;
    int code;
    int r;

    if (project->language->is_managed && !has_packages(project->feed))
        return umh_cli_refuse("the packages of managed modules are not in %s: this installation "
                              "was built without .NET",
                              project->feed);
    r = write_project(project, files, &why);
    if (r == UMH_PROJECT_REFUSED)
        return umh_cli_refuse_why(&why);
    if (r) {
        umh_ignore(umh_fold(r));
        return umh_cli_fail();
    }
    code = as_json ? print_json(project, files) : print_next(project);
    if (fflush(stdout) != 0)
        return umh_cli_refuse("not everything could be written to stdout");
    return code;
}

int umh_cli_new(const umh_cli *cli)
{
    const char *language_name = NULL;
    bool as_json = false;
    const umh_option options[] = {
        {.name = "language", .kind = OPTION_TEXT, .to = &language_name},
        {.name = "json", .kind = OPTION_FLAG, .to = &as_json},
    };
    const umh_arguments_spec spec = {.options = options,
                                     .option_count = UMH_COUNT_OF(options),
                                     .positional_text = "module and NAME are",
                                     .positional_min = 2,
                                     .positional_max = 3};
    const char *words[3];
    new_project project = {.name = NULL};
    size_t count;
    int code;

    if (!umh_arguments_read(cli, &spec, words, &count, &code))
        return code;
    if (strcmp(words[0], "module") != 0)
        return umh_cli_misuse(cli, "what it makes is a module, not '%s'", words[0]);
    project.language = language_name ? find_language(language_name) : NULL;
    if (!project.language)
        return language_name ? umh_cli_misuse(cli, "--language takes c, c++ or csharp, not '%s'",
                                              language_name)
                             : umh_cli_misuse(cli, "--language c, c++ or csharp is missing");
    project.name = words[1];
    project.folder_text = count > 2 ? words[2] : words[1];
    code = check_name(cli, &project);
    if (code != CLI_DONE)
        return code;
    if (fill(&project))
        return umh_cli_fail();
    return make_module(&project, as_json);
}
