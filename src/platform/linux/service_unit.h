/* SPDX-License-Identifier: MIT */
/* The text of a systemd unit, from its template. Pure. */
#pragma once

#include "base/bytes.h"
#include "base/why.h"
#include "platform/service.h"

/* The first words of what we wrote, and may write again. */
#define UMH_SERVICE_UNIT_MARK "# Written by `umh service install`"

enum { UMH_SERVICE_UNIT_BAD = 1 };

/* "umh.service", "umh@edge.service". */
void umh_service_unit_name(const char *instance, char ret_name[UMH_SERVICE_NAME_BYTES]);

/*
 * The template with its @NAMES@ replaced; paths are written so that systemd reads them as they are.
 * Outcomes: UMH_SERVICE_UNIT_BAD (why: a path that cannot be written so, or the template).
 */
UMH_MUST_USE int umh_service_unit_write(const umh_service_spec *spec, umh_bytes unit_template,
                                        umh_buffer *unit, umh_why *ret_why);
