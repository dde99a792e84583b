/* SPDX-License-Identifier: MIT */
/*
 * What differs between two values of one object of broker.json, and what that takes: by the table
 * of keys, so that a new key is compared by being there. Pure. Any thread.
 */
#pragma once

#include "config/schema.h"

/* A bit for each key of the object, in the order of the table. */
typedef uint64_t umh_changes;

/* Two structs of `object`; keys that are CHANGE_IS_ELSEWHERE are not looked at. */
umh_changes umh_changes_find(umh_schema_object object, const void *one, const void *other);
/* Those of the changes that take `what`. */
umh_changes umh_changes_that(umh_schema_object object, umh_changes changes, umh_schema_change what);
/* The row of the lowest of the changes, which is taken out of them; NULL: there is none. */
const umh_schema_row *umh_changes_next(umh_schema_object object, umh_changes *changes);
/* "Environment, Limits" */
void umh_changes_describe(umh_schema_object object, umh_changes changes, char *buffer,
                          size_t capacity);
