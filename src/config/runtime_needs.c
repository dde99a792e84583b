/* SPDX-License-Identifier: MIT */
/* A NAME.runtimeconfig.json, which whoever built the module wrote: nothing in it is trusted. */
#include "config/runtime_parts.h"
#include "platform/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDING ".runtimeconfig.json"
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
#define DIGITS "0123456789"

const umh_runtime_setting_row umh_runtime_setting_rows[RUNTIME_SETTING_COUNT] = {
    [RUNTIME_GC_SERVER] = {"System.GC.Server", "Gc.Server", true, 0, 0},
    [RUNTIME_GC_CONCURRENT] = {"System.GC.Concurrent", "Gc.Concurrent", true, 1, 1},
    [RUNTIME_GC_HEAP_LIMIT] = {"System.GC.HeapHardLimit", "Gc.HeapLimitMiB", false, 0, 0},
    [RUNTIME_GC_HEAP_COUNT] = {"System.GC.HeapCount", "Gc.HeapCount", false, 0, 0},
    [RUNTIME_GC_CONSERVE] = {"System.GC.ConserveMemory", "Gc.ConserveMemory", false, 0, 0},
    [RUNTIME_GC_RETAIN] = {"System.GC.RetainVM", "Gc.RetainMemory", true, 0, 0},
    [RUNTIME_TIERED_COMPILATION] = {"System.Runtime.TieredCompilation", "TieredCompilation", true,
                                    1, 1},
    [RUNTIME_TIERED_PGO] = {"System.Runtime.TieredPGO", "TieredPgo", true, 1, 0},
    [RUNTIME_INVARIANT] = {"System.Globalization.Invariant", "InvariantGlobalization", true, 0, 1},
};

/* As part of a path it leads nowhere else. */
static bool is_plain_name(const char *text, size_t size, size_t capacity)
{
    return size > 0 && size < capacity && strspn(text, NAME_LETTERS) >= size && text[0] != '.' &&
           text[0] != '-';
}

int umh_framework_decode(const char *text, umh_framework *ret_framework)
{
    umh_framework framework = {.name = ""};
    size_t size = strcspn(text, " ");
    const char *version = text + size + (text[size] == ' ');
    size_t version_size = strlen(version);

    if (!is_plain_name(text, size, sizeof framework.name))
        return UMH_RUNTIME_UNUSABLE;
    if (text[size] == ' ' && (!is_plain_name(version, version_size, sizeof framework.version) ||
                              !strchr(DIGITS, version[0])))
        return UMH_RUNTIME_UNUSABLE;
    memcpy(framework.name, text, size);
    memcpy(framework.version, version, version_size);
    *ret_framework = framework;
    return 0;
}

bool umh_runtime_parse_value(const char *text, int64_t *ret_value)
{
    char *end = NULL;
    long long value;

    if (strcmp(text, "true") == 0 || strcmp(text, "True") == 0)
        value = 1;
    else if (strcmp(text, "false") == 0 || strcmp(text, "False") == 0)
        value = 0;
    else if (!strchr(DIGITS, text[0]) || text[0] == '\0')
        return false;
    else
        value = strtoll(text, &end, 0);
    if (end && *end)
        return false;
    *ret_value = value;
    return true;
}

static bool take_value(const json_t *json, int64_t *ret_value)
{
    if (json_is_boolean(json)) {
        *ret_value = json_is_true(json);
        return true;
    }
    if (json_is_integer(json)) {
        *ret_value = json_integer_value(json);
        return true;
    }
    return json_is_string(json) && umh_runtime_parse_value(json_string_value(json), ret_value);
}

int umh_runtime_read_file(const char *image, umh_json **ret_root, bool *ret_is_there,
                          umh_why *ret_why)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];
    const char *dot = strrchr(umh_file_name(image), '.');
    int stem = (int)(dot ? dot - image : (ptrdiff_t)strlen(image));
    int size = snprintf(path, sizeof path, "%.*s" ENDING, stem, image);
    umh_why why = UMH_WHY_INIT;
    int r;

    *ret_is_there = false;
    if (size < 0 || (size_t)size >= sizeof path) {
        umh_why_set(ret_why, "the path of its " ENDING " is too long");
        return UMH_RUNTIME_UNUSABLE;
    }
    r = umh_file_read(path, UMH_RUNTIME_CONFIG_BYTES_MAX, &text);
    *ret_is_there = r != UMH_FILE_NONE;
    if (r == UMH_FILE_NONE)
        umh_why_set(&why, "there is no such file");
    else if (r == UMH_FILE_TOO_LARGE)
        umh_why_set(&why, "larger than %u bytes", UMH_RUNTIME_CONFIG_BYTES_MAX);
    else if (r < 0)
        umh_why_set_failure(&why); /* one module's file that cannot be read stops nobody else */
    if (r == 0) {
        r = umh_jsonc_parse(umh_bytes_of(text.data, text.size), ret_root, &why);
        if (r < 0)
            return r;
    }
    if (r == 0)
        return 0;
    if (why.line > 0)
        umh_why_set(ret_why, "%s:%d:%d: %s", path, why.line, why.column, why.text);
    else
        umh_why_set(ret_why, "%s: %s", path, why.text);
    return UMH_RUNTIME_UNUSABLE;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int take_framework(const json_t *json, umh_framework_list *list)
{
    const char *name = umh_jsonc_get_text(json, "name", "");
    const char *version = umh_jsonc_get_text(json, "version", "0");
    char text[UMH_FRAMEWORK_NAME_BYTES + UMH_FRAMEWORK_VERSION_BYTES + 2];
    int size = snprintf(text, sizeof text, "%s %s", name, version);

    if (size < 0 || (size_t)size >= sizeof text || strchr(name, ' ') ||
        list->count == UMH_FRAMEWORKS_MAX ||
        umh_framework_decode(text, &list->items[list->count]) != 0)
        return UMH_RUNTIME_UNUSABLE;
    list->count++;
    return 0;
}

/* Outcomes: UMH_RUNTIME_UNUSABLE. */
static int take_frameworks(const json_t *options, umh_framework_list *list)
{
    const json_t *one = json_object_get(options, "framework");
    const json_t *several = json_object_get(options, "frameworks");

    if (one && take_framework(one, list) != 0)
        return UMH_RUNTIME_UNUSABLE;
    if (several && !json_is_array(several))
        return UMH_RUNTIME_UNUSABLE;
    for (size_t i = 0; i < json_array_size(several); i++) {
        if (take_framework(json_array_get(several, i), list) != 0)
            return UMH_RUNTIME_UNUSABLE;
    }
    return 0;
}

int umh_runtime_take_file(const char *image, const umh_json *root, umh_runtime_needs *ret_needs,
                          umh_why *ret_why)
{
    const json_t *options = json_object_get(root, "runtimeOptions");
    const json_t *properties = json_object_get(options, "configProperties");
    umh_runtime_needs needs = {.frameworks = {.count = 0}};

    if (json_object_get(options, "includedFrameworks")) {
        umh_why_set(ret_why,
                    "published with a .NET of its own (self-contained), which the process of a "
                    "host cannot have: publish it with --self-contained false: %s",
                    image);
        return UMH_RUNTIME_UNUSABLE;
    }
    if (take_frameworks(options, &needs.frameworks) != 0) {
        umh_why_set(ret_why,
                    "its " ENDING " names a framework in another way than .NET does, or more than "
                    "%u: %s",
                    UMH_FRAMEWORKS_MAX, image);
        return UMH_RUNTIME_UNUSABLE;
    }
    for (int i = 0; i < RUNTIME_SETTING_COUNT; i++)
        needs.settings.is_set[i] =
            take_value(json_object_get(properties, umh_runtime_setting_rows[i].property),
                       &needs.settings.value[i]);
    *ret_needs = needs;
    return 0;
}

int umh_runtime_read_needs(const char *image, umh_runtime_needs *ret_needs, umh_why *ret_why)
{
    UMH_AUTO_PTR(umh_json) root = NULL;
    umh_why why = UMH_WHY_INIT;
    bool is_there;
    int r = umh_runtime_read_file(image, &root, &is_there, &why);

    if (r == UMH_RUNTIME_UNUSABLE && !is_there)
        return 0;
    if (r < 0)
        return umh_fold(r);
    if (r == 0)
        r = umh_runtime_take_file(image, root, ret_needs, &why);
    if (r == 0)
        return 0;
    if (ret_why)
        umh_why_set(ret_why, "%s", why.text);
    return UMH_RUNTIME_UNUSABLE;
}
