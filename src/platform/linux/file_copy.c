/* SPDX-License-Identifier: MIT */
/*
 * Copies and fingerprints of whole trees. Both are visitors of one walk, so that a fingerprint is
 * of exactly what a copy would hold: regular files and folders, in sorted order. A link to a file
 * counts as the file; a link to a folder is skipped, because it may lead out of the tree or around
 * in it.
 */
#include "platform/file.h"

#include "platform/linux/file_folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES (64u * 1024)
#define FOLDER_MODE 0755
#define FILE_MODE 0644
#define EXECUTABLE_BITS 0111

/* `relative` is below the root, "" for the root itself. */
typedef struct tree_visitor {
    int (*on_folder)(void *context, const char *relative, const struct stat *about);
    int (*on_file)(void *context, const char *relative, const struct stat *about);
    int (*on_content)(void *context, const void *data, size_t size);
    int (*on_file_end)(void *context);
} tree_visitor;

typedef struct tree_walk {
    const tree_visitor *visitor;
    void *context;
    const umh_copy_limits *limits;
    umh_why *why;
    const char *root; /* for messages */
    uint64_t bytes;
    uint32_t files;
    char relative[UMH_PATH_BYTES];
    uint8_t block[BLOCK_BYTES];
} tree_walk;

static int too_large(tree_walk *walk)
{
    umh_why_set(walk->why, "'%s' has more than %llu bytes", walk->root,
                (unsigned long long)walk->limits->max_bytes);
    return UMH_FILE_TOO_LARGE;
}

static int too_many(tree_walk *walk)
{
    umh_why_set(walk->why, "'%s' has more than %u files and folders", walk->root,
                walk->limits->max_files);
    return UMH_FILE_TOO_MANY;
}

static int too_deep(tree_walk *walk)
{
    umh_why_set(walk->why, "'%s' has folders nested more than %u deep", walk->root,
                walk->limits->max_depth);
    return UMH_FILE_TOO_MANY;
}

/* A full block, except at the end: the fingerprint depends on where blocks end. */
static int read_block(tree_walk *walk, int descriptor, size_t *ret_size)
{
    size_t size = 0;

    while (size < BLOCK_BYTES) {
        ssize_t count = read(descriptor, walk->block + size, BLOCK_BYTES - size);

        if (count == 0)
            break;
        if (count < 0 && errno != EINTR)
            return UMH_FAIL_OS(errno, "read '%s/%s'", walk->root, walk->relative);
        size += count > 0 ? (size_t)count : 0;
    }
    *ret_size = size;
    return 0;
}

/* Outcomes: UMH_FILE_TOO_LARGE. */
static int walk_content(tree_walk *walk, int descriptor)
{
    size_t size = BLOCK_BYTES;

    while (size == BLOCK_BYTES) {
        int r = read_block(walk, descriptor, &size);

        if (r)
            return r;
        walk->bytes += size;
        if (walk->bytes > walk->limits->max_bytes)
            return too_large(walk);
        r = walk->visitor->on_content(walk->context, walk->block, size);
        if (r)
            return r;
    }
    return 0;
}

/* Outcomes: UMH_FILE_TOO_LARGE. */
static int walk_file(tree_walk *walk, int descriptor, const struct stat *about)
{
    int end;
    int r;

    /* Said before anything of it is read or written. */
    if ((uint64_t)about->st_size > walk->limits->max_bytes - walk->bytes)
        return too_large(walk);
    r = walk->visitor->on_file(walk->context, walk->relative, about);
    if (r)
        return r;
    r = walk_content(walk, descriptor);
    end = walk->visitor->on_file_end(walk->context);
    return r ? r : end;
}

/*
 * -1: nothing to walk into (not for us, or gone meanwhile), with errno 0; or it cannot be read,
 * with errno.
 */
static int open_entry(int folder, const char *name, struct stat *ret_about)
{
    int follow = O_NOFOLLOW;
    int descriptor;

    if (fstatat(folder, name, ret_about, AT_SYMLINK_NOFOLLOW) < 0) {
        errno = errno == ENOENT ? 0 : errno;
        return -1;
    }
    if (S_ISLNK(ret_about->st_mode)) {
        follow = 0;
        if (fstatat(folder, name, ret_about, 0) < 0 || S_ISDIR(ret_about->st_mode))
            ret_about->st_mode = 0;
    }
    if (!S_ISREG(ret_about->st_mode) && !S_ISDIR(ret_about->st_mode)) {
        errno = 0;
        return -1;
    }
    descriptor = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | follow);
    if (descriptor < 0)
        errno = errno == ENOENT ? 0 : errno;
    return descriptor;
}

/* Whether it still is what it was when it was looked at, in which case `about` is renewed. */
static bool is_unchanged_kind(int descriptor, struct stat *about)
{
    mode_t kind = about->st_mode & S_IFMT;

    return fstat(descriptor, about) == 0 && (about->st_mode & S_IFMT) == kind;
}

static int walk_folder_take(tree_walk *walk, int folder, uint32_t depth);

/* Outcomes: UMH_FILE_TOO_LARGE, UMH_FILE_TOO_MANY. */
static int walk_entry(tree_walk *walk, int folder, const char *name, uint32_t depth)
{
    struct stat about;
    int descriptor = open_entry(folder, name, &about);
    int r = 0;

    if (descriptor < 0)
        return errno ? UMH_FAIL_OS(errno, "open '%s/%s'", walk->root, walk->relative) : 0;
    if (!is_unchanged_kind(descriptor, &about)) {
        close(descriptor);
        return 0;
    }
    if (S_ISDIR(about.st_mode)) {
        r = walk->visitor->on_folder(walk->context, walk->relative, &about);
        if (r == 0)
            return walk_folder_take(walk, descriptor, depth + 1);
    } else {
        r = walk_file(walk, descriptor, &about);
    }
    close(descriptor);
    return r;
}

/* Outcomes: UMH_FILE_TOO_LARGE, UMH_FILE_TOO_MANY. */
static int walk_names(tree_walk *walk, int folder, const umh_file_names *names, uint32_t depth)
{
    size_t base = strlen(walk->relative);
    int r = 0;

    for (size_t i = 0; i < names->count && r == 0; i++) {
        size_t rest = sizeof walk->relative - base;
        int length =
            snprintf(walk->relative + base, rest, "%s%s", base ? "/" : "", names->names[i]);

        if (length < 0 || (size_t)length >= rest)
            r = too_deep(walk);
        else
            r = walk_entry(walk, folder, names->names[i], depth);
        walk->relative[base] = '\0';
    }
    return r;
}

/* Takes `folder`. Outcomes: UMH_FILE_TOO_LARGE, UMH_FILE_TOO_MANY. */
static int walk_folder_take(tree_walk *walk, int folder, uint32_t depth)
{
    UMH_AUTO(umh_file_names) names = UMH_FILE_NAMES_INIT;
    int listed;
    int r;

    if (depth > walk->limits->max_depth) {
        close(folder);
        return too_deep(walk);
    }
    /* The listing closes its descriptor, which shares its position with no other. */
    listed = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (listed < 0) {
        r = UMH_FAIL_OS(errno, "open the folder '%s/%s'", walk->root, walk->relative);
        close(folder);
        return r;
    }
    r = umh_file_list_descriptor_take(listed, walk->limits->max_files - walk->files, &names);
    if (r == UMH_FILE_TOO_MANY)
        r = too_many(walk);
    if (r == 0) {
        walk->files += (uint32_t)names.count;
        r = walk_names(walk, folder, &names, depth);
    }
    close(folder);
    return r;
}

/* Outcomes: UMH_FILE_NONE, UMH_FILE_TOO_LARGE, UMH_FILE_TOO_MANY. */
static int walk_tree(tree_walk *walk)
{
    struct stat about;
    int descriptor = open(walk->root, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int r;

    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR))
        return UMH_FILE_NONE;
    if (descriptor < 0)
        return UMH_FAIL_OS(errno, "open '%s'", walk->root);
    if (fstat(descriptor, &about) < 0) {
        r = UMH_FAIL_OS(errno, "look at '%s'", walk->root);
    } else if (S_ISREG(about.st_mode)) {
        r = walk_file(walk, descriptor, &about);
    } else if (S_ISDIR(about.st_mode)) {
        r = walk->visitor->on_folder(walk->context, "", &about);
        if (r == 0)
            return walk_folder_take(walk, descriptor, 0);
    } else {
        r = UMH_FAIL_OS(EINVAL, "read '%s': neither a file nor a folder", walk->root);
    }
    close(descriptor);
    return r;
}

/* ------------------------- copy */

typedef struct tree_copy {
    const char *to;
    bool is_begun; /* `to` is ours to remove */
    bool keeps_closed;
    int out;
    struct timespec changed;
    mode_t mode;
    char path[UMH_PATH_BYTES];
} tree_copy;

static int put_target(tree_copy *copy, const char *relative)
{
    int length = snprintf(copy->path, sizeof copy->path, "%s%s%s", copy->to, relative[0] ? "/" : "",
                          relative);

    if (length < 0 || (size_t)length >= sizeof copy->path)
        return UMH_FAIL(UMH_E_LIMIT, "the path of '%s' below '%s' is too long", relative, copy->to);
    return 0;
}

/* For everyone who gets there, or for those only who may read the original. */
static mode_t mode_of(const tree_copy *copy, const struct stat *about, mode_t mode)
{
    return copy->keeps_closed && !(about->st_mode & S_IROTH) ? mode & S_IRWXU : mode;
}

static int copy_folder(void *context, const char *relative, const struct stat *about)
{
    tree_copy *copy = context;
    mode_t mode = mode_of(copy, about, FOLDER_MODE);
    int r = put_target(copy, relative);

    if (r)
        return r;
    /* The umask takes from mkdir's mode, not from chmod's. */
    if (mkdir(copy->path, mode) < 0 || chmod(copy->path, mode) < 0)
        return UMH_FAIL_OS(errno, "make the folder '%s'", copy->path);
    copy->is_begun = true;
    return 0;
}

static int copy_file(void *context, const char *relative, const struct stat *about)
{
    tree_copy *copy = context;
    int r = put_target(copy, relative);

    if (r)
        return r;
    copy->out = open(copy->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (copy->out < 0)
        return UMH_FAIL_OS(errno, "create '%s'", copy->path);
    copy->is_begun = true;
    copy->changed = about->st_mtim;
    copy->mode = about->st_mode & EXECUTABLE_BITS ? FILE_MODE | EXECUTABLE_BITS : FILE_MODE;
    copy->mode = mode_of(copy, about, copy->mode);
    return 0;
}

static int copy_content(void *context, const void *data, size_t size)
{
    tree_copy *copy = context;

    for (size_t written = 0; written < size;) {
        ssize_t count = write(copy->out, (const char *)data + written, size - written);

        if (count < 0 && errno != EINTR)
            return UMH_FAIL_OS(errno, "write '%s'", copy->path);
        written += count > 0 ? (size_t)count : 0;
    }
    return 0;
}

static int copy_file_end(void *context)
{
    tree_copy *copy = context;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, copy->changed};
    int error = 0;

    if (futimens(copy->out, times) < 0 || fchmod(copy->out, copy->mode) < 0)
        error = errno;
    if (close(copy->out) < 0 && !error)
        error = errno;
    copy->out = -1;
    return error ? UMH_FAIL_OS(error, "finish '%s'", copy->path) : 0;
}

static const tree_visitor copy_visitor = {
    .on_folder = copy_folder,
    .on_file = copy_file,
    .on_content = copy_content,
    .on_file_end = copy_file_end,
};

int umh_file_copy(const char *from, const char *to, const umh_copy_limits *limits, umh_why *ret_why)
{
    tree_copy copy = {.to = to, .out = -1, .keeps_closed = limits->keeps_closed};
    tree_walk walk = {
        .visitor = &copy_visitor, .context = &copy, .limits = limits, .why = ret_why, .root = from};
    int r = walk_tree(&walk);

    if (r && copy.is_begun) {
        umh_failure failure = umh_failure_take();

        /* Half a copy serves nobody; what went wrong first is what is told. */
        umh_ignore(umh_file_remove_tree(to));
        if (r < 0)
            umh_fail_at(failure.code, failure.os_code, failure.file, failure.line, "%s",
                        failure.text);
    }
    if (r == UMH_FILE_NONE || r == UMH_FILE_TOO_LARGE || r == UMH_FILE_TOO_MANY)
        return r;
    return umh_fold(r);
}

/* ------------------------- fingerprint */

/*
 * A multiply-and-shift hash over words of eight bytes, because FNV's byte at a time would cost more
 * than reading. It tells a changed tree from an unchanged one. It is no defence against someone who
 * makes two trees of one fingerprint on purpose.
 */
#define HASH_START UINT64_C(0xCBF29CE484222325)
#define HASH_MULTIPLIER UINT64_C(0x9FB21C651E98DF25)

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * HASH_MULTIPLIER;
    return hash ^ (hash >> 32);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t word;

    for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = hash_word(hash, word);
    }
    word = 0;
    if (size)
        memcpy(&word, bytes, size);
    /* The count keeps "a" and "a\0" apart. */
    return hash_word(hash_word(hash, word), size);
}

static int hash_folder(void *context, const char *relative, const struct stat *about)
{
    uint64_t *hash = context;

    UMH_UNUSED(about);
    *hash = hash_word(hash_bytes(*hash, relative, strlen(relative)), 'd');
    return 0;
}

static int hash_file(void *context, const char *relative, const struct stat *about)
{
    uint64_t *hash = context;

    *hash = hash_word(hash_bytes(*hash, relative, strlen(relative)),
                      about->st_mode & EXECUTABLE_BITS ? 'x' : 'f');
    *hash = hash_word(*hash, (uint64_t)about->st_size);
    return 0;
}

static int hash_content(void *context, const void *data, size_t size)
{
    uint64_t *hash = context;

    *hash = hash_bytes(*hash, data, size);
    return 0;
}

static int hash_file_end(void *context)
{
    UMH_UNUSED(context);
    return 0;
}

static const tree_visitor hash_visitor = {
    .on_folder = hash_folder,
    .on_file = hash_file,
    .on_content = hash_content,
    .on_file_end = hash_file_end,
};

int umh_file_fingerprint(const char *path, const umh_copy_limits *limits, uint64_t *ret_fingerprint,
                         umh_why *ret_why)
{
    uint64_t hash = HASH_START;
    tree_walk walk = {
        .visitor = &hash_visitor, .context = &hash, .limits = limits, .why = ret_why, .root = path};
    int r = walk_tree(&walk);

    if (r == UMH_FILE_NONE || r == UMH_FILE_TOO_LARGE || r == UMH_FILE_TOO_MANY)
        return r;
    if (r)
        return umh_fold(r);
    *ret_fingerprint = hash;
    return 0;
}
