/* SPDX-License-Identifier: MIT */
/*
 * A numbered stream of messages: 16 digits of a number, 16 of a checksum, a filler that the number
 * decides. The last one says how many there were and the checksum over all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define STREAM_HEAD_BYTES 32u
#define STREAM_END "end "
#define STREAM_END_BYTES (4u + STREAM_HEAD_BYTES)
#define STREAM_LETTERS 26u
#define STREAM_PRIME UINT64_C(0x9E3779B97F4A7C15)

static inline void stream_put_number(char *text, uint64_t number)
{
    for (int i = 15; i >= 0; i--, number >>= 4)
        text[i] = "0123456789abcdef"[number & 15u];
}

/* False: not 16 digits. */
static inline bool stream_get_number(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (int i = 0; i < 16; i++) {
        char digit = text[i];

        if (digit >= '0' && digit <= '9')
            number = number << 4 | (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            number = number << 4 | (uint64_t)(digit - 'a' + 10);
        else
            return false;
    }
    *ret_number = number;
    return true;
}

/* Eight bytes at a step: it is to cost little beside the message itself. */
static inline uint64_t stream_checksum(uint64_t sum, const char *bytes, size_t size)
{
    uint64_t word;

    for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        sum = (sum ^ word) * STREAM_PRIME;
        sum ^= sum >> 29;
    }
    word = size;
    memcpy(&word, bytes, size);
    sum = (sum ^ word) * STREAM_PRIME;
    return sum ^ sum >> 29;
}

/* `letters` has the alphabet over and over, STREAM_LETTERS more than the text is long. */
static inline uint64_t stream_write(char *text, size_t size, const char *letters, uint64_t number)
{
    uint64_t sum;

    stream_put_number(text, number);
    memcpy(text + STREAM_HEAD_BYTES, letters + number % STREAM_LETTERS, size - STREAM_HEAD_BYTES);
    sum = stream_checksum(number, text + STREAM_HEAD_BYTES, size - STREAM_HEAD_BYTES);
    stream_put_number(text + 16, sum);
    return sum;
}

/* The number and the checksum of an intact message. */
static inline bool stream_read(const char *text, size_t size, uint64_t *ret_number,
                               uint64_t *ret_sum)
{
    return size >= STREAM_HEAD_BYTES && stream_get_number(text, ret_number) &&
           stream_get_number(text + 16, ret_sum) &&
           stream_checksum(*ret_number, text + STREAM_HEAD_BYTES, size - STREAM_HEAD_BYTES) ==
               *ret_sum;
}

/* Over all messages, in their order. */
static inline uint64_t stream_add(uint64_t total, uint64_t sum)
{
    return (total ^ sum) * STREAM_PRIME + 1;
}
