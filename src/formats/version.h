/* SPDX-License-Identifier: MIT */
/* Versions as .NET writes them: "10.0.1", "10.0.0-preview.3". Pure. Any thread. */
#pragma once

#include <stdbool.h>

/* Number by number; a release is higher than its previews. */
bool umh_version_is_higher(const char *one, const char *other);
