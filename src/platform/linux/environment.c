/* SPDX-License-Identifier: MIT */
/* The environment of this process, and lists of entries for children. */
#include "platform/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What a child may inherit. Absent on purpose: whatever steers the loader (LD_*, GCONV_PATH), the
 * CLR (DOTNET_*, CORECLR_*, COMPlus_*) or a shell (BASH_ENV, IFS).
 */
static const char *const allowed_names[] = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
};
static const char allowed_prefix[] = "LC_";

const char *umh_environment_get(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

int umh_environment_set(const char *name, const char *value)
{
    if (setenv(name, value, 1) < 0)
        return UMH_FAIL_OS(errno, "set the environment variable '%s'", name);
    return 0;
}

static bool is_entry_of(const char *entry, const char *name, size_t name_size)
{
    return strncmp(entry, name, name_size) == 0 && entry[name_size] == '=';
}

static bool is_allowed(const char *entry)
{
    if (strncmp(entry, allowed_prefix, sizeof allowed_prefix - 1) == 0)
        return strchr(entry, '=') != NULL;
    for (size_t i = 0; i < UMH_COUNT_OF(allowed_names); i++) {
        if (is_entry_of(entry, allowed_names[i], strlen(allowed_names[i])))
            return true;
    }
    return false;
}

/* The index of the entry, or the count. */
static size_t find_entry(const umh_environment *environment, const char *name, size_t name_size)
{
    size_t i = 0;

    while (i < environment->count && !is_entry_of(environment->entries[i], name, name_size))
        i++;
    return i;
}

/* Takes `entry`. */
static int add_entry_take(umh_environment *environment, char *entry)
{
    char **entries = realloc(environment->entries, (environment->count + 2) * sizeof *entries);

    if (!entries) {
        umh_text_free(entry);
        return UMH_FAIL(UMH_E_MEMORY, "add to an environment");
    }
    entries[environment->count++] = entry;
    entries[environment->count] = NULL;
    environment->entries = entries;
    return 0;
}

/* A copy of `entry` is added. */
static int add_entry(umh_environment *environment, const char *entry)
{
    char *copy = umh_text_copy(entry);

    return copy ? add_entry_take(environment, copy) : UMH_E_MEMORY;
}

int umh_environment_filter(const char *const *entries, umh_environment *ret_environment)
{
    UMH_AUTO(umh_environment) environment = UMH_ENVIRONMENT_INIT;

    for (const char *const *entry = entries; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        int r;

        /* Of two entries of one name getenv knows the first. */
        if (!is_allowed(*entry) ||
            find_entry(&environment, *entry, (size_t)(equals - *entry)) < environment.count)
            continue;
        r = add_entry(&environment, *entry);
        if (r)
            return r;
    }
    *ret_environment = environment;
    environment = (umh_environment)UMH_ENVIRONMENT_INIT;
    return 0;
}

int umh_environment_init_filtered(umh_environment *ret_environment)
{
    return umh_environment_filter((const char *const *)environ, ret_environment);
}

int umh_environment_copy(const umh_environment *from, umh_environment *ret_copy)
{
    UMH_AUTO(umh_environment) copy = UMH_ENVIRONMENT_INIT;

    for (size_t i = 0; i < from->count; i++) {
        int r = add_entry(&copy, from->entries[i]);

        if (r)
            return r;
    }
    *ret_copy = copy;
    copy = (umh_environment)UMH_ENVIRONMENT_INIT;
    return 0;
}

const char *umh_environment_find(const umh_environment *environment, const char *name)
{
    size_t index = find_entry(environment, name, strlen(name));

    return index < environment->count ? environment->entries[index] + strlen(name) + 1 : NULL;
}

static void remove_entry(umh_environment *environment, size_t index)
{
    umh_text_free(environment->entries[index]);
    /* The NULL behind the last one moves along. */
    memmove(&environment->entries[index], &environment->entries[index + 1],
            (environment->count - index) * sizeof *environment->entries);
    environment->count--;
}

int umh_environment_put(umh_environment *environment, const char *name, const char *value)
{
    size_t index;
    char *entry;

    if (!name[0] || strchr(name, '='))
        return UMH_FAIL(UMH_E_USAGE, "'%s' is no name for an environment variable", name);
    index = find_entry(environment, name, strlen(name));
    if (!value) {
        if (index < environment->count)
            remove_entry(environment, index);
        return 0;
    }

    entry = umh_text_format("%s=%s", name, value);
    if (!entry)
        return UMH_E_MEMORY;
    if (index == environment->count)
        return add_entry_take(environment, entry);
    umh_text_free(environment->entries[index]);
    environment->entries[index] = entry;
    return 0;
}

void umh_environment_deinit(umh_environment *environment)
{
    if (!environment)
        return;
    for (size_t i = 0; i < environment->count; i++)
        umh_text_free(environment->entries[i]);
    free(environment->entries);
    *environment = (umh_environment)UMH_ENVIRONMENT_INIT;
}
