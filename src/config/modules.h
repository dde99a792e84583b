/* SPDX-License-Identifier: MIT */
/*
 * Where a module's file is and what it is: the search of design section 4, and the check before
 * anything is started. Reads files. Any thread.
 */
#pragma once

#include "config/runtime.h"
#include "formats/image.h"
#include "platform/file.h"

typedef struct umh_module_file {
    char path[UMH_PATH_BYTES];   /* absolute, of the image */
    char folder[UMH_PATH_BYTES]; /* its original folder */
    bool copy_folder;            /* the store copies the whole folder; else the file alone */
    umh_image image;
    bool has_sections;       /* see umh_image_has_sections */
    umh_runtime_needs needs; /* of a managed one */
} umh_module_file;

/*
 * X in each module folder as X/X64.so (X32 for a 32-bit host), X/X.so, X/X.dll; or `Path` against
 * the folder of the file. Checked: it exists, is an image, of this architecture and bitness, not
 * managed for a 32-bit host, not a program unless the host is a UI host.
 * Outcomes: UMH_MODULES_UNUSABLE (ret_why: what was looked for and where, or what the file is
 * instead).
 */
enum { UMH_MODULES_UNUSABLE = 1 };
UMH_MUST_USE int umh_modules_find(const umh_config *config, const umh_host_config *host,
                                  const umh_module_config *module, umh_module_file *ret_file,
                                  umh_why *ret_why);

/*
 * Whether a native module's file defines the entry that a host calls. Reads the whole file, loads
 * nothing. Outcomes: UMH_MODULES_UNUSABLE.
 */
UMH_MUST_USE int umh_modules_check_entry(const umh_module_file *file, umh_why *ret_why);

/*
 * Whether only root and this user can change what a host would load of the module, or put another
 * in its place. Outcomes: UMH_MODULES_UNUSABLE (why: who else can, and where).
 */
UMH_MUST_USE int umh_modules_check_trust(const umh_module_file *file, umh_why *ret_why);
/* The same of what is loaded of a .NET root. Outcomes: UMH_MODULES_UNUSABLE. */
UMH_MUST_USE int umh_modules_check_dotnet_trust(const char *root, umh_why *ret_why);

/*
 * The .NET root to use: of the configuration, else the usual places (/usr/share/dotnet,
 * /usr/lib/dotnet, ~/.dotnet, ...; never the environment).
 * Outcomes: UMH_MODULES_UNUSABLE (no root with host/fxr and a Microsoft.NETCore.App 10.x; why says
 * where it looked and what to install).
 */
UMH_MUST_USE int umh_modules_find_dotnet(const umh_dotnet_config *dotnet, char *ret_root,
                                         umh_why *ret_why);
