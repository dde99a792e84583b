/* SPDX-License-Identifier: MIT */
/* Random configurations, right and wrong, from the table of keys. The same seed gives the same. */
#pragma once

#include "config/schema.h"
#include "formats/jsonc.h"

typedef struct random_source {
    uint64_t state; /* never 0 */
} random_source;

uint64_t random_number(random_source *random);
size_t random_below(random_source *random, size_t count); /* 0 when `count` is 0 */
bool random_chance(random_source *random, unsigned percent);

/*
 * A file that is right in every respect; keys at the top, under `Broker`, or some here and some
 * there.
 */
json_t *generate_config(random_source *random);

/* ChildProcesses of it, borrowed; NULL: none. */
json_t *generated_entries(json_t *config);

/* Its text, indented and commented somehow. To be freed. */
char *generate_text(random_source *random, const json_t *config);

typedef enum mistake { MISTAKE_UNKNOWN_KEY, MISTAKE_TYPE, MISTAKE_COUNT } mistake;

/*
 * Put one mistake into an object of the table within `entry` (OBJECT_HOST) or, when that is NULL,
 * into keys of the whole. False: it has no key to spoil.
 */
bool generate_mistake(random_source *random, json_t *config, json_t *entry, mistake kind);

/*
 * Change bytes of `text` (a buffer) without any respect: flips, cuts, repetitions, foreign bytes.
 */
void damage_text(random_source *random, umh_buffer *text);
