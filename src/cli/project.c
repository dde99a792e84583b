/* SPDX-License-Identifier: MIT */
/* The files of a template, read, changed and written one after the other. */
#include "cli/project.h"

#include "platform/file.h"

#include <string.h>
#include <uv.h>

#define FOLDER_MODE 0777 /* both within what the user's mask leaves */
#define FILE_MODE 0666

/* Not part of a project, see the header. */
static const char *const left_out[] = {".template.config", "bin", "obj", "build"};

/* ------------------------- words */

static const umh_project_word *find_word(const umh_project_spec *spec, umh_bytes text, size_t at)
{
    for (size_t i = 0; i < spec->word_count; i++) {
        size_t size = strlen(spec->words[i].from);

        if (size <= text.size - at && memcmp(text.data + at, spec->words[i].from, size) == 0)
            return &spec->words[i];
    }
    return NULL;
}

/* Outcomes: UMH_BUFFER_FULL. */
static int replace_words(const umh_project_spec *spec, umh_bytes text, umh_buffer *ret_text)
{
    size_t at = 0;
    int r = 0;

    while (at < text.size && r == 0) {
        const umh_project_word *word = find_word(spec, text, at);

        r = word ? umh_buffer_append_text(ret_text, word->to)
                 : umh_buffer_append(ret_text, text.data + at, 1);
        at += word ? strlen(word->from) : 1;
    }
    return r;
}

/* ------------------------- writing */

static int make_folder(const char *path, umh_why *ret_why)
{
    uv_fs_t request;
    int status = uv_fs_mkdir(NULL, &request, path, FOLDER_MODE, NULL);

    uv_fs_req_cleanup(&request);
    if (status == 0)
        return 0;
    umh_why_set(ret_why, "the folder %s cannot be made: %s", path, uv_strerror(status));
    return UMH_PROJECT_REFUSED;
}

/* Of a file of this size all is written, or it fails. */
static int write_bytes(uv_file file, umh_bytes content)
{
    uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)content.data, (unsigned)content.size);
    uv_fs_t request;
    int status = uv_fs_write(NULL, &request, file, &bytes, 1, 0, NULL);

    uv_fs_req_cleanup(&request);
    if (status >= 0 && (size_t)status < content.size)
        return UV_ENOSPC;
    return status < 0 ? status : 0;
}

static int write_file(const char *path, umh_bytes content, umh_why *ret_why)
{
    uv_fs_t request;
    int file = uv_fs_open(NULL, &request, path, UV_FS_O_CREAT | UV_FS_O_EXCL | UV_FS_O_WRONLY,
                          FILE_MODE, NULL);
    int status = file;

    uv_fs_req_cleanup(&request);
    if (file >= 0) {
        int closed;

        status = write_bytes(file, content);
        closed = uv_fs_close(NULL, &request, file, NULL);
        uv_fs_req_cleanup(&request);
        status = status ? status : closed;
    }
    if (status == 0)
        return 0;
    umh_why_set(ret_why, "%s cannot be written: %s", path, uv_strerror(status));
    return UMH_PROJECT_REFUSED;
}

/* ------------------------- one entry after the other */

/* Where the walk is: both relative, "" at its beginning. */
typedef struct place {
    char from[UMH_PATH_BYTES];
    char to[UMH_PATH_BYTES];
    int depth;
} place;

typedef struct project_walk {
    const umh_project_spec *spec;
    json_t *files;
    umh_why *why;
} project_walk;

static int write_folder(const project_walk *walk, const place *folder);

static bool is_left_out(const char *name)
{
    for (size_t i = 0; i < UMH_COUNT_OF(left_out); i++) {
        if (strcmp(name, left_out[i]) == 0)
            return true;
    }
    return false;
}

static int refuse_template(const project_walk *walk, const char *path)
{
    umh_why_set(walk->why, "the template cannot be used: %s is too large or has gone", path);
    return UMH_PROJECT_REFUSED;
}

static int copy_file(const project_walk *walk, const char *from, const char *to)
{
    UMH_AUTO(umh_buffer) content = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) changed = UMH_BUFFER_INIT;
    int r = umh_file_read(from, UMH_PROJECT_FILE_BYTES_MAX, &content);

    if (r == 0)
        r = replace_words(walk->spec, umh_bytes_of(content.data, content.size), &changed);
    if (r > 0)
        return refuse_template(walk, from);
    if (r)
        return r;
    return write_file(to, umh_bytes_of(changed.data, changed.size), walk->why);
}

static int enter(const place *folder, const char *name, const umh_project_spec *spec,
                 place *ret_entry)
{
    UMH_AUTO(umh_buffer) changed = UMH_BUFFER_INIT;
    int r = umh_file_join(folder->from, name, ret_entry->from);

    if (r == 0)
        r = replace_words(spec, umh_bytes_of_text(name), &changed);
    if (r == 0)
        r = umh_file_join(folder->to, (const char *)changed.data, ret_entry->to);
    ret_entry->depth = folder->depth + 1;
    return umh_fold(r);
}

static int write_entry(const project_walk *walk, const place *folder, const char *name)
{
    const char *within;
    umh_file_kind kind;
    place entry;
    int r = enter(folder, name, walk->spec, &entry);

    if (r)
        return r;
    kind = umh_file_inspect(entry.from).kind;
    if (kind == FILE_KIND_FOLDER) {
        r = make_folder(entry.to, walk->why);
        return r ? r : write_folder(walk, &entry);
    }
    r = copy_file(walk, entry.from, entry.to);
    if (r)
        return r;
    within = entry.to + strlen(walk->spec->folder) + 1;
    return json_array_append_new(walk->files, json_string(within))
               ? UMH_FAIL(UMH_E_MEMORY, "list the files of a project")
               : 0;
}

static int write_folder(const project_walk *walk, const place *folder)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    int r = folder->depth > UMH_PROJECT_DEPTH_MAX
                ? UMH_FILE_TOO_MANY
                : umh_file_list(folder->from, UMH_PROJECT_ENTRIES_MAX, &names);

    if (r > 0)
        return refuse_template(walk, folder->from);
    for (size_t i = 0; i < names.count && r == 0; i++) {
        if (!is_left_out(names.names[i]))
            r = write_entry(walk, folder, names.names[i]);
    }
    return r;
}

/* ------------------------- the whole */

/* Outcomes: UMH_PROJECT_REFUSED. */
static int prepare_folder(const char *folder, bool *ret_is_new, umh_why *ret_why)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    umh_file_kind kind = umh_file_inspect(folder).kind;
    int r;

    *ret_is_new = kind == FILE_KIND_NONE;
    if (kind == FILE_KIND_NONE)
        return make_folder(folder, ret_why);
    r = kind == FILE_KIND_FOLDER ? umh_file_list(folder, 1, &names) : UMH_FILE_NONE;
    if (r < 0)
        return r;
    if (r == 0 && names.count == 0)
        return 0;
    umh_why_set(ret_why, "%s %s: choose another folder", folder,
                kind == FILE_KIND_FOLDER ? "is not empty" : "is not a folder");
    return UMH_PROJECT_REFUSED;
}

/* The folder was empty or not there; what cannot be removed either stays. */
static void remove_written(const char *folder, bool is_new)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    int r = is_new ? umh_file_remove_tree(folder)
                   : umh_file_list(folder, UMH_PROJECT_ENTRIES_MAX, &names);

    for (size_t i = 0; i < names.count && r == 0; i++) {
        char path[UMH_PATH_BYTES];

        r = umh_file_join(folder, names.names[i], path);
        if (r == 0)
            r = umh_file_remove_tree(path);
    }
    if (r < 0)
        umh_failure_take();
}

int umh_project_write(const umh_project_spec *spec, json_t *files, umh_why *ret_why)
{
    const project_walk walk = {spec, files, ret_why};
    place start = {.depth = 0};
    bool is_new;
    int r;

    if (umh_file_inspect(spec->template_folder).kind != FILE_KIND_FOLDER) {
        umh_why_set(ret_why, "the template %s is missing from this installation",
                    spec->template_folder);
        return UMH_PROJECT_REFUSED;
    }
    r = prepare_folder(spec->folder, &is_new, ret_why);
    if (r)
        return r;
    umh_text_put(start.from, sizeof start.from, spec->template_folder);
    umh_text_put(start.to, sizeof start.to, spec->folder);
    r = write_folder(&walk, &start);
    if (r)
        remove_written(spec->folder, is_new);
    return r;
}
