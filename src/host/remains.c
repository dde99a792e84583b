/* SPDX-License-Identifier: MIT */
/* A list behind a lock. */
#include "host/remains.h"

#include "base/list.h"
#include "host/logger.h"
#include "platform/thread.h"

#include <stdlib.h>
#include <string.h>

struct umh_remains {
    umh_lock *lock; /* held while an image is closed once more: two would do it twice */
    umh_list list;
};

typedef struct remain {
    umh_list entry;
    umh_library *library; /* owned */
    umh_module *module;   /* owned */
} remain;

int umh_remains_new(umh_remains **ret_remains)
{
    umh_remains *remains = calloc(1, sizeof(*remains));
    int r;

    if (!remains)
        return UMH_FAIL(UMH_E_MEMORY, "keep what modules leave");
    umh_list_init(&remains->list);
    r = umh_lock_new(&remains->lock);
    if (r) {
        free(remains);
        return umh_fold(r);
    }
    *ret_remains = remains;
    return 0;
}

void umh_remains_keep_take(umh_remains *remains, umh_library *library, umh_module *module)
{
    remain *kept = remains ? calloc(1, sizeof(*kept)) : NULL;

    if (!kept) {
        umh_library_free(library);
        return;
    }
    kept->library = library;
    kept->module = module;
    umh_lock_take(remains->lock);
    umh_list_push_back(&remains->list, &kept->entry);
    umh_lock_release(remains->lock);
}

/* A failure to look is no proof: it stays. */
static bool has_gone(remain *kept)
{
    int r = umh_library_unload(kept->library);

    if (r < 0)
        umh_failure_take();
    return r == 0;
}

static void say_gone(const umh_module *module)
{
    const umh_host_v1 *table = umh_module_host_table(module);

    umh_logger_say(UMH_LOG_INFO, table->identity(table)->module, "has gone after all");
}

void umh_remains_look(umh_remains *remains)
{
    if (!remains)
        return;
    umh_lock_take(remains->lock);
    umh_list_each (item, &remains->list) {
        remain *kept = umh_container_of(item, remain, entry);

        if (!has_gone(kept))
            continue;
        umh_list_remove(&kept->entry);
        say_gone(kept->module);
        umh_module_end_left_take(kept->module);
        umh_library_free(kept->library);
        free(kept);
    }
    umh_lock_release(remains->lock);
}

bool umh_remains_has(umh_remains *remains, const char *path)
{
    bool is_found = false;

    if (!remains)
        return false;
    umh_lock_take(remains->lock);
    umh_list_each (item, &remains->list) {
        const remain *kept = umh_container_of(item, remain, entry);

        is_found = is_found || strcmp(umh_library_path(kept->library), path) == 0;
    }
    umh_lock_release(remains->lock);
    return is_found;
}
