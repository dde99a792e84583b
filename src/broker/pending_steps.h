/* SPDX-License-Identifier: MIT */
/* What reconcile would do now, in words: what the configuration wants and what runs, compared. */
#pragma once

#include "broker/broker.h"
#include "formats/jsonc.h"

/* A list of texts. NULL: failed, recorded. */
umh_json *umh_pending_steps_describe(umh_broker *broker);
