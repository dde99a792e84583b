/* SPDX-License-Identifier: MIT */
/*
 * Names for what frames have numbers for: services and senders, as far as the running broker knows
 * them. For people; a name that cannot be found costs nothing but its beauty.
 */
#pragma once

#include "cli/client.h"

typedef struct umh_directory umh_directory;

/* Asks the broker; `client` is borrowed. */
UMH_MUST_USE int umh_directory_new(umh_client *client, umh_directory **ret_directory);
umh_directory *umh_directory_free(umh_directory *directory);
UMH_DEFINE_AUTO_PTR(umh_directory);

/* `name` is what a person called it; copied. */
UMH_MUST_USE int umh_directory_add_service(umh_directory *directory, const umh_guid *guid,
                                           const char *name);
/* Borrowed until the next change; NULL: it has no name. */
const char *umh_directory_service(const umh_directory *directory, const umh_guid *guid);

/* "HOST/MODULE", "broker", "control" (a client), or "3/0"; borrowed until the next call. */
const char *umh_directory_sender(umh_directory *directory, const umh_frame *frame);
