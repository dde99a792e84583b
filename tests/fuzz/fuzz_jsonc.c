/* SPDX-License-Identifier: MIT */
/*
 * JSON with comments: an error has a place within the text; what is parsed prints as strict JSON
 * that parses to the same; and every value that was parsed is located by its path. Locating is
 * tried on what is no JSON as well.
 */
#include "formats/jsonc.h"

#include <string.h>

#define PATH_BYTES_MAX 4096
#define VALUES_MAX 64 /* located in one input: each is a pass over the text */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct value_walk {
    umh_bytes text;
    umh_buffer path;
    unsigned count;
} value_walk;

static void check_located(const value_walk *walk)
{
    const char *path = walk->path.data ? (const char *)walk->path.data : "";
    int line;
    int column;

    umh_jsonc_locate(walk->text, path, false, &line, &column);
    umh_assert(line > 0 && column > 0);
    umh_jsonc_locate(walk->text, path, true, &line, &column);
    umh_assert(line > 0 && column > 0);
}

static void cut_path(umh_buffer *path, size_t size)
{
    path->size = size;
    if (path->data)
        path->data[size] = '\0';
}

static void check_values(value_walk *walk, json_t *value)
{
    size_t size = walk->path.size;
    const char *key;
    json_t *member;
    size_t index;

    if (walk->count++ >= VALUES_MAX || size > PATH_BYTES_MAX)
        return;
    check_located(walk);
    json_object_foreach(value, key, member)
    {
        if (*key == '\0')
            continue; /* has no path of its own */
        umh_assert(umh_buffer_append_format(&walk->path, "%s%s", size ? "." : "", key) == 0);
        check_values(walk, member);
        cut_path(&walk->path, size);
    }
    json_array_foreach(value, index, member)
    {
        umh_assert(umh_buffer_append_format(&walk->path, "[%u]", (unsigned)index) == 0);
        check_values(walk, member);
        cut_path(&walk->path, size);
    }
}

static void check_printed(const json_t *root)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    UMH_AUTO_PTR(umh_json) back = NULL;
    umh_why why = UMH_WHY_INIT;

    umh_assert(umh_jsonc_print(root, &text) == 0);
    umh_assert(umh_jsonc_parse_strict(umh_bytes_of(text.data, text.size), &back, &why) == 0);
    umh_assert(json_equal(root, back));
}

static void check_why(const umh_why *why)
{
    umh_assert(why->text[0] != '\0' && why->line > 0 && why->column > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {"", "a", "a.b[0].c", "[1][0]", ".", "a[", "\xC3"};
    umh_bytes text = umh_bytes_of(data, size);
    value_walk walk = {.text = text, .path = UMH_BUFFER_INIT};
    UMH_AUTO_PTR(umh_json) root = NULL;
    UMH_AUTO_PTR(umh_json) strict = NULL;
    umh_why why = UMH_WHY_INIT;
    int line;
    int column;

    for (size_t i = 0; i < UMH_COUNT_OF(paths); i++)
        umh_jsonc_locate(text, paths[i], i % 2, &line, &column);
    if (umh_jsonc_parse(text, &root, &why) == 0) {
        check_values(&walk, root);
        check_printed(root);
    } else {
        check_why(&why);
    }
    why = (umh_why)UMH_WHY_INIT;
    if (umh_jsonc_parse_strict(text, &strict, &why) == 0)
        check_printed(strict);
    else
        check_why(&why);
    umh_buffer_deinit(&walk.path);
    return 0;
}
