/* SPDX-License-Identifier: MIT */
/* Writes the reference page and the JSON Schema of broker.json into the files it is given. */
#include "config/schema.h"
#include "platform/file.h"

#include <stdio.h>

static int write_file(const char *name, int (*write_text)(umh_buffer *))
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    char path[UMH_PATH_BYTES];
    char folder[UMH_PATH_BYTES];
    int r = write_text(&text);

    if (r == 0)
        r = umh_file_absolute(name, path);
    if (r)
        return umh_fold(r);
    umh_file_parent(path, folder);
    r = umh_file_make_folder(folder);
    if (r == 0)
        r = umh_file_write(path, umh_bytes_of(text.data, text.size));
    return umh_fold(r);
}

int main(int argc, char **argv)
{
    char line[512];
    umh_failure failure;
    int r;

    if (argc != 3) {
        fprintf(stderr, "usage: umh-reference REFERENCE.md SCHEMA.json\n");
        return 2;
    }
    r = write_file(argv[1], umh_schema_write_reference);
    if (r == 0)
        r = write_file(argv[2], umh_schema_write_json_schema);
    if (r == 0)
        return 0;
    failure = umh_failure_take();
    umh_failure_format(&failure, line, sizeof line);
    fprintf(stderr, "%s\n", line);
    return 1;
}
