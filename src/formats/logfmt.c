/* SPDX-License-Identifier: MIT */
/* One log record as one line of key=value, and back. */
#include "formats/logfmt.h"

#include "formats/utf8.h"

#include <stdio.h>
#include <string.h>

#define LEVEL_KEY "level"
#define MODULE_KEY "module"
#define MESSAGE_KEY "msg"
#define DROPPED_KEY "dropped_fields"
#define CUT_FIELD " cut=true"
#define COUNT_TEXT_BYTES 24
#define LEVEL_NAME_BYTES 16

/*
 * A line under construction: at most `limit` bytes from `start` on. What does not fit any more sets
 * is_cut. Every write has the outcome UMH_BUFFER_FULL; the line is rolled back by who began it.
 */
typedef struct line_writer {
    umh_buffer *line;
    size_t start;
    size_t limit;
    bool is_cut;
} line_writer;

static bool has_room(const line_writer *writer, size_t size)
{
    return size <= writer->limit - (writer->line->size - writer->start);
}

static bool is_key_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-';
}

/* " key=", or nothing and is_cut when not even an empty value would fit behind it. */
static int write_key(line_writer *writer, const char *key)
{
    size_t length = key ? strlen(key) : 0;
    umh_buffer *line = writer->line;
    size_t key_at;
    int r;

    if (length > writer->limit || !has_room(writer, length + sizeof " _=\"\"")) {
        writer->is_cut = true;
        return 0;
    }
    r = line->size == writer->start ? 0 : umh_buffer_append(line, " ", 1);
    key_at = line->size;
    if (r == 0)
        r = umh_buffer_append(line, length ? key : "_", length ? length : 1);
    for (size_t i = key_at; r == 0 && i < line->size; i++) {
        if (!is_key_byte(line->data[i]))
            line->data[i] = '_';
    }
    if (r == 0)
        r = umh_buffer_append(line, "=", 1);
    return r;
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

static bool needs_quotes(umh_bytes value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];

        if (byte <= ' ' || byte == '"' || byte == '=' || byte == 0x7F)
            return true;
        /* U+0080 to U+009F are control characters too: terminals obey some of them. */
        if (byte == 0xC2 && i + 1 < value.size && value.data[i + 1] >= 0x80 &&
            value.data[i + 1] < 0xA0)
            return true;
    }
    return value.size == 0;
}

/*
 * How to write the character at the head of `rest`, which is not plain; returned text has *ret_size
 * bytes.
 */
static const char *escape(umh_bytes rest, char text[8], size_t *ret_size, size_t *ret_used)
{
    size_t used = umh_utf8_measure(rest);
    unsigned control = rest.data[0];
    int length = 0;

    *ret_used = used ? used : 1;
    if (used == 2 && control == 0xC2 && rest.data[1] < 0xA0)
        control = rest.data[1];
    if (used == 0)
        length = snprintf(text, 8, "%s", UMH_UTF8_REPLACEMENT);
    else if (control == '"' || control == '\\')
        length = snprintf(text, 8, "\\%c", (char)control);
    else if (control == '\n' || control == '\r' || control == '\t')
        length = snprintf(text, 8, "\\%c", control == '\n' ? 'n' : control == '\r' ? 'r' : 't');
    else if (control < 0x20 || (control >= 0x7F && control < 0xA0))
        length = snprintf(text, 8, "\\u%04x", control);
    *ret_size = length ? (size_t)length : used;
    return length ? text : (const char *)rest.data;
}

/* Bytes at the head of `rest` that are written as they are. */
static size_t measure_run(umh_bytes rest, bool is_quoted)
{
    size_t size = 0;

    while (size < rest.size &&
           (is_plain(rest.data[size]) || (rest.data[size] == '\\' && !is_quoted)))
        size++;
    return size;
}

static int write_escaped(line_writer *writer, umh_bytes value, bool is_quoted)
{
    size_t at = 0;

    while (at < value.size) {
        umh_bytes rest = umh_bytes_of(value.data + at, value.size - at);
        char text[8];
        const char *piece = (const char *)rest.data;
        size_t size = measure_run(rest, is_quoted);
        size_t used = size;
        bool is_run = size > 0;
        int r;

        if (!is_run)
            piece = escape(rest, text, &size, &used);
        if (!has_room(writer, size)) {
            writer->is_cut = true;
            if (!is_run)
                return 0; /* an escape or a character is written whole or not at all */
            size = writer->limit - (writer->line->size - writer->start);
        }
        r = umh_buffer_append(writer->line, piece, size);
        if (r || writer->is_cut)
            return r;
        at += used;
    }
    return 0;
}

static int write_value(line_writer *writer, umh_bytes value)
{
    bool is_quoted = needs_quotes(value);
    int r = is_quoted ? umh_buffer_append(writer->line, "\"", 1) : 0;

    writer->limit -= is_quoted; /* for the closing one, whatever happens in between */
    if (r == 0)
        r = write_escaped(writer, value, is_quoted);
    writer->limit += is_quoted;
    if (r == 0 && is_quoted)
        r = umh_buffer_append(writer->line, "\"", 1);
    return r;
}

static int write_field(line_writer *writer, const char *key, umh_bytes value)
{
    int r;

    if (writer->is_cut)
        return 0;
    r = write_key(writer, key);
    if (r == 0 && !writer->is_cut)
        r = write_value(writer, value);
    return r;
}

static int write_record(line_writer *writer, const umh_logfmt_record *record)
{
    size_t count =
        record->field_count < UMH_LOGFMT_FIELDS_MAX ? record->field_count : UMH_LOGFMT_FIELDS_MAX;
    int r = write_field(writer, LEVEL_KEY, umh_bytes_of_text(umh_log_level_name(record->level)));

    if (r == 0 && record->module.size)
        r = write_field(writer, MODULE_KEY, record->module);
    if (r == 0)
        r = write_field(writer, MESSAGE_KEY, record->message);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = write_field(writer, record->fields[i].key, record->fields[i].value);
    return r;
}

int umh_logfmt_encode(const umh_logfmt_record *record, umh_buffer *line)
{
    size_t start = line->size;
    line_writer writer = {.line = line, .start = start, .limit = UMH_LOGFMT_LINE_BYTES_MAX - 1};
    int r = write_record(&writer, record);

    /* Only a record that does not fit pays for the room that the mark needs. */
    if (r == 0 && writer.is_cut) {
        umh_buffer_cut(line, start);
        writer.limit -= sizeof CUT_FIELD - 1;
        writer.is_cut = false;
        r = write_record(&writer, record);
        if (r == 0)
            r = umh_buffer_append_text(line, CUT_FIELD);
    }
    if (r == 0)
        r = umh_buffer_append(line, "\n", 1);
    if (r)
        umh_buffer_cut(line, start);
    return r;
}

/* Decoding happens in place, in a copy of the line: unescaped is never longer than escaped. */
typedef struct line_reader {
    uint8_t *text;
    size_t size;
    size_t at;
} line_reader;

static int hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* "XXXX" of "\uXXXX"; false: no such escape, the text stands for itself. */
static bool find_code(const line_reader *reader, size_t at, unsigned *ret_code)
{
    unsigned code = 0;

    if (reader->size - at < 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        int value = hex_value(reader->text[at + i]);

        if (value < 0)
            return false;
        code = code << 4 | (unsigned)value;
    }
    *ret_code = code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : code;
    return true;
}

static size_t put_code(uint8_t *to, unsigned code)
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xC0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    to[0] = (uint8_t)(0xE0 | code >> 12);
    to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    to[2] = (uint8_t)(0x80 | (code & 0x3F));
    return 3;
}

/* Behind a backslash at `at`; the number of bytes read, those written in *ret_written. */
static size_t unescape(const line_reader *reader, size_t at, uint8_t *to, size_t *ret_written)
{
    uint8_t byte = reader->text[at];
    unsigned code;

    *ret_written = 1;
    switch (byte) {
    case 'n':
        *to = '\n';
        return 1;
    case 'r':
        *to = '\r';
        return 1;
    case 't':
        *to = '\t';
        return 1;
    case '"':
    case '\\':
        *to = byte;
        return 1;
    default:
        if (byte == 'u' && find_code(reader, at + 1, &code)) {
            *ret_written = put_code(to, code);
            return 5;
        }
        *to = '\\'; /* of another writer: it stands for itself */
        return 0;
    }
}

static umh_bytes read_quoted(line_reader *reader)
{
    uint8_t *begin = reader->text + reader->at + 1;
    uint8_t *to = begin;
    size_t at = reader->at + 1;

    while (at < reader->size && reader->text[at] != '"') {
        size_t written = 1;

        if (reader->text[at] == '\\' && at + 1 < reader->size)
            at += 1 + unescape(reader, at + 1, to, &written);
        else
            *to = reader->text[at++];
        to += written;
    }
    reader->at = at < reader->size ? at + 1 : at; /* a quote that is missing was cut off */
    return umh_bytes_of(begin, (size_t)(to - begin));
}

static bool is_gap(uint8_t byte)
{
    return byte <= ' ';
}

static umh_bytes read_value(line_reader *reader)
{
    size_t start = reader->at;

    if (reader->at < reader->size && reader->text[reader->at] == '"')
        return read_quoted(reader);
    while (reader->at < reader->size && !is_gap(reader->text[reader->at]))
        reader->at++;
    return umh_bytes_of(reader->text + start, reader->at - start);
}

/*
 * The next "key=value"; false at the end. The key's '=' becomes its NUL. A word without '=' is a
 * key without a value; its NUL takes the place of the gap behind it.
 */
static bool read_field(line_reader *reader, umh_logfmt_field *ret_field)
{
    size_t start;
    bool has_value;

    while (reader->at < reader->size && is_gap(reader->text[reader->at]))
        reader->at++;
    if (reader->at == reader->size)
        return false;
    start = reader->at;
    while (reader->at < reader->size && reader->text[reader->at] != '=' &&
           !is_gap(reader->text[reader->at])) {
        if (!is_key_byte(reader->text[reader->at]))
            reader->text[reader->at] = '_';
        reader->at++;
    }
    has_value = reader->at < reader->size && reader->text[reader->at] == '=';
    reader->text[reader->at] = '\0'; /* at the very end it is the buffer's own NUL */
    reader->at += reader->at < reader->size;
    ret_field->key = reader->text[start] ? (const char *)reader->text + start : "_";
    ret_field->value = has_value ? read_value(reader) : umh_bytes_of(NULL, 0);
    return true;
}

static bool is_key(const umh_logfmt_field *field, const char *key)
{
    return strcmp(field->key, key) == 0;
}

static bool find_level(umh_bytes value, umh_log_level *ret_level)
{
    char name[LEVEL_NAME_BYTES];

    if (value.size >= sizeof name || memchr(value.data, '\0', value.size))
        return false;
    memcpy(name, value.data, value.size);
    name[value.size] = '\0';
    return umh_log_level_find(name, ret_level);
}

/*
 * The first `module` and `msg` are the record's own, wherever they stand; `digits` takes the count
 * of what is dropped.
 */
static void read_fields(line_reader *reader, char *digits, umh_logfmt_record *record)
{
    umh_logfmt_field field;
    size_t dropped_count = 0;
    bool has_message = false;

    while (read_field(reader, &field)) {
        if (is_key(&field, MODULE_KEY) && record->module.size == 0) {
            record->module = field.value;
        } else if (is_key(&field, MESSAGE_KEY) && !has_message) {
            record->message = field.value;
            has_message = true;
        } else if (record->field_count < UMH_LOGFMT_FIELDS_MAX) {
            record->fields[record->field_count++] = field;
        } else {
            dropped_count++;
        }
    }
    if (dropped_count == 0)
        return;
    /* The count takes the place of the last field, which is then dropped too. */
    snprintf(digits, COUNT_TEXT_BYTES, "%llu", (unsigned long long)dropped_count + 1);
    record->fields[UMH_LOGFMT_FIELDS_MAX - 1] =
        (umh_logfmt_field){.key = DROPPED_KEY, .value = umh_bytes_of_text(digits)};
}

int umh_logfmt_decode(umh_bytes line, umh_buffer *storage, umh_logfmt_record *ret_record)
{
    static const char room[1 + COUNT_TEXT_BYTES];
    line_reader reader = {.size = line.size};
    umh_logfmt_field first;
    umh_log_level level;
    int r;

    umh_buffer_clear(storage);
    if (line.size >= UMH_LOGFMT_LINE_BYTES_MAX || line.size < sizeof LEVEL_KEY ||
        memcmp(line.data, LEVEL_KEY "=", sizeof LEVEL_KEY) != 0)
        return UMH_LOGFMT_NOT_A_RECORD;
    r = umh_buffer_append(storage, line.data, line.size);
    if (r == 0)
        r = umh_buffer_append(storage, room, sizeof room); /* a NUL behind the last key; digits */
    if (r)
        return umh_fold(r);

    reader.text = storage->data;
    if (!read_field(&reader, &first) || !find_level(first.value, &level))
        return UMH_LOGFMT_NOT_A_RECORD;
    ret_record->level = level;
    ret_record->module = umh_bytes_of(NULL, 0);
    ret_record->message = umh_bytes_of(NULL, 0);
    ret_record->field_count = 0;
    read_fields(&reader, (char *)storage->data + line.size + 1, ret_record);
    return 0;
}
