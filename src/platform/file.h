/* SPDX-License-Identifier: MIT */
/*
 * Files and folders. Paths are UTF-8 with '/' (also accepted: '\\' on Windows), absolute where a
 * function does not say otherwise. Any thread.
 */
#pragma once

#include "base/bytes.h"
#include "base/why.h"

#define UMH_PATH_BYTES 4096

enum { UMH_FILE_NONE = 1, UMH_FILE_TOO_LARGE = 2, UMH_FILE_TOO_MANY = 3, UMH_FILE_UNSAFE = 4 };

typedef enum umh_file_kind {
    FILE_KIND_NONE,
    FILE_KIND_FILE,
    FILE_KIND_FOLDER,
    FILE_KIND_OTHER
} umh_file_kind;

typedef struct umh_file_info {
    umh_file_kind kind;
    uint64_t bytes;
    uint64_t changed_ns; /* modification time, for comparing only */
    uint64_t identity;   /* device and file number mixed, for comparing only */
} umh_file_info;

/* follows links; FILE_KIND_NONE when it is not there */
umh_file_info umh_file_inspect(const char *path);

/* The whole file. Outcomes: UMH_FILE_NONE, UMH_FILE_TOO_LARGE. */
UMH_MUST_USE int umh_file_read(const char *path, size_t max_bytes, umh_buffer *ret_content);
/* The first `capacity` bytes or fewer, and the file's size. Outcomes: UMH_FILE_NONE. */
UMH_MUST_USE int umh_file_read_head(const char *path, void *buffer, size_t capacity,
                                    size_t *ret_size, uint64_t *ret_file_bytes);
/* Write through a temporary file in the same folder and rename. */
UMH_MUST_USE int umh_file_write(const char *path, umh_bytes content);

/* Where this program, its installation and its data are. `ret_path` has UMH_PATH_BYTES. */
UMH_MUST_USE int umh_file_program_folder(char *ret_path); /* of the running executable */
/* the folder above bin or libexec/umh: has lib/umh, share/umh */
UMH_MUST_USE int umh_file_installation(char *ret_path);
/* the host of 32 or 64 bits in an installation; whether it is there is not looked at */
UMH_MUST_USE int umh_file_host_program(const char *installation, int bits, char *ret_path);
/* what lies in the next: copies for hosts of ours, for users', old ones, and one broker's lock */
#define UMH_STORE_MODULES "modules"
#define UMH_STORE_USERS "users"
#define UMH_STORE_STALE "stale-" /* names begin with it */
#define UMH_STORE_LOCK "lock"
/* /var/lib/umh/INSTANCE for root, else the user's cache */
UMH_MUST_USE int umh_file_store_folder(const char *instance, char *ret_path);
/* of the control endpoint, design section 9; may not exist yet */
UMH_MUST_USE int umh_file_runtime_folder(const char *instance, char *ret_path);
/* against the current folder; no links resolved */
UMH_MUST_USE int umh_file_absolute(const char *path, char *ret_path);
/* `name` wins when it is absolute */
UMH_MUST_USE int umh_file_join(const char *folder, const char *name, char *ret_path);
const char *umh_file_name(const char *path); /* the last part, borrowed */
void umh_file_parent(const char *path, char *ret_path);

/* With parents, for the owner only (0700). */
UMH_MUST_USE int umh_file_make_folder(const char *path);
/*
 * Exists, is a folder, belongs to this user (or root), nobody else may enter. Outcomes:
 * UMH_FILE_NONE, UMH_FILE_UNSAFE (why).
 */
UMH_MUST_USE int umh_file_check_private(const char *path, umh_why *ret_why);
/* The same, but others may pass through to what they know the name of (0711). */
UMH_MUST_USE int umh_file_check_guarded(const char *path, umh_why *ret_why);
/*
 * Only root and this user can change what is at an absolute path or put another in its place, by
 * owner and mode of it and of each folder and link on the way. A folder's content is not looked at.
 * Outcomes: UMH_FILE_NONE, UMH_FILE_UNSAFE (why).
 */
UMH_MUST_USE int umh_file_check_trusted(const char *path, umh_why *ret_why);
/*
 * The same, and of all that is below a folder. Before what is copied or run from there.
 * Outcomes: UMH_FILE_NONE, UMH_FILE_UNSAFE (why).
 */
UMH_MUST_USE int umh_file_check_trusted_tree(const char *path, umh_why *ret_why);
/* The same of all that is run from an installation. Outcomes: UMH_FILE_UNSAFE (why). */
UMH_MUST_USE int umh_file_check_installation(const char *installation, umh_why *ret_why);
/* Let others pass through a folder of ours; whether they may list it stays as it is. */
UMH_MUST_USE int umh_file_let_pass(const char *path);
/* Others than its owner and group may not read it. False when that is not known. */
bool umh_file_is_closed(const char *path);
/*
 * Whether libraries and programs in a folder may be run from there (not mounted noexec). True when
 * that is not known.
 */
bool umh_file_allows_execution(const char *path);
/*
 * A fresh folder for the owner only in the temporary directory, its name beginning with `prefix`.
 */
UMH_MUST_USE int umh_file_make_temporary(const char *prefix, char *ret_path);
/* Everything below and itself; nothing there is success. Never follows links. */
UMH_MUST_USE int umh_file_remove_tree(const char *path);
/*
 * A folder, if it is empty; none there is success. Outcomes: UMH_FILE_TOO_MANY (it is not),
 * UMH_FILE_UNSAFE (it is no folder: a link, for one).
 */
UMH_MUST_USE int umh_file_remove_folder(const char *path);

/*
 * Entries of a folder in sorted order, without "." and "..". Outcomes: UMH_FILE_NONE,
 * UMH_FILE_TOO_MANY.
 */
typedef struct umh_file_names {
    char **names; /* owned */
    size_t count;
} umh_file_names;
#define UMH_FILE_NAMES_INIT                                                                        \
    {                                                                                              \
        .names = NULL, .count = 0                                                                  \
    }
UMH_MUST_USE int umh_file_list(const char *folder, size_t max_count, umh_file_names *ret_names);
void umh_file_names_deinit(umh_file_names *names);
UMH_DEFINE_AUTO(umh_file_names);

/*
 * Every place whose change can make another file of an absolute path: each link on the way, as a
 * path without links before it, and last the file itself, or what is missing first on the way to
 * it. At most UMH_FILE_PLACES_MAX; the folder of each exists.
 */
#define UMH_FILE_PLACES_MAX 41u /* as many links as the kernel follows, and the file */
UMH_MUST_USE int umh_file_trace(const char *path, umh_file_names *ret_places);

/*
 * Copy a file or a folder's content (regular files and folders; links are followed inside, others
 * skipped) to `to`, which must not exist. Modes become 0644/0755 within a private parent; with
 * `keeps_closed` 0600/0700 of what others may not read in the original. Blocks: in the broker only
 * on libuv's work queue.
 * Outcomes: UMH_FILE_NONE, UMH_FILE_TOO_LARGE, UMH_FILE_TOO_MANY (of `limits`).
 */
typedef struct umh_copy_limits {
    uint64_t max_bytes;
    uint32_t max_files;
    uint32_t max_depth;
    bool keeps_closed;
} umh_copy_limits;
UMH_MUST_USE int umh_file_copy(const char *from, const char *to, const umh_copy_limits *limits,
                               umh_why *ret_why);

/*
 * A 64-bit fingerprint of names, sizes and contents below `path`: unchanged content is not copied
 * again. The same limits and outcomes.
 */
UMH_MUST_USE int umh_file_fingerprint(const char *path, const umh_copy_limits *limits,
                                      uint64_t *ret_fingerprint, umh_why *ret_why);

/* Move `from` to `to` in one step; `to` must not exist as a non-empty folder. */
UMH_MUST_USE int umh_file_move(const char *from, const char *to);

/*
 * An exclusive lock on a file that ends with the process: one broker per instance. Outcomes:
 * UMH_FILE_UNSAFE (someone has it).
 */
UMH_MUST_USE int umh_file_lock(const char *path, intptr_t *ret_lock);
void umh_file_unlock(intptr_t *lock); /* leaves -1; -1 is allowed */
