/* SPDX-License-Identifier: MIT */
/* Names without the case of their letters: equality, order, repetition. */
#include "config/names.h"

#include <stdlib.h>

static int fold(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : (unsigned char)letter;
}

static int compare(const char *one, const char *other)
{
    while (*one && fold(*one) == fold(*other)) {
        one++;
        other++;
    }
    return fold(*one) - fold(*other);
}

bool umh_names_are_equal(const char *one, const char *other)
{
    return compare(one, other) == 0;
}

static int compare_names(const void *left, const void *right)
{
    const umh_name *one = left;
    const umh_name *other = right;
    int order = compare(one->text, other->text);

    if (order)
        return order;
    return one->index < other->index ? -1 : one->index > other->index;
}

void umh_names_mark_repeated(umh_name *names, size_t count)
{
    if (count > 1)
        qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++)
        names[i].is_repeated = i > 0 && umh_names_are_equal(names[i - 1].text, names[i].text);
}
