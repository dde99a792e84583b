/* SPDX-License-Identifier: MIT */
/*
 * Validates UTF-8 on the path of every message.
 *
 * ASCII is tested by vectors, 64 bytes at a time. The rest runs through an automaton whose step is
 * one load and one shift: a byte's row holds the successor of every state, a state is the position
 * of its successor in any row. The load does not depend on the state, so only the shift is on the
 * critical path, and which kinds of characters a text mixes costs nothing. The vector algorithm
 * that is faster still needs a byte shuffle, which the x86-64 baseline lacks.
 */
#include "formats/utf8.h"

#include <string.h>

/*
 * States, as bit positions in a row. REJECT is position 0 and the value 0, so what a row does not
 * name is rejected for good.
 */
enum {
    STATE_REJECT = 0,
    STATE_START = 6,     /* between characters */
    STATE_LAST = 12,     /* one more continuation byte */
    STATE_LAST_TWO = 18, /* two more */
    STATE_LAST_THREE = 24,
    STATE_AFTER_E0 = 30, /* A0..BF, else overlong */
    STATE_AFTER_ED = 36, /* 80..9F, else a surrogate */
    STATE_AFTER_F0 = 42, /* 90..BF, else overlong */
    STATE_AFTER_F4 = 48, /* 80..8F, else beyond U+10FFFF */
};

#define STATE_MASK 63

#define FROM(state, next) ((uint64_t)(next) << (state))
#define LEAD(next) FROM(STATE_START, next)
#define CONTINUATION                                                                               \
    (FROM(STATE_LAST, STATE_START) | FROM(STATE_LAST_TWO, STATE_LAST) |                            \
     FROM(STATE_LAST_THREE, STATE_LAST_TWO))

/* C0, C1 and F5..FF occur in no text; their rows are zero. */
__extension__ static const uint64_t rows[256] = {
    [0x00 ... 0x7F] = LEAD(STATE_START),
    [0x80 ... 0x8F] =
        CONTINUATION | FROM(STATE_AFTER_ED, STATE_LAST) | FROM(STATE_AFTER_F4, STATE_LAST_TWO),
    [0x90 ... 0x9F] =
        CONTINUATION | FROM(STATE_AFTER_ED, STATE_LAST) | FROM(STATE_AFTER_F0, STATE_LAST_TWO),
    [0xA0 ... 0xBF] =
        CONTINUATION | FROM(STATE_AFTER_E0, STATE_LAST) | FROM(STATE_AFTER_F0, STATE_LAST_TWO),
    [0xC2 ... 0xDF] = LEAD(STATE_LAST),
    [0xE0] = LEAD(STATE_AFTER_E0),
    [0xE1 ... 0xEC] = LEAD(STATE_LAST_TWO),
    [0xED] = LEAD(STATE_AFTER_ED),
    [0xEE ... 0xEF] = LEAD(STATE_LAST_TWO),
    [0xF0] = LEAD(STATE_AFTER_F0),
    [0xF1 ... 0xF3] = LEAD(STATE_LAST_THREE),
    [0xF4] = LEAD(STATE_AFTER_F4),
};

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define WORD_BYTES sizeof(uint64_t)

/* Two words that GCC and Clang keep in one register, on whatever processor. */
typedef uint64_t vector __attribute__((vector_size(16)));
#define VECTOR_BYTES sizeof(vector)
#define BLOCK_BYTES (2 * VECTOR_BYTES)
#define ASCII_BYTES (4 * VECTOR_BYTES)

static inline vector load_vector(const uint8_t *data)
{
    vector value;

    memcpy(&value, data, sizeof value);
    return value;
}

static inline bool is_ascii_vector(vector value)
{
    return !((value[0] | value[1]) & HIGH_BITS);
}

static inline uint64_t load(const uint8_t *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof word);
    return word;
}

/* BLOCK_BYTES, ASCII_BYTES of them */
static inline bool is_ascii_block(const uint8_t *data)
{
    return is_ascii_vector(load_vector(data) | load_vector(data + VECTOR_BYTES));
}

static inline bool is_ascii(const uint8_t *data)
{
    return is_ascii_vector(load_vector(data) | load_vector(data + VECTOR_BYTES) |
                           load_vector(data + 2 * VECTOR_BYTES) |
                           load_vector(data + 3 * VECTOR_BYTES));
}

/*
 * Bits above the state stay: the processor's shift looks at six bits only, so the mask costs no
 * instruction.
 */
static inline uint64_t step(uint64_t state, uint8_t byte)
{
    return rows[byte] >> (state & STATE_MASK);
}

/* Written out: GCC keeps the loop at -O2, and its counter costs as much as the steps. */
static inline uint64_t step_word(uint64_t state, const uint8_t *data)
{
    state = step(state, data[0]);
    state = step(state, data[1]);
    state = step(state, data[2]);
    state = step(state, data[3]);
    state = step(state, data[4]);
    state = step(state, data[5]);
    state = step(state, data[6]);
    return step(state, data[7]);
}

static inline bool is_at(uint64_t state, uint64_t wanted)
{
    return (state & STATE_MASK) == wanted;
}

/* The last `size` bytes, fewer than a block, of a text that began at `begin`. */
static bool has_valid_end(uint64_t state, const uint8_t *begin, const uint8_t *data, size_t size)
{
    for (; size >= WORD_BYTES; data += WORD_BYTES, size -= WORD_BYTES) {
        if (!is_at(state, STATE_START) || load(data) & HIGH_BITS)
            state = step_word(state, data);
    }
    /*
     * The text's last word may overlap what was seen: if it is ASCII, so are the bytes that are
     * left.
     */
    if (size && is_at(state, STATE_START) && (size_t)(data - begin) + size >= WORD_BYTES &&
        !(load(data + size - WORD_BYTES) & HIGH_BITS))
        return true;
    for (; size; data++, size--)
        state = step(state, *data);
    return is_at(state, STATE_START);
}

bool umh_utf8_is_valid(umh_bytes text)
{
    const uint8_t *data = text.data;
    size_t size = text.size;
    uint64_t state = STATE_START;

    /* What is not ASCII alone is not looked at in such long pieces again. */
    for (; size >= ASCII_BYTES && is_ascii(data); data += ASCII_BYTES)
        size -= ASCII_BYTES;
    if (size == 0)
        return true;
    for (; size >= BLOCK_BYTES; data += BLOCK_BYTES, size -= BLOCK_BYTES) {
        if (is_at(state, STATE_START) && is_ascii_block(data))
            continue;
        for (size_t i = 0; i < BLOCK_BYTES; i += WORD_BYTES)
            state = step_word(state, data + i);
        if (is_at(state, STATE_REJECT))
            return false;
    }
    return has_valid_end(state, text.data, data, size);
}

size_t umh_utf8_measure(umh_bytes text)
{
    uint8_t lead = text.data[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    return size <= text.size && umh_utf8_is_valid(umh_bytes_of(text.data, size)) ? size : 0;
}
