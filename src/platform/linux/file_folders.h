/* SPDX-License-Identifier: MIT */
/* Listing a folder that is known by its descriptor. Any thread. */
#pragma once

#include "platform/file.h"

/* `folder` is closed in every case. Sorted by bytes. Outcomes: UMH_FILE_TOO_MANY. */
UMH_MUST_USE int umh_file_list_descriptor_take(int folder, size_t max_count,
                                               umh_file_names *ret_names);
