/* SPDX-License-Identifier: MIT */
/* Which of some words was probably meant by one that is not among them. Pure. Any thread. */
#pragma once

#include <stddef.h>

typedef struct umh_nearest {
    const char *wanted; /* borrowed */
    /* of the words offered, the nearest that is near enough; borrowed; NULL: none */
    const char *best;
    size_t best_distance;
} umh_nearest;

#define UMH_NEAREST_OF(text)                                                                       \
    {                                                                                              \
        .wanted = (text), .best = NULL, .best_distance = 0                                         \
    }

/*
 * Near enough is another case, or an edit distance of at most 2 or a third of the length of
 * `wanted`, with one letter kept at least. Neighbours that changed places count once. Of equally
 * near words the first stands.
 */
void umh_nearest_offer(umh_nearest *nearest, const char *word);
