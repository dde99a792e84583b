/* SPDX-License-Identifier: MIT */
/* A borrowed run of bytes, and an owned buffer that grows up to a named maximum. */
#pragma once

#include "base/auto.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed: valid as long as its owner says. `data` may be NULL when `size` is 0. */
typedef struct umh_bytes {
    const uint8_t *data;
    size_t size;
} umh_bytes;

umh_bytes umh_bytes_of(const void *data, size_t size);
umh_bytes umh_bytes_of_text(const char *text); /* without the NUL; NULL gives none */
bool umh_bytes_are_equal(umh_bytes one, umh_bytes other);

/* Owned, growing. */
typedef struct umh_buffer {
    /*
     * owned; one NUL always follows `size`, so a text in it is a C string (NULL while empty and
     * new)
     */
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
    /* growing past it is the outcome UMH_BUFFER_FULL; 0: UMH_BUFFER_DEFAULT_MAX */
    size_t max_bytes;
} umh_buffer;

#define UMH_BUFFER_DEFAULT_MAX (64u * 1024 * 1024)
#define UMH_BUFFER_INIT                                                                            \
    {                                                                                              \
        .data = NULL, .size = 0, .capacity = 0, .max_bytes = 0                                     \
    }

enum { UMH_BUFFER_FULL = 1 };

/* Append a copy; nothing is appended on UMH_BUFFER_FULL. Outcomes: UMH_BUFFER_FULL. */
UMH_MUST_USE int umh_buffer_append(umh_buffer *buffer, const void *data, size_t size);
UMH_MUST_USE int umh_buffer_append_text(umh_buffer *buffer, const char *text);
UMH_MUST_USE int umh_buffer_append_format(umh_buffer *buffer, const char *format, ...)
    UMH_PRINTF(2, 3);

/* Remove `size` bytes from the front. */
void umh_buffer_consume(umh_buffer *buffer, size_t size);
/* Forget what is behind the first `size` bytes; there are at least so many. */
void umh_buffer_cut(umh_buffer *buffer, size_t size);
void umh_buffer_clear(umh_buffer *buffer); /* keeps the memory */
void umh_buffer_deinit(umh_buffer *buffer);

UMH_DEFINE_AUTO(umh_buffer);

/*
 * A copy of `text` or of `size` bytes plus a NUL on the heap. NULL: out of memory, recorded.
 * umh_text_free returns NULL.
 */
char *umh_text_copy(const char *text);
char *umh_text_copy_bytes(const void *data, size_t size);
char *umh_text_format(const char *format, ...) UMH_PRINTF(1, 2);
char *umh_text_free(char *text);

/*
 * Copy into a fixed array, cut at a character's border; always terminated. False when it was cut.
 */
bool umh_text_put(char *buffer, size_t capacity, const char *text);
