/* SPDX-License-Identifier: MIT */
/*
 * JSON with comments, parsed by jansson.
 *
 * One lexer serves everything that is ours: blanking what jansson does not know, the limit of depth
 * (before jansson recurses), the place of an error and the place of a key. It knows just enough to
 * tell strings, brackets and comments apart, and nothing of whether they make sense; that is
 * jansson's business. Where it sees a text otherwise than jansson, jansson has stopped before.
 */
#include "formats/jsonc.h"

#include "formats/utf8.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define BYTE_ORDER_MARK_BYTES 3
#define SHOWN_KEY_BYTES 80

typedef enum lexeme_kind {
    LEXEME_END,
    LEXEME_MARK, /* one of { } [ ] : , */
    LEXEME_STRING,
    LEXEME_COMMENT,
    LEXEME_OTHER, /* numbers, words and what is no JSON */
} lexeme_kind;

typedef struct lexeme {
    lexeme_kind kind;
    uint8_t mark; /* 0 unless LEXEME_MARK */
    bool is_open; /* a string or block comment that does not end */
    size_t start;
    size_t end;
} lexeme;

typedef struct text_lexer {
    umh_bytes text;
    size_t at;
} text_lexer;

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_mark(uint8_t byte)
{
    return byte == '{' || byte == '}' || byte == '[' || byte == ']' || byte == ':' || byte == ',';
}

static bool is_comment(umh_bytes text, size_t at)
{
    return text.size - at >= 2 && text.data[at] == '/' &&
           (text.data[at + 1] == '/' || text.data[at + 1] == '*');
}

static void lex_string(umh_bytes text, lexeme *string)
{
    size_t at = string->start + 1;

    while (at < text.size && text.data[at] != '"' && text.data[at] != '\n') {
        if (text.data[at] == '\\' && at + 1 < text.size && text.data[at + 1] != '\n')
            at++;
        at++;
    }
    string->is_open = at == text.size || text.data[at] != '"';
    string->end = string->is_open ? at : at + 1;
}

static void lex_comment(umh_bytes text, lexeme *comment)
{
    const uint8_t *end;
    size_t at = comment->start + 2;

    if (text.data[comment->start + 1] == '/') {
        end = memchr(text.data + at, '\n', text.size - at);
        comment->end = end ? (size_t)(end - text.data) : text.size;
        return;
    }
    while (text.size - at >= 2 && (text.data[at] != '*' || text.data[at + 1] != '/'))
        at++;
    comment->is_open = text.size - at < 2;
    comment->end = comment->is_open ? text.size : at + 2;
}

static void lex_other(umh_bytes text, lexeme *other)
{
    size_t at = other->start;

    do
        at++;
    while (at < text.size && !is_space(text.data[at]) && !is_mark(text.data[at]) &&
           text.data[at] != '"' && !is_comment(text, at));
    other->end = at;
}

static lexeme next_lexeme(text_lexer *lexer)
{
    umh_bytes text = lexer->text;
    size_t at = lexer->at;
    lexeme next;

    while (at < text.size && is_space(text.data[at]))
        at++;
    next = (lexeme){.kind = LEXEME_END, .start = at, .end = at};
    if (at == text.size)
        return next;

    if (is_mark(text.data[at])) {
        next.kind = LEXEME_MARK;
        next.mark = text.data[at];
        next.end = at + 1;
    } else if (text.data[at] == '"') {
        next.kind = LEXEME_STRING;
        lex_string(text, &next);
    } else if (is_comment(text, at)) {
        next.kind = LEXEME_COMMENT;
        lex_comment(text, &next);
    } else {
        next.kind = LEXEME_OTHER;
        lex_other(text, &next);
    }
    lexer->at = next.end;
    return next;
}

static lexeme next_token(text_lexer *lexer)
{
    lexeme next;

    do
        next = next_lexeme(lexer);
    while (next.kind == LEXEME_COMMENT);
    return next;
}

static umh_bytes skip_byte_order_mark(umh_bytes text)
{
    if (text.size >= BYTE_ORDER_MARK_BYTES &&
        memcmp(text.data, BYTE_ORDER_MARK, BYTE_ORDER_MARK_BYTES) == 0)
        return umh_bytes_of(text.data + BYTE_ORDER_MARK_BYTES, text.size - BYTE_ORDER_MARK_BYTES);
    return text;
}

/* Columns count characters, as editors do; what is no UTF-8 counts by its bytes. */
static void find_place(umh_bytes text, size_t offset, int *ret_line, int *ret_column)
{
    int line = 1;
    int column = 1;

    for (size_t at = 0; at < offset; at++) {
        if (text.data[at] == '\n') {
            line++;
            column = 1;
        } else if ((text.data[at] & 0xC0) != 0x80) {
            column++;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

static void place_at(umh_why *why, umh_bytes text, size_t offset)
{
    int line;
    int column;

    find_place(text, offset, &line, &column);
    umh_why_place(why, NULL, line, column, NULL);
}

static void blank(uint8_t *copy, size_t start, size_t end)
{
    for (size_t at = start; at < end; at++) {
        if (copy[at] != '\n')
            copy[at] = ' ';
    }
}

/*
 * Check what jansson must not meet, and blank in `copy` (NULL: nothing) what it does not know. A
 * comma is blanked before a closing bracket only where a value stands before it: "[,]" remains an
 * error.
 */
static int prepare(umh_bytes text, uint8_t *copy, umh_why *ret_why)
{
    text_lexer lexer = {.text = text};
    lexeme before = {.kind = LEXEME_END};
    lexeme last = {.kind = LEXEME_END};
    unsigned depth = 0;

    for (;;) {
        lexeme next = next_lexeme(&lexer);

        if (next.kind == LEXEME_END)
            return 0;
        if (next.kind == LEXEME_COMMENT) {
            if (copy && next.is_open) {
                umh_why_set(ret_why, "the comment that begins here does not end");
                place_at(ret_why, text, next.start);
                return UMH_JSONC_BAD;
            }
            if (copy)
                blank(copy, next.start, next.end);
            continue;
        }
        if ((next.mark == '{' || next.mark == '[') && ++depth > UMH_JSONC_DEPTH_MAX) {
            umh_why_set(ret_why, "nested deeper than %d levels", UMH_JSONC_DEPTH_MAX);
            place_at(ret_why, text, next.start);
            return UMH_JSONC_BAD;
        }
        if (next.mark == '}' || next.mark == ']') {
            bool has_value = before.kind == LEXEME_STRING || before.kind == LEXEME_OTHER ||
                             before.mark == '}' || before.mark == ']';

            if (copy && last.mark == ',' && has_value)
                blank(copy, last.start, last.end);
            depth -= depth > 0;
        }
        before = last;
        last = next;
    }
}

/* jansson tells the end of what it did not like; people look at its beginning. */
static lexeme find_error(umh_bytes parsed, const json_error_t *error)
{
    size_t position = error->position > 0 ? (size_t)error->position : 0;
    text_lexer lexer = {.text = parsed};
    lexeme found = {.kind = LEXEME_END, .start = position, .end = position};
    lexeme next;

    if (json_error_code(error) == json_error_invalid_utf8 || position == 0)
        return found; /* here it is the beginning already */
    do
        next = next_token(&lexer);
    while (next.kind != LEXEME_END && next.end < position);

    if (next.kind == LEXEME_END || next.start >= position)
        return found;
    if (next.kind == LEXEME_STRING && position < next.end) {
        found.start = position - 1; /* an escape within a string */
        return found;
    }
    if (next.kind != LEXEME_STRING && json_error_code(error) == json_error_premature_end_of_input)
        return found; /* what is missing is missed behind the last token */
    return next;
}

static void explain(umh_bytes text, umh_bytes parsed, const json_error_t *error, umh_why *ret_why)
{
    lexeme found = find_error(parsed, error);
    size_t size = found.end - found.start;

    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        umh_why_set(ret_why, "the key %.*s occurs twice in one object",
                    (int)(size < SHOWN_KEY_BYTES ? size : SHOWN_KEY_BYTES),
                    (const char *)parsed.data + found.start);
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        umh_why_set(ret_why, "a NUL character (\\u0000) is not allowed here");
        break;
    default:
        umh_why_set(ret_why, "%s", error->text);
    }
    place_at(ret_why, text, found.start);
}

/* `parsed` is what jansson gets, `text` what the person wrote; they differ in blanks only. */
static int load(umh_bytes text, umh_bytes parsed, size_t flags, json_t **ret_root, umh_why *ret_why)
{
    json_error_t error;
    json_t *root = json_loadb(parsed.size ? (const char *)parsed.data : "", parsed.size,
                              flags | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return UMH_FAIL(UMH_E_MEMORY, "parse JSON");
    if (!root) {
        explain(text, parsed, &error, ret_why);
        return UMH_JSONC_BAD;
    }
    *ret_root = root;
    return 0;
}

static bool is_too_large(umh_bytes text, umh_why *ret_why)
{
    if (text.size <= UMH_JSONC_FILE_BYTES_MAX)
        return false;
    umh_why_set(ret_why, "larger than %u bytes", UMH_JSONC_FILE_BYTES_MAX);
    umh_why_place(ret_why, NULL, 1, 1, NULL);
    return true;
}

int umh_jsonc_parse(umh_bytes text, json_t **ret_root, umh_why *ret_why)
{
    char *copy;
    int r;

    if (is_too_large(text, ret_why))
        return UMH_JSONC_BAD;
    text = skip_byte_order_mark(text);
    copy = umh_text_copy_bytes(text.data, text.size);
    if (!copy)
        return UMH_E_MEMORY;
    r = prepare(text, (uint8_t *)copy, ret_why);
    if (r == 0)
        r = load(text, umh_bytes_of(copy, text.size), 0, ret_root, ret_why);
    umh_text_free(copy);
    return r;
}

int umh_jsonc_parse_strict(umh_bytes text, json_t **ret_root, umh_why *ret_why)
{
    int r;

    if (is_too_large(text, ret_why))
        return UMH_JSONC_BAD;
    r = prepare(text, NULL, ret_why);
    if (r == 0)
        r = load(text, text, JSON_ALLOW_NUL, ret_root, ret_why);
    return r;
}

/* Locating: the place that was found last, and whether there is one. */
typedef struct key_search {
    text_lexer lexer;
    bool of_key;
    bool is_found;
    size_t offset;
    unsigned depth;
} key_search;

static void visit(key_search *search, lexeme value, const lexeme *key, const char *path);

/* Everything up to the end of the value that began with `first`. */
static void skip_value(text_lexer *lexer, lexeme first)
{
    size_t depth = 0;
    lexeme next = first;

    for (;;) {
        if (next.kind == LEXEME_END)
            return;
        if (next.mark == '{' || next.mark == '[')
            depth++;
        if (next.mark == '}' || next.mark == ']')
            depth -= depth > 0;
        if (depth == 0)
            return;
        next = next_token(lexer);
    }
}

/* The bytes of a key at the head of `path`; false: it is not there, or goes on as another key. */
static bool match_key(umh_bytes text, const lexeme *key, const char *path, size_t *ret_length)
{
    const char *name = (const char *)text.data + key->start + 1;
    size_t length = key->end - key->start - 2;
    json_t *decoded = NULL;
    bool is_match;

    if (memchr(name, '\\', length)) {
        decoded = json_loadb(name - 1, length + 2, JSON_DECODE_ANY, NULL);
        if (!decoded)
            return false;
        name = json_string_value(decoded);
        length = json_string_length(decoded);
    }
    is_match = strnlen(path, length) == length && memcmp(path, name, length) == 0 &&
               (path[length] == '\0' || path[length] == '.' || path[length] == '[');
    json_decref(decoded);
    if (is_match)
        *ret_length = length;
    return is_match;
}

/*
 * A key may hold dots and brackets itself: of those that fit and lead to a value, the longest
 * counts.
 */
static void visit_object(key_search *search, const char *path)
{
    size_t best_length = 0;
    bool has_best = false;

    for (;;) {
        lexeme key = next_token(&search->lexer);
        lexeme value;
        size_t length;

        if (key.kind == LEXEME_END || key.mark == '}')
            return;
        if (key.kind != LEXEME_STRING || key.is_open)
            continue;
        value = next_token(&search->lexer);
        if (value.mark == ':')
            value = next_token(&search->lexer);
        if (value.mark == '}')
            return;

        if (match_key(search->lexer.text, &key, path, &length) &&
            (!has_best || length > best_length)) {
            bool was_found = search->is_found;

            search->is_found = false;
            visit(search, value, &key, path + length + (path[length] == '.'));
            has_best = has_best || search->is_found;
            if (search->is_found)
                best_length = length;
            search->is_found = search->is_found || was_found;
        } else {
            skip_value(&search->lexer, value);
        }
    }
}

/* "[12]..." to 12 and what follows. */
static bool split_index(const char *path, size_t *ret_index, const char **ret_rest)
{
    size_t index = 0;
    const char *at = path + 1;

    if (*path != '[' || *at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (index > UMH_JSONC_FILE_BYTES_MAX)
            return false;
        index = index * 10 + (size_t)(*at - '0');
    }
    if (*at != ']' || (at[1] != '\0' && at[1] != '.' && at[1] != '['))
        return false;
    *ret_index = index;
    *ret_rest = at[1] == '.' ? at + 2 : at + 1;
    return true;
}

static void visit_array(key_search *search, const char *path)
{
    size_t wanted = 0;
    size_t index = 0;
    const char *rest = path;
    bool has_index = split_index(path, &wanted, &rest);

    for (;;) {
        lexeme value = next_token(&search->lexer);

        if (value.kind == LEXEME_END || value.mark == ']' || value.mark == '}')
            return;
        if (value.mark == ',') {
            index++;
            continue;
        }
        if (has_index && index == wanted)
            visit(search, value, NULL, rest);
        else
            skip_value(&search->lexer, value);
    }
}

/* Consumes the whole value in any case, so that one pass over the text is enough. */
static void visit(key_search *search, lexeme value, const lexeme *key, const char *path)
{
    if (*path == '\0') {
        search->is_found = true;
        search->offset = search->of_key && key ? key->start : value.start;
        skip_value(&search->lexer, value);
        return;
    }
    if (search->depth == UMH_JSONC_DEPTH_MAX) {
        skip_value(&search->lexer, value);
        return;
    }
    search->depth++;
    if (value.mark == '{')
        visit_object(search, path);
    else if (value.mark == '[')
        visit_array(search, path);
    search->depth--;
}

void umh_jsonc_locate(umh_bytes text, const char *path, bool of_key, int *ret_line, int *ret_column)
{
    key_search search = {.of_key = of_key};
    lexeme root;

    text = skip_byte_order_mark(text);
    search.lexer.text = text;
    root = next_token(&search.lexer);
    if (root.kind != LEXEME_END)
        visit(&search, root, NULL, path);
    *ret_line = 0;
    *ret_column = 0;
    if (search.is_found)
        find_place(text, search.offset, ret_line, ret_column);
}

json_t *umh_jsonc_text(const char *text)
{
    char *ascii;
    json_t *value;

    if (umh_utf8_is_valid(umh_bytes_of_text(text)))
        return json_string(text);
    ascii = umh_text_copy(text);
    if (!ascii)
        return NULL;
    for (char *at = ascii; *at; at++) {
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    }
    value = json_string(ascii);
    umh_text_free(ascii);
    return value;
}

typedef struct print_target {
    umh_buffer *text;
    int result;
} print_target;

static int print_some(const char *data, size_t size, void *context)
{
    print_target *target = context;

    target->result = umh_buffer_append(target->text, data, size);
    return target->result ? -1 : 0;
}

int umh_jsonc_print(const json_t *value, umh_buffer *text)
{
    print_target target = {.text = text};
    size_t size = text->size;

    if (json_dump_callback(value, print_some, &target, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        return 0;
    if (text->data) {
        text->size = size;
        text->data[size] = '\0';
    }
    if (target.result)
        return target.result;
    return UMH_FAIL(UMH_E_MEMORY, "print JSON");
}

const char *umh_jsonc_get_text(const json_t *object, const char *key, const char *fallback)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    /*
     * A NUL inside would cut the text for whoever takes it as a C string: such a value is of
     * another type.
     */
    return text && strlen(text) == json_string_length(value) ? text : fallback;
}

int64_t umh_jsonc_get_integer(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

bool umh_jsonc_get_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);

    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

json_t *umh_jsonc_get_object(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return json_is_object(value) ? value : NULL;
}

json_t *umh_jsonc_get_array(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return json_is_array(value) ? value : NULL;
}
