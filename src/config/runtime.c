/* SPDX-License-Identifier: MIT */
/*
 * One runtime for several modules, or why there is none.
 *
 * A module asks for frameworks of at least some version, and may fix properties of the runtime. All
 * that is asked for is put together: the highest version of each framework, and each property as
 * whoever fixes it has it. What the host's DotNet says goes before what modules say. ManagedHost
 * itself is for one .NET, so that a later one is taken only where RollForward says so.
 */
#include "config/runtime.h"

#include "config/runtime_parts.h"
#include "formats/version.h"
#include "platform/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_VERSION "10.0.0" /* of the framework that ManagedHost is built for */
#define VERSIONS_MAX 256u    /* of one framework in a root */
#define BYTES_PER_MIB (1024LL * 1024)
#define LISTED_BYTES 160 /* of installed versions in an explanation */

typedef struct deciding {
    const umh_runtime_spec *spec;
    umh_runtime *runtime;
    const char *askers[UMH_FRAMEWORKS_MAX]; /* modules; NULL: the host */
    umh_why *why;
} deciding;

/* --- what is asked for ------------------------------------------------------------------------ */

static bool is_lower(const char *version, const char *than)
{
    return umh_version_is_higher(than, version);
}

static umh_framework *find(umh_framework_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int ask(deciding *now, const umh_framework *framework, const char *asker)
{
    umh_framework_list *list = &now->runtime->frameworks;
    umh_framework *found = find(list, framework->name);

    if (!found && list->count == UMH_FRAMEWORKS_MAX) {
        umh_why_set(now->why, "the modules need more than %u frameworks", UMH_FRAMEWORKS_MAX);
        return UMH_RUNTIME_UNUSABLE;
    }
    if (!found) {
        now->askers[list->count] = asker;
        list->items[list->count++] = *framework;
        return 0;
    }
    if (is_lower(found->version, framework->version)) {
        now->askers[found - list->items] = asker;
        umh_text_put(found->version, sizeof found->version, framework->version);
    } else if (!now->askers[found - list->items] && !is_lower(framework->version, found->version)) {
        now->askers[found - list->items] = asker; /* a program's own file asks for it first */
    }
    return 0;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int ask_for_configured(deciding *now)
{
    const umh_dotnet_config *dotnet = now->spec->dotnet;
    umh_framework framework;

    for (size_t i = 0; i < dotnet->framework_count; i++) {
        if (umh_framework_decode(dotnet->frameworks[i], &framework) != 0)
            continue; /* whoever read the configuration has refused it */
        if (ask(now, &framework, NULL) != 0)
            return UMH_RUNTIME_UNUSABLE;
    }
    return 0;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int ask_for_module(deciding *now, const umh_runtime_module *module)
{
    bool is_listed = now->spec->dotnet->framework_count > 0;

    for (size_t i = 0; i < module->needs->frameworks.count; i++) {
        const umh_framework *needed = &module->needs->frameworks.items[i];

        if (is_listed && !find(&now->runtime->frameworks, needed->name)) {
            umh_why_set(now->why,
                        "module '%s' needs the framework %s, which DotNet.Frameworks of its host "
                        "does not name: add it there, or leave Frameworks out",
                        module->name, needed->name);
            return UMH_RUNTIME_UNUSABLE;
        }
        if (ask(now, needed, module->name) != 0)
            return UMH_RUNTIME_UNUSABLE;
    }
    return 0;
}

/* --- versions --------------------------------------------------------------------------------- */

static unsigned long part_of(const char *version, int part)
{
    char *end = NULL;
    unsigned long number = strtoul(version, &end, 10);

    for (; part > 0 && *end == '.'; part--)
        number = strtoul(end + 1, &end, 10);
    return part > 0 ? 0 : number;
}

static bool takes_later_dotnet(const umh_dotnet_config *dotnet)
{
    return dotnet->roll_forward == ROLL_FORWARD_MAJOR ||
           dotnet->roll_forward == ROLL_FORWARD_LATEST_MAJOR;
}

static bool will_do(const char *installed, const char *asked, umh_roll_forward roll_forward)
{
    bool is_same_major = part_of(installed, 0) == part_of(asked, 0);

    if (is_lower(installed, asked))
        return false;
    switch (roll_forward) {
    case ROLL_FORWARD_DISABLE:
        return strcmp(installed, asked) == 0;
    case ROLL_FORWARD_LATEST_PATCH:
        return is_same_major && part_of(installed, 1) == part_of(asked, 1);
    case ROLL_FORWARD_MINOR:
    case ROLL_FORWARD_LATEST_MINOR:
        return is_same_major;
    case ROLL_FORWARD_MAJOR:
    case ROLL_FORWARD_LATEST_MAJOR:
        break;
    }
    return true;
}

/* "its modules" or "module 'web'", before what it needs. */
static void describe_asker(const char *asker, char *text, size_t capacity)
{
    if (asker)
        snprintf(text, capacity, "module '%s' needs", asker);
    else
        snprintf(text, capacity, "DotNet of the host asks for");
}

static void say_what_to_install(const umh_framework *framework, char *text, size_t capacity)
{
    const char *package = NULL;

    if (strcmp(framework->name, UMH_RUNTIME_MAIN_FRAMEWORK) == 0)
        package = "dotnet-runtime";
    else if (strcmp(framework->name, "Microsoft.AspNetCore.App") == 0)
        package = "aspnetcore-runtime";
    if (package)
        snprintf(text, capacity, "install the package %s-%lu.0", package,
                 part_of(framework->version, 0));
    else if (strcmp(framework->name, "Microsoft.WindowsDesktop.App") == 0)
        snprintf(text, capacity, "it exists on Windows only");
    else
        snprintf(text, capacity, "install it there");
}

static void list_versions(const umh_file_names *versions, char *text, size_t capacity)
{
    size_t size = 0;

    umh_text_put(text, capacity, versions->count > 0 ? "" : "none");
    for (size_t i = 0; i < versions->count && size + 1 < capacity; i++) {
        int length =
            snprintf(text + size, capacity - size, "%s%s", i > 0 ? ", " : "", versions->names[i]);

        size += length > 0 ? (size_t)length : 0;
    }
}

/* Where any version will do: hostfxr needs to be told one. */
static void take_highest(const umh_file_names *versions, umh_framework *framework)
{
    for (size_t i = 0; i < versions->count; i++) {
        if (!framework->version[0] || is_lower(framework->version, versions->names[i]))
            umh_text_put(framework->version, sizeof framework->version, versions->names[i]);
    }
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int check_installed(deciding *now, size_t index)
{
    umh_framework *framework = &now->runtime->frameworks.items[index];
    UMH_AUTO(umh_file_names) versions = UMH_FILE_NAMES_INIT;
    char folder[UMH_PATH_BYTES];
    char listed[LISTED_BYTES];
    char asker[UMH_NAME_BYTES_MAX + 48];
    char advice[80];
    int size = snprintf(folder, sizeof folder, "%s/shared/%s", now->spec->root, framework->name);

    if (size < 0 || (size_t)size >= sizeof folder)
        return UMH_FAIL(UMH_E_LIMIT, "the path of framework %s is too long", framework->name);
    if (umh_file_list(folder, VERSIONS_MAX, &versions) < 0)
        umh_failure_take(); /* what cannot be listed is for hostfxr to explain */
    if (!framework->version[0])
        take_highest(&versions, framework);
    for (size_t i = 0; i < versions.count; i++) {
        if (will_do(versions.names[i], framework->version,
                    (umh_roll_forward)now->spec->dotnet->roll_forward))
            return 0;
    }
    describe_asker(now->askers[index], asker, sizeof asker);
    say_what_to_install(framework, advice, sizeof advice);
    list_versions(&versions, listed, sizeof listed);
    umh_why_set(now->why,
                "%s the framework %s %s, and no version of it that will do is installed: %s; "
                "looked in %s (there: %s)",
                asker, framework->name, framework->version, advice, folder, listed);
    return UMH_RUNTIME_UNUSABLE;
}

static const char *find_other_module(const deciding *now, const char *name)
{
    for (size_t i = 0; i < now->spec->module_count; i++) {
        if (strcmp(now->spec->modules[i].name, name) != 0)
            return now->spec->modules[i].name;
    }
    return NULL;
}

/* ManagedHost, and so every module beside it, is for one .NET. Outcomes: UMH_RUNTIME_UNUSABLE. */
static int check_major(deciding *now, size_t index, const char *own)
{
    const umh_framework *framework = &now->runtime->frameworks.items[index];
    const char *asker = now->askers[index];
    const char *other = asker ? find_other_module(now, asker) : NULL;
    char text[UMH_NAME_BYTES_MAX + 48];

    if (part_of(framework->version, 0) <= part_of(own, 0) || takes_later_dotnet(now->spec->dotnet))
        return 0;
    describe_asker(asker, text, sizeof text);
    if (other)
        umh_why_set(now->why,
                    "modules '%s' and '%s' cannot share one runtime: '%s' needs %s %s, '%s' and "
                    "the host run on .NET %lu; build it for net%lu.0, or put it into a host of its "
                    "own whose DotNet.RollForward is Major",
                    asker, other, asker, framework->name, framework->version, other,
                    part_of(own, 0), part_of(own, 0));
    else
        umh_why_set(now->why,
                    "%s %s %s, and this host runs on .NET %lu; build it for net%lu.0, or set "
                    "DotNet.RollForward to Major where .NET %lu is installed",
                    text, framework->name, framework->version, part_of(own, 0), part_of(own, 0),
                    part_of(framework->version, 0));
    return UMH_RUNTIME_UNUSABLE;
}

/* Frameworks of .NET come together: a module for an older one runs on this one's. */
static bool comes_with_dotnet(const umh_framework *framework)
{
    return strncmp(framework->name, "Microsoft.", sizeof "Microsoft." - 1) == 0;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int check_frameworks(deciding *now, const char *own)
{
    umh_framework_list *list = &now->runtime->frameworks;
    int r = 0;

    for (size_t i = 0; r == 0 && i < list->count; i++) {
        umh_framework *framework = &list->items[i];

        if (comes_with_dotnet(framework)) {
            if (is_lower(framework->version, own))
                umh_text_put(framework->version, sizeof framework->version, own);
            r = check_major(now, i, own);
        }
        if (r == 0)
            r = check_installed(now, i);
    }
    return r == UMH_RUNTIME_UNUSABLE ? UMH_RUNTIME_UNUSABLE : umh_fold(r);
}

/* --- settings --------------------------------------------------------------------------------- */

static bool take_switch(int64_t value, int64_t *ret_value)
{
    *ret_value = value == SWITCH_ON;
    return value != SWITCH_NOT_SET;
}

static bool take_number(int64_t value, int64_t unit, int64_t *ret_value)
{
    *ret_value = value * unit;
    return value != 0;
}

static bool has_property(const umh_dotnet_config *dotnet, const char *name, int64_t *ret_value)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < dotnet->property_count; i++) {
        if (strncmp(dotnet->properties[i], name, size) == 0 && dotnet->properties[i][size] == '=')
            return umh_runtime_parse_value(dotnet->properties[i] + size + 1, ret_value);
    }
    return false;
}

/* Whether the host's DotNet says it. */
static bool host_says(const umh_dotnet_config *dotnet, umh_runtime_setting setting,
                      int64_t *ret_value)
{
    if (has_property(dotnet, umh_runtime_setting_rows[setting].property, ret_value))
        return true;
    switch (setting) {
    case RUNTIME_GC_SERVER:
        return take_switch(dotnet->gc.server, ret_value);
    case RUNTIME_GC_CONCURRENT:
        return take_switch(dotnet->gc.concurrent, ret_value);
    case RUNTIME_GC_HEAP_LIMIT:
        return take_number(dotnet->gc.heap_limit_mib, BYTES_PER_MIB, ret_value);
    case RUNTIME_GC_HEAP_COUNT:
        return take_number(dotnet->gc.heap_count, 1, ret_value);
    case RUNTIME_GC_CONSERVE:
        return take_number(dotnet->gc.conserve_memory, 1, ret_value);
    case RUNTIME_GC_RETAIN:
        return take_switch(dotnet->gc.retain_memory, ret_value);
    case RUNTIME_TIERED_COMPILATION:
        return take_switch(dotnet->tiered_compilation, ret_value);
    case RUNTIME_TIERED_PGO:
        return take_switch(dotnet->tiered_pgo, ret_value);
    case RUNTIME_INVARIANT:
        return take_switch(dotnet->invariant_globalization, ret_value);
    case RUNTIME_SETTING_COUNT:
        break;
    }
    return false;
}

static const char *describe_value(umh_runtime_setting setting, int64_t value, char *text,
                                  size_t capacity)
{
    if (umh_runtime_setting_rows[setting].is_switch)
        return value ? "true" : "false";
    snprintf(text, capacity, "%lld", (long long)value);
    return text;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int contradict(const deciding *now, umh_runtime_setting setting,
                      const umh_runtime_module *one, const umh_runtime_module *other)
{
    const umh_runtime_setting_row *row = &umh_runtime_setting_rows[setting];
    char numbers[2][32];

    umh_why_set(
        now->why,
        "modules '%s' and '%s' cannot share one runtime: in their runtimeconfig.json, '%s' "
        "sets %s to %s, '%s' to %s; say in DotNet.%s of the host which it is, or give each "
        "a host of its own",
        one->name, other->name, one->name, row->property,
        describe_value(setting, one->needs->settings.value[setting], numbers[0], sizeof numbers[0]),
        other->name,
        describe_value(setting, other->needs->settings.value[setting], numbers[1],
                       sizeof numbers[1]),
        row->key);
    return UMH_RUNTIME_UNUSABLE;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int settle(deciding *now, umh_runtime_setting setting)
{
    const umh_runtime_spec *spec = now->spec;
    umh_runtime_settings *settings = &now->runtime->settings;
    const umh_runtime_module *first = NULL;
    int64_t value = 0;

    if (host_says(spec->dotnet, setting, &value)) {
        settings->is_set[setting] = true;
        settings->value[setting] = value;
        return 0;
    }
    for (size_t i = 0; i < spec->module_count; i++) {
        const umh_runtime_module *module = &spec->modules[i];

        if (!module->needs->settings.is_set[setting])
            continue;
        if (first &&
            first->needs->settings.value[setting] != module->needs->settings.value[setting])
            return contradict(now, setting, first, module);
        first = first ? first : module;
    }
    if (first) {
        settings->is_set[setting] = true;
        settings->value[setting] = first->needs->settings.value[setting];
    }
    return 0;
}

/* --- the file --------------------------------------------------------------------------------- */

static bool put(json_t *object, const char *key, json_t *value_take)
{
    return json_object_set_new(object, key, value_take) == 0;
}

static json_t *describe_frameworks(const umh_framework_list *list)
{
    json_t *items = json_array();

    for (size_t i = 0; i < list->count; i++)
        umh_ignore(json_array_append_new(items, json_pack("{s:s, s:s}", "name", list->items[i].name,
                                                          "version", list->items[i].version)));
    return items;
}

static bool put_properties(const umh_runtime_spec *spec, const umh_runtime *runtime,
                           json_t *properties)
{
    bool is_right = true;

    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++) {
        int64_t value = runtime->settings.value[i];

        if (runtime->settings.is_set[i])
            is_right &= put(properties, umh_runtime_setting_rows[i].property,
                            umh_runtime_setting_rows[i].is_switch ? json_boolean(value != 0)
                                                                  : json_integer(value));
    }
    for (size_t i = 0; i < spec->dotnet->property_count; i++) {
        const char *text = spec->dotnet->properties[i];
        size_t size = strcspn(text, "=");
        char *name = umh_text_copy_bytes(text, size);

        is_right = name && is_right && put(properties, name, json_string(text + size + 1));
        umh_text_free(name);
    }
    return is_right;
}

/* `root`, of the assembly that is run, becomes what was decided. */
static int write_config(const umh_runtime_spec *spec, umh_json *root, umh_runtime *runtime)
{
    static const char *const policies[] = {"Minor",       "LatestPatch", "Major",
                                           "LatestMinor", "LatestMajor", "Disable"};
    json_t *options = json_object_get(root, "runtimeOptions");
    json_t *properties;
    bool is_right;

    umh_ignore(json_object_del(options, "framework"));
    if (!json_is_object(json_object_get(options, "configProperties")))
        umh_ignore(put(options, "configProperties", json_object()));
    properties = json_object_get(options, "configProperties");
    is_right = put(options, "frameworks", describe_frameworks(&runtime->frameworks)) &&
               put(options, "rollForward", json_string(policies[spec->dotnet->roll_forward])) &&
               put_properties(spec, runtime, properties);
    if (!is_right)
        return UMH_FAIL(UMH_E_MEMORY, "write what .NET is to be");
    return umh_jsonc_print(root, &runtime->config);
}

/* --- the decision ----------------------------------------------------------------------------- */

static bool is_plain_module(const umh_runtime_needs *needs)
{
    for (size_t i = 0; i < needs->frameworks.count; i++) {
        const umh_framework *framework = &needs->frameworks.items[i];

        if (strcmp(framework->name, UMH_RUNTIME_MAIN_FRAMEWORK) != 0 ||
            umh_version_is_higher(framework->version, OWN_VERSION))
            return false;
    }
    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++) {
        if (needs->settings.is_set[i])
            return false;
    }
    return true;
}

static bool is_plain(const umh_runtime_spec *spec)
{
    int64_t value;

    if (spec->dotnet->framework_count > 0 || spec->dotnet->property_count > 0 ||
        spec->dotnet->roll_forward != ROLL_FORWARD_MINOR)
        return false;
    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++) {
        if (host_says(spec->dotnet, (umh_runtime_setting)i, &value))
            return false;
    }
    for (size_t i = 0; i < spec->module_count; i++) {
        if (!is_plain_module(spec->modules[i].needs))
            return false;
    }
    return true;
}

static void be_plain(umh_runtime *runtime)
{
    runtime->frameworks = (umh_framework_list){
        .items = {{.name = UMH_RUNTIME_MAIN_FRAMEWORK, .version = OWN_VERSION}}, .count = 1};
    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++)
        runtime->settings.value[i] = umh_runtime_setting_rows[i].own;
}

/* Whether hostfxr needs to be told: that beside the assembly says something else. */
static bool differs(const deciding *now, const umh_runtime_needs *base)
{
    const umh_runtime_settings *settings = &now->runtime->settings;
    umh_framework_list before = base->frameworks;

    if (now->spec->dotnet->property_count > 0 ||
        now->spec->dotnet->roll_forward != ROLL_FORWARD_MINOR)
        return true;
    for (size_t i = 0; i < now->runtime->frameworks.count; i++) {
        const umh_framework *framework = &now->runtime->frameworks.items[i];
        const umh_framework *found = find(&before, framework->name);

        if (!found || is_lower(found->version, framework->version))
            return true;
    }
    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++) {
        int64_t value = base->settings.is_set[i] ? base->settings.value[i]
                                                 : umh_runtime_setting_rows[i].fallback;

        if (settings->is_set[i] && settings->value[i] != value)
            return true;
    }
    return false;
}

/* Frameworks and settings of `base` alone, to begin with. Outcomes: UMH_RUNTIME_UNUSABLE. */
static int begin(deciding *now, const umh_runtime_needs *base)
{
    static const umh_framework own = {.name = UMH_RUNTIME_MAIN_FRAMEWORK, .version = OWN_VERSION};
    umh_runtime *runtime = now->runtime;
    int r = ask(now, &own, NULL);

    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++)
        runtime->settings.value[i] = base->settings.is_set[i]
                                         ? base->settings.value[i]
                                         : umh_runtime_setting_rows[i].fallback;
    for (size_t i = 0; r == 0 && i < base->frameworks.count; i++)
        r = ask(now, &base->frameworks.items[i], NULL);
    return r ? UMH_RUNTIME_UNUSABLE : 0;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int put_together(deciding *now, umh_json *root)
{
    const umh_runtime_spec *spec = now->spec;
    umh_runtime_needs base = {.frameworks = {.count = 0}};
    char own[UMH_FRAMEWORK_VERSION_BYTES];
    int r = umh_runtime_take_file(spec->main_file, root, &base, now->why);

    if (r == 0 && !json_is_object(json_object_get(root, "runtimeOptions"))) {
        umh_why_set(now->why, "the runtimeconfig.json of '%s' has no runtimeOptions",
                    spec->main_file);
        return UMH_RUNTIME_UNUSABLE;
    }
    if (r == 0)
        r = begin(now, &base);
    umh_text_put(own, sizeof own, now->runtime->frameworks.items[0].version);
    if (r == 0)
        r = ask_for_configured(now);
    for (size_t i = 0; r == 0 && i < spec->module_count; i++)
        r = ask_for_module(now, &spec->modules[i]);
    if (r == 0)
        r = check_frameworks(now, own);
    for (int i = 0; r == 0 && i < RUNTIME_SETTING_COUNT; i++)
        r = settle(now, (umh_runtime_setting)i);
    if (r == UMH_RUNTIME_UNUSABLE)
        return UMH_RUNTIME_UNUSABLE;
    if (r == 0 && differs(now, &base))
        r = write_config(spec, root, now->runtime);
    return umh_fold(r);
}

int umh_runtime_decide(const umh_runtime_spec *spec, umh_runtime *ret_runtime, umh_why *ret_why)
{
    UMH_AUTO(umh_runtime) runtime = UMH_RUNTIME_INIT;
    UMH_AUTO_PTR(umh_json) root = NULL;
    umh_why why = UMH_WHY_INIT;
    deciding now = {.spec = spec, .runtime = &runtime, .why = &why};
    bool is_there;
    int r = 0;

    if (is_plain(spec)) {
        be_plain(&runtime);
    } else {
        r = umh_runtime_read_file(spec->main_file, &root, &is_there, &why);
        if (r == 0)
            r = put_together(&now, root);
    }
    if (r == UMH_RUNTIME_UNUSABLE) {
        umh_why_set(ret_why, "%s", why.text);
        return UMH_RUNTIME_UNUSABLE;
    }
    if (r)
        return umh_fold(r);
    *ret_runtime = runtime;
    runtime = (umh_runtime)UMH_RUNTIME_INIT;
    return 0;
}

void umh_runtime_deinit(umh_runtime *runtime)
{
    if (runtime)
        umh_buffer_deinit(&runtime->config);
}

bool umh_runtime_serves(const umh_runtime *running, const umh_runtime *wanted, umh_why *ret_why)
{
    umh_framework_list there = running->frameworks;
    char numbers[2][32];

    for (size_t i = 0; i < wanted->frameworks.count; i++) {
        const umh_framework *framework = &wanted->frameworks.items[i];
        const umh_framework *found = find(&there, framework->name);

        if (found && !is_lower(found->version, framework->version))
            continue;
        umh_why_set(ret_why, "its runtime was started without %s %s", framework->name,
                    framework->version);
        return false;
    }
    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++) {
        umh_runtime_setting setting = (umh_runtime_setting)i;
        int64_t is = running->settings.value[i];
        int64_t shall_be = wanted->settings.value[i];

        if (!wanted->settings.is_set[i] || is == shall_be)
            continue;
        umh_why_set(ret_why, "its runtime was started with %s %s instead of %s",
                    umh_runtime_setting_rows[i].property,
                    describe_value(setting, is, numbers[0], sizeof numbers[0]),
                    describe_value(setting, shall_be, numbers[1], sizeof numbers[1]));
        return false;
    }
    return true;
}
