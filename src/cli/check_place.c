/* SPDX-License-Identifier: MIT */
/*
 * The place of a module's entry, found when it is needed: lines of all modules would cost every
 * start of a broker a pass over the file for each host.
 */
#include "cli/check_place.h"

#include "formats/jsonc.h"
#include "platform/file.h"

#include <stdio.h>

#define PATH_BYTES 96

static const char *const lists[] = {"ChildProcesses", "Broker.ChildProcesses"};

/* Entries that are wrong were left out in front of it, at most all of them. */
static bool find_entry(umh_bytes text, const umh_config *config, const umh_host_config *host,
                       char path[PATH_BYTES])
{
    size_t first = (size_t)(host - config->hosts);

    for (size_t list = 0; list < UMH_COUNT_OF(lists); list++) {
        int line = 1;
        int column;

        for (size_t i = first; line > 0 && line <= host->line; i++) {
            snprintf(path, PATH_BYTES, "%s[%llu]", lists[list], (unsigned long long)i);
            umh_jsonc_locate(text, path, false, &line, &column);
            if (line == host->line)
                return true;
        }
    }
    return false;
}

static void locate(umh_bytes text, const umh_config *config, const umh_host_config *host,
                   const umh_module_config *module, umh_why *why)
{
    char entry[PATH_BYTES];
    char path[PATH_BYTES + 32];
    int line = 0;
    int column = 0;

    if (!find_entry(text, config, host, entry))
        return;
    snprintf(path, sizeof path, "%s.Modules[%llu]", entry,
             (unsigned long long)(module - host->modules));
    umh_jsonc_locate(text, path, false, &line, &column);
    if (line > 0)
        umh_why_place(why, config->path, line, column, NULL);
}

void umh_check_place_module(const umh_config *config, const umh_host_config *host,
                            const umh_module_config *module, umh_why *why)
{
    UMH_AUTO(umh_buffer) text = UMH_BUFFER_INIT;
    int r;

    umh_why_place(why, config->path, host->line, 0, NULL);
    r = umh_file_read(config->path, UMH_JSONC_FILE_BYTES_MAX, &text);
    if (r == 0)
        locate(umh_bytes_of(text.data, text.size), config, host, module, why);
    else if (r < 0)
        umh_failure_take();
}
