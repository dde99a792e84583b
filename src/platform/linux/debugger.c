/* SPDX-License-Identifier: MIT */
/*
 * A debugger of .NET uses no ptrace: it talks to a thread of the CLR over two pipes that lie beside
 * the diagnostics socket, and which the CLR has open for as long as one is attached. All three are
 * named by the pid that the process has in its own namespace, and by when it was started, which
 * tells processes with the same pid apart.
 */
#include "platform/debugger.h"

#include "platform/linux/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK_BYTES 512
#define SOCKET_NAME "dotnet-diagnostic-"
#define SOCKET_END "-socket"
#define PIPE_NAME "clr-debug-pipe-"
#define CLOSED_MARK " (deleted)" /* of a pipe whose debugger has gone */
#define STARTED_FIELD 20         /* of the stat file, counted behind the name */

/* --- attached ------------------------------------------------------------------------------ */

/* The tracer may be one that has no pid here: it is told by the state then. */
static bool is_traced(int64_t pid)
{
    char path[UMH_PROC_PATH_BYTES];
    char text[UMH_PROC_TEXT_BYTES];

    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    return umh_proc_read(path, text) && (umh_proc_number(text, "\nTracerPid:\t", false) != 0 ||
                                         strstr(text, "\nState:\tt") != NULL);
}

static bool is_debugger_pipe(int folder, const char *name)
{
    char path[LINK_BYTES];
    ssize_t size = readlinkat(folder, name, path, sizeof path - 1);
    size_t mark = strlen(CLOSED_MARK);

    if (size <= 0)
        return false;
    path[size] = '\0';
    return strstr(path, "/" PIPE_NAME) != NULL &&
           ((size_t)size < mark || strcmp(path + (size_t)size - mark, CLOSED_MARK) != 0);
}

static bool has_debugger_pipe(int64_t pid)
{
    char path[UMH_PROC_PATH_BYTES];
    bool has_one = false;
    DIR *folder;
    struct dirent *entry;

    snprintf(path, sizeof path, "/proc/%lld/fd", (long long)pid);
    folder = opendir(path);
    while (folder && !has_one && (entry = readdir(folder)) != NULL)
        has_one = is_debugger_pipe(dirfd(folder), entry->d_name);
    if (folder)
        closedir(folder);
    return has_one;
}

bool umh_debugger_is_attached(int64_t pid)
{
    return pid > 0 && (is_traced(pid) || has_debugger_pipe(pid));
}

/* --- diagnostics --------------------------------------------------------------------------- */

/* The folder of its temporary files, as the CLR takes it: what it was started with. */
static bool find_folder(int64_t pid, char *ret_folder, size_t capacity)
{
    static const char key[] = "TMPDIR=";
    char path[UMH_PROC_PATH_BYTES];
    char *entry = NULL;
    size_t allocated = 0;
    int length = snprintf(ret_folder, capacity, "/tmp/");
    FILE *file;

    snprintf(path, sizeof path, "/proc/%lld/environ", (long long)pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    while (getdelim(&entry, &allocated, '\0', file) > 0) {
        const char *value = entry + strlen(key);

        if (strncmp(entry, key, strlen(key)) != 0 || !value[0])
            continue;
        length = snprintf(ret_folder, capacity, "%s%s", value,
                          value[strlen(value) - 1] == '/' ? "" : "/");
        break;
    }
    free(entry);
    fclose(file);
    return length > 0 && (size_t)length < capacity;
}

/* In ticks since the machine was started; 0: not known. */
static unsigned long long started_at(int64_t pid)
{
    char path[UMH_PROC_PATH_BYTES];
    char text[UMH_PROC_TEXT_BYTES];
    const char *field;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (!umh_proc_read(path, text))
        return 0;
    field = strrchr(text, ')');
    for (int i = 0; field && i < STARTED_FIELD; i++)
        field = strchr(field + 1, ' ');
    return field ? strtoull(field, NULL, 10) : 0;
}

static long long own_pid_of(int64_t pid)
{
    char path[UMH_PROC_PATH_BYTES];
    char text[UMH_PROC_TEXT_BYTES];

    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    return umh_proc_read(path, text) ? umh_proc_number(text, "\nNSpid:\t", true) : 0;
}

bool umh_debugger_find_diagnostics(int64_t pid, char ret_address[UMH_DIAGNOSTICS_BYTES])
{
    char folder[UMH_DIAGNOSTICS_BYTES];
    char address[UMH_DIAGNOSTICS_BYTES];
    unsigned long long started = pid > 0 ? started_at(pid) : 0;
    long long own_pid = pid > 0 ? own_pid_of(pid) : 0;
    int length;

    if (started == 0 || own_pid == 0 || !find_folder(pid, folder, sizeof folder))
        return false;
    length = snprintf(address, sizeof address, "%s" SOCKET_NAME "%lld-%llu" SOCKET_END, folder,
                      own_pid, started);
    if (length <= 0 || (size_t)length >= sizeof address)
        return false;
    memcpy(ret_address, address, (size_t)length + 1);
    return true;
}

bool umh_debugger_is_listening(const char *address)
{
    struct stat info;

    return address[0] && lstat(address, &info) == 0 && S_ISSOCK(info.st_mode);
}

/* `end` is "in" or "out". */
static void remove_pipe(const char *address, const char *end)
{
    char path[UMH_DIAGNOSTICS_BYTES + sizeof PIPE_NAME];
    const char *name = strrchr(address, '/') + 1;
    const char *number = name + strlen(SOCKET_NAME);

    snprintf(path, sizeof path, "%.*s" PIPE_NAME "%.*s-%s", (int)(name - address), address,
             (int)(strlen(number) - strlen(SOCKET_END)), number, end);
    unlink(path);
}

void umh_debugger_remove_left(const char *address)
{
    if (!address[0])
        return;
    unlink(address);
    remove_pipe(address, "in");
    remove_pipe(address, "out");
}
