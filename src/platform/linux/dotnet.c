/* SPDX-License-Identifier: MIT */
/* The usual installation places of .NET on Linux: of packages, of Microsoft's script, of a user. */
#include "platform/dotnet.h"

#include "platform/environment.h"

#include <stdio.h>
#include <string.h>

#define LOCATION_FILE "/etc/dotnet/install_location"

static const char *const places[] = {
    "/usr/share/dotnet",       "/usr/lib/dotnet", "/usr/lib64/dotnet",
    "/usr/local/share/dotnet", "/opt/dotnet",
};

/* Its first line. False: there is none that is a path. */
static bool read_location(char *ret_root)
{
    char content[UMH_PATH_BYTES];
    uint64_t file_bytes = 0;
    size_t size = 0;
    int r = umh_file_read_head(LOCATION_FILE, content, sizeof content - 1, &size, &file_bytes);

    if (r < 0)
        umh_failure_take(); /* what cannot be read tells no place */
    if (r)
        return false;
    content[size] = '\0';
    content[strcspn(content, "\r\n")] = '\0';
    if (content[0] != '/')
        return false;
    umh_text_put(ret_root, UMH_PATH_BYTES, content);
    return true;
}

static bool find_own(char *ret_root)
{
    const char *home = umh_environment_get("HOME");
    int size = home ? snprintf(ret_root, UMH_PATH_BYTES, "%s/.dotnet", home) : 0;

    return size > 0 && size < UMH_PATH_BYTES;
}

bool umh_dotnet_get_place(size_t index, char *ret_root)
{
    const size_t own = 1 + UMH_COUNT_OF(places);
    bool is_known = true;

    if (index > own)
        return false;
    if (index == 0)
        is_known = read_location(ret_root);
    else if (index == own)
        is_known = find_own(ret_root);
    else
        umh_text_put(ret_root, UMH_PATH_BYTES, places[index - 1]);
    if (!is_known)
        ret_root[0] = '\0';
    return true;
}

const char *umh_dotnet_resolver(void)
{
    return "libhostfxr.so";
}
