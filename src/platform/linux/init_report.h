/* SPDX-License-Identifier: MIT */
/*
 * What umh-init leaves for who started it, in the last bytes of a page that they share. The program
 * under it could write there, too: it is evidence, and is believed only where it agrees with the
 * init's own exit code.
 */
#pragma once

#include <stdint.h>

#define UMH_INIT_FAILED 125 /* exit code where the program was not executed */
#define UMH_INIT_SIGNAL_BASE 128
#define UMH_INIT_REPORT_MAGIC 0x31494E49u /* "INI1" */

typedef enum umh_init_report_kind {
    REPORT_ENDED = 1,       /* status: what wait says of it */
    REPORT_NOT_STARTED = 2, /* error: errno of the step that failed */
} umh_init_report_kind;

typedef struct umh_init_report {
    uint32_t magic;
    uint32_t kind;
    int32_t status;
    int32_t error;
} umh_init_report;

_Static_assert(sizeof(umh_init_report) == 16, "it has no holes");
