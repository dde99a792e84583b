/* SPDX-License-Identifier: MIT */
/*
 * A file whose changes are noticed: its folder is watched, because editors put another file in its
 * place, and those of the links that lead to it, because these are changed, too. It is looked at
 * when it has been quiet for UMH_APPLY_WATCH_MS.
 */
#pragma once

#include "broker/broker.h"

typedef struct umh_apply_watch umh_apply_watch;

UMH_MUST_USE int umh_apply_watch_new(umh_broker *broker, void (*on_quiet)(void *context),
                                     void *context, umh_apply_watch **ret_watch);
/* Absolute, copied; NULL: none. One that cannot be watched is said in the log. */
void umh_apply_watch_set(umh_apply_watch *watch, const char *path);
void umh_apply_watch_close(umh_apply_watch *watch); /* frees itself; NULL is allowed */
