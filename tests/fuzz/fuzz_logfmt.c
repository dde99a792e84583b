/* SPDX-License-Identifier: MIT */
/* Log lines: whatever is a record is written so that it is read, and written, the same again. */
#include "formats/logfmt.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_cut(const umh_buffer *line)
{
    static const char mark[] = " cut=true\n";
    size_t size = sizeof mark - 1;

    return line->size >= size && memcmp(line->data + line->size - size, mark, size) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    UMH_AUTO(umh_buffer) storage = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) line = UMH_BUFFER_INIT;
    UMH_AUTO(umh_buffer) again = UMH_BUFFER_INIT;
    umh_logfmt_record record = {.message = umh_bytes_of(data, size),
                                .module = umh_bytes_of(data, size / 2)};

    umh_assert(umh_logfmt_encode(&record, &line) == 0);
    umh_assert(line.size <= UMH_LOGFMT_LINE_BYTES_MAX &&
               memchr(line.data, '\n', line.size) == line.data + line.size - 1);
    umh_assert(umh_logfmt_decode(umh_bytes_of(line.data, line.size - 1), &storage, &record) == 0);

    umh_buffer_clear(&line);
    if (umh_logfmt_decode(umh_bytes_of(data, size), &storage, &record))
        return 0;
    umh_assert(record.field_count <= UMH_LOGFMT_FIELDS_MAX);
    umh_assert(umh_logfmt_encode(&record, &line) == 0);
    umh_assert(line.size <= UMH_LOGFMT_LINE_BYTES_MAX);
    umh_assert(umh_logfmt_decode(umh_bytes_of(line.data, line.size - 1), &storage, &record) == 0);
    umh_assert(umh_logfmt_encode(&record, &again) == 0);
    umh_assert(is_cut(&line) || umh_bytes_are_equal(umh_bytes_of(line.data, line.size),
                                                    umh_bytes_of(again.data, again.size)));
    return 0;
}
