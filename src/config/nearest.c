/* SPDX-License-Identifier: MIT */
/* The edit distance between short words, case aside. */
#include "config/nearest.h"

#include <string.h>

#define WORD_BYTES_MAX 64 /* nobody mistypes a longer one into a key */

static char fold(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* Three rows of the usual table are enough: a swap of neighbours looks two rows back. */
static size_t measure(const char *one, size_t one_size, const char *other, size_t other_size)
{
    size_t rows[3][WORD_BYTES_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];

    for (size_t j = 0; j <= other_size; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= one_size; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= other_size; j++) {
            char a = fold(one[i - 1]);
            char b = fold(other[j - 1]);

            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a != b));
            if (i > 1 && j > 1 && a == fold(other[j - 2]) && b == fold(one[i - 2]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = oldest;
    }
    return last[other_size];
}

void umh_nearest_offer(umh_nearest *nearest, const char *word)
{
    size_t wanted_size = strlen(nearest->wanted);
    size_t word_size = strlen(word);
    size_t limit = wanted_size / 3 > 2 ? wanted_size / 3 : 2;
    size_t distance;

    if (wanted_size > WORD_BYTES_MAX || word_size > WORD_BYTES_MAX)
        return;
    distance = measure(nearest->wanted, wanted_size, word, word_size);
    if (distance > limit || distance >= least(wanted_size, word_size))
        return;
    if (!nearest->best || distance < nearest->best_distance) {
        nearest->best = word;
        nearest->best_distance = distance;
    }
}
