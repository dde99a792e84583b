/* SPDX-License-Identifier: MIT */
/*
 * Images of native modules that stay mapped though their module was unloaded: kept, so that one of
 * them is never taken for a fresh copy, and asked again whenever a module comes or goes.
 * Any thread.
 */
#pragma once

#include "host/module.h"
#include "platform/library.h"

typedef struct umh_remains umh_remains; /* lives until the process ends */

UMH_MUST_USE int umh_remains_new(umh_remains **ret_remains);

/*
 * Both are taken. The module lives on until the image has gone, as its table must.
 * `remains` may be NULL: nobody looks again then.
 */
void umh_remains_keep_take(umh_remains *remains, umh_library *library, umh_module *module);

/*
 * Close them once more, which runs destructors of modules: only on a thread that may run module
 * code. Of what has gone it tells the broker, and frees it.
 */
void umh_remains_look(umh_remains *remains);

/*
 * An image of that path is among them: a load is refused, for it would give that image as it was
 * left. A broker therefore has what follows it loaded from another copy.
 */
bool umh_remains_has(umh_remains *remains, const char *path);
