/* SPDX-License-Identifier: MIT */
/*
 * What the store does on libuv's pool: works on its own copies of everything, and leaves what went
 * wrong as a value.
 */
#pragma once

#include "config/modules.h"

#include <uv.h>

typedef enum umh_store_outcome {
    STORE_WORK_DONE,
    STORE_WORK_REFUSED, /* why */
    STORE_WORK_CHANGED  /* why; the original is another than before */
} umh_store_outcome;

/* Copies are shared by it: the same content from the same place. */
typedef struct umh_store_key {
    char name[UMH_NAME_BYTES_MAX + 1];
    uint64_t fingerprint; /* of the original's content and where it lies */
    uint64_t content;     /* of the content alone */
    bool is_for_users;    /* lies where they may read it */
} umh_store_key;

bool umh_store_key_is_equal(const umh_store_key *one, const umh_store_key *other);

#define UMH_STORE_LISTED_MAX 64u

/* Where is it, what is it, what is in it. */
typedef struct umh_store_look {
    uv_work_t work;
    umh_host_config host;     /* what matters for the search; owns its texts */
    umh_module_config module; /* the same */
    bool is_for_users;        /* hosts that run as somebody else will load it */
    bool is_strict;           /* a module that others may change is refused */
    bool lists_folders;
    umh_store_outcome outcome;
    umh_module_file file;
    umh_store_key key;
    umh_why why;
    umh_why doubt; /* who else may change it; empty: nobody, or it was refused */
    /* with lists_folders: those below a folder that is copied, as far as they are watched; owned */
    char *folders[UMH_STORE_LISTED_MAX];
    size_t folder_count;
} umh_store_look;

UMH_MUST_USE int umh_store_look_init(umh_store_look *look, const umh_host_config *host,
                                     const umh_module_config *module);
void umh_store_look_do(umh_store_look *look, const umh_config *config); /* any thread */
void umh_store_look_deinit(umh_store_look *look);

/* A copy of what was looked at. */
typedef struct umh_store_copy {
    uv_work_t work;
    char folder[UMH_PATH_BYTES];    /* of the copy */
    char path[UMH_PATH_BYTES];      /* of the image in it */
    char temporary[UMH_PATH_BYTES]; /* its name until it is whole */
    bool is_for_users;
    umh_store_outcome outcome;
    umh_why why;
} umh_store_copy;

/* any thread */
void umh_store_copy_do(umh_store_copy *copy, const umh_module_file *original,
                       const umh_store_key *key);

/*
 * Remove a folder in the background; `prefix`: only what in it begins so. What cannot be removed
 * stays for the next start.
 */
void umh_store_remove_soon(uv_loop_t *loop, const char *path, const char *prefix);
