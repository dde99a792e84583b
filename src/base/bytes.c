/* SPDX-License-Identifier: MIT */
/* Borrowed bytes, a buffer that grows up to a named maximum, and texts on the heap. */
#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY_BYTES 64

umh_bytes umh_bytes_of(const void *data, size_t size)
{
    return (umh_bytes){.data = data, .size = size};
}

umh_bytes umh_bytes_of_text(const char *text)
{
    return umh_bytes_of(text, text ? strlen(text) : 0);
}

bool umh_bytes_are_equal(umh_bytes one, umh_bytes other)
{
    /* memcmp does not accept NULL, not even for no bytes. */
    return one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

/* Room for `size` more bytes and the NUL behind them. Outcomes: UMH_BUFFER_FULL. */
static int reserve(umh_buffer *buffer, size_t size)
{
    size_t max_bytes = buffer->max_bytes ? buffer->max_bytes : UMH_BUFFER_DEFAULT_MAX;
    size_t needed;
    size_t capacity;
    uint8_t *data;

    if (max_bytes == SIZE_MAX)
        max_bytes--; /* leaves a number for the NUL */
    if (buffer->size > max_bytes || size > max_bytes - buffer->size)
        return UMH_BUFFER_FULL;
    needed = buffer->size + size + 1;
    if (needed <= buffer->capacity)
        return 0;

    capacity = buffer->capacity > max_bytes / 2 ? max_bytes + 1 : buffer->capacity * 2;
    if (capacity < FIRST_CAPACITY_BYTES)
        capacity = FIRST_CAPACITY_BYTES;
    if (capacity < needed)
        capacity = needed;
    data = realloc(buffer->data, capacity);
    if (!data)
        return UMH_FAIL(UMH_E_MEMORY, "grow a buffer to %llu bytes", (unsigned long long)capacity);
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int umh_buffer_append(umh_buffer *buffer, const void *data, size_t size)
{
    int r;

    if (size == 0)
        return 0;
    r = reserve(buffer, size);
    if (r)
        return r;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
    return 0;
}

/* Outcomes: UMH_BUFFER_FULL. */
int umh_buffer_append_text(umh_buffer *buffer, const char *text)
{
    return umh_buffer_append(buffer, text, strlen(text));
}

int umh_buffer_append_format(umh_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length;
    int r;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return UMH_FAIL(UMH_E_BUG, "format '%s' cannot be printed", format);
    if (length == 0)
        return 0;
    r = reserve(buffer, (size_t)length);
    if (r)
        return r;

    va_start(arguments, format);
    vsnprintf((char *)buffer->data + buffer->size, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)length;
    return 0;
}

void umh_buffer_consume(umh_buffer *buffer, size_t size)
{
    umh_assert(size <= buffer->size);
    if (size == 0)
        return;
    buffer->size -= size;
    memmove(buffer->data, buffer->data + size, buffer->size + 1);
}

void umh_buffer_cut(umh_buffer *buffer, size_t size)
{
    umh_assert(size <= buffer->size);
    buffer->size = size;
    if (buffer->data)
        buffer->data[size] = '\0';
}

void umh_buffer_clear(umh_buffer *buffer)
{
    umh_buffer_cut(buffer, 0);
}

void umh_buffer_deinit(umh_buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    buffer->data = NULL;
    buffer->size = 0;
    buffer->capacity = 0;
}

char *umh_text_copy(const char *text)
{
    return umh_text_copy_bytes(text, strlen(text));
}

char *umh_text_copy_bytes(const void *data, size_t size)
{
    char *text = size < SIZE_MAX ? malloc(size + 1) : NULL;

    if (!text) {
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "copy %llu bytes", (unsigned long long)size));
        return NULL;
    }
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

char *umh_text_format(const char *format, ...)
{
    va_list arguments;
    int length;
    char *text;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!text) {
        umh_ignore(UMH_FAIL(UMH_E_MEMORY, "format a text"));
        return NULL;
    }

    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

char *umh_text_free(char *text)
{
    free(text);
    return NULL;
}

static size_t character_bytes(unsigned char lead)
{
    if (lead < 0xC0)
        return 1;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Where to cut `text` so that at most `size` bytes remain; what is no UTF-8 is cut anywhere. */
static size_t find_cut(const char *text, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char byte = (unsigned char)text[size - back];

        if ((byte & 0xC0) == 0x80)
            continue;
        return character_bytes(byte) > back ? size - back : size;
    }
    return size;
}

bool umh_text_put(char *buffer, size_t capacity, const char *text)
{
    size_t size = strlen(text);
    bool is_whole = size < capacity;

    if (capacity == 0)
        return false;
    if (!is_whole)
        size = find_cut(text, capacity - 1);
    memmove(buffer, text, size);
    buffer[size] = '\0';
    return is_whole;
}
