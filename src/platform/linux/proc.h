/* SPDX-License-Identifier: MIT */
/* Small files of /proc, and what is in their lines. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define UMH_PROC_PATH_BYTES 64u
#define UMH_PROC_TEXT_BYTES 2048u

/* The beginning of a file, as text; false: there is none. */
bool umh_proc_read(const char *path, char text[UMH_PROC_TEXT_BYTES]);
/* The number behind `key` in the text of a status file, or the last one in its line; 0: none. */
long long umh_proc_number(const char *text, const char *key, bool is_last);
