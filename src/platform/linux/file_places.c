/* SPDX-License-Identifier: MIT */
/* Paths as text, and where this program, its installation and its data are. */
#include "platform/file.h"

#include "platform/environment.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the kernel says behind the path of a running program whose file was removed or replaced. */
static const char deleted_mark[] = " (deleted)";

static int put_path(char *ret_path, const char *format, ...) UMH_PRINTF(2, 3);

/* Formatted beside `ret_path`, which the arguments may point into. */
static int put_path(char *ret_path, const char *format, ...)
{
    char path[UMH_PATH_BYTES];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof path)
        return UMH_FAIL(UMH_E_LIMIT, "the path '%.100s...' is too long", path);
    memcpy(ret_path, path, (size_t)length + 1);
    return 0;
}

/*
 * In place: no empty parts, no ".". A ".." stays: behind a link it leads elsewhere than the text
 * says.
 */
static void simplify(char *path)
{
    bool is_absolute = path[0] == '/';
    char *out = path + is_absolute;
    const char *in = path;

    while (*in) {
        size_t size = strcspn(in, "/");
        bool is_nothing = size == 0 || (size == 1 && in[0] == '.');

        if (!is_nothing) {
            if (out > path + is_absolute)
                *out++ = '/';
            memmove(out, in, size);
            out += size;
        }
        in += size;
        in += *in == '/';
    }
    if (out == path)
        *out++ = '.';
    *out = '\0';
}

int umh_file_join(const char *folder, const char *name, char *ret_path)
{
    int r = name[0] == '/' ? put_path(ret_path, "%s", name)
                           : put_path(ret_path, "%s/%s", folder[0] ? folder : ".", name);

    if (r == 0)
        simplify(ret_path);
    return r;
}

int umh_file_absolute(const char *path, char *ret_path)
{
    char folder[UMH_PATH_BYTES] = "/";

    if (path[0] != '/' && !getcwd(folder, sizeof folder))
        return UMH_FAIL_OS(errno, "find the current folder");
    return umh_file_join(folder, path, ret_path);
}

const char *umh_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void umh_file_parent(const char *path, char *ret_path)
{
    size_t size = strnlen(path, UMH_PATH_BYTES - 1);

    while (size > 1 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0) {
        memcpy(ret_path, ".", 2);
        return;
    }
    memmove(ret_path, path, size);
    ret_path[size] = '\0';
}

int umh_file_program_folder(char *ret_path)
{
    const size_t mark_size = sizeof deleted_mark - 1;
    char path[UMH_PATH_BYTES];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);

    if (size < 0)
        return UMH_FAIL_OS(errno, "find this program's file");
    path[size] = '\0';
    if ((size_t)size > mark_size && strcmp(path + size - mark_size, deleted_mark) == 0)
        path[(size_t)size - mark_size] = '\0';
    umh_file_parent(path, ret_path);
    return 0;
}

int umh_file_installation(char *ret_path)
{
    static const char *const places[] = {"/bin", "/libexec/umh"};
    char folder[UMH_PATH_BYTES];
    int r = umh_file_program_folder(folder);

    if (r)
        return r;
    for (size_t i = 0; i < UMH_COUNT_OF(places); i++) {
        size_t size = strlen(folder);
        size_t place_size = strlen(places[i]);

        if (size >= place_size && strcmp(folder + size - place_size, places[i]) == 0) {
            folder[size - place_size] = '\0';
            return put_path(ret_path, "%s", folder[0] ? folder : "/");
        }
    }
    return UMH_FAIL(
        UMH_E_USAGE,
        "this program is in '%s', but belongs into bin or libexec/umh of an installation", folder);
}

int umh_file_host_program(const char *installation, int bits, char *ret_path)
{
    int r = put_path(ret_path, "%s/libexec/umh/umh-host%d", installation, bits);

    if (r == 0)
        simplify(ret_path);
    return r;
}

/* It becomes one part of a path. */
static int check_instance(const char *instance)
{
    if (!instance[0] || strchr(instance, '/') || strcmp(instance, ".") == 0 ||
        strcmp(instance, "..") == 0)
        return UMH_FAIL(UMH_E_USAGE, "'%s' cannot be the name of an instance", instance);
    return 0;
}

/* NULL: not set, or relative, which the XDG specification says to ignore. */
static const char *get_absolute(const char *name)
{
    const char *value = umh_environment_get(name);

    return value && value[0] == '/' ? value : NULL;
}

static int find_home(char *ret_path)
{
    const char *home = get_absolute("HOME");
    char storage[4096];
    struct passwd entry;
    struct passwd *found = NULL;

    if (home)
        return put_path(ret_path, "%s", home);
    if (getpwuid_r(geteuid(), &entry, storage, sizeof storage, &found) != 0 || !found ||
        found->pw_dir[0] != '/')
        return UMH_FAIL(UMH_E_USAGE, "no home folder is known; set HOME");
    return put_path(ret_path, "%s", found->pw_dir);
}

int umh_file_store_folder(const char *instance, char *ret_path)
{
    const char *cache = get_absolute("XDG_CACHE_HOME");
    char home[UMH_PATH_BYTES];
    int r = check_instance(instance);

    if (r)
        return r;
    if (geteuid() == 0)
        return put_path(ret_path, "/var/lib/umh/%s", instance);
    if (cache)
        return put_path(ret_path, "%s/umh/store/%s", cache, instance);
    r = find_home(home);
    if (r)
        return r;
    return put_path(ret_path, "%s/.cache/umh/store/%s", home, instance);
}

/* A program run through su still has the variable of the user before. */
static bool is_own_folder(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == geteuid();
}

/* The name in the temporary folder can be guessed, so someone may have been there first. */
static int find_shared_runtime_folder(const char *instance, char *ret_path)
{
    const char *temporary = get_absolute("TMPDIR");
    char folder[UMH_PATH_BYTES];
    umh_why why = UMH_WHY_INIT;
    int r =
        put_path(folder, "%s/umh-%lu", temporary ? temporary : P_tmpdir, (unsigned long)geteuid());

    if (r)
        return r;
    r = umh_file_check_private(folder, &why);
    if (r == UMH_FILE_UNSAFE)
        return UMH_FAIL(UMH_E_REFUSED, "%s; remove it, or set XDG_RUNTIME_DIR", why.text);
    if (r != 0 && r != UMH_FILE_NONE)
        return umh_fold(r);
    return put_path(ret_path, "%s/%s", folder, instance);
}

int umh_file_runtime_folder(const char *instance, char *ret_path)
{
    const char *runtime = get_absolute("XDG_RUNTIME_DIR");
    int r = check_instance(instance);

    if (r)
        return r;
    if (geteuid() == 0)
        return put_path(ret_path, "/run/umh/%s", instance);
    if (runtime && is_own_folder(runtime))
        return put_path(ret_path, "%s/umh/%s", runtime, instance);
    return find_shared_runtime_folder(instance, ret_path);
}
